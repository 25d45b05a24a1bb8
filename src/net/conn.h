/* conn.h - one TCP connection, owned by one loop.
 * Input is collected until the owner has taken whole units out of it; output is queued and written once a turn.
 * A peer that does not read is not read from any more once `out_limit_bytes` wait for it.
 * Other threads know a connection by its id alone (loop + slot + generation), never by pointer.
 * @thread the loop's own, unless a function says otherwise */
#ifndef RMQ_NET_CONN_H
#define RMQ_NET_CONN_H

#include "base/bytes.h"
#include "base/err.h"
#include "net/address.h"
#include "net/loop.h"

struct conn;

struct conn_events {
    /* Connected or accepted; for an outgoing one that failed `closed` comes without it. */
    void (*opened)(struct conn *conn);
    /* `input` is all that has come and not been taken. Say how much was taken, and in *need how many bytes the
     * next unit has in all when that is known (0: not known). An error closes the connection. */
    enum err (*received)(struct conn *conn, struct bytes input, size_t *taken, size_t *need);
    /* Last event, exactly once; `why` is ERR_CLOSED for a normal end. The conn is gone when it returns. */
    void (*closed)(struct conn *conn, enum err why);
};
struct conn_options {
    const struct conn_events *events;
    void *owner;            /* conn_owner() of each connection made with these options */
    int64_t idle_ms;        /* closed after this long without a byte in or out; 0 = never */
    size_t in_limit_bytes;  /* largest unit; a `need` above it closes the connection. 0 = none */
    size_t out_limit_bytes; /* see above; 0 = none */
};

/* Connects to host:port, resolving names without blocking; `closed` with ERR_CONNECT or ERR_TIMEOUT when it fails.
 * The conn may be written to at once; output waits for the connection. */
enum err conn_connect(struct loop *loop, struct bytes host, uint16_t port, int64_t timeout_ms,
                      const struct conn_options *options, void *user, struct conn **out) MUST_USE;
void conn_write(struct conn *conn, struct bytes data); /* copies */
/* Room in the output buffer to write `len` bytes into, then conn_wrote; saves the copy. */
char *conn_reserve(struct conn *conn, size_t len);
void conn_wrote(struct conn *conn, size_t len);
/* Bytes sent without a copy, unless they are few. `release(ctx)` is called once when they are no longer needed, and all
 * that was written before them neither, also on close; it calls nothing of net/. May be NULL. */
struct slice {
    struct bytes bytes;
    void (*release)(void *ctx);
    void *ctx;
};
void slices_release(const struct slice *slices, size_t count);
/* The conn ends when mapped bytes (os/map_guard.h) cannot be read. */
void conn_write_slices(struct conn *conn, const struct slice *slices, size_t count);
size_t conn_out_bytes(const struct conn *conn); /* queued, not yet taken by the kernel */
/* A server that sees this stops taking units; `received` comes again when the peer has read. */
bool conn_is_full(const struct conn *conn); /* out_limit_bytes or more are queued */
void conn_close(struct conn *conn);         /* queued output is tried once; `closed` comes before the turn ends */
bool conn_is_closing(const struct conn *conn);
/* Ends it now: queued output is dropped and no event comes. Not from an event of this conn. */
void conn_drop(struct conn *conn);

uint64_t conn_id(const struct conn *conn);
struct conn *conn_find(struct loop *loop, uint64_t id); /* NULL when gone */
struct loop *conn_loop(const struct conn *conn);
void *conn_owner(const struct conn *conn);
void *conn_user(const struct conn *conn);
void conn_set_user(struct conn *conn, void *user);
const struct address *conn_peer(const struct conn *conn);
const struct address *conn_local(const struct conn *conn);
/* Each connection of the loop once; the visitor may close it. */
void conn_each(struct loop *loop, void (*visit)(struct conn *conn, void *arg), void *arg);

#endif
