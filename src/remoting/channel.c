/* channel.c - connections as channels: frames in and out, one channel an address. */
#include "remoting/remoting_internal.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/endian.h"
#include "base/hash.h"

/* HEADER_MAX_BYTES: far above what any peer sends (properties end at 32 KiB), so that texts echoed into a response
 * cannot pass the 16 MiB its header may have. */
enum { HEADER_MAX_BYTES = 1 << 20, ARENA_KEEP_BYTES = 1 << 18, SCRATCH_KEEP_BYTES = 1 << 16 };

static const struct conn_events accepted_events, connected_events;

struct conn_options channel_conn_options(const struct remoting *remoting, bool accepted) {
    const struct remoting_options *options = &remoting->options;
    return (struct conn_options){
        .events = accepted ? &accepted_events : &connected_events,
        .idle_ms = accepted ? options->server_idle_ms : options->client_idle_ms,
        .in_limit_bytes = options->frame_max_bytes,
        .out_limit_bytes = options->out_limit_bytes,
    };
}

/* --- the channels of a remoting --- */

static struct channel *channel_make(struct remoting *remoting) {
    struct channel *channel = calloc(1, sizeof *channel);
    must(channel);
    channel->remoting = remoting;
    channel->serialize = remoting->options.serialize;
    channel->next = remoting->channels;
    if (channel->next) channel->next->prev = channel;
    remoting->channels = channel;
    return channel;
}

static void channel_unlink(struct channel *channel) {
    channel_forget_address(channel);
    if (channel->next) channel->next->prev = channel->prev;
    if (channel->prev)
        channel->prev->next = channel->next;
    else
        channel->remoting->channels = channel->next;
}

static void channel_free(struct channel *channel) {
    free(channel->address);
    free(channel);
}

static struct channel **bucket_of(struct remoting *remoting, struct bytes address) {
    return &remoting->by_address[(uint32_t)java_string_hash(address) % ADDRESS_BUCKETS];
}

void channel_forget_address(struct channel *channel) {
    if (!channel->address) return;
    struct channel **link = bucket_of(channel->remoting, bytes_of(channel->address));
    while (*link && *link != channel) link = &(*link)->next_by_address;
    if (*link) *link = channel->next_by_address;
}

struct channel *channel_kept(struct remoting *remoting, struct bytes address) {
    struct channel *channel = *bucket_of(remoting, address);
    while (channel && !(bytes_is(address, channel->address) && !conn_is_closing(channel->conn)))
        channel = channel->next_by_address;
    return channel;
}

enum err channel_to(struct remoting *remoting, struct bytes address, struct channel **out) {
    *out = channel_kept(remoting, address);
    if (*out) return ERR_OK;
    struct bytes host;
    uint16_t port;
    TRY(address_split(address, &host, &port));
    struct conn_options options = channel_conn_options(remoting, false);
    struct channel *channel = channel_make(remoting);
    enum err err = conn_connect(remoting->loop, host, port, remoting->options.connect_timeout_ms, &options, channel,
                                &channel->conn);
    if (err != ERR_OK) {
        channel_unlink(channel);
        channel_free(channel);
        return err;
    }
    channel->id = conn_id(channel->conn);
    channel->address = bytes_dup(address);
    struct channel **bucket = bucket_of(remoting, address);
    channel->next_by_address = *bucket;
    *bucket = channel;
    *out = channel;
    return ERR_OK;
}

struct channel *channel_find(const struct remoting *remoting, uint64_t channel_id) {
    struct conn *conn = conn_find(remoting->loop, channel_id);
    if (!conn || conn_is_closing(conn)) return NULL;
    struct channel *channel = conn_user(conn);
    return channel && channel->remoting == remoting ? channel : NULL;
}

static void end_calls(struct channel *channel, enum err err, const char *reason) {
    while (channel->calls) {
        fail(err, "%s", reason);
        call_end(channel->remoting, channel->calls, err, NULL);
    }
}

void channel_end(struct channel *channel, enum err err, const char *reason) {
    channel_unlink(channel);
    conn_drop(channel->conn);
    end_calls(channel, err, reason);
    channel_free(channel);
}

uint64_t channel_id(const struct channel *channel) {
    return channel->id;
}
const struct address *channel_peer(const struct channel *channel) {
    return conn_peer(channel->conn);
}

/* --- output --- */

void outgoing_release(const struct outgoing *outgoing) {
    slices_release(outgoing->slices, outgoing->slice_count);
}

