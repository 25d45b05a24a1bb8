/* pull.c - a look at the queue: found, held, cold, or moved; and the answer. */
#include "broker/pull/pull.h"

#include <stdlib.h>
#include "base/check.h"
#include "base/log.h"
#include "broker/clients/consumers.h"
#include "broker/pull/cold_control.h"
#include "broker/pull/cold_look.h"
#include "broker/pull/held_pulls.h"
#include "broker/route.h"
#include "broker/static_topic/mappings.h"
#include "broker/stats/stats.h"
#include "wire/response.h"

static void pull_look(struct reactor *reactor, struct pull *pull, struct arena *arena);
static void pull_settle(struct reactor *reactor, struct pull *pull, struct get *get, struct arena *arena);

void pull_drop(const struct pull *pull) {
    filter_release(pull->filter);
}

/* @source shared facts: behaviour 6.3 */
static int32_t code_of(enum get_status status, int64_t offset_asked) {
    switch (status) {
    case GET_FOUND:
        return RESPONSE_SUCCESS;
    case GET_NO_MATCHED_MESSAGE:
    case GET_MESSAGE_WAS_REMOVING:
        return RESPONSE_PULL_RETRY_IMMEDIATELY;
    case GET_NO_MATCHED_LOGIC_QUEUE:
    case GET_NO_MESSAGE_IN_QUEUE:
        return offset_asked == 0 ? RESPONSE_PULL_NOT_FOUND : RESPONSE_PULL_OFFSET_MOVED;
    case GET_OFFSET_FOUND_NULL:
    case GET_OFFSET_OVERFLOW_ONE:
        return RESPONSE_PULL_NOT_FOUND;
    case GET_OFFSET_OVERFLOW_BADLY:
    case GET_OFFSET_TOO_SMALL:
        return RESPONSE_PULL_OFFSET_MOVED;
    case GET_COLD:
        break;
    }
    must(false && "a status that is no answer");
}

static void count_found(struct reactor *reactor, const struct pull *pull, const struct get *get) {
    struct stats *stats = reactor->broker->stats;
    if (pull->cold_tries > 0 && reactor->broker->store_config.cold_data_flow_control_enable)
        cold_control_count(reactor->broker->cold_control, group_name(pull->group), get->total_bytes);
    if (!pull->progress) return;
    stats_count_get(stats, pull->topic, pull->progress, get->count, get->total_bytes, get->from_disk);
    stats_count_get_latency(stats, pull->progress, pull->queue_id, loop_now_ms(reactor->loop) - pull->begin_ms);
}

static void answer(struct reactor *reactor, const struct pull *pull, const struct get *get, int32_t code,
                   const char *status, struct arena *arena) {
    const struct broker *broker = reactor->broker;
    struct hdr_pull_result result = {
        .present = HEADER_ALL,
        .next_begin_offset = get->next_offset,
        .min_offset = get->min_offset,
        .max_offset = get->max_offset,
        .topic_sys_flag = pull->topic->sys_flag,
        .group_sys_flag = pull->group->group_sys_flag,
    };
    result.has.offset_delta = result.has.forbidden_type = false;
    if (pull->mapping) logic_queue_translate_pull(pull->logic_queue, pull->item, pull->offset_asked, &code, &result);
    if (broker->config.slave_read_enable)
        result.suggest_which_broker_id =
            get->suggest_slave ? pull->group->which_broker_when_consume_slowly : pull->group->broker_id;
    struct slice *slices = arena_alloc(arena, get->slice_count * sizeof *slices);
    for (size_t i = 0; i < get->slice_count; i++) slices[i] = slice_of(get, i);
    remoting_reply(&pull->to, &(struct outgoing){.code = code,
                                                 .remark = bytes_of(status),
                                                 .layout = layout_pull_result(),
                                                 .fields = &result,
                                                 .slices = slices,
                                                 .slice_count = get->slice_count});
    pull_drop(pull);
}

static struct get get_of(const struct pull *pull) {
    return (struct get){
        .queue = pull->queue,
        .offset_queue = pull->offset_queue,
        .max_count = pull->max_count,
        .match_tags = pull->filter ? filter_match_tags : NULL,
        .match_record = pull->filter && pull->filter->sql ? filter_match_record : NULL,
        .match_ctx = pull->filter,
        .was_cold = pull->cold_tries > 0,
    };
}

/* --- messages that are not in memory ---------------------------------------------------------------------- */

