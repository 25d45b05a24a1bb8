/* listener.c - accepting, and handing connections to loops. */
#include "net/listener.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "base/log.h"
#include "net/conn_internal.h"

/* Accepts on the acceptor's loop with plain system calls: a socket that libuv accepted could not change its loop. */
enum { BACKLOG_DEFAULT = 1024, ACCEPTS_A_TURN = 64, ACCEPT_PAUSE_MS = 100 };

struct listener {
    uv_poll_t poll;
    struct loop *acceptor;
    int fd;
    uint16_t port;
    struct loop_timer pause; /* running: no accepting, the process is out of file descriptors */
    struct listener_options options;
    struct loop *loops[];
};
/* A connection on its way to its loop. */
struct handoff {
    struct loop_task task;
    struct loop *loop;
    int fd;
    struct address peer;
    struct conn_options options;
    void *owner;
};

static void adopt(struct loop *loop, int fd, const struct address *peer, const struct conn_options *options,
                  void *owner) {
    enum err err = conn_adopt(loop, fd, peer, options, owner);
    if (err != ERR_OK) log_every_ms(1000, WARN, NET, "connection not taken: reason=%s", err_detail(err));
}

static void handoff_run(struct loop_task *task) {
    struct handoff *handoff = CONTAINER_OF(task, struct handoff, task);
    adopt(handoff->loop, handoff->fd, &handoff->peer, &handoff->options, handoff->owner);
    free(handoff);
}

static struct loop *least_loaded(const struct listener *listener) {
    struct loop *best = listener->loops[0];
    for (size_t i = 1; i < listener->options.loop_count; i++) {
        struct loop *loop = listener->loops[i];
        if (atomic_load(&loop->conn_count) < atomic_load(&best->conn_count)) best = loop;
    }
    return best;
}

static void spread(struct listener *listener, int fd, const struct address *peer) {
    const struct listener_options *options = &listener->options;
    struct loop *loop = least_loaded(listener);
    void *owner = options->owner_of ? options->owner_of(options->conn.owner, loop) : options->conn.owner;
    atomic_fetch_add(&loop->conn_count, 1); /* now, so that a burst is spread */
    if (loop == listener->acceptor) {
        adopt(loop, fd, peer, &options->conn, owner);
        return;
    }
    struct handoff *handoff = calloc(1, sizeof *handoff);
    must(handoff);
    *handoff = (struct handoff){
        .task.run = handoff_run, .loop = loop, .fd = fd, .peer = *peer, .options = options->conn, .owner = owner};
    loop_post(loop, &handoff->task);
}

static void on_acceptable(uv_poll_t *poll, int status, int events);

static void on_pause_over(struct loop_timer *timer) {
    struct listener *listener = CONTAINER_OF(timer, struct listener, pause);
    must(uv_poll_start(&listener->poll, UV_READABLE, on_acceptable) == 0);
}

/* Out of descriptors or memory: who waits stays in the backlog while connections end. */
static void pause_accepting(struct listener *listener) {
    log_every_ms(1000, ERROR, NET,
                 "cannot accept connections: port=%u reason=%s; raise the limit of open files (ulimit -n)",
                 listener->port, strerrordesc_np(errno));
    uv_poll_stop(&listener->poll);
    loop_timer_start(listener->acceptor, &listener->pause, ACCEPT_PAUSE_MS, 0, on_pause_over);
}

static void on_acceptable(uv_poll_t *poll, int status, int events) {
    (void)status, (void)events;
    struct listener *listener = poll->data;
    listener->acceptor->happened = true;
    for (int i = 0; i < ACCEPTS_A_TURN; i++) {
        struct sockaddr_storage from;
        socklen_t len = sizeof from;
        int fd = accept4(listener->fd, (struct sockaddr *)&from, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) pause_accepting(listener);
            if (errno == ECONNABORTED || errno == EINTR) continue;
            return;
        }
        struct address peer = address_of_sockaddr((struct sockaddr *)&from);
        spread(listener, fd, &peer);
    }
}

