/* lmq.c - which topics may have light queues beside them. */
#include "message/lmq.h"

#include "base/check.h"

bool lmq_topic_allows(struct bytes topic) {
    static const struct bytes prefixes[] = {BYTES("%RETRY%"), BYTES("%DLQ%"), BYTES("rmq_sys_"),
                                            BYTES("RMQ_SYS_TRANS_"), BYTES("TRANS_CHECK_MAX_TIME_TOPIC")};
    for (size_t i = 0; i < ARRAY_LEN(prefixes); i++)
        if (bytes_starts_with(topic, prefixes[i])) return false;
    return !bytes_is(topic, "SCHEDULE_TOPIC_XXXX");
}

#define LITE_PREFIX BYTES("%LMQ%$")

struct bytes lite_queue_name(struct arena *arena, struct bytes parent, struct bytes lite) {
    return arena_printf(arena, "%.*s%.*s$%.*s", BYTES_ARG(LITE_PREFIX), BYTES_ARG(parent), BYTES_ARG(lite));
}

bool lite_queue_parse(struct bytes name, struct bytes *parent, struct bytes *lite) {
    if (!bytes_starts_with(name, LITE_PREFIX)) return false;
    struct bytes rest = bytes_skip(name, LITE_PREFIX.len);
    const char *dollar = memchr(rest.data, '$', rest.len);
    if (!dollar) return false;
    *parent = bytes_make(rest.data, (size_t)(dollar - rest.data));
    *lite = bytes_skip(rest, parent->len + 1);
    return parent->len > 0 && lite->len > 0;
}
