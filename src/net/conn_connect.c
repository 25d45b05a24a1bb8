/* conn_connect.c - outgoing connections: names, several addresses, the deadline. */
#include "net/conn_internal.h"

#include <arpa/inet.h>
#include <stdlib.h>

#include "base/check.h"

/* A connection being made: the name is resolved on libuv's threads, then each address is tried in turn, the deadline
 * running over all. Lives until libuv has given back its request, which may be after the conn is gone. */
struct connecting {
    union {
        uv_getaddrinfo_t lookup;
        uv_connect_t connect;
    } req;
    bool under_way;    /* libuv has `req` */
    struct conn *conn; /* NULL: it is gone */
    struct loop_timer deadline;
    struct addrinfo *found, *next; /* of a looked-up name */
};

static void connecting_free(struct connecting *connecting) {
    if (connecting->found) uv_freeaddrinfo(connecting->found);
    free(connecting);
}

void conn_connect_abandon(struct conn *conn) {
    struct connecting *connecting = conn->connecting;
    if (!connecting) return;
    conn->connecting = NULL;
    connecting->conn = NULL;
    loop_timer_stop(&connecting->deadline);
    if (!connecting->under_way)
        connecting_free(connecting);
    else
        uv_cancel((uv_req_t *)&connecting->req); /* hurries a lookup; a connect ends with its socket */
}

static void on_deadline(struct loop_timer *timer) {
    struct connecting *connecting = CONTAINER_OF(timer, struct connecting, deadline);
    conn_end(connecting->conn, ERR_TIMEOUT, UV_ETIMEDOUT);
}

/* This address did not work: a libuv socket tries once, so the next address waits until this one is closed. */
static void attempt_failed(struct conn *conn, int status) {
    conn->why_status = status;
    if (conn->state == CONN_CONNECTING) uv_close((uv_handle_t *)&conn->tcp, conn_on_tcp_closed);
}

/* A socket that connects to a free local port may find itself at the other end. */
static bool is_self(const struct conn *conn) {
    struct sockaddr_storage local;
    int len = sizeof local;
    if (uv_tcp_getsockname(&conn->tcp, (struct sockaddr *)&local, &len) != 0) return false;
    struct address address = address_of_sockaddr((struct sockaddr *)&local);
    return address_equal(&address, &conn->peer);
}

static void on_connected(uv_connect_t *req, int status) {
    struct connecting *connecting = CONTAINER_OF((void *)req, struct connecting, req);
    struct conn *conn = connecting->conn;
    connecting->under_way = false;
    if (!conn) {
        connecting_free(connecting);
        return;
    }
    if (conn->state != CONN_CONNECTING) return; /* ends with this turn */
    conn->loop->happened = true;
    if (status == 0 && is_self(conn)) status = UV_ECONNREFUSED;
    if (status != 0) {
        attempt_failed(conn, status);
        return;
    }
    conn_connect_abandon(conn);
    conn->why_status = 0;
    conn_opened(conn);
}

static void connect_to(struct conn *conn, const struct sockaddr *address) {
    struct connecting *connecting = conn->connecting;
    conn->peer = address_of_sockaddr(address);
    int status = uv_tcp_connect(&connecting->req.connect, &conn->tcp, address, on_connected);
    if (status == 0)
        connecting->under_way = true;
    else
        attempt_failed(conn, status);
}

void conn_connect_next(struct conn *conn) {
    struct connecting *connecting = conn->connecting;
    conn->loop->happened = true;
    must(uv_tcp_init(&conn->loop->uv, &conn->tcp) == 0);
    if (conn->state != CONN_CONNECTING) return;
    if (!connecting->next) {
        conn_end(conn, ERR_CONNECT, conn->why_status);
        return;
    }
    const struct addrinfo *info = connecting->next;
    connecting->next = info->ai_next;
    connect_to(conn, info->ai_addr);
}

static void on_looked_up(uv_getaddrinfo_t *req, int status, struct addrinfo *found) {
    struct connecting *connecting = CONTAINER_OF((void *)req, struct connecting, req);
    struct conn *conn = connecting->conn;
    connecting->under_way = false;
    connecting->found = found;
    if (!conn) {
        connecting_free(connecting);
        return;
    }
    conn->loop->happened = true;
    if (conn->state != CONN_CONNECTING) return;
    if (status != 0 || !found) {
        conn_end(conn, ERR_CONNECT, status != 0 ? status : UV_EAI_NODATA);
        return;
    }
    connecting->next = found->ai_next;
    connect_to(conn, found->ai_addr);
}

static void look_up(struct conn *conn, const char *host, uint16_t port) {
    struct connecting *connecting = conn->connecting;
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    char service[8];
    snprintf(service, sizeof service, "%u", port);
    int status = uv_getaddrinfo(&conn->loop->uv, &connecting->req.lookup, on_looked_up, host, service, &hints);
    if (status == 0)
        connecting->under_way = true;
    else
        conn_end(conn, ERR_CONNECT, status);
}

enum err conn_connect(struct loop *loop, struct bytes host, uint16_t port, int64_t timeout_ms,
                      const struct conn_options *options, void *user, struct conn **out) {
    char name[NI_MAXHOST] = {0};
    if (host.len == 0 || host.len >= sizeof name || memchr(host.data, 0, host.len))
        return fail(ERR_BAD_INPUT, "\"%.*s\" is no host name", BYTES_ARG(host));
    memcpy(name, host.data, host.len);
    struct conn *conn;
    TRY(conn_make(loop, options, options->owner, &conn));
    atomic_fetch_add(&loop->conn_count, 1);
    conn->user = user;
    conn->peer.port = port;
    conn->connecting = calloc(1, sizeof *conn->connecting);
    must(conn->connecting);
    conn->connecting->conn = conn;
    loop_timer_start(loop, &conn->connecting->deadline, timeout_ms, 0, on_deadline);
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
    if (uv_ip4_addr(name, port, &in) == 0)
        connect_to(conn, (struct sockaddr *)&in);
    else if (uv_ip6_addr(name, port, &in6) == 0)
        connect_to(conn, (struct sockaddr *)&in6);
    else
        look_up(conn, name, port);
    *out = conn;
    return ERR_OK;
}
