/* handle_pop.c - requests 200050 (pop), 200052 (peek), 200055 (who waits), 200056. */
#include "broker/route.h"

#include <stdlib.h>
#include "base/check.h"
#include "broker/pop/pop.h"
#include "broker/pop/pop_check.h"
#include "broker/pop/pop_take.h"
#include "broker/pop/receipt.h"
#include "broker/stats/stats.h"
#include "os/clock.h"
#include "wire/response.h"

enum { LATE_MS = 500, HOLD_MAX_MS = 3600000 /* whatever a client asks for */ };

/* Nobody waits for the answer any more? */
static bool is_too_late(const struct hdr_pop_message *header) {
    int64_t now_ms = clock_wall_ms(), born_ms = header->born_time == 0 ? now_ms : header->born_time;
    return born_ms < now_ms - MAX(MIN(header->poll_time, HOLD_MAX_MS), 0) - LATE_MS;
}

static void fill_pop(const struct call *call, const struct hdr_pop_message *header, const struct pop_check *check,
                     struct pop *pop) {
    int64_t now_ms = loop_now_ms(call->reactor->loop);
    pop->to = call->request->to;
    pop->topic = check->topic;
    pop->group = check->group;
    pop->progress = check->progress;
    pop->max_count = header->max_msg_nums;
    pop->init_mode = header->init_mode;
    pop->order = header->order;
    if (header->order && header->attempt_id.len > 0) pop->attempt_id = bytes_dup(header->attempt_id);
    pop->invisible_ms = receipt_invisible_ms(header->invisible_time);
    pop->hold_ms = MIN(header->poll_time, HOLD_MAX_MS);
    pop->begin_ms = now_ms;
    pop->waiter.channel_id = pop->to.channel_id;
    pop->waiter.queue_id = header->queue_id < 0 ? ANY_QUEUE : header->queue_id;
    pop->waiter.deadline_ms = now_ms + pop->hold_ms;
}

enum err broker_handle_pop_message(struct call *call, const struct hdr_pop_message *header) {
    struct bytes ip = call->broker->config.broker_ip1;
    struct pop_check check = {
        .topic_name = header->topic, .group_name = header->consumer_group, .queue_id = header->queue_id};
    struct pop pop = {0};
    if (is_too_late(header))
        return call_refuse(call, RESPONSE_POLLING_TIMEOUT, "the broker[%.*s] pop message is timeout too much",
                           BYTES_ARG(ip));
    if (header->max_msg_nums > POP_MESSAGES_MAX)
        return call_refuse(call, RESPONSE_INVALID_PARAMETER, "the broker[%.*s] pop message's num is greater than %d",
                           BYTES_ARG(ip), POP_MESSAGES_MAX);
    if (header->max_msg_nums < 0) return fail(ERR_BAD_INPUT, "maxMsgNums is %d, not 0 to 32", header->max_msg_nums);
    if (!pop_check(call, &check, "pop message")) return ERR_OK;
    if (!pop_check_filter(call, header->topic, header->exp, header->exp_type, &pop.filter)) return ERR_OK;
    fill_pop(call, header, &check, &pop);
    call->later = true;
    pop_start(call->reactor, &pop, call->request->arena);
    return ERR_OK;
}

/* --- looking without taking -------------------------------------------------------------------------------- */

struct peek {
    struct call *call;
    const struct hdr_peek_message *header;
    struct slice *slices;
    size_t slice_count;
    int32_t count;
    int64_t rest;
};

static void peek_queue(struct peek *peek, const struct pop_source *source, int32_t id) {
    struct broker *broker = peek->call->broker;
    struct queue *queue = topic_queue(source->topic, broker->store, id, false);
    if (!queue) return;
    struct get get = {.queue = queue,
                      .offset_queue = MAX(progress_committed(source->progress, id), queue_min(queue)),
                      .max_count = MIN(peek->header->max_msg_nums, POP_MESSAGES_MAX) - peek->count,
                      .may_wait = true};
    peek->rest += queue_max(queue) - get.offset_queue;
    if (get.max_count <= 0) return;
    store_get(broker->store, peek->call->request->arena, &get);
    if (get.status != GET_FOUND) return;
    for (size_t i = 0; i < get.slice_count; i++) peek->slices[peek->slice_count++] = slice_of(&get, i);
    peek->count += get.count;
    stats_count_get(broker->stats, source->topic, source->progress, get.count, get.total_bytes, get.from_disk);
}

