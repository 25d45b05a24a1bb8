/* handle_notification.c - request 200054: is there something to pop? Waits for it like a pop, but takes nothing.
 * @source shared facts: behaviour 10.2, since-5.3.3 section 5 */
#include "broker/route.h"

#include <stdlib.h>
#include "base/check.h"
#include "broker/pop/held_pops.h"
#include "broker/pop/order_infos.h"
#include "broker/pop/pop_check.h"
#include "broker/pop/pop_source.h"
#include "os/clock.h"

enum { HOLD_MAX_MS = 3600000, MESSAGES_LOOKED_AT = 32 };

/* A notice that is wanted. */
struct notice {
    struct pop_waiter waiter;
    struct reply_to to;
    struct topic *topic;
    struct group *group;
    struct progress *progress;
    struct filter *filter; /* NULL: any message */
    bool order;
    char *attempt_id;
    int64_t free_ms; /* wall time at which an ordered queue is free; INT64_MAX = none waits */
};

static void notice_drop(struct notice *notice) {
    filter_release(notice->filter);
    free(notice->attempt_id);
}

static void answer(struct notice *notice, bool has_msg, bool full) {
    struct hdr_notification_result result = {.present = HEADER_ALL, .has_msg = has_msg, .polling_full = full};
    remoting_reply(&notice->to, &(struct outgoing){.layout = layout_notification_result(), .fields = &result});
    notice_drop(notice);
}

/* --- looks ------------------------------------------------------------------------------------------------- */

/* Is there one among the next messages that the condition may pass? By tags: conditions on properties pass. */
static bool any_matches(struct broker *broker, const struct notice *notice, struct queue *queue, int64_t offset_queue,
                        int64_t max) {
    for (int64_t at = offset_queue; at < MIN(max, offset_queue + MESSAGES_LOOKED_AT); at++) {
        struct queue_entry entry;
        if (queue_entry_at(broker->store, queue, at, &entry) != ERR_OK ||
            filter_match_tags(notice->filter, entry.tags_code))
            return true;
    }
    return false;
}

static bool queue_has_msg(struct broker *broker, struct notice *notice, const struct pop_source *source, int32_t id) {
    struct queue *queue = topic_queue(source->topic, broker->store, id, false);
    if (!queue) return false;
    int64_t offset_queue = pop_offset(broker, source->progress, queue, INIT_MIN), max = queue_max(queue), free_ms;
    if (offset_queue >= max) return false;
    struct order_key key = {source->progress->topic, source->progress->group, id};
    if (notice->order && order_infos_blocked(broker->order_infos, &key, bytes_of(notice->attempt_id), 0, &free_ms)) {
        notice->free_ms = MIN(notice->free_ms, free_ms);
        return false;
    }
    bool few = max - offset_queue < broker->config.max_message_filter_num_for_notification;
    return !notice->filter || !few || any_matches(broker, notice, queue, offset_queue, max);
}

static bool source_has_msg(struct broker *broker, struct notice *notice, const struct pop_source *source,
                           int32_t queue_id) {
    int32_t count = atomic_load(&source->topic->read_queues), first = random_below(count);
    bool has = false;
    if (queue_id >= 0) return queue_has_msg(broker, notice, source, queue_id);
    for (int32_t i = 0; i < count && !has; i++) has = queue_has_msg(broker, notice, source, (first + i) % count);
    return has;
}

static bool has_msg(struct broker *broker, struct notice *notice) {
    struct pop_source source = {notice->topic, notice->progress, RETRY_KIND_NONE}, retry;
    notice->free_ms = INT64_MAX;
    bool has = source_has_msg(broker, notice, &source, notice->waiter.queue_id);
    enum retry_kind kinds[2];
    size_t count = pop_source_retry_kinds(broker, kinds);
    for (size_t i = 0; i < count && !notice->order && !has; i++)
        if (pop_source_find(broker, notice->progress, kinds[i], &retry))
            has = source_has_msg(broker, notice, &retry, ANY_QUEUE);
    return has;
}

static bool look(struct reactor *reactor, struct notice *notice, bool expired);

static bool look_again(struct reactor *reactor, struct pop_waiter *waiter, bool expired) {
    struct notice *held = CONTAINER_OF(waiter, struct notice, waiter), notice = *held;
    free(held); /* before the look: it may be held again */
    if (remoting_channel_alive(reactor->remoting, notice.to.channel_id) &&
        pop_check_again(&notice.to, notice.topic, notice.group))
        return look(reactor, &notice, expired);
    notice_drop(&notice);
    return false;
}

static void waiter_drop(struct pop_waiter *waiter) {
    struct notice *held = CONTAINER_OF(waiter, struct notice, waiter);
    notice_drop(held);
    free(held);
}

static bool hold(struct reactor *reactor, const struct notice *notice) {
    int64_t now_ms = loop_now_ms(reactor->loop);
    struct notice *held = malloc(sizeof *held);
    must(held);
    *held = *notice;
    held->waiter.look_ms = INT64_MAX;
    if (notice->free_ms != INT64_MAX) held->waiter.look_ms = now_ms + MAX(notice->free_ms - clock_wall_ms(), 0) + 1;
    struct wait_line *line = held_pops_line(reactor->held_pops, notice->progress->named.name);
    bool good = held_pops_hold(reactor->held_pops, line, &held->waiter);
    if (!good) free(held);
    return good;
}

/* Was it answered, with a message? */
static bool look(struct reactor *reactor, struct notice *notice, bool expired) {
    struct broker *broker = reactor->broker;
    bool wait = !expired && notice->waiter.deadline_ms > loop_now_ms(reactor->loop) && !atomic_load(&broker->stopping);
    bool has = has_msg(broker, notice);
    if (!has && wait && pop_source_watch(reactor, notice->topic, notice->progress, ANY_QUEUE, notice->order))
        has = has_msg(broker, notice);
    if (!has && wait && hold(reactor, notice)) return false;
    answer(notice, has, !has && wait);
    return has;
}

enum err broker_handle_notification(struct call *call, const struct hdr_notification *header) {
    struct broker *broker = call->broker;
    struct pop_check check = {
        .topic_name = header->topic, .group_name = header->consumer_group, .queue_id = header->queue_id};
    struct notice notice = {.to = call->request->to, .order = header->order};
    if (!pop_check(call, &check, "peeking message")) return ERR_OK;
    if (broker->config.use_message_filter_for_notification && header->exp_type.len > 0 &&
        !pop_check_filter(call, header->topic, header->exp, header->exp_type, &notice.filter))
        return ERR_OK;
    notice.topic = check.topic;
    notice.group = check.group;
    notice.progress = check.progress;
    if (header->order && header->attempt_id.len > 0) notice.attempt_id = bytes_dup(header->attempt_id);
    notice.waiter = (struct pop_waiter){
        .channel_id = notice.to.channel_id,
        .kind = WAITER_NOTICE,
        .queue_id = header->queue_id < 0 ? ANY_QUEUE : header->queue_id,
        .deadline_ms = loop_now_ms(call->reactor->loop) + MIN(MAX(header->poll_time, 0), HOLD_MAX_MS),
        .look = look_again,
        .drop = waiter_drop,
    };
    call->later = true;
    (void)look(call->reactor, &notice, false);
    return ERR_OK;
}