void channel_send(struct channel *channel, struct command *command, const struct outgoing *outgoing) {
    struct remoting *remoting = channel->remoting;
    struct buf *scratch = &remoting->scratch;
    size_t body_len = outgoing->body.len;
    for (size_t i = 0; i < outgoing->slice_count; i++) body_len += outgoing->slices[i].bytes.len;
    command->code = outgoing->code;
    command->version = VERSION_OURS;
    command->language = remoting->options.language;
    command->remark = outgoing->remark;
    command->ext = outgoing->ext;
    command->ext_count = outgoing->ext_count;
    buf_clear(scratch);
    command_encode(scratch, command, outgoing->layout, outgoing->fields, body_len);
    conn_write(channel->conn, buf_bytes(scratch));
    if (scratch->cap > SCRATCH_KEEP_BYTES) buf_close(scratch);
    conn_write(channel->conn, outgoing->body);
    conn_write_slices(channel->conn, outgoing->slices, outgoing->slice_count);
}

/* --- input --- */

static void take_request(struct channel *channel, const struct command *command) {
    struct remoting *remoting = channel->remoting;
    channel->serialize = command->serialize;
    struct request request = {
        .command = *command,
        .arena = &remoting->arena,
        .to = {.remoting = remoting,
               .channel_id = channel->id,
               .opaque = command->opaque,
               .version = command->version,
               .serialize = (uint8_t)command->serialize,
               .oneway = command->flag & COMMAND_FLAG_ONEWAY,
               .fast = channel->fast},
        .channel = channel,
        .peer = *conn_peer(channel->conn),
        .owner = remoting->options.owner,
    };
    remoting->options.on_request(&request);
}

static enum err take_frame(struct channel *channel, struct bytes frame) {
    struct remoting *remoting = channel->remoting;
    struct command command;
    size_t header_len = load_u32be(frame.data + 4) & 0xFFFFFF;
    if (header_len > HEADER_MAX_BYTES)
        return fail(ERR_BAD_INPUT, "header of %zu bytes is above the limit of %d", header_len, HEADER_MAX_BYTES);
    enum err err = command_decode(&remoting->arena, frame, &command);
    if (err == ERR_OK && (command.flag & COMMAND_FLAG_RESPONSE))
        call_answered(channel, &command);
    else if (err == ERR_OK)
        take_request(channel, &command);
    if (remoting->arena.total_bytes > ARENA_KEEP_BYTES)
        arena_close(&remoting->arena);
    else
        arena_reset(&remoting->arena);
    return err;
}

/* All whole frames, where they lie; a channel whose output is full or that is ending takes no more. */
static enum err on_received(struct conn *conn, struct bytes input, size_t *taken, size_t *need) {
    struct channel *channel = conn_user(conn);
    while (!conn_is_full(conn) && !conn_is_closing(conn)) {
        size_t len;
        TRY(frame_cut(bytes_skip(input, *taken), channel->remoting->options.frame_max_bytes, &len, need));
        if (len == 0) break;
        struct bytes frame = {input.data + *taken, len};
        *taken += len;
        *need = 0;
        TRY(take_frame(channel, frame));
    }
    return ERR_OK;
}

/* --- coming and going --- */

static void on_accepted(struct conn *conn) {
    const struct port_side *side = conn_owner(conn);
    struct channel *channel = channel_make(side->remoting);
    channel->conn = conn;
    channel->id = conn_id(conn);
    channel->fast = side->fast;
    channel->opened = true;
    conn_set_user(conn, channel);
}

static void on_connected(struct conn *conn) {
    struct channel *channel = conn_user(conn);
    channel->opened = true;
}

static void on_closed(struct conn *conn, enum err why) {
    struct channel *channel = conn_user(conn);
    struct remoting *remoting = channel->remoting;
    char reason[256];
    const char *detail = err_detail(why), *address = channel->address ? channel->address : "";
    bool is_named = strncmp(detail, address, strlen(address)) == 0; /* it names the peer by its number already */
    snprintf(reason, sizeof reason, "%s%s%s", is_named ? "" : address, is_named ? "" : ": ", detail);
    channel_unlink(channel);
    if (channel->opened && remoting->options.on_closed)
        remoting->options.on_closed(remoting->options.owner, remoting, channel->id, conn_peer(conn));
    enum err err = why == ERR_CANCELLED ? why : channel->opened ? ERR_CLOSED : ERR_CONNECT;
    end_calls(channel, err, reason);
    channel_free(channel);
}

static const struct conn_events accepted_events = {on_accepted, on_received, on_closed};
static const struct conn_events connected_events = {on_connected, on_received, on_closed};
