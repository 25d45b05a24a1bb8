/* handle_transaction.c - transactions end: commit or rollback of half messages (37); half messages checked again (323).
 * @source shared facts: behaviour 12, protocol 6.8 */
#include "broker/route.h"

#include <inttypes.h>
#include "base/log.h"
#include "broker/stats/stats.h"
#include "broker/transaction/transaction_check.h"
#include "broker/tables/topic_counts.h"
#include "message/msgid.h"
#include "os/clock.h"

/* A half message whose transaction ends. */
struct end {
    struct call *call;
    struct broker *broker;
    const struct hdr_end_transaction *header;
    struct record half;
};
#define REFUSE(end, code, ...) (call_refuse((end)->call, (code), __VA_ARGS__), false)

/* A producer that set a time of its own for checks has so long to end it unasked. */
static bool in_time(const struct end *end) {
    if (end->header->from_transaction_check ||
        !properties_get(end->half.properties, PROPERTY_CHECK_IMMUNITY_TIME_IN_SECONDS).data)
        return true;
    int64_t limit_ms = half_immunity_ms(end->broker, &end->half);
    if (limit_ms < end->broker->config.transaction_timeout_ms) limit_ms = end->broker->config.transaction_timeout_ms;
    return clock_wall_ms() - end->half.born_time_ms <= limit_ms;
}

static bool check_half(struct end *end) {
    const struct hdr_end_transaction *header = end->header;
    if (!in_time(end))
        return REFUSE(end, RESPONSE_ILLEGAL_OPERATION, "the transaction is over its time, the producer will be asked");
    if (!bytes_equal(properties_get(end->half.properties, PROPERTY_PGROUP), header->producer_group))
        return REFUSE(end, RESPONSE_SYSTEM_ERROR, "The producer group wrong");
    if (end->half.offset_queue != header->tran_state_table_offset)
        return REFUSE(end, RESPONSE_SYSTEM_ERROR, "The transaction state table offset wrong");
    if (end->half.offset_phys != header->commit_log_offset)
        return REFUSE(end, RESPONSE_SYSTEM_ERROR, "The commit log offset wrong");
    return true;
}

/* What the commit makes of a half message: the same under its real topic. */
static enum err encode_message(struct end *end, struct message_place *place, struct put *message) {
    struct arena *arena = end->call->request->arena;
    struct broker *broker = end->broker;
    struct record record = end->half;
    struct bytes topic = properties_get(record.properties, PROPERTY_REAL_TOPIC);
    struct property_facts facts = property_facts_read(record.properties);
    *place = (struct message_place){.topic = topics_find(broker->topics, topic)};
    place->sys_flag = (record.sys_flag & ~SYS_FLAG_TRANSACTION_MASK) | SYS_FLAG_COMMIT;
    if (!place->topic) return fail(ERR_NO_TOPIC, "the topic of the transaction is gone: %.*s", BYTES_ARG(topic));
    if (!bytes_to_i32(properties_get(record.properties, PROPERTY_REAL_QID), &place->queue_id) || place->queue_id < 0)
        return fail(ERR_CORRUPT, "the half message does not name its queue");
    property_remove(&place->edits, PROPERTY_REAL_TOPIC);
    property_remove(&place->edits, PROPERTY_REAL_QID);
    property_remove(&place->edits, PROPERTY_TRAN_PREPARED_QUEUE_OFFSET);
    TRY(message_place_delay(broker, &facts, place, arena));
    record.prepared_offset = end->header->commit_log_offset;
    return message_place_encode(broker, place, &record, arena, message);
}

