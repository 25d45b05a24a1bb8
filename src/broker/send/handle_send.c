/* handle_send.c - requests 10, 310 and 320: the checks, in the Java broker's order, and the way into the batch. */
#include "broker/route.h"

#include <inttypes.h>
#include "base/check.h"
#include "broker/tables/groups.h"
#include "broker/send/lmq_put.h"
#include "broker/send/message_place.h"
#include "broker/clients/order_locks.h"
#include "broker/send/send_batch.h"
#include "broker/send/send_check.h"
#include "message/lmq.h"
#include "broker/tables/topic_counts.h"
#include "message/batch.h"
#include "message/msgid.h"
#include "message/recall_handle.h"

/* A send on its way from the request into the batch of the turn. */
struct send {
    struct call *call;
    struct broker *broker;
    const struct hdr_send_message *header;
    struct send_batch *batch;
    struct send_target target;
    struct property_facts facts;
    struct message_place place;
    bool half;             /* waits for the end of its transaction */
    struct bytes batch_id; /* of a batch that is stored as one */
};

/* The steps return false when they have refused the request. */
#define REFUSE(send, code, ...) (call_refuse((send)->call, (code), __VA_ARGS__), false)

static bool refuse_illegal(struct send *send) {
    return REFUSE(send, RESPONSE_MESSAGE_ILLEGAL,
                  "the message is illegal, maybe msg body or properties length not matched. msg body length limit "
                  "%dB, msg properties length limit 32KB.",
                  send->broker->store_config.max_message_size);
}

/* A consumer that could not send a message back sends it to its retry topic itself: given up when that was too often,
 * or when the group consumes in order. @source shared facts: behaviour 5.3 */
static bool check_retry(struct send *send) {
    const struct hdr_send_message *header = send->header;
    struct broker *broker = send->broker;
    if (!bytes_starts_with(header->topic, TOPIC_RETRY_PREFIX)) return true;
    struct bytes rest = bytes_skip(header->topic, TOPIC_RETRY_PREFIX.len), name = rest;
    (void)bytes_split(&rest, '+', &name); /* retry topics of pop: group+topic */
    struct group *group = groups_find_or_create(broker->groups, name);
    if (!group)
        return REFUSE(send, RESPONSE_SUBSCRIPTION_GROUP_NOT_EXIST, "subscription group not exist, %.*s " FAQ_HINT,
                      BYTES_ARG(name));
    int32_t limit = group->retry_max_times;
    if (send->call->request->command.version >= VERSION_3_4_9 && header->has.max_reconsume_times)
        limit = header->max_reconsume_times;
    if (header->reconsume_times <= limit && !order_locks_held(broker->order_locks, name)) return true;

    struct bytes dlq = arena_printf(&send->batch->arena, "%.*s%.*s", BYTES_ARG(TOPIC_DLQ_PREFIX), BYTES_ARG(name));
    enum err err = topics_create(broker->topics, dlq, 1, PERM_READ | PERM_WRITE, 0, false, &send->place.topic);
    if (err != ERR_OK) return REFUSE(send, RESPONSE_SYSTEM_ERROR, "%s", err_detail(err));
    send->place.queue_id = 0;
    send->facts.delay = BYTES("-1");
    property_set(&send->place.edits, PROPERTY_DELAY, send->facts.delay);
    return true;
}

/* With what the producer can recall a timer message: a time just behind the begin of its slot falls into that slot. */
static struct bytes recall_handle_of(const struct send *send) {
    struct recall_handle handle = {.topic = send->header->topic,
                                   .broker_name = send->broker->config.broker_name,
                                   .deliver_ms = send->place.timer_slot_ms + 1,
                                   .unique_key = send->facts.unique_key};
    if (send->place.timer_slot_ms == 0 || bytes_starts_with(handle.topic, TOPIC_RETRY_PREFIX))
        return (struct bytes){NULL, 0};
    return recall_handle_encode(&handle, &send->batch->arena);
}

static bool place_message(struct send *send) {
    const struct hdr_send_message *header = send->header;
    struct arena *arena = &send->batch->arena;
    struct property_facts *facts = &send->facts;
    int32_t level = 0;
    bool delayed = facts->delay.data && bytes_to_i32(facts->delay, &level) && level > 0;
    if (bytes_to_bool(facts->prepared) && !(header->reconsume_times > 0 && delayed)) {
        if (send->broker->config.reject_transaction_message)
            return REFUSE(send, RESPONSE_NO_PERMISSION, "the broker[%.*s] sending transaction message is forbidden",
                          BYTES_ARG(send->broker->config.broker_ip1));
        send->half = true;
        message_place_half(send->broker, facts, &send->place, arena);
        return true;
    }
    enum err err = message_place_delay(send->broker, facts, &send->place, arena);
    if (err != ERR_OK) return REFUSE(send, response_of(err), "%s", err_detail(err));
    return true;
}

