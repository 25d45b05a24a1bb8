/* conn_in.c - what has come and waits to be taken. */
#include "net/conn_internal.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/log.h"
#include "net/sniff.h"

/* Input lies in a block of the loop's pool while there is any: a connection at rest has none. A unit larger than a
 * block gets a buffer that doubles as its bytes come, so that a peer makes us hold no more than twice what it sent. */

static void in_give(struct conn *conn) {
    if (conn->in_cap == IN_BLOCK_BYTES)
        pool_give(&conn->loop->in_blocks, conn->in);
    else
        free(conn->in);
    conn->in = NULL;
    conn->in_len = conn->in_cap = 0;
}

void conn_in_free(struct conn *conn) {
    if (conn->in) in_give(conn);
}

static void in_grow(struct conn *conn) {
    size_t cap = conn->in_cap * 2;
    char *grown;
    if (conn->in_cap == IN_BLOCK_BYTES) {
        grown = malloc(cap);
        must(grown);
        memcpy(grown, conn->in, conn->in_len);
        pool_give(&conn->loop->in_blocks, conn->in);
    } else {
        grown = realloc(conn->in, cap);
        must(grown);
    }
    conn->in = grown;
    conn->in_cap = cap;
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf) {
    (void)suggested;
    struct conn *conn = handle->data;
    if (!conn->in) {
        conn->in = pool_take(&conn->loop->in_blocks);
        conn->in_cap = IN_BLOCK_BYTES;
    } else if (conn->in_len == conn->in_cap) {
        in_grow(conn);
    }
    *buf = uv_buf_init(conn->in + conn->in_len, (unsigned)(conn->in_cap - conn->in_len));
}

static void in_take(struct conn *conn, size_t taken) {
    must(taken <= conn->in_len);
    conn->in_len -= taken;
    if (conn->in_len == 0)
        in_give(conn);
    else if (taken > 0)
        memmove(conn->in, conn->in + taken, conn->in_len);
}

/* First bytes of an accepted connection: *skip of them belong to a proxy. ERR_OK with *wait when more must come. */
static enum err sniff(struct conn *conn, size_t *skip, bool *wait) {
    struct sniffed sniffed;
    TRY(sniff_first_bytes((struct bytes){conn->in, conn->in_len}, &sniffed));
    *wait = sniffed.kind == SNIFF_MORE;
    *skip = sniffed.skip;
    if (sniffed.kind == SNIFF_PROXY) {
        if (sniffed.has_peer) conn->peer = sniffed.peer;
        return ERR_OK; /* what follows the header is judged next */
    }
    if (sniffed.kind == SNIFF_TLS)
        return fail(ERR_NOT_SUPPORTED, "the peer speaks TLS, which is not configured here: connect without TLS");
    conn->sniffing = *wait;
    return ERR_OK;
}

static enum err deliver_sniffed(struct conn *conn, bool *wait) {
    while (conn->sniffing && conn->in_len > 0) {
        size_t skip = 0;
        TRY(sniff(conn, &skip, wait));
        if (*wait) return ERR_OK;
        in_take(conn, skip);
    }
    *wait = conn->in_len == 0;
    return ERR_OK;
}

static enum err deliver(struct conn *conn) {
    bool wait = false;
    if (conn->sniffing) TRY(deliver_sniffed(conn, &wait));
    if (wait) return ERR_OK;
    size_t taken = 0, need = 0;
    TRY(conn->events->received(conn, (struct bytes){conn->in, conn->in_len}, &taken, &need));
    in_take(conn, taken);
    if (need > conn->in_limit || (conn->in_len > conn->in_limit && !conn_is_full(conn)))
        return fail(ERR_TOO_BIG, "a unit of %zu bytes is above the limit of %zu", MAX(need, conn->in_len),
                    conn->in_limit);
    return ERR_OK;
}

/* Hands the input over; bad input costs the peer its connection and nobody else anything. */
static void take_input(struct conn *conn) {
    enum err err = deliver(conn);
    if (err != ERR_OK) {
        log_every_ms(1000, WARN, NET, "connection closed on bad input: peer=%s reason=%s",
                     address_text(&conn->peer, (char[ADDRESS_TEXT_MAX]){0}), err_detail(err));
        conn_end(conn, err, 0);
        return;
    }
    if (conn->state == CONN_OPEN && conn_is_full(conn)) {
        conn_pause(conn);
        conn_mark_dirty(conn); /* its flush sees when to go on */
    }
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buf) {
    (void)buf;
    struct conn *conn = stream->data;
    conn->loop->happened = true;
    if (count > 0) {
        conn->in_len += (size_t)count;
        conn->active_ms = loop_now_ms(conn->loop);
        take_input(conn);
        return;
    }
    if (conn->in_len == 0) conn_in_free(conn);
    if (count < 0) conn_end(conn, ERR_CLOSED, count == UV_EOF ? 0 : (int)count);
}

void conn_start_reading(struct conn *conn) {
    int status = uv_read_start((uv_stream_t *)&conn->tcp, on_alloc, on_read);
    if (status != 0) conn_end(conn, ERR_CLOSED, status);
}

void conn_pause(struct conn *conn) {
    if (conn->paused) return;
    conn->paused = true;
    uv_read_stop((uv_stream_t *)&conn->tcp);
}

void conn_resume(struct conn *conn) {
    conn->resuming = false;
    if (conn->state != CONN_OPEN) return;
    conn->paused = false;
    if (conn->in_len > 0) take_input(conn); /* units left behind when the output filled up */
    if (conn->state == CONN_OPEN && !conn->paused) conn_start_reading(conn);
}
