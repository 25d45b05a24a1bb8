/* handle_ack.c - what clients do with messages they popped: 200051 and 200151 acknowledge them, 200053 puts off their
 * coming back. Records go into the log with the turn's sends; the answer means that they are stored.
 * @source shared facts: behaviour 10.2, since-5.3.3 section 2.3 */
#include "broker/route.h"

#include <inttypes.h>
#include "base/check.h"
#include "broker/lite/lite_ack.h"
#include "broker/pop/held_pops.h"
#include "broker/pop/order_infos.h"
#include "broker/pop/receipt.h"
#include "broker/send/send_batch.h"
#include "broker/stats/stats.h"
#include "broker/tables/groups.h"
#include "broker/tables/topics.h"
#include "os/clock.h"
#include "wire/body_ack.h"

enum { POP_TIME_AHEAD_MS = 3600000 /* a clock that was set back */ };

/* A message that was popped, as its client names it. */
struct popped {
    struct call *call;
    struct progress *progress;
    struct queue *queue; /* NULL: nothing was ever stored in it */
    int32_t queue_id;
    struct receipt receipt;
};

/* --- the records of a request; one answer for all of them -------------------------------------------------- */

static const struct outgoing done = {0};

static void add_record(struct call *call, const struct put *put) {
    send_batch_add_put(send_turn_batch(call->reactor->send_turn), put);
}

static struct arena *record_arena(struct call *call) {
    return &send_turn_batch(call->reactor->send_turn)->arena;
}

static void answer_when_stored(struct call *call, const struct outgoing *reply) {
    struct sent sent = {.to = call->request->to, .wait_flushed = true, .reply = reply};
    call->later = true;
    send_batch_add_sent(call->reactor->send_turn, &sent);
}

static bool has_revive_queue(const struct broker *broker, const struct receipt *receipt) {
    return receipt->revive_queue < atomic_load(&broker->revive_topic->write_queues);
}

static void add_ack(const struct popped *popped, const int64_t *offsets, int32_t count) {
    struct broker *broker = popped->call->broker;
    struct put put;
    struct ack_record ack = {
        .topic = popped->progress->topic,
        .group = popped->progress->group,
        .queue_id = popped->queue_id,
        .start_offset = popped->receipt.start_offset,
        .pop_time_ms = popped->receipt.pop_time_ms,
        .invisible_ms = MAX(popped->receipt.invisible_ms, 0),
        .next_offset = -1,
        .count = count,
    };
    memcpy(ack.offsets, offsets, (size_t)count * sizeof *offsets);
    revive_record_put_ack(broker, broker->revive_topic, popped->receipt.revive_queue, &ack, record_arena(popped->call),
                          &put);
    add_record(popped->call, &put);
    progress_add_in_flight(broker->offsets, popped->progress, popped->queue_id, -count);
    stats_count_acks(broker->stats, popped->progress, count);
}

/* --- ordered pops ------------------------------------------------------------------------------------------ */

/* Where the group goes on, for a start after a crash that finds an old file of offsets. */
static void add_ordered(const struct popped *popped, int64_t offset_queue, int64_t next_offset) {
    struct broker *broker = popped->call->broker;
    struct put put;
    struct ack_record ack = {
        .topic = popped->progress->topic,
        .group = popped->progress->group,
        .queue_id = popped->queue_id,
        .start_offset = popped->receipt.start_offset,
        .pop_time_ms = popped->receipt.pop_time_ms,
        .invisible_ms = -1,
        .next_offset = next_offset,
        .offsets = {offset_queue},
        .count = 1,
    };
    int32_t revive_queue = popped->queue_id % broker->config.revive_queue_num;
    revive_record_put_ack(broker, broker->revive_topic, revive_queue, &ack, record_arena(popped->call), &put);
    add_record(popped->call, &put);
}

static struct order_key key_of(const struct popped *popped) {
    return (struct order_key){popped->progress->topic, popped->progress->group, popped->queue_id};
}