/* What the broker adds to every stored message. */
static void edit_common(struct send *send) {
    const struct broker_config *config = &send->broker->config;
    property_remove(&send->place.edits, PROPERTY_POP_CK);
    property_set(&send->place.edits, PROPERTY_MSG_REGION, config->region_id);
    property_set(&send->place.edits, PROPERTY_TRACE_ON, config->trace_on ? BYTES("true") : BYTES("false"));
    property_set(&send->place.edits, PROPERTY_CLUSTER, config->broker_cluster_name);
}

static bool add_put(struct send *send, struct record *record, int32_t batch_count) {
    struct put put;
    enum err err = message_place_encode(send->broker, &send->place, record, &send->batch->arena, &put);
    if (err != ERR_OK) return refuse_illegal(send);
    put.batch_count = batch_count;
    send_batch_add_put(send->batch, &put);
    return true;
}

/* Are queues of batches what it has? What counts is the queue: a topic that was lost and made again may have others. */
static bool goes_among_batches(const struct send *send) {
    const struct queue *queue = topic_queue(send->place.topic, send->broker->store, send->place.queue_id, true);
    return queue && queue_kind(queue) == QUEUE_BATCH;
}

/* A record that holds a whole batch, for a queue that has those. */
static bool add_inner_batch(struct send *send, int32_t batch_count) {
    static const char room[QUEUE_OFFSET_ROOM] = "00000000000000000000";
    struct record record = send_record(send->call, send->header);
    edit_common(send);
    property_set_i64(&send->place.edits, PROPERTY_INNER_NUM, batch_count, &send->batch->arena);
    property_set(&send->place.edits, PROPERTY_INNER_BASE,
                 bytes_make(room, sizeof room)); /* last: the append fills it */
    send->place.sys_flag |= SYS_FLAG_INNER_BATCH;
    return add_put(send, &record, batch_count);
}

/* One that its sender made. What it says of itself is believed, as the Java broker does: it may be compressed. */
static bool add_made_batch(struct send *send) {
    const struct property_facts *facts = &send->facts;
    int32_t batch_count = 1;
    bool stays = !facts->delay.data && !bytes_to_bool(facts->prepared) && !facts->timer_delay_s.data &&
                 !facts->timer_delay_ms.data && !facts->timer_deliver_ms.data;
    bool counted = !facts->inner_num.data || bytes_to_i32(facts->inner_num, &batch_count);
    bool flagged = send->header->sys_flag & SYS_FLAG_INNER_BATCH;
    if (!flagged || !stays || !counted || batch_count < 1 || batch_count > INT16_MAX || !goes_among_batches(send))
        return refuse_illegal(send);
    send->facts.unique_key = arena_copy(&send->batch->arena, facts->unique_key);
    return add_inner_batch(send, batch_count);
}

/* A message of a lite topic goes to the light queue of that, whatever the type of its topic. */
static bool name_lmqs(struct send *send) {
    struct bytes names = send->facts.multi_dispatch;
    if (send->facts.lite_topic.len > 0) {
        names = lite_queue_name(&send->batch->arena, send->header->topic, send->facts.lite_topic);
        property_set(&send->place.edits, PROPERTY_INNER_MULTI_DISPATCH, names);
    }
    if (names.len == 0 || !lmq_quota_exceeded(send->broker, send->header->topic, names)) return true;
    return REFUSE(send, RESPONSE_LMQ_QUOTA_EXCEEDED, "[LMQ_CONSUME_QUEUE_NUM_EXCEEDED]lmq consume queue num exceeded.");
}

/* The priority of a message is the queue it goes to, in topics of any type; unless it is a message of another kind.
 * @source apache/rocketmq SendMessageProcessor, TopicMessageType.parseFromMessageProperty, 5.5.0 */
static void order_by_priority(struct send *send) {
    const struct property_facts *facts = &send->facts;
    int32_t priority;
    if (!facts->priority.data || !bytes_to_i32(facts->priority, &priority) || priority < 0) return;
    bool other_kind = bytes_to_bool(facts->prepared) || facts->delay.data || facts->timer_delay_s.data ||
                      facts->timer_delay_ms.data || facts->timer_deliver_ms.data || facts->sharding_key.data;
    if (other_kind)
        property_remove(&send->place.edits, PROPERTY_PRIORITY);
    else if (!send->target.item) /* the queues of a static topic are chosen by its clients */
        send->target.queue_id_asked = send->place.queue_id = MAX(MIN(priority, send->place.topic->write_queues - 1), 0);
}

static bool topic_needs_keys(const struct topic *topic) {
    const char *attributes = topic->attributes;
    return attributes && strstr(attributes, "\"COMPACTION\"");
}

