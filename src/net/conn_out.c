/* conn_out.c - what waits to be sent. */
#include "net/conn_internal.h"

#include <stdlib.h>

#include "base/check.h"
#include "os/map_guard.h"

/* Output is a chain of pieces: runs of bytes copied into blocks, and slices. One flush a turn hands the kernel as many
 * as it takes; the rest goes to libuv, which waits until the socket is writable. */
enum { IOV_MAX_COUNT = 128, FLUSH_ROUNDS = 16, SLICE_WORTH_BYTES = 2048, RUN_BYTES = 4096 };

struct conn_writing {
    uv_write_t req;
    struct conn *conn; /* NULL: it is gone */
    size_t bytes;
};

/* --- blocks and pieces --- */

static struct out_block *block_take(struct loop *loop, size_t len) {
    size_t fits = OUT_BLOCK_BYTES - sizeof(struct out_block);
    struct out_block *block = len <= fits ? pool_take(&loop->out_blocks) : malloc(sizeof *block + len);
    must(block);
    *block = (struct out_block){.refs = 1, .cap = MAX(len, fits)};
    return block;
}

static void block_unref(struct loop *loop, struct out_block *block) {
    if (--block->refs > 0) return;
    if (block->cap == OUT_BLOCK_BYTES - sizeof *block)
        pool_give(&loop->out_blocks, block);
    else
        free(block);
}

static struct out_piece *piece_append(struct conn *conn) {
    struct out_piece *piece = pool_take(&conn->loop->out_pieces);
    *piece = (struct out_piece){0};
    if (conn->last)
        conn->last->next = piece;
    else
        conn->first = piece;
    conn->last = piece;
    conn_mark_dirty(conn);
    return piece;
}

static void piece_drop_first(struct conn *conn) {
    struct out_piece piece = *conn->first;
    pool_give(&conn->loop->out_pieces, conn->first);
    conn->first = piece.next;
    if (!conn->first) {
        conn->last = NULL;
        conn->has_slices = false;
    }
    if (piece.block) block_unref(conn->loop, piece.block);
    if (piece.release) piece.release(piece.ctx);
}

static void block_leave(struct conn *conn) {
    if (!conn->block) return;
    block_unref(conn->loop, conn->block);
    conn->block = NULL;
}

/* --- writing into the queue --- */

char *conn_reserve(struct conn *conn, size_t len) {
    loop_must_own(conn->loop);
    if (conn->block && conn->block->cap - conn->block->used < len) block_leave(conn);
    if (!conn->block) conn->block = block_take(conn->loop, len);
    return conn->block->data + conn->block->used;
}

void conn_wrote(struct conn *conn, size_t len) {
    struct out_block *block = conn->block;
    must(block && len <= block->cap - block->used);
    if (conn->state == CONN_CLOSED || conn->cut) {
        block_leave(conn);
        return;
    }
    if (len == 0) return;
    char *data = block->data + block->used;
    block->used += len;
    conn->out_bytes += len;
    if (conn->last && conn->last->block == block && conn->last->data + conn->last->len == data) {
        conn->last->len += len;
        return;
    }
    struct out_piece *piece = piece_append(conn);
    piece->data = data;
    piece->len = len;
    piece->block = block;
    block->refs++;
}

void conn_write(struct conn *conn, struct bytes data) {
    if (data.len == 0) return;
    memcpy(conn_reserve(conn, data.len), data.data, data.len);
    conn_wrote(conn, data.len);
}

void slices_release(const struct slice *slices, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (slices[i].release) slices[i].release(slices[i].ctx);
}

/* Neighbours that are small: the kernel takes many pieces more slowly than their bytes in one. The last one may have to
 * be released. */
static size_t count_small(const struct slice *slices, size_t count, size_t *bytes) {
    size_t i = 0;
    for (*bytes = 0; i < count && slices[i].bytes.len <= SLICE_WORTH_BYTES && *bytes < RUN_BYTES;
         *bytes += slices[i++].bytes.len)
        if (i > 0 && slices[i - 1].release) break;
    return i;
}

/* A page that got lost reads as zeros, which must not go out for a message. (Of a slice the kernel takes nothing then.)
 */
static void copy_small(struct conn *conn, const struct slice *slices, size_t count, size_t bytes) {
    int64_t lost = map_guard_pages();
    char *at = conn_reserve(conn, bytes);
    for (size_t i = 0; i < count; i++) {
        memcpy(at, slices[i].bytes.data, slices[i].bytes.len);
        at += slices[i].bytes.len;
    }
    if (map_guard_pages() == lost) {
        conn_wrote(conn, bytes);
        return;
    }
    conn->cut = true;
    conn_end(conn, ERR_IO, UV_EIO);
}