static void look_again(struct reactor *reactor, void *ctx, struct get *copy, struct arena *arena) {
    struct pull *waiting = ctx, pull = *waiting;
    free(waiting);
    if (!copy) {
        pull_look(reactor, &pull, arena);
        return;
    }
    pull_settle(reactor, &pull, copy, arena);
    copy->slice_count = 0;
}

/* Groups that read too much from the disk: clients that are pushed to try again later, others get a message at a time.
 * @source apache/rocketmq PullMessageProcessor, 5.5.0 */
static bool hold_back(struct reactor *reactor, struct pull *pull) {
    struct broker *broker = reactor->broker;
    struct arena arena = {0};
    struct consumer_group online;
    if (pull->cold_tries > 0 || !cold_control_exceeded(broker->cold_control, group_name(pull->group))) return false;
    bool pushed = consumers_group(broker->consumers, group_name(pull->group), &arena, &online);
    if (pushed) consumer_group_release(&online);
    pushed = pushed && online.type == CONSUME_PASSIVELY;
    arena_close(&arena);
    pull->max_count = 1;
    if (!pushed) return false;
    remoting_reply_error(&pull->to,
                         fail(ERR_BUSY, "This consumer group is reading cold data. It has been flow control"));
    pull_drop(pull);
    return true;
}

static void pull_later(struct reactor *reactor, struct pull *pull, struct get *get) {
    if (hold_back(reactor, pull)) return;
    get->max_count = pull->max_count;
    struct pull *waiting = malloc(sizeof *waiting);
    must(waiting);
    *waiting = *pull;
    waiting->cold_tries++;
    enum err err = cold_look_later(reactor, get, pull->cold_tries, look_again, waiting);
    if (err == ERR_OK) return;
    free(waiting);
    remoting_reply_error(&pull->to, err);
    pull_drop(pull);
}

/* --- looks ------------------------------------------------------------------------------------------------- */

/* No messages, and where the client goes on. */
static void answer_nothing(struct reactor *reactor, const struct pull *pull, int64_t next_offset, int32_t code,
                           const char *status, struct arena *arena) {
    struct get get = {.next_offset = next_offset};
    if (pull->queue) {
        get.min_offset = queue_min(pull->queue);
        get.max_offset = queue_max(pull->queue);
    }
    answer(reactor, pull, &get, code, status, arena);
}

/* A reset that an admin asked for is told by the next pull. */
static bool answer_reset(struct reactor *reactor, const struct pull *pull, struct arena *arena) {
    if (!pull->progress || !reactor->broker->config.use_server_side_reset_offset) return false;
    int64_t offset_queue = progress_take_reset(pull->progress, pull->queue_id);
    if (offset_queue == OFFSET_NONE) return false;
    log_info(CLIENT, "offset reset told: topic=%.*s group=%.*s queue=%d offset=%lld",
             BYTES_ARG(topic_name(pull->topic)), BYTES_ARG(group_name(pull->group)), pull->queue_id,
             (long long)offset_queue);
    answer_nothing(reactor, pull, offset_queue, RESPONSE_PULL_OFFSET_MOVED, "OFFSET_RESET", arena);
    return true;
}

/* Waits for messages from `offset_queue` on; false when it must be answered. */
static bool hold(struct reactor *reactor, struct pull *pull, int64_t offset_queue) {
    if (pull->hold_ms <= 0) return false;
    if (!pull->queue) pull->queue = topic_queue(pull->topic, reactor->broker->store, pull->queue_id, true);
    if (!pull->queue) return false;
    struct pull waiting = *pull;
    waiting.offset_queue = offset_queue;
    waiting.cold_tries = 0;
    return held_pulls_add(reactor->held_pulls, &waiting);
}

static void log_moved(const struct pull *pull, const struct get *get) {
    log_every_ms(1000, WARN, CLIENT, "offset moved: topic=%.*s queue=%d group=%.*s asked=%lld next=%lld status=%s",
                 BYTES_ARG(topic_name(pull->topic)), pull->queue_id, BYTES_ARG(group_name(pull->group)),
                 (long long)pull->offset_asked, (long long)get->next_offset, get_status_name(get->status));
}

static void pull_look(struct reactor *reactor, struct pull *pull, struct arena *arena) {
    struct broker *broker = reactor->broker;
    if ((pull->woken || pull->cold_tries > 0) && !remoting_channel_alive(reactor->remoting, pull->to.channel_id)) {
        pull_drop(pull);
        return;
    }
    if (answer_reset(reactor, pull, arena)) return;
    struct get get = get_of(pull);
    store_get(broker->store, arena, &get);
    if (get.status == GET_COLD)
        pull_later(reactor, pull, &get);
    else
        pull_settle(reactor, pull, &get, arena);
}

