/* remoting.h - RocketMQ's remoting over connections: requests and responses both ways, several in flight, matched
 * by (connection, direction, opaque). One `struct remoting` a loop; it owns the channels (connections) of that loop,
 * those it accepted and those it opened, and the calls in flight.
 * @thread the loop's own unless said otherwise */
#ifndef RMQ_REMOTING_REMOTING_H
#define RMQ_REMOTING_REMOTING_H

#include <stdarg.h>
#include "base/arena.h"
#include "net/conn.h"
#include "wire/command.h"
#include "wire/header.h"
#include "wire/response.h"

struct remoting;
struct channel; /* valid while the handler runs; kept longer only by its channel_id */

/* A command to be sent: the content of a request or of a response. All pointers are borrowed until the call returns,
 * the slices' memory until their release. {0} is an empty success. */
struct outgoing {
    int32_t code;
    struct bytes remark;
    const struct header_layout *layout; /* of fields; NULL = no header struct */
    const void *fields;
    const struct ext_field *ext; /* more ext fields */
    size_t ext_count;
    struct bytes body;          /* copied; sent before the slices */
    const struct slice *slices; /* taken: released also when sending fails */
    size_t slice_count;
};

/* Makes it a refusal: that code and remark, at most 1 KiB of it, in `arena`. */
void outgoing_refuse(struct outgoing *reply, struct arena *arena, int32_t code, const char *format, va_list args)
    __attribute__((format(printf, 4, 0)));

/* Where a response goes; a plain value that may be kept and used later on the same loop. */
struct reply_to {
    struct remoting *remoting;
    uint64_t channel_id;
    int32_t opaque;
    int32_t version;   /* of the asker: decides dialects */
    uint8_t serialize; /* of the request: responses mirror it */
    bool oneway;       /* replies are dropped silently */
    bool fast;         /* came through the fast port: no pulls there */
};
/* A request that came in. Lives until the handler returns unless detached. */
struct request {
    struct command command;
    struct arena *arena; /* dies with the request */
    struct reply_to to;
    struct channel *channel; /* NULL when detached */
    struct address peer;
    void *owner; /* of the remoting */
};

struct remoting_options {
    void *owner;
    /* A request: answer it once, now or later, with remoting_reply (a oneway one needs none). Its bytes die when
     * this returns: request_detach what must live. */
    void (*on_request)(struct request *request);
    /* A channel is gone; its id finds nothing any more. May be NULL. */
    void (*on_closed)(void *owner, struct remoting *remoting, uint64_t channel_id, const struct address *peer);
    size_t frame_max_bytes;        /* 0 = FRAME_MAX_DEFAULT */
    size_t out_limit_bytes;        /* 0 = 64 MiB */
    int64_t server_idle_ms;        /* 0 = 120000 */
    int64_t client_idle_ms;        /* 0 = 120000 */
    int64_t connect_timeout_ms;    /* 0 = 3000 */
    enum serialize_type serialize; /* of our own requests */
    int32_t language;              /* we announce; LANGUAGE_OTHER */
};
enum err remoting_create(struct loop *loop, const struct remoting_options *options, struct remoting **out) MUST_USE;
/* Calls in flight end with ERR_CANCELLED, channels without on_closed. Not from a callback of it. Its servers are closed
 * and, when another thread accepts for it, its loop has stopped. */
void remoting_destroy(struct remoting *remoting);
struct loop *remoting_loop(const struct remoting *remoting); /* any thread */

/* Listens with `acceptor`'s loop and spreads connections over `remotings`. fast: their requests get to.fast. */
struct remoting_server;
enum err remoting_listen(struct loop *acceptor, struct remoting **remotings, size_t count, const char *host,
                         uint16_t port, bool fast, struct remoting_server **out) MUST_USE;
uint16_t remoting_server_port(const struct remoting_server *server);
void remoting_server_close(struct remoting_server *server);

/* Sends the response. A channel that is gone swallows it. Slices are released in every case. */
void remoting_reply(const struct reply_to *to, const struct outgoing *response);
/* code of err, err_detail as remark. */
void remoting_reply_error(const struct reply_to *to, enum err err);
/* A copy of the request with memory of its own, for another thread or a later turn; request_free it. Reply
 * on its loop. */
struct request *request_detach(const struct request *request);
void request_free(struct request *request);

uint64_t channel_id(const struct channel *channel);
const struct address *channel_peer(const struct channel *channel);
bool remoting_channel_alive(const struct remoting *remoting, uint64_t channel_id);
void remoting_close_channel(struct remoting *remoting, uint64_t channel_id);

/* The end of a call, exactly once, on the loop. err: ERR_OK with any response code in `response` (valid during the
 * callback only), else ERR_CONNECT, ERR_CLOSED, ERR_TIMEOUT, ERR_CANCELLED or ERR_BUSY (out_limit_bytes wait for a peer
 * that does not read) with response NULL and err_detail(err) saying more. Never inside the function that calls; it may
 * call again. */
typedef void call_done(void *ctx, enum err err, const struct command *response);
/* Calls the server at "host:port" over the one channel kept for it, opening it when needed. */
void remoting_call(struct remoting *remoting, struct bytes address, const struct outgoing *request, int64_t timeout_ms,
                   call_done *done, void *ctx);
void remoting_oneway(struct remoting *remoting, struct bytes address, const struct outgoing *request);
/* The same to the peer of an existing channel (a server asking its client). ERR_CLOSED through done when it is gone. */
void remoting_call_channel(struct remoting *remoting, uint64_t channel_id, const struct outgoing *request,
                           int64_t timeout_ms, call_done *done, void *ctx);
void remoting_oneway_channel(struct remoting *remoting, uint64_t channel_id, const struct outgoing *request);
/* Ends the channel kept for that address, if any. */
void remoting_disconnect(struct remoting *remoting, struct bytes address);

#endif
