/* trace.h - the body of a trace message: records "Name 0x01 field 0x01 field ... 0x02", one for each thing that a
 * client did with a message. Brokers only keep them; producers and consumers write them, tools read them.
 * @source shared facts: behaviour 13; apache/rocketmq client/.../trace/TraceDataEncoder.java */
#ifndef RMQ_MESSAGE_TRACE_H
#define RMQ_MESSAGE_TRACE_H

#include "base/buf.h"
#include "base/bytes.h"

#define TRACE_TOPIC "RMQ_SYS_TRACE_TOPIC"

enum trace_type {
#define TRACE_BEGIN(name, text) TRACE_##name,
#define TEXT(member)
#define I32(member)
#define I64(member)
#define BOOL(member)
#define TRACE_END(name)
#include "message/trace.def"
#undef TRACE_BEGIN
#undef TEXT
#undef I32
#undef I64
#undef BOOL
#undef TRACE_END
};
enum trace_message_type { TRACE_NORMAL, TRACE_HALF, TRACE_COMMIT, TRACE_DELAY, TRACE_ORDER };
/* What the listener's call came to; the codes between them are not known to ours. */
enum trace_context_code { TRACE_CONSUMED = 0, TRACE_CONSUME_FAILED = 4 };

/* Which members a type has says trace.def; the others are zero. */
struct trace_record {
    enum trace_type type;
    int64_t time_ms; /* wall clock: of the send, of the call of the listener or of its end */
    struct bytes region, group, topic, msg_id, tags, keys, store_host, offset_msg_id;
    struct bytes request_id; /* joins SUB_BEFORE and SUB_AFTER */
    struct bytes transaction_id, transaction_state;
    int32_t body_len, cost_ms, message_type, retry_times, context_code;
    bool success, from_check;
};
/* Texts lose the two separators; "null" is written for empty and absent ones, as Java does. */
void trace_append(struct buf *out, const struct trace_record *record);
/* Takes the next record off *rest, passing over those of unknown types or with a number that is none; false at the end.
 * Fields that older clients did not write are zero. Texts point into *rest. */
bool trace_next(struct bytes *rest, struct trace_record *out);

#endif