/* Answers with what a get gave, or holds the pull. */
static void pull_settle(struct reactor *reactor, struct pull *pull, struct get *get, struct arena *arena) {
    if (get->status == GET_NO_MATCHED_LOGIC_QUEUE)
        get->status = GET_NO_MESSAGE_IN_QUEUE; /* ours begin with a message */
    int32_t code = code_of(get->status, pull->offset_asked);
    bool at_end = code == RESPONSE_PULL_NOT_FOUND ||
                  (get->status == GET_NO_MATCHED_MESSAGE && pull->woken && get->next_offset >= get->max_offset);
    if (at_end && hold(reactor, pull, get->next_offset)) return;
    if (pull->progress) progress_note_pull(reactor->broker->offsets, pull->progress, pull->queue_id, get->next_offset);
    if (code == RESPONSE_PULL_NOT_FOUND && pull->offset_queue > pull->offset_asked) {
        code = RESPONSE_PULL_RETRY_IMMEDIATELY; /* what came while it was held did not match */
        get->status = GET_NO_MATCHED_MESSAGE;
    }
    if (get->status == GET_FOUND) count_found(reactor, pull, get);
    if (code == RESPONSE_PULL_OFFSET_MOVED) log_moved(pull, get);
    answer(reactor, pull, get, code, get_status_name(get->status), arena);
}

static bool refuse(const struct pull *pull, int32_t code, struct bytes remark) {
    remoting_reply(&pull->to, &(struct outgoing){.code = code, .remark = remark});
    pull_drop(pull);
    return false;
}

/* What may have changed while it was held. What the group wants now may have been passed over as unwanted before, and
 * the client filters what comes by what it wanted when it pulled: then it has to pull again, from where it did.
 * False when it has been answered. */
static bool follow_changes(struct reactor *reactor, struct pull *pull, struct arena *arena) {
    struct bytes topic = topic_name(pull->topic), group = group_name(pull->group);
    struct consumer_view view;
    if (!atomic_load(&pull->topic->exists))
        return refuse(pull, RESPONSE_TOPIC_NOT_EXIST,
                      arena_printf(arena, "topic[%.*s] not exist, apply first please! " FAQ_HINT, BYTES_ARG(topic)));
    if (!(atomic_load(&pull->topic->perm) & PERM_READ))
        return refuse(pull, RESPONSE_NO_PERMISSION,
                      arena_printf(arena, "the topic[%.*s] pulling message is forbidden", BYTES_ARG(topic)));
    if (!atomic_load(&pull->group->consume_enable))
        return refuse(pull, RESPONSE_NO_PERMISSION,
                      arena_printf(arena, "subscription group no permission, %.*s", BYTES_ARG(group)));
    if (pull->queue && queue_deleted(pull->queue)) {
        bool lite = !bytes_equal(queue_topic(pull->queue), topic);
        pull->queue = lite ? NULL : topic_queue(pull->topic, reactor->broker->store, pull->queue_id, false);
        if (lite) pull->hold_ms = 0;
    }
    if (pull->mapping && pull->mapping != topic_mapping(pull->topic)) { /* the end of the queue may be elsewhere now */
        answer_nothing(reactor, pull, pull->offset_asked, RESPONSE_PULL_RETRY_IMMEDIATELY,
                       get_status_name(GET_NO_MATCHED_MESSAGE), arena);
        return false;
    }
    if (!pull->filter_of_group) return true;
    consumers_view(reactor->broker->consumers, group, topic, &view);
    if (!view.filter || view.filter == pull->filter || !filter_is_valid(view.filter)) {
        filter_release(view.filter);
        return true;
    }
    filter_release(view.filter);
    answer_nothing(reactor, pull, pull->offset_asked, RESPONSE_PULL_RETRY_IMMEDIATELY,
                   get_status_name(GET_NO_MATCHED_MESSAGE), arena);
    return false;
}

void pull_start(struct reactor *reactor, const struct pull *pull, struct arena *arena) {
    struct pull looking = *pull;
    pull_look(reactor, &looking, arena);
}

void pull_resume(struct reactor *reactor, const struct pull *pull, struct arena *arena, bool expired) {
    struct pull looking = *pull;
    if (!follow_changes(reactor, &looking, arena)) return;
    looking.woken = true;
    if (expired) looking.hold_ms = 0;
    pull_look(reactor, &looking, arena);
}
