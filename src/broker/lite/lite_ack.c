/* lite_ack.c - messages of lite topics acknowledged, or put off. */
#include "broker/lite/lite_ack.h"

#include "base/check.h"
#include "broker/lite/lite.h"
#include "broker/pop/receipt.h"
#include "message/lmq.h"
#include "os/clock.h"

/* A message of a lite topic, as its client names it. */
struct lite_message {
    struct group *group;
    struct progress *progress;
    struct order_key key;
    struct receipt receipt;
};

/* false: there is nothing to do: nobody waits for it any more. */
static bool find_message(struct call *call, struct bytes group, struct bytes name, int64_t offset_queue,
                         struct lite_message *out) {
    struct broker *broker = call->broker;
    out->group = groups_find(broker->groups, group);
    out->progress = out->group ? offsets_progress(broker->offsets, name, group, true) : NULL;
    out->key = (struct order_key){name, group, 0};
    return out->progress && offset_queue >= progress_committed(out->progress, 0);
}

enum err lite_ack(struct call *call, const struct hdr_ack_message *header) {
    struct lite *lite = call->broker->lite;
    struct bytes name = lite_queue_name(call->request->arena, header->topic, header->lite_topic);
    struct lite_message message;
    int64_t free_ms;
    const struct group *group = groups_find(call->broker->groups, header->consumer_group);
    const char *parent = group ? atomic_load(&group->lite_bind_topic) : NULL;
    if (!parent || !bytes_is(header->topic, parent))
        return fail(ERR_BAD_PARAMETER, "group type or bind topic not match.");
    if (header->offset > lite_max_offset(lite, name))
        return call_refuse(call, RESPONSE_NO_MESSAGE, "ack offset illegal.");
    TRY(receipt_parse(header->extra_info, &message.receipt));
    if (header->queue_id != 0 || message.receipt.revive_queue != REVIVE_QUEUE_ORDER)
        return fail(ERR_BAD_PARAMETER, "ack queue illegal.");
    if (!find_message(call, header->consumer_group, name, header->offset, &message)) return ERR_OK;
    int64_t next =
        order_infos_ack(lite_orders(lite), message.progress, &message.key, header->offset, message.receipt.pop_time_ms);
    if (next == ORDER_ACK_ILLEGAL) return fail(ERR_MESSAGE_ILLEGAL, "ack offset illegal.");
    if (next >= 0 && !order_infos_blocked(lite_orders(lite), &message.key, bytes_of(NULL), 0, &free_ms))
        lite_set_free(lite, message.group, name);
    return ERR_OK;
}

enum err lite_put_off(struct call *call, const struct hdr_change_message_invisibletime *header) {
    struct lite *lite = call->broker->lite;
    struct bytes name = lite_queue_name(call->request->arena, header->topic, header->lite_topic);
    struct lite_message message;
    if (header->offset > lite_max_offset(lite, name)) return call_refuse(call, RESPONSE_NO_MESSAGE, "no such message");
    TRY(receipt_parse(header->extra_info, &message.receipt));
    if (!find_message(call, header->consumer_group, name, header->offset, &message)) return ERR_OK;
    int64_t pop_time_ms = message.receipt.pop_time_ms;
    int64_t visible_ms = clock_wall_ms() + receipt_invisible_ms(header->invisible_time), free_ms = 0;
    if (header->suspend)
        order_infos_suspend(lite_orders(lite), &message.key, pop_time_ms, visible_ms);
    else
        order_infos_set_visible(lite_orders(lite), &message.key, header->offset, pop_time_ms, visible_ms);
    if (order_infos_blocked(lite_orders(lite), &message.key, bytes_of(NULL), 0, &free_ms))
        lite_set_due(lite, message.group, name, free_ms);
    else
        lite_set_free(lite, message.group, name);
    struct hdr_change_message_invisibletime_result *result =
        call_reply_fields(call, layout_change_message_invisibletime_result());
    result->pop_time = pop_time_ms;
    result->invisible_time = visible_ms - pop_time_ms;
    result->revive_qid = message.receipt.revive_queue;
    return ERR_OK;
}