/* --- opening --- */

static enum err bind_failed(const char *host, uint16_t port) {
    if (errno == EADDRINUSE)
        return fail(ERR_EXISTS,
                    "port %u is in use: stop the program that listens there (ss -ltnp | grep :%u) or set another port",
                    port, port);
    return fail_errno(ERR_IO, "cannot listen on %s port %u", host && *host ? host : "all addresses", port);
}

static int open_socket(const struct sockaddr *address, socklen_t len, int backlog) {
    int on = 1, off = 0;
    int fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (address->sa_family == AF_INET6) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    if (bind(fd, address, len) == 0 && listen(fd, backlog) == 0) return fd;
    int saved = errno;
    close(fd);
    errno = saved;
    return -1;
}

static enum err listen_on(const struct listener_options *options, int *out) {
    int backlog = options->backlog > 0 ? options->backlog : BACKLOG_DEFAULT;
    if (!options->host || !*options->host) {
        struct sockaddr_in6 all6 = {
            .sin6_family = AF_INET6, .sin6_port = htons(options->port), .sin6_addr = in6addr_any};
        struct sockaddr_in all = {.sin_family = AF_INET, .sin_port = htons(options->port)};
        *out = open_socket((struct sockaddr *)&all6, sizeof all6, backlog);
        if (*out < 0 && errno != EADDRINUSE) /* no IPv6 here */
            *out = open_socket((struct sockaddr *)&all, sizeof all, backlog);
        return *out < 0 ? bind_failed(options->host, options->port) : ERR_OK;
    }
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV}, *found;
    char service[8];
    snprintf(service, sizeof service, "%u", options->port);
    int status = getaddrinfo(options->host, service, &hints, &found);
    if (status != 0) return fail(ERR_BAD_CONFIG, "cannot listen on %s: %s", options->host, gai_strerror(status));
    *out = open_socket(found->ai_addr, found->ai_addrlen, backlog);
    enum err err = *out < 0 ? bind_failed(options->host, options->port) : ERR_OK;
    freeaddrinfo(found);
    return err;
}

enum err listener_open(struct loop *acceptor, const struct listener_options *options, struct listener **out) {
    loop_must_own(acceptor);
    must(options->loop_count > 0);
    int fd = -1;
    TRY(listen_on(options, &fd));
    struct listener *listener = calloc(1, sizeof *listener + options->loop_count * sizeof *listener->loops);
    must(listener);
    memcpy(listener->loops, options->loops, options->loop_count * sizeof *listener->loops);
    listener->options = *options;
    listener->options.loops = listener->loops;
    listener->options.host = NULL; /* the caller's */
    listener->acceptor = acceptor;
    listener->fd = fd;
    struct sockaddr_storage local = {0};
    socklen_t len = sizeof local;
    must(getsockname(fd, (struct sockaddr *)&local, &len) == 0);
    listener->port = address_of_sockaddr((struct sockaddr *)&local).port;
    int status = uv_poll_init(&acceptor->uv, &listener->poll, fd);
    if (status != 0) {
        close(fd);
        free(listener);
        return fail(ERR_IO, "cannot watch port %u: %s", options->port, uv_strerror(status));
    }
    listener->poll.data = listener;
    must(uv_poll_start(&listener->poll, UV_READABLE, on_acceptable) == 0);
    *out = listener;
    return ERR_OK;
}

uint16_t listener_port(const struct listener *listener) {
    return listener->port;
}

static void on_closed(uv_handle_t *handle) {
    free(handle->data);
}

void listener_close(struct listener *listener) {
    loop_must_own(listener->acceptor);
    loop_timer_stop(&listener->pause);
    uv_close((uv_handle_t *)&listener->poll, on_closed);
    close(listener->fd);
}