/* The queue may be free now. */
static void tell_waiting(const struct popped *popped, const struct order_key *key) {
    struct broker *broker = popped->call->broker;
    int64_t free_ms;
    if (popped->queue && !order_infos_blocked(broker->order_infos, key, bytes_of(NULL), 0, &free_ms))
        held_pops_news(broker, popped->queue);
}

/* true: there is a record to be stored. */
static bool ack_ordered(const struct popped *popped, int64_t offset_queue) {
    struct call *call = popped->call;
    struct order_key key = key_of(popped);
    int64_t committed = progress_committed(popped->progress, popped->queue_id);
    if (offset_queue < committed) return false;
    int64_t next =
        order_infos_ack(call->broker->order_infos, popped->progress, &key, offset_queue, popped->receipt.pop_time_ms);
    if (next == ORDER_ACK_ILLEGAL) {
        char peer[ADDRESS_TEXT_MAX];
        (void)call_refuse(call, RESPONSE_MESSAGE_ILLEGAL,
                          "offset is illegal, key:%.*s@%d, old:%" PRId64 ", commit:%" PRId64 ", next:%" PRId64 ", /%s",
                          BYTES_ARG(popped->progress->named.name), popped->queue_id, committed, offset_queue, next,
                          address_text(&call->request->peer, peer));
    }
    if (next < 0) return false;
    stats_count_acks(call->broker->stats, popped->progress, 1);
    tell_waiting(popped, &key);
    if (next == committed) return false;
    add_ordered(popped, offset_queue, next);
    return true;
}

/* --- one message ------------------------------------------------------------------------------------------- */

/* Messages of lite topics name their parent and one of its queues. NULL: refused. */
static struct topic *check_queue(struct call *call, const struct hdr_ack_message *header) {
    struct topic *topic = topics_find(call->broker->topics, header->topic);
    if (!topic) {
        (void)call_refuse(call, RESPONSE_TOPIC_NOT_EXIST, "topic[%.*s] not exist, apply first please! " FAQ_HINT,
                          BYTES_ARG(header->topic));
        return NULL;
    }
    int32_t read_queues = topic->read_queues;
    if (header->queue_id < 0 || header->queue_id >= read_queues) {
        char peer[ADDRESS_TEXT_MAX];
        (void)call_refuse(call, RESPONSE_MESSAGE_ILLEGAL,
                          "queueId[%d] is illegal, topic:[%.*s] topicConfig.readQueueNums:[%d] consumer:[/%s]",
                          header->queue_id, BYTES_ARG(header->topic), read_queues,
                          address_text(&call->request->peer, peer));
        return NULL;
    }
    return topic;
}

/* false: refused, or there is nothing to do. */
static bool check_popped(struct call *call, const struct hdr_ack_message *header, struct topic *topic, int64_t beyond,
                         struct popped *popped) {
    struct broker *broker = call->broker;
    popped->call = call;
    popped->queue_id = header->queue_id;
    popped->queue = topic_queue(topic, broker->store, header->queue_id, false);
    int64_t min = popped->queue ? queue_min(popped->queue) : 0, max = popped->queue ? queue_max(popped->queue) : 0;
    if (header->offset < min || header->offset > max - beyond) {
        (void)call_refuse(call, RESPONSE_NO_MESSAGE,
                          "offset is illegal, key:%.*s@%d, commit:%" PRId64 ", store:%" PRId64 "~%" PRId64,
                          BYTES_ARG(header->topic), header->queue_id, header->offset, min, max);
        return false;
    }
    popped->progress = offsets_progress(broker->offsets, header->topic, header->consumer_group, false);
    return popped->progress != NULL; /* else the group never popped from it */
}