static enum err end_transaction(struct end *end) {
    struct broker *broker = end->broker;
    const struct hdr_end_transaction *header = end->header;
    bool commit = header->commit_or_rollback == SYS_FLAG_COMMIT, ended;
    struct message_place place;
    struct put message;
    if (!check_half(end)) return ERR_OK;
    if (commit) TRY(encode_message(end, &place, &message));
    TRY(half_messages_end(broker->half_messages, &end->half, commit ? &message : NULL, &ended));
    if (!ended) {
        log_info(CLIENT, "transaction had ended before: group=%.*s msgId=%.*s end=%d",
                 BYTES_ARG(header->producer_group), BYTES_ARG(header->msg_id), header->commit_or_rollback);
        return ERR_OK;
    }
    topic_counts_add(broker->transaction_counts, properties_get(end->half.properties, PROPERTY_REAL_TOPIC), -1);
    if (commit) stats_count_put(broker->stats, place.topic, 1, message.size_bytes);
    return ERR_OK;
}

/* The half message at an offset of the log. */
static enum err read_half(struct broker *broker, int64_t offset_phys, struct store_slice *slice, struct record *half) {
    TRY(store_record_at(broker->store, offset_phys, slice));
    enum err err = record_decode(slice->bytes, RECORD_CHECK_SHAPE, half);
    if (err != ERR_OK) store_release(slice->hold);
    return err;
}

enum err broker_handle_end_transaction(struct call *call, const struct hdr_end_transaction *header) {
    struct end end = {.call = call, .broker = call->broker, .header = header};
    struct store_slice slice;
    struct bytes remark = call->request->command.remark;
    if (header->from_transaction_check || header->commit_or_rollback != SYS_FLAG_COMMIT)
        log_info(CLIENT, "transaction ends: group=%.*s msgId=%.*s end=%d asked=%d remark=%.*s",
                 BYTES_ARG(header->producer_group), BYTES_ARG(header->msg_id), header->commit_or_rollback,
                 header->from_transaction_check, BYTES_ARG(remark));
    if (header->commit_or_rollback == 0) return ERR_OK; /* unknown yet: the producer will be asked */
    if (header->commit_or_rollback != SYS_FLAG_COMMIT && header->commit_or_rollback != SYS_FLAG_ROLLBACK)
        return fail(ERR_FAILED, "commitOrRollback field wrong");
    if (read_half(call->broker, header->commit_log_offset, &slice, &end.half) != ERR_OK)
        return fail(ERR_FAILED, "Find prepared transaction message failed");
    enum err err = bytes_equal(end.half.topic, TOPIC_HALF)
                       ? end_transaction(&end)
                       : fail(ERR_FAILED, "Find prepared transaction message failed");
    store_release(slice.hold);
    return err;
}

static enum err check_again(struct call *call, const struct record *half) {
    struct half_messages *halves = call->broker->half_messages;
    struct put back;
    bool moved;
    if (!bytes_equal(half->topic, TOPIC_HALF) && !bytes_equal(half->topic, TOPIC_TRANS_CHECK_MAX_TIME))
        return fail(ERR_FAILED, "it is no half message but one of topic %.*s", BYTES_ARG(half->topic));
    TRY(half_messages_encode_back(halves, half, 0, call->request->arena, &back));
    TRY(half_messages_put_back(halves, half, &back, &moved));
    if (moved && !bytes_equal(half->topic, TOPIC_HALF))
        topic_counts_add(call->broker->transaction_counts, properties_get(half->properties, PROPERTY_REAL_TOPIC), 1);
    return ERR_OK;
}

enum err broker_handle_resume_check_half_message(struct call *call,
                                                 const struct hdr_resume_check_half_message *header) {
    struct host store_host;
    int64_t offset_phys;
    struct store_slice slice;
    struct record half;
    enum err err = msgid_offset_parse(header->msg_id, &store_host, &offset_phys);
    if (err == ERR_OK) err = read_half(call->broker, offset_phys, &slice, &half);
    if (err == ERR_OK) {
        err = check_again(call, &half);
        store_release(slice.hold);
    }
    if (err == ERR_OK) return ERR_OK;
    return call_refuse(call, RESPONSE_SYSTEM_ERROR, "Put message back to RMQ_SYS_TRANS_HALF_TOPIC failed. cause: %s",
                       err_detail(err));
}
