/* client.h - a connected client as producers and consumers know it, and commands to it from any thread. */
#ifndef RMQ_BROKER_CLIENT_H
#define RMQ_BROKER_CLIENT_H

#include "broker/broker.h"

/* The way to a client: valid as long as its connection; commands to a gone one end with ERR_CLOSED. */
struct client_channel {
    struct reactor *reactor;
    uint64_t id;
};
struct client {
    struct bytes client_id;
    struct client_channel channel;
    struct address address;
    int32_t language, version;
    int64_t heard_ms; /* monotonic time of its last heartbeat */
};
struct client_channel client_channel_of(const struct request *request);
static inline bool client_channel_equal(struct client_channel a, struct client_channel b) {
    return a.reactor == b.reactor && a.id == b.id;
}

/* remoting_oneway_channel and remoting_call_channel from any thread: what is needed is copied; `done` comes on the
 * channel's own reactor. */
void client_oneway(struct client_channel channel, const struct outgoing *request);
void client_call(struct client_channel channel, const struct outgoing *request, int64_t timeout_ms, call_done *done,
                 void *ctx);
/* Ends the connection, in a later turn of its reactor. */
void client_disconnect(struct client_channel channel);

#endif