enum err broker_handle_ack_message(struct call *call, const struct hdr_ack_message *header) {
    struct popped popped;
    struct topic *topic = check_queue(call, header);
    if (!topic) return ERR_OK;
    if (header->lite_topic.len > 0) return lite_ack(call, header);
    if (!check_popped(call, header, topic, 0, &popped)) return ERR_OK;
    TRY(receipt_parse(header->extra_info, &popped.receipt));
    if (popped.receipt.revive_queue == REVIVE_QUEUE_ORDER) {
        if (ack_ordered(&popped, header->offset)) answer_when_stored(call, &done);
        return ERR_OK;
    }
    if (!has_revive_queue(call->broker, &popped.receipt))
        return fail(ERR_BAD_INPUT, "extraInfo names the revive queue %d", popped.receipt.revive_queue);
    add_ack(&popped, &header->offset, 1);
    answer_when_stored(call, &done);
    return ERR_OK;
}

/* --- several ----------------------------------------------------------------------------------------------- */

static bool find_popped(struct call *call, const struct batch_ack *batch, struct popped *popped) {
    struct broker *broker = call->broker;
    struct pop_name text;
    if (batch->queue_id < 0 || batch->revive_queue_id < 0) return false;
    struct bytes name = pop_topic_name(batch->topic, batch->consumer_group, (enum retry_kind)batch->retry, &text);
    struct topic *topic = name.data ? topics_find(broker->topics, name) : NULL;
    if (!topic) return false;
    *popped = (struct popped){
        .call = call,
        .progress = offsets_progress(broker->offsets, name, batch->consumer_group, false),
        .queue = topic_queue(topic, broker->store, batch->queue_id, false),
        .queue_id = batch->queue_id,
        .receipt = {.start_offset = batch->start_offset,
                    .pop_time_ms = batch->pop_time_ms,
                    .invisible_ms = batch->invisible_ms,
                    .revive_queue = batch->revive_queue_id},
    };
    return popped->progress && popped->queue;
}

/* true: there are records to be stored. */
static bool add_batch(struct call *call, const struct batch_ack *batch) {
    struct popped popped;
    bool any = false;
    if (!find_popped(call, batch, &popped)) return false;
    bool ordered = popped.receipt.revive_queue == REVIVE_QUEUE_ORDER;
    if (!ordered && !has_revive_queue(call->broker, &popped.receipt)) return false;
    int64_t min = queue_min(popped.queue), max = queue_max(popped.queue), offsets[POP_MESSAGES_MAX];
    int32_t count = 0;
    if (batch->start_offset < 0 || batch->start_offset > max) return false;
    for (size_t i = 0; i < batch->bits.len * 8; i++) {
        int64_t offset_queue = batch->start_offset + (int64_t)i;
        if (!batch_ack_has(batch, i) || offset_queue < min || offset_queue > max) continue;
        if (ordered) {
            any |= ack_ordered(&popped, offset_queue);
            continue;
        }
        offsets[count++] = offset_queue;
        if (count < POP_MESSAGES_MAX) continue;
        add_ack(&popped, offsets, count);
        any = true;
        count = 0;
    }
    if (count > 0) add_ack(&popped, offsets, count);
    return any || count > 0;
}

enum err broker_handle_batch_ack_message(struct call *call, const struct hdr_none *header) {
    (void)header;
    const struct batch_ack *acks = NULL;
    size_t count = 0;
    bool any = false;
    if (call->request->command.body.len > 0)
        TRY(batch_acks_decode(call->request->arena, call->request->command.body, &acks, &count));
    if (count == 0) return call_refuse(call, RESPONSE_NO_MESSAGE, "the request acknowledges nothing");
    for (size_t i = 0; i < count; i++)
        if (acks[i].retry < 0) return fail(ERR_BAD_INPUT, "the kind of a retry topic is 0, 1 or 2: acks[%zu]", i);
    for (size_t i = 0; i < count; i++) any |= add_batch(call, &acks[i]);
    if (!any) return ERR_OK;
    struct outgoing *reply = arena_calloc(record_arena(call), 1, sizeof *reply);
    reply->code = call->reply.code;
    reply->remark = arena_copy(record_arena(call), call->reply.remark);
    answer_when_stored(call, reply);
    return ERR_OK;
}

/* --- not yet ----------------------------------------------------------------------------------------------- */

