/* remoting.c - life of a remoting, listening, answering, detached requests. */
#include "remoting/remoting.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "net/listener.h"
#include "remoting/remoting_internal.h"

enum { OUT_LIMIT_DEFAULT = 64 << 20, IDLE_DEFAULT_MS = 120000, CONNECT_TIMEOUT_DEFAULT_MS = 3000, REMARK_MAX = 1024 };

/* --- life --- */

enum err remoting_create(struct loop *loop, const struct remoting_options *options, struct remoting **out) {
    struct remoting *remoting = calloc(1, sizeof *remoting);
    must(remoting);
    remoting->loop = loop;
    remoting->options = *options;
    struct remoting_options *made = &remoting->options;
    if (made->frame_max_bytes == 0) made->frame_max_bytes = FRAME_MAX_DEFAULT;
    if (made->out_limit_bytes == 0) made->out_limit_bytes = OUT_LIMIT_DEFAULT;
    if (made->server_idle_ms == 0) made->server_idle_ms = IDLE_DEFAULT_MS;
    if (made->client_idle_ms == 0) made->client_idle_ms = IDLE_DEFAULT_MS;
    if (made->connect_timeout_ms == 0) made->connect_timeout_ms = CONNECT_TIMEOUT_DEFAULT_MS;
    remoting->sides[0] = (struct port_side){remoting, false};
    remoting->sides[1] = (struct port_side){remoting, true};
    remoting->deadline_ms = INT64_MAX;
    calls_init(&remoting->calls);
    *out = remoting;
    return ERR_OK;
}

void remoting_destroy(struct remoting *remoting) {
    remoting->destroying = true;
    while (remoting->channels) channel_end(remoting->channels, ERR_CANCELLED, "shutting down");
    while (remoting->failed) call_end_failed(remoting);
    loop_timer_stop(&remoting->deadline);
    loop_timer_stop(&remoting->ending);
    calls_close(&remoting->calls);
    arena_close(&remoting->arena);
    buf_close(&remoting->scratch);
    free(remoting);
}

struct loop *remoting_loop(const struct remoting *remoting) {
    return remoting->loop;
}

/* --- listening --- */

struct remoting_server {
    struct listener *listener;
    bool fast;
    size_t count;
    struct remoting *remotings[];
};

static void *side_of(void *owner, struct loop *loop) {
    struct remoting_server *server = owner;
    size_t i = 0;
    while (server->remotings[i]->loop != loop) i++;
    return &server->remotings[i]->sides[server->fast];
}

enum err remoting_listen(struct loop *acceptor, struct remoting **remotings, size_t count, const char *host,
                         uint16_t port, bool fast, struct remoting_server **out) {
    must(count > 0);
    struct remoting_server *server = calloc(1, sizeof *server + count * sizeof(struct remoting *));
    struct loop **loops = calloc(count, sizeof(struct loop *));
    must(server && loops);
    server->fast = fast;
    server->count = count;
    for (size_t i = 0; i < count; i++) {
        server->remotings[i] = remotings[i];
        loops[i] = remotings[i]->loop;
    }
    struct listener_options options = {.host = host,
                                       .port = port,
                                       .loops = loops,
                                       .loop_count = count,
                                       .conn = channel_conn_options(remotings[0], true),
                                       .owner_of = side_of};
    options.conn.owner = server;
    enum err err = listener_open(acceptor, &options, &server->listener);
    free(loops);
    if (err != ERR_OK) {
        free(server);
        return err;
    }
    *out = server;
    return ERR_OK;
}

uint16_t remoting_server_port(const struct remoting_server *server) {
    return listener_port(server->listener);
}

void remoting_server_close(struct remoting_server *server) {
    listener_close(server->listener);
    free(server);
}

/* --- answering --- */

void remoting_reply(const struct reply_to *to, const struct outgoing *response) {
    struct channel *channel = to->oneway ? NULL : channel_find(to->remoting, to->channel_id);
    if (!channel) {
        outgoing_release(response);
        return;
    }
    struct command command = {
        .opaque = to->opaque, .flag = COMMAND_FLAG_RESPONSE, .serialize = (enum serialize_type)to->serialize};
    channel_send(channel, &command, response);
}

void remoting_reply_error(const struct reply_to *to, enum err err) {
    struct outgoing response = {.code = response_of(err), .remark = bytes_of(err_detail(err))};
    remoting_reply(to, &response);
}

/* --- channels by id --- */

bool remoting_channel_alive(const struct remoting *remoting, uint64_t channel_id) {
    return channel_find(remoting, channel_id) != NULL;
}

void remoting_close_channel(struct remoting *remoting, uint64_t channel_id) {
    struct channel *channel = channel_find(remoting, channel_id);
    if (channel) conn_close(channel->conn);
}

void remoting_disconnect(struct remoting *remoting, struct bytes address) {
    struct channel *channel = channel_kept(remoting, address);
    if (channel) conn_close(channel->conn);
}

/* --- requests that outlive their turn --- */

struct detached {
    struct request request;
    struct arena arena;
    struct ext_field ext[];
};

static struct bytes move_text(char **end, struct bytes text) {
    if (!text.data) return text;
    struct bytes moved = {memcpy(*end, text.data, text.len), text.len};
    *end += text.len;
    return moved;
}

void outgoing_refuse(struct outgoing *reply, struct arena *arena, int32_t code, const char *format, va_list args) {
    char text[REMARK_MAX];
    vsnprintf(text, sizeof text, format, args);
    reply->code = code;
    reply->remark = arena_copy(arena, bytes_of(text));
}

/* One allocation: the struct, its ext fields, then all texts. */
struct request *request_detach(const struct request *request) {
    const struct command *command = &request->command;
    size_t text_len = command->remark.len + command->body.len;
    for (size_t i = 0; i < command->ext_count; i++) text_len += command->ext[i].key.len + command->ext[i].value.len;
    struct detached *detached = malloc(sizeof *detached + command->ext_count * sizeof *command->ext + text_len);
    must(detached);
    detached->request = *request;
    detached->arena = (struct arena){0};
    detached->request.arena = &detached->arena;
    detached->request.channel = NULL;
    struct command *copy = &detached->request.command;
    char *end = (char *)&detached->ext[command->ext_count];
    for (size_t i = 0; i < command->ext_count; i++) {
        detached->ext[i].key = move_text(&end, command->ext[i].key);
        detached->ext[i].value = move_text(&end, command->ext[i].value);
    }
    copy->ext = detached->ext;
    copy->remark = move_text(&end, command->remark);
    copy->body = move_text(&end, command->body);
    return &detached->request;
}

void request_free(struct request *request) {
    struct detached *detached = CONTAINER_OF(request, struct detached, request);
    arena_close(&detached->arena);
    free(detached);
}
