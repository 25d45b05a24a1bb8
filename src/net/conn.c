/* conn.c - a connection from its slot to its end; input, output and connecting have files of their own. */
#include "net/conn.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/check.h"
#include "base/log.h"
#include "net/conn_internal.h"

/* id: number of the loop (16 bits), generation of the slot (24), slot (24); never 0 because generations start at 1. */
enum { SLOT_BITS = 24, GENERATION_BITS = 24, SLOT_MASK = (1 << SLOT_BITS) - 1, GENERATION_MASK = SLOT_MASK };

void conn_init_pools(struct loop *loop) {
    pool_init(&loop->out_pieces, sizeof(struct out_piece), 4096);
}

/* --- slots --- */

static void slots_grow(struct loop *loop) {
    uint32_t old = loop->slot_count, count = old ? old * 2 : 64;
    must(count <= SLOT_MASK);
    loop->slots = realloc(loop->slots, count * sizeof *loop->slots);
    must(loop->slots);
    for (uint32_t i = old; i < count; i++)
        loop->slots[i] = (struct conn_slot){.generation = 1, .next_free = i + 1 < count ? i + 2 : 0};
    loop->slot_count = count;
    loop->free_slot = old + 1;
}

static void slot_take(struct conn *conn) {
    struct loop *loop = conn->loop;
    if (!loop->free_slot) slots_grow(loop);
    uint32_t index = loop->free_slot - 1;
    struct conn_slot *slot = &loop->slots[index];
    loop->free_slot = slot->next_free;
    slot->conn = conn;
    conn->id =
        (uint64_t)loop->number << (SLOT_BITS + GENERATION_BITS) | (uint64_t)slot->generation << SLOT_BITS | index;
}

static void slot_give(struct conn *conn) {
    struct loop *loop = conn->loop;
    uint32_t index = (uint32_t)(conn->id & SLOT_MASK);
    struct conn_slot *slot = &loop->slots[index];
    slot->conn = NULL;
    slot->generation = slot->generation == GENERATION_MASK ? 1 : slot->generation + 1;
    slot->next_free = loop->free_slot;
    loop->free_slot = index + 1;
}

struct conn *conn_find(struct loop *loop, uint64_t id) {
    loop_must_own(loop);
    uint32_t index = (uint32_t)(id & SLOT_MASK);
    if (index >= loop->slot_count) return NULL;
    struct conn *conn = loop->slots[index].conn;
    return conn && conn->id == id ? conn : NULL;
}

void conn_each(struct loop *loop, void (*visit)(struct conn *conn, void *arg), void *arg) {
    loop_must_own(loop);
    for (uint32_t i = 0; i < loop->slot_count; i++) {
        if (loop->slots[i].conn) visit(loop->slots[i].conn, arg);
    }
}

/* --- beginning --- */

enum err conn_make(struct loop *loop, const struct conn_options *options, void *owner, struct conn **out) {
    loop_must_own(loop);
    if (loop->destroying) return fail(ERR_SHUTTING_DOWN, "the event loop %s is shutting down", loop->name);
    struct conn *conn = calloc(1, sizeof *conn);
    must(conn);
    conn->loop = loop;
    conn->events = options->events;
    conn->owner = owner;
    conn->in_limit = options->in_limit_bytes ? options->in_limit_bytes : SIZE_MAX;
    conn->out_limit = options->out_limit_bytes ? options->out_limit_bytes : SIZE_MAX;
    conn->idle_ms = options->idle_ms;
    conn->active_ms = loop_now_ms(loop);
    conn->tcp.data = conn;
    must(uv_tcp_init(&loop->uv, &conn->tcp) == 0);
    slot_take(conn);
    if (conn->idle_ms > 0) loop_sweep_within(loop, conn->idle_ms / 4);
    *out = conn;
    return ERR_OK;
}

enum err conn_adopt(struct loop *loop, int fd, const struct address *peer, const struct conn_options *options,
                    void *owner) {
    struct conn *conn;
    enum err err = conn_make(loop, options, owner, &conn);
    if (err != ERR_OK) {
        close(fd);
        atomic_fetch_sub(&loop->conn_count, 1);
        return err;
    }
    int status = uv_tcp_open(&conn->tcp, fd);
    if (status != 0) {
        close(fd);
        conn_finish(conn, false);
        return fail(ERR_IO, "cannot watch the connection of %s: %s", address_text(peer, (char[ADDRESS_TEXT_MAX]){0}),
                    uv_strerror(status));
    }
    conn->peer = *peer;
    conn->sniffing = true;
    conn_opened(conn);
    return ERR_OK;
}

void conn_opened(struct conn *conn) {
    struct sockaddr_storage local;
    int len = sizeof local;
    conn->state = CONN_OPEN;
    conn->active_ms = loop_now_ms(conn->loop);
    conn->loop->happened = true;
    if (uv_tcp_getsockname(&conn->tcp, (struct sockaddr *)&local, &len) == 0)
        conn->local = address_of_sockaddr((struct sockaddr *)&local);
    uv_tcp_nodelay(&conn->tcp, 1); /* fails only for a connection that is dead already: reading tells */
    conn_start_reading(conn);
    if (conn->first) conn_mark_dirty(conn); /* written while connecting */
    conn->events->opened(conn);
}

