/* call.c - calling, and the ends of calls: answered, timed out, not sent. */
#include "remoting/remoting_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"

/* --- ends --- */

void call_end(struct remoting *remoting, struct call *call, enum err err, const struct command *response) {
    call_done *done = call->done;
    void *ctx = call->ctx;
    calls_remove(&remoting->calls, call, &call->channel->calls);
    calls_free(&remoting->calls, call);
    done(ctx, err, response);
}

void call_answered(struct channel *channel, const struct command *response) {
    struct call *call = calls_find(&channel->remoting->calls, channel, response->opaque);
    if (call) call_end(channel->remoting, call, ERR_OK, response); /* else it came too late */
}

static void on_ending(struct loop_timer *timer) {
    call_end_failed(CONTAINER_OF(timer, struct remoting, ending));
}

void call_end_failed(struct remoting *remoting) {
    struct failed_call *failed = remoting->failed;
    remoting->failed = remoting->last_failed = NULL; /* those that fail from here on have a turn of their own */
    while (failed) {
        struct failed_call ended = *failed;
        struct call call = *ended.call;
        free(failed);
        calls_free(&remoting->calls, ended.call);
        fail(ended.err, "%s", ended.reason);
        free(ended.reason);
        failed = ended.next;
        call.done(call.ctx, ended.err, NULL);
    }
}

static void end_later(struct remoting *remoting, struct call *call, enum err err) {
    struct failed_call *failed = calloc(1, sizeof *failed);
    must(failed);
    *failed = (struct failed_call){.call = call, .err = err, .reason = bytes_dup(bytes_of(err_detail(err)))};
    if (remoting->failed)
        remoting->last_failed->next = failed;
    else
        remoting->failed = failed;
    remoting->last_failed = failed;
    if (!remoting->destroying) loop_timer_start(remoting->loop, &remoting->ending, 0, 0, on_ending);
}

/* --- deadlines: one timer, set to the earliest or before --- */

static void on_deadline(struct loop_timer *timer);

static void arm_deadline(struct remoting *remoting, int64_t deadline_ms) {
    if (deadline_ms >= remoting->deadline_ms) return;
    remoting->deadline_ms = deadline_ms;
    loop_timer_start(remoting->loop, &remoting->deadline, deadline_ms - loop_now_ms(remoting->loop), 0, on_deadline);
}

static void on_deadline(struct loop_timer *timer) {
    struct remoting *remoting = CONTAINER_OF(timer, struct remoting, deadline);
    int64_t now_ms = loop_now_ms(remoting->loop);
    remoting->deadline_ms = INT64_MAX;
    struct call *call;
    while ((call = calls_earliest(&remoting->calls)) && call->deadline_ms <= now_ms) {
        char peer[ADDRESS_TEXT_MAX];
        fail(ERR_TIMEOUT, "%s: no answer within %" PRId64 " ms", address_text(channel_peer(call->channel), peer),
             call->timeout_ms);
        call_end(remoting, call, ERR_TIMEOUT, NULL);
    }
    if (call) arm_deadline(remoting, call->deadline_ms);
}

/* --- calling --- */

static void send_request(struct channel *channel, const struct outgoing *request, int32_t opaque, int32_t flag) {
    struct command command = {.opaque = opaque, .flag = flag, .serialize = channel->serialize};
    channel_send(channel, &command, request);
}

static enum err may_send(const struct channel *channel) {
    if (!conn_is_full(channel->conn)) return ERR_OK;
    return fail(ERR_BUSY, "%s does not read: %zu bytes wait for it",
                address_text(channel_peer(channel), (char[ADDRESS_TEXT_MAX]){0}), conn_out_bytes(channel->conn));
}

static enum err find_channel(const struct remoting *remoting, uint64_t channel_id, struct channel **out) {
    *out = channel_find(remoting, channel_id);
    return *out ? ERR_OK : fail(ERR_CLOSED, "the connection is closed");
}

static enum err open_channel(struct remoting *remoting, struct bytes address, struct channel **out) {
    if (remoting->destroying) return fail(ERR_CANCELLED, "shutting down");
    enum err err = channel_to(remoting, address, out);
    if (err == ERR_OK) return ERR_OK;
    char reason[256];
    snprintf(reason, sizeof reason, "%s", err_detail(err));
    return fail(ERR_CONNECT, "%s", reason);
}

static void call(struct remoting *remoting, enum err err, struct channel *channel, const struct outgoing *request,
                 int64_t timeout_ms, call_done *done, void *ctx) {
    struct call *made = calls_make(&remoting->calls, timeout_ms, done, ctx);
    if (err == ERR_OK) err = may_send(channel);
    if (err != ERR_OK) {
        outgoing_release(request);
        end_later(remoting, made, err);
        return;
    }
    int64_t deadline_ms = loop_now_ms(remoting->loop) + MAX(timeout_ms, 0);
    calls_add(&remoting->calls, made, channel, &channel->calls, deadline_ms);
    arm_deadline(remoting, deadline_ms);
    send_request(channel, request, made->opaque, 0);
}

static void oneway(struct remoting *remoting, enum err err, struct channel *channel, const struct outgoing *request) {
    if (err == ERR_OK) err = may_send(channel);
    if (err != ERR_OK) {
        outgoing_release(request);
        return;
    }
    send_request(channel, request, calls_next_opaque(&remoting->calls), COMMAND_FLAG_ONEWAY);
}

void remoting_call(struct remoting *remoting, struct bytes address, const struct outgoing *request, int64_t timeout_ms,
                   call_done *done, void *ctx) {
    struct channel *channel = NULL;
    enum err err = open_channel(remoting, address, &channel);
    call(remoting, err, channel, request, timeout_ms, done, ctx);
}

void remoting_oneway(struct remoting *remoting, struct bytes address, const struct outgoing *request) {
    struct channel *channel = NULL;
    enum err err = open_channel(remoting, address, &channel);
    oneway(remoting, err, channel, request);
}

void remoting_call_channel(struct remoting *remoting, uint64_t channel_id, const struct outgoing *request,
                           int64_t timeout_ms, call_done *done, void *ctx) {
    struct channel *channel = NULL;
    enum err err = find_channel(remoting, channel_id, &channel);
    call(remoting, err, channel, request, timeout_ms, done, ctx);
}

void remoting_oneway_channel(struct remoting *remoting, uint64_t channel_id, const struct outgoing *request) {
    struct channel *channel = NULL;
    enum err err = find_channel(remoting, channel_id, &channel);
    oneway(remoting, err, channel, request);
}
