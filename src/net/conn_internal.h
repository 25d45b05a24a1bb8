/* conn_internal.h - what the files of net/ know of a connection.
 *
 *   CONNECTING --connected--> OPEN --conn_end--> CLOSING --flush of this turn--> CLOSED --libuv lets go--> freed
 *       \----------------------conn_end--------------^
 *
 * CLOSING still takes output unless it was cut; `closed` comes on the way to CLOSED, where the id is gone and only
 * libuv knows the conn. */
#ifndef RMQ_NET_CONN_INTERNAL_H
#define RMQ_NET_CONN_INTERNAL_H

#include "net/conn.h"
#include "net/loop_internal.h"

enum conn_state { CONN_CONNECTING, CONN_OPEN, CONN_CLOSING, CONN_CLOSED };

/* Copied output; given back when nothing of it waits and it is not filled any more. */
struct out_block {
    size_t refs, used, cap;
    char data[];
};
/* A run of bytes to be sent: of a block, or a slice of somebody else. */
struct out_piece {
    struct out_piece *next;
    const char *data;
    size_t len;
    struct out_block *block; /* NULL for a slice */
    void (*release)(void *ctx);
    void *ctx;
};
struct connecting;
struct conn_writing;

struct conn {
    uv_tcp_t tcp;
    struct loop *loop;
    uint64_t id;
    const struct conn_events *events;
    void *owner, *user;
    size_t in_limit, out_limit;
    int64_t idle_ms, active_ms; /* active_ms: when bytes last went in or out */
    struct address peer, local;

    enum conn_state state;
    enum err why;   /* of the end */
    int why_status; /* libuv's reason for the end; 0 = none */
    bool sniffing;  /* accepted, first byte not yet judged */
    bool dirty;     /* in loop->dirty */
    bool paused;    /* not reading: the output is full */
    bool resuming;  /* to take up reading in loop->resume */
    bool cut;       /* bytes in the middle of the output were lost: CLOSING, and takes no more */

    char *in; /* NULL = no input waits */
    size_t in_len, in_cap;

    struct out_piece *first, *last;
    bool has_slices;         /* among the pieces */
    struct out_block *block; /* being filled; NULL = none */
    size_t out_bytes;
    struct conn_writing *writing; /* libuv has the first pieces */

    struct connecting *connecting;
    struct conn *next_dirty;
};

/* conn.c */
void conn_init_pools(struct loop *loop);
/* A connection in CONNECTING with an id; ERR_SHUTTING_DOWN when the loop is being destroyed. */
enum err conn_make(struct loop *loop, const struct conn_options *options, void *owner, struct conn **out) MUST_USE;
/* Takes over an accepted socket; on error it is closed. conn_count has it already. */
enum err conn_adopt(struct loop *loop, int fd, const struct address *peer, const struct conn_options *options,
                    void *owner) MUST_USE;
void conn_opened(struct conn *conn); /* connected or accepted: addresses, event, reading */
void conn_mark_dirty(struct conn *conn);
void conn_end(struct conn *conn, enum err why, int status); /* to CLOSING; the first reason stays */
void conn_finish(struct conn *conn, bool event);            /* to CLOSED */
void conn_on_tcp_closed(uv_handle_t *handle);
void conn_end_all(struct loop *loop); /* the loop is being destroyed */
void conn_close_idle(struct loop *loop);
void conn_flush_dirty(struct loop *loop); /* writes, ends what is CLOSING */
void conn_on_resume(uv_idle_t *idle);     /* loop->resume: connections that may read again do */
/* conn_in.c */
void conn_start_reading(struct conn *conn);
void conn_resume(struct conn *conn);
void conn_pause(struct conn *conn);
void conn_in_free(struct conn *conn);
/* conn_out.c */
void conn_flush(struct conn *conn); /* gives the kernel what it takes */
void conn_out_free(struct conn *conn);
/* conn_connect.c */
void conn_connect_next(struct conn *conn);    /* the socket of the last attempt is closed */
void conn_connect_abandon(struct conn *conn); /* the conn goes while connecting */

#endif