static bool add_single(struct send *send) {
    struct arena *arena = &send->batch->arena;
    if (send->facts.inner_num.data || (send->header->sys_flag & SYS_FLAG_INNER_BATCH)) return add_made_batch(send);
    if (!check_retry(send)) return false;
    if (send->facts.unique_key.len == 0) {
        char id[MSGID_TEXT_MAX];
        send->facts.unique_key = arena_copy(arena, bytes_make(id, msgid_unique_text(id)));
        property_set(&send->place.edits, PROPERTY_UNIQ_KEY, send->facts.unique_key);
    } else {
        send->facts.unique_key = arena_copy(arena, send->facts.unique_key);
    }
    if (topic_needs_keys(send->place.topic) && send->facts.keys.len == 0)
        return REFUSE(send, RESPONSE_MESSAGE_ILLEGAL, "Required message key is missing");
    if (!name_lmqs(send)) return false;
    order_by_priority(send);
    edit_common(send);
    if (!place_message(send)) return false;
    struct record record = send_record(send->call, send->header);
    if (!add_put(send, &record, 0)) return false;
    if (send->half) topic_counts_add(send->broker->transaction_counts, send->header->topic, 1);
    return true;
}

/* Each message keeps the properties that it has: those of the batch as a whole are for the broker alone, as
 * since 5.3.4.
 * @source since-5.3.3 5 */
static bool add_each(struct send *send) {
    const struct hdr_send_message *header = send->header;
    struct bytes rest = send->call->request->command.body;
    struct batch_item item;
    bool more;
    struct record record = send_record(send->call, header);
    for (size_t count = 0;; count++) {
        enum err err = batch_next(&rest, &item, &more);
        if (err != ERR_OK || (!more && count == 0)) return refuse_illegal(send);
        if (!more) return true;
        record.flag = item.flag;
        record.body = item.body;
        record.properties = item.properties;
        if (!add_put(send, &record, 0)) return false;
    }
}

static bool add_batch(struct send *send) {
    const struct hdr_send_message *header = send->header;
    int32_t level;
    if (bytes_starts_with(header->topic, TOPIC_RETRY_PREFIX))
        return REFUSE(send, RESPONSE_MESSAGE_ILLEGAL, "batch request does not support retry group %.*s",
                      BYTES_ARG(header->topic));
    if ((send->facts.delay.data && bytes_to_i32(send->facts.delay, &level) && level > 0) ||
        (header->sys_flag & SYS_FLAG_TRANSACTION_MASK) != 0)
        return refuse_illegal(send);
    send->facts.unique_key = arena_copy(&send->batch->arena, send->facts.unique_key);
    if (send->facts.unique_key.len == 0 || !goes_among_batches(send)) return add_each(send);
    int32_t count = batch_item_count(send->call->request->command.body);
    if (count < 1 || count > INT16_MAX) return refuse_illegal(send);
    send->place.sys_flag |= SYS_FLAG_NEED_UNWRAP;
    send->batch_id = send->facts.unique_key;
    return add_inner_batch(send, count);
}

static enum err send_message(struct call *call, const struct hdr_send_message *header) {
    struct reactor *reactor = call->reactor;
    struct send send = {.call = call, .broker = call->broker, .header = header};
    (void)send_result_begin(call);
    if (!send_check(call, header, &send.target)) return ERR_OK;
    send.place.topic = send.target.topic;
    send.place.queue_id = send.target.queue_id;
    send.place.sys_flag = header->sys_flag | (send.place.topic->multi_tag ? SYS_FLAG_MULTI_TAGS : 0);
    if (call->request->command.body.len > (size_t)call->broker->store_config.max_message_size) {
        refuse_illegal(&send);
        return ERR_OK;
    }
    send.batch = send_turn_batch(reactor->send_turn);
    send.facts = property_facts_read(header->properties);
    if (!(header->batch ? add_batch(&send) : add_single(&send))) {
        send_batch_undo(send.batch);
        return ERR_OK;
    }
    send_batch_add_sent(reactor->send_turn, &(struct sent){
                                                .to = call->request->to,
                                                .topic = send.place.topic,
                                                .queue_id = send.target.queue_id_asked,
                                                .item = send.target.item,
                                                .wait_flushed = !bytes_is(send.facts.wait, "false"),
                                                .unique_key = send.facts.unique_key,
                                                .recall_handle = recall_handle_of(&send),
                                                .batch_id = send.batch_id,
                                                .begin_ms = loop_now_ms(reactor->loop),
                                            });
    call->later = true;
    return ERR_OK;
}

enum err broker_handle_send_message(struct call *call, const struct hdr_send_message *header) {
    return send_message(call, header);
}

/* The two headers are one struct under two spellings: wire/headers.def. */
enum err broker_handle_send_message_v2(struct call *call, const struct hdr_send_message_v2 *header) {
    return send_message(call, (const struct hdr_send_message *)(const void *)header);
}

enum err broker_handle_send_batch_message(struct call *call, const struct hdr_send_message_v2 *header) {
    return send_message(call, (const struct hdr_send_message *)(const void *)header);
}
