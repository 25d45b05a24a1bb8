/* send_trace.c - sends and ends of transactions as trace records. */
#include "client/trace/send_trace.h"

#include "client/client.h"
#include "message/batch.h"
#include "message/properties.h"
#include "os/clock.h"

static enum trace_message_type type_of(int32_t sys_flag, struct bytes properties) {
    const struct bytes delays[] = {PROPERTY_DELAY, PROPERTY_TIMER_DELAY_SEC, PROPERTY_TIMER_DELAY_MS,
                                   PROPERTY_TIMER_DELIVER_MS};
    if ((sys_flag & SYS_FLAG_TRANSACTION_MASK) == SYS_FLAG_PREPARED) return TRACE_HALF;
    for (size_t i = 0; i < sizeof delays / sizeof delays[0]; i++)
        if (properties_get(properties, delays[i]).data) return TRACE_DELAY;
    return TRACE_NORMAL;
}

static void add(const struct send *send, struct trace_record *record, struct bytes body, struct bytes properties) {
    record->body_len = (int32_t)body.len;
    record->msg_id = properties_get(properties, PROPERTY_UNIQ_KEY);
    record->tags = properties_get(properties, PROPERTY_TAGS);
    record->keys = properties_get(properties, PROPERTY_KEYS);
    record->message_type = type_of(send->content.sys_flag, properties);
    trace_add(&send->producer->client->trace, record);
}

void send_trace_stored(const struct send *send, rmq_send_status_t status, const struct hdr_send_result *header) {
    const struct rmq_producer *producer = send->producer;
    struct rmq_client *client = producer->client;
    const struct send_content *content = &send->content;
    if (!producer->options.message_trace_enable || !trace_wants(&client->trace, content->topic)) return;
    if (!header->msg_region.data || (header->has.trace_on && !header->trace_on)) return; /* the broker has it off */
    int64_t cost_ms = loop_now_ms(client->loop) - send->sent_ms;
    struct trace_record record = {.type = TRACE_PUB,
                                  .time_ms = clock_wall_ms() - cost_ms,
                                  .region = header->msg_region,
                                  .group = producer->group,
                                  .topic = content->topic,
                                  .store_host = broker_master(client, send->queue.broker_name),
                                  .cost_ms = (int32_t)cost_ms,
                                  .offset_msg_id = header->msg_id,
                                  .success = status == RMQ_SEND_OK};
    if (!content->batch) {
        add(send, &record, content->body, content->properties);
        return;
    }
    struct bytes rest = content->body, offset_ids = header->msg_id;
    struct batch_item item;
    for (bool more; batch_next(&rest, &item, &more) == ERR_OK && more;) {
        if (!bytes_split(&offset_ids, ',', &record.offset_msg_id)) record.offset_msg_id = BYTES("");
        add(send, &record, item.body, item.properties);
    }
}

static struct bytes state_name(rmq_transaction_state_t state) {
    switch (state) {
    case RMQ_TRANSACTION_COMMIT:
        return BYTES("COMMIT_MESSAGE");
    case RMQ_TRANSACTION_ROLLBACK:
        return BYTES("ROLLBACK_MESSAGE");
    default:
        return BYTES("UNKNOW"); /* as Java spells it */
    }
}

void send_trace_transaction(const struct rmq_producer *producer, const struct transaction_end *end) {
    struct trace *trace = &producer->client->trace;
    if (!producer->options.message_trace_enable || !trace_wants(trace, end->topic)) return;
    struct trace_record record = {.type = TRACE_END_TRANSACTION,
                                  .time_ms = clock_wall_ms(),
                                  .group = producer->group,
                                  .topic = end->topic,
                                  .msg_id = end->msg_id,
                                  .tags = end->tags,
                                  .keys = end->keys,
                                  .message_type = TRACE_COMMIT,
                                  .transaction_id = end->transaction_id,
                                  .transaction_state = state_name(end->state),
                                  .from_check = end->from_check};
    trace_add(trace, &record);
}
