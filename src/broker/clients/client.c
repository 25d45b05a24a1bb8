/* client.c - commands to clients on whichever loop has their connection */
#include "broker/clients/client.h"

#include <stdlib.h>
#include "base/check.h"

struct client_channel client_channel_of(const struct request *request) {
    return (struct client_channel){request->owner, request->to.channel_id};
}

/* A command on its way to the reactor that has the channel. */
struct command_job {
    uint64_t channel_id;
    int64_t timeout_ms;
    call_done *done; /* NULL: one-way */
    void *ctx;
    struct outgoing request; /* all its pointers are into `memory` */
    struct arena memory;
};

static void send_job(struct reactor *reactor, void *arg) {
    struct command_job *job = arg;
    if (job->done)
        remoting_call_channel(reactor->remoting, job->channel_id, &job->request, job->timeout_ms, job->done, job->ctx);
    else
        remoting_oneway_channel(reactor->remoting, job->channel_id, &job->request);
    arena_close(&job->memory);
    free(job);
}

static void send_later(struct client_channel channel, const struct outgoing *request, int64_t timeout_ms,
                       call_done *done, void *ctx) {
    struct command_job *job = calloc(1, sizeof *job);
    must(job && request->slice_count == 0);
    *job = (struct command_job){channel.id, timeout_ms, done, ctx, *request, {0}};
    struct arena *memory = &job->memory;
    job->request.remark = arena_copy(memory, request->remark);
    job->request.body = arena_copy(memory, request->body);
    if (request->layout) {
        char *fields = arena_alloc(memory, request->layout->size_bytes);
        memcpy(fields, request->fields, request->layout->size_bytes);
        for (size_t i = 0; i < request->layout->count; i++) {
            const struct header_field *field = &request->layout->fields[i];
            if (field->type != HEADER_STR) continue;
            struct bytes *text = (struct bytes *)(void *)(fields + field->offset);
            *text = arena_copy(memory, *text);
        }
        job->request.fields = fields;
    }
    struct ext_field *ext = arena_calloc(memory, request->ext_count + 1, sizeof *ext);
    for (size_t i = 0; i < request->ext_count; i++) {
        ext[i].key = arena_copy(memory, request->ext[i].key);
        ext[i].value = arena_copy(memory, request->ext[i].value);
    }
    job->request.ext = ext;
    reactor_run(channel.reactor, send_job, job);
}

void client_oneway(struct client_channel channel, const struct outgoing *request) {
    if (loop_is_mine(channel.reactor->loop))
        remoting_oneway_channel(channel.reactor->remoting, channel.id, request);
    else
        send_later(channel, request, 0, NULL, NULL);
}

void client_call(struct client_channel channel, const struct outgoing *request, int64_t timeout_ms, call_done *done,
                 void *ctx) {
    if (loop_is_mine(channel.reactor->loop))
        remoting_call_channel(channel.reactor->remoting, channel.id, request, timeout_ms, done, ctx);
    else
        send_later(channel, request, timeout_ms, done, ctx);
}

static void close_channel(struct reactor *reactor, void *arg) {
    uint64_t *channel_id = arg;
    remoting_close_channel(reactor->remoting, *channel_id);
    free(channel_id);
}

void client_disconnect(struct client_channel channel) {
    uint64_t *channel_id = malloc(sizeof *channel_id);
    must(channel_id);
    *channel_id = channel.id;
    reactor_run(channel.reactor, close_channel, channel_id);
}