/* --- end --- */

void conn_mark_dirty(struct conn *conn) {
    if (conn->dirty || conn->state == CONN_CLOSED) return;
    struct loop *loop = conn->loop;
    conn->dirty = true;
    conn->next_dirty = NULL;
    if (loop->dirty)
        loop->last_dirty->next_dirty = conn;
    else
        loop->dirty = conn;
    loop->last_dirty = conn;
}

static void unmark_dirty(struct conn *conn) {
    if (!conn->dirty) return;
    struct conn *before = NULL;
    struct conn **link = &conn->loop->dirty;
    for (; *link != conn; link = &(*link)->next_dirty) before = *link;
    *link = conn->next_dirty;
    if (conn->loop->last_dirty == conn) conn->loop->last_dirty = before;
    conn->dirty = false;
}

void conn_flush_dirty(struct loop *loop) {
    struct conn *conn;
    while ((conn = loop->dirty)) {
        loop->dirty = conn->next_dirty;
        conn->dirty = false;
        conn_flush(conn);
        if (conn->state == CONN_CLOSING) conn_finish(conn, true);
    }
}

void conn_end(struct conn *conn, enum err why, int status) {
    if (conn->state >= CONN_CLOSING) return;
    conn->why = why;
    conn->why_status = status;
    if (conn->state == CONN_OPEN) uv_read_stop((uv_stream_t *)&conn->tcp);
    conn->state = CONN_CLOSING;
    conn_mark_dirty(conn);
}

static void event_closed(struct conn *conn) {
    char peer[ADDRESS_TEXT_MAX];
    address_text(&conn->peer, peer);
    conn->loop->happened = true;
    if (conn->why_status)
        fail(conn->why, "%s: %s: %s", peer, err_text(conn->why), uv_strerror(conn->why_status));
    else
        fail(conn->why, "%s: %s", peer, err_text(conn->why));
    conn->events->closed(conn, conn->why);
}

void conn_finish(struct conn *conn, bool event) {
    must(conn->state != CONN_CLOSED);
    conn->state = CONN_CLOSED;
    unmark_dirty(conn);
    conn_out_free(conn);
    conn_in_free(conn);
    slot_give(conn);
    atomic_fetch_sub(&conn->loop->conn_count, 1);
    if (event) event_closed(conn);
    conn_connect_abandon(conn);
    if (!uv_is_closing((uv_handle_t *)&conn->tcp)) uv_close((uv_handle_t *)&conn->tcp, conn_on_tcp_closed);
}

void conn_on_tcp_closed(uv_handle_t *handle) {
    struct conn *conn = handle->data;
    if (conn->state == CONN_CLOSED)
        free(conn);
    else
        conn_connect_next(conn);
}

void conn_close(struct conn *conn) {
    loop_must_own(conn->loop);
    conn_end(conn, ERR_CLOSED, 0);
}

void conn_drop(struct conn *conn) {
    loop_must_own(conn->loop);
    if (conn->state != CONN_CLOSED) conn_finish(conn, false);
}

static void end_now(struct conn *conn, void *arg) {
    (void)arg;
    if (conn->state != CONN_CLOSING) conn->why = ERR_CANCELLED;
    conn_finish(conn, true);
}

void conn_end_all(struct loop *loop) {
    conn_each(loop, end_now, NULL);
}

static void close_if_idle(struct conn *conn, void *arg) {
    (void)arg;
    if (conn->idle_ms > 0 && conn->state == CONN_OPEN && loop_now_ms(conn->loop) - conn->active_ms >= conn->idle_ms)
        conn_close(conn);
}

void conn_close_idle(struct loop *loop) {
    conn_each(loop, close_if_idle, NULL);
}

static void resume_if_due(struct conn *conn, void *arg) {
    (void)arg;
    if (conn->resuming) conn_resume(conn);
}

void conn_on_resume(uv_idle_t *idle) {
    struct loop *loop = idle->data;
    loop->happened = true;
    uv_idle_stop(idle); /* first: a connection that fills up again starts it anew */
    conn_each(loop, resume_if_due, NULL);
}

/* --- what it is --- */

bool conn_is_closing(const struct conn *conn) {
    return conn->state >= CONN_CLOSING;
}
bool conn_is_full(const struct conn *conn) {
    return conn->out_bytes >= conn->out_limit;
}
size_t conn_out_bytes(const struct conn *conn) {
    return conn->out_bytes;
}
uint64_t conn_id(const struct conn *conn) {
    return conn->id;
}
struct loop *conn_loop(const struct conn *conn) {
    return conn->loop;
}
void *conn_owner(const struct conn *conn) {
    return conn->owner;
}
void *conn_user(const struct conn *conn) {
    return conn->user;
}
void conn_set_user(struct conn *conn, void *user) {
    conn->user = user;
}
const struct address *conn_peer(const struct conn *conn) {
    return &conn->peer;
}
const struct address *conn_local(const struct conn *conn) {
    return &conn->local;
}
