/* remoting_internal.h - what the files of remoting/ know of each other. */
#ifndef RMQ_REMOTING_REMOTING_INTERNAL_H
#define RMQ_REMOTING_REMOTING_INTERNAL_H

#include "remoting/calls.h"
#include "remoting/remoting.h"

enum { ADDRESS_BUCKETS = 64 };

/* Through which of its ports a connection came to a remoting: the owner of accepted connections. */
struct port_side {
    struct remoting *remoting;
    bool fast;
};
struct channel {
    struct remoting *remoting;
    struct conn *conn;
    uint64_t id;
    bool opened;
    bool fast;
    enum serialize_type serialize; /* of the requests we send: what the peer used last */
    char *address;                 /* we opened it for; NULL = accepted */
    struct channel *next_by_address;
    struct channel *prev, *next;
    struct call *calls; /* in flight */
};
/* A call that could not even be sent: it ends in a turn of its own, never inside remoting_call. */
struct failed_call {
    struct call *call;
    enum err err;
    char *reason;
    struct failed_call *next;
};
struct remoting {
    struct loop *loop;
    struct remoting_options options;
    struct port_side sides[2]; /* plain, fast */
    bool destroying;
    struct channel *channels;
    struct channel *by_address[ADDRESS_BUCKETS];
    struct calls calls;
    struct loop_timer deadline;
    int64_t deadline_ms; /* when it fires; INT64_MAX = not running */
    struct failed_call *failed, *last_failed;
    struct loop_timer ending; /* running while there are failed ones */
    struct arena arena;       /* of the frame being handled */
    struct buf scratch;       /* headers are made here */
};

/* channel.c */
struct conn_options channel_conn_options(const struct remoting *remoting, bool accepted);
struct channel *channel_kept(struct remoting *remoting, struct bytes address); /* NULL = none that is alive */
/* The channel kept for the address, opened if there is none. */
enum err channel_to(struct remoting *remoting, struct bytes address, struct channel **out) MUST_USE;
struct channel *channel_find(const struct remoting *remoting, uint64_t channel_id); /* NULL: gone or going */
/* Forgets that it is kept for its address: the next call opens a new one. */
void channel_forget_address(struct channel *channel);
/* Ends it now, its calls with `err` and the reason. */
void channel_end(struct channel *channel, enum err err, const char *reason);
/* Sends a command of our own making; takes the slices. */
void channel_send(struct channel *channel, struct command *command, const struct outgoing *outgoing);
void outgoing_release(const struct outgoing *outgoing);
/* call.c */
void call_answered(struct channel *channel, const struct command *response);
void call_end(struct remoting *remoting, struct call *call, enum err err, const struct command *response);
void call_end_failed(struct remoting *remoting); /* those that could not be sent */

#endif