static void peek_topic(struct peek *peek, const struct pop_source *source) {
    int32_t count = atomic_load(&source->topic->read_queues), first = random_below(count);
    for (int32_t i = 0; i < count; i++) peek_queue(peek, source, (first + i) % count);
}

enum err broker_handle_peek_message(struct call *call, const struct hdr_peek_message *header) {
    struct pop_check check = {
        .topic_name = header->topic, .group_name = header->consumer_group, .queue_id = header->queue_id};
    if (!pop_check(call, &check, "peeking message")) return ERR_OK;
    struct peek peek = {.call = call, .header = header};
    peek.slices = arena_calloc(call->request->arena, POP_MESSAGES_MAX, sizeof *peek.slices);
    struct pop_source source = {check.topic, check.progress, RETRY_KIND_NONE}, retry;
    enum retry_kind kinds[2];
    (void)pop_source_retry_kinds(call->broker, kinds); /* peeks look at the first alone */
    if (pop_source_find(call->broker, check.progress, kinds[0], &retry)) peek_topic(&peek, &retry);
    if (header->queue_id < 0)
        peek_topic(&peek, &source);
    else
        peek_queue(&peek, &source, header->queue_id);
    struct hdr_pop_result *result = call_reply_fields(call, layout_pop_result());
    result->rest_num = peek.rest;
    call->reply.code = peek.count > 0 ? RESPONSE_SUCCESS : RESPONSE_PULL_NOT_FOUND;
    call->reply.remark = peek.count > 0 ? BYTES("FOUND") : BYTES("NO_MESSAGE_IN_QUEUE");
    call->reply.slices = peek.slices;
    call->reply.slice_count = peek.slice_count;
    return ERR_OK;
}

/* --- who waits --------------------------------------------------------------------------------------------- */

/* Goes from reactor to reactor and ends where it began. */
struct polling {
    struct reply_to to;
    struct progress *progress;
    int32_t queue_id;
    size_t home, at;
    int32_t count;
};

static void polling_go_on(struct reactor *reactor, void *arg) {
    struct polling *polling = arg;
    struct broker *broker = reactor->broker;
    if (polling->at < broker->reactor_count) {
        polling->count += held_pops_count(reactor->held_pops, polling->progress->named.name, polling->queue_id);
        size_t next = ++polling->at < broker->reactor_count ? polling->at : polling->home;
        reactor_run(&broker->reactors[next], polling_go_on, polling);
        return;
    }
    struct hdr_polling_info_result result = {.present = HEADER_ALL, .polling_num = polling->count};
    remoting_reply(&polling->to, &(struct outgoing){.layout = layout_polling_info_result(), .fields = &result});
    free(polling);
}

enum err broker_handle_polling_info(struct call *call, const struct hdr_polling_info *header) {
    struct pop_check check = {
        .topic_name = header->topic, .group_name = header->consumer_group, .queue_id = header->queue_id};
    if (!pop_check(call, &check, "peeking message")) return ERR_OK;
    struct polling *polling = calloc(1, sizeof *polling);
    must(polling);
    *polling = (struct polling){.to = call->request->to,
                                .progress = check.progress,
                                .queue_id = header->queue_id < 0 ? ANY_QUEUE : header->queue_id,
                                .home = call->reactor->index};
    call->later = true;
    reactor_run(&call->broker->reactors[0], polling_go_on, polling);
    return ERR_OK;
}

/* Brings checkpoints out of the RocksDB store of a Java broker; ours are in the revive topic always. */
enum err broker_handle_pop_rollback(struct call *call, const struct hdr_none *header) {
    (void)call;
    (void)header;
    return ERR_OK;
}