static void put_off_ordered(const struct popped *popped, const struct hdr_change_message_invisibletime *header) {
    struct call *call = popped->call;
    struct order_key key = key_of(popped);
    if (header->offset < progress_committed(popped->progress, popped->queue_id)) return;
    int64_t visible_ms = clock_wall_ms() + receipt_invisible_ms(header->invisible_time);
    order_infos_set_visible(call->broker->order_infos, &key, header->offset, popped->receipt.pop_time_ms, visible_ms);
    struct hdr_change_message_invisibletime_result *result =
        call_reply_fields(call, layout_change_message_invisibletime_result());
    result->pop_time = popped->receipt.pop_time_ms;
    result->invisible_time = visible_ms - popped->receipt.pop_time_ms;
    result->revive_qid = REVIVE_QUEUE_ORDER;
    tell_waiting(popped, &key);
}

/* A new checkpoint for this message alone, and the ack of the old one. Its pop time must be a later one: both may start
 * at this message. */
static enum err put_off(const struct popped *popped, const struct hdr_change_message_invisibletime *header) {
    struct call *call = popped->call;
    int64_t now_ms = clock_wall_ms();
    if (popped->receipt.pop_time_ms > now_ms + POP_TIME_AHEAD_MS)
        return fail(ERR_BAD_INPUT, "extraInfo has a pop time in the future: %" PRId64, popped->receipt.pop_time_ms);
    struct broker *broker = call->broker;
    struct arena *arena = record_arena(call);
    struct put put;
    struct checkpoint_record checkpoint = {
        .topic = popped->progress->topic,
        .group = popped->progress->group,
        .queue_id = popped->queue_id,
        .start_offset = header->offset,
        .pop_time_ms = MAX(now_ms, popped->receipt.pop_time_ms + 1),
        .invisible_ms = receipt_invisible_ms(header->invisible_time),
        .count = 1,
        .suspend = header->suspend,
    };
    revive_record_put_checkpoint(broker, broker->revive_topic, popped->receipt.revive_queue, &checkpoint, arena, &put);
    add_record(call, &put);
    progress_add_in_flight(broker->offsets, popped->progress, popped->queue_id, 1);
    stats_count_checkpoint(broker->stats, popped->progress);
    add_ack(popped, &header->offset, 1);
    struct hdr_change_message_invisibletime_result *result = arena_calloc(arena, 1, sizeof *result);
    struct outgoing *reply = arena_calloc(arena, 1, sizeof *reply);
    *result = (struct hdr_change_message_invisibletime_result){.present = HEADER_ALL,
                                                               .pop_time = checkpoint.pop_time_ms,
                                                               .invisible_time = checkpoint.invisible_ms,
                                                               .revive_qid = popped->receipt.revive_queue};
    *reply = (struct outgoing){.layout = layout_change_message_invisibletime_result(), .fields = result};
    answer_when_stored(call, reply);
    return ERR_OK;
}

enum err broker_handle_change_message_invisibletime(struct call *call,
                                                    const struct hdr_change_message_invisibletime *header) {
    struct popped popped;
    struct hdr_ack_message named = {.consumer_group = header->consumer_group,
                                    .topic = header->topic,
                                    .queue_id = header->queue_id,
                                    .offset = header->offset};
    struct topic *topic = check_queue(call, &named);
    if (!topic) return ERR_OK;
    if (header->lite_topic.len > 0) return lite_put_off(call, header);
    if (!check_popped(call, &named, topic, 1, &popped)) return ERR_OK;
    TRY(receipt_parse(header->extra_info, &popped.receipt));
    if (popped.receipt.revive_queue == REVIVE_QUEUE_ORDER) {
        put_off_ordered(&popped, header);
        return ERR_OK;
    }
    if (!has_revive_queue(call->broker, &popped.receipt))
        return fail(ERR_BAD_INPUT, "extraInfo names the revive queue %d", popped.receipt.revive_queue);
    return put_off(&popped, header);
}