/* What was copied is not needed any more, but slices before it may hang on the same release. */
static void release_copied(struct conn *conn, const struct slice *slice) {
    if (!slice->release) return;
    if (!conn->has_slices) {
        slice->release(slice->ctx);
        return;
    }
    struct out_piece *piece = piece_append(conn);
    piece->release = slice->release;
    piece->ctx = slice->ctx;
}

static void add_slice(struct conn *conn, const struct slice *slice) {
    struct out_piece *piece = piece_append(conn);
    piece->data = slice->bytes.data;
    piece->len = slice->bytes.len;
    piece->release = slice->release;
    piece->ctx = slice->ctx;
    conn->out_bytes += slice->bytes.len;
    conn->has_slices = true;
}

void conn_write_slices(struct conn *conn, const struct slice *slices, size_t count) {
    loop_must_own(conn->loop);
    for (size_t i = 0; i < count;) {
        size_t bytes, run = count_small(slices + i, count - i, &bytes);
        bool takes = conn->state != CONN_CLOSED && !conn->cut;
        if (!takes) {
            slices_release(&slices[i++], 1);
        } else if (run == 0) {
            add_slice(conn, &slices[i++]);
        } else {
            if (bytes > 0) copy_small(conn, slices + i, run, bytes);
            i += run;
            release_copied(conn, &slices[i - 1]);
        }
    }
}

void conn_out_free(struct conn *conn) {
    while (conn->first) piece_drop_first(conn);
    block_leave(conn);
    conn->out_bytes = 0;
    if (conn->writing) conn->writing->conn = NULL; /* libuv writes no more once the socket is closed */
    conn->writing = NULL;
}

/* --- the kernel's side --- */

static void consume(struct conn *conn, size_t bytes) {
    conn->out_bytes -= bytes;
    conn->active_ms = loop_now_ms(conn->loop);
    while (conn->first && bytes >= conn->first->len) {
        bytes -= conn->first->len;
        piece_drop_first(conn);
    }
    if (bytes > 0) {
        conn->first->data += bytes;
        conn->first->len -= bytes;
    }
    if (!conn->first) block_leave(conn);
}

static unsigned gather(const struct conn *conn, uv_buf_t *bufs, size_t *total) {
    unsigned count = 0;
    *total = 0;
    for (struct out_piece *piece = conn->first; piece && count < IOV_MAX_COUNT; piece = piece->next) {
        bufs[count++] = (uv_buf_t){.base = (char *)(uintptr_t)piece->data, .len = piece->len};
        *total += piece->len;
    }
    return count;
}

static void write_failed(struct conn *conn, int status) {
    if (conn->state == CONN_CLOSING) return; /* that was its one try */
    conn_end(conn, ERR_CLOSED, status);
}

static void on_written(uv_write_t *req, int status) {
    struct conn_writing *writing = CONTAINER_OF(req, struct conn_writing, req);
    struct conn *conn = writing->conn;
    if (conn) {
        conn->loop->happened = true;
        conn->writing = NULL;
        if (status == 0)
            consume(conn, writing->bytes);
        else
            write_failed(conn, status);
        conn_mark_dirty(conn);
    }
    free(writing);
}

/* libuv copies the buffers' places; the pieces stay until on_written. The last piece of a block may grow meanwhile:
 * `bytes` says what is under way. */
static void write_rest(struct conn *conn) {
    uv_buf_t bufs[IOV_MAX_COUNT];
    struct conn_writing *writing = calloc(1, sizeof *writing);
    must(writing);
    unsigned count = gather(conn, bufs, &writing->bytes);
    writing->conn = conn;
    int status = uv_write(&writing->req, (uv_stream_t *)&conn->tcp, bufs, count, on_written);
    if (status == 0) {
        conn->writing = writing;
        return;
    }
    free(writing);
    write_failed(conn, status);
}

static void write_out(struct conn *conn) {
    uv_buf_t bufs[IOV_MAX_COUNT];
    for (int round = 0; conn->first && round < FLUSH_ROUNDS; round++) {
        size_t total;
        unsigned count = gather(conn, bufs, &total);
        int wrote = uv_try_write((uv_stream_t *)&conn->tcp, bufs, count);
        if (wrote < 0 && wrote != UV_EAGAIN) {
            write_failed(conn, wrote);
            return;
        }
        if (wrote > 0) consume(conn, (size_t)wrote);
        if (wrote < 0 || (size_t)wrote < total) break;
    }
    if (conn->first && conn->state == CONN_OPEN) write_rest(conn);
}

static void balance(struct conn *conn) {
    if (conn->state != CONN_OPEN) return;
    if (conn_is_full(conn)) {
        conn_pause(conn);
    } else if (conn->paused && !conn->resuming && conn->out_bytes <= conn->out_limit / 2) {
        conn->resuming = true;
        uv_idle_start(&conn->loop->resume, conn_on_resume);
    }
}

void conn_flush(struct conn *conn) {
    if (conn->connecting) return;
    if (!conn->writing && conn->first) write_out(conn);
    balance(conn);
}
