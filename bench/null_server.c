/* null_server.c - the least a remoting server can cost: one epoll thread that cuts frames and sends each back as its
 * own response, without decoding anything. bench_null_server PORT
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include "base/check.h"
#include "base/endian.h"
#include "wire/command.h"

enum { INPUT_BYTES = 1 << 20, EVENTS = 64 };

struct peer {
    int fd;
    size_t len;
    char input[INPUT_BYTES];
};

static void make_response(struct bytes frame) {
    static const char request_flag[] = "\"flag\":0";
    char *flag = memmem(frame.data, frame.len, request_flag, sizeof request_flag - 1);
    if (flag) flag[sizeof request_flag - 2] = '1';
}

/* Answers whole frames where they lie; false when the peer is gone or speaks something else. */
static bool answer(struct peer *peer) {
    ssize_t got = read(peer->fd, peer->input + peer->len, sizeof peer->input - peer->len);
    if (got <= 0) return got < 0 && errno == EAGAIN;
    peer->len += (size_t)got;
    size_t done = 0;
    for (;;) {
        size_t len, need;
        if (frame_cut((struct bytes){peer->input + done, peer->len - done}, INPUT_BYTES, &len, &need) != ERR_OK)
            return false;
        if (len == 0) break;
        make_response((struct bytes){peer->input + done, len});
        done += len;
    }
    if (done > 0 && send(peer->fd, peer->input, done, MSG_NOSIGNAL) != (ssize_t)done) return false;
    memmove(peer->input, peer->input + done, peer->len - done);
    peer->len -= done;
    return true;
}

static void accept_peer(int epoll, int listening) {
    struct peer *peer = malloc(sizeof *peer);
    int on = 1;
    must(peer);
    peer->len = 0;
    peer->fd = accept(listening, NULL, NULL);
    must(peer->fd >= 0);
    setsockopt(peer->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = peer};
    must(epoll_ctl(epoll, EPOLL_CTL_ADD, peer->fd, &event) == 0);
}

int main(int argc, char **argv) {
    int32_t port;
    if (argc != 2 || !bytes_to_i32(bytes_of(argv[1]), &port)) {
        fprintf(stderr, "usage: bench_null_server PORT\n");
        return 2;
    }
    int on = 1, listening = socket(AF_INET, SOCK_STREAM, 0), epoll = epoll_create1(0);
    struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    setsockopt(listening, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listening, (struct sockaddr *)&at, sizeof at) != 0 || listen(listening, 128) != 0) {
        perror("cannot listen");
        return 1;
    }
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL}, events[EVENTS];
    must(epoll_ctl(epoll, EPOLL_CTL_ADD, listening, &event) == 0);
    for (;;) {
        int count = epoll_wait(epoll, events, EVENTS, -1);
        for (int i = 0; i < count; i++) {
            struct peer *peer = events[i].data.ptr;
            if (!peer) {
                accept_peer(epoll, listening);
            } else if (!answer(peer)) {
                close(peer->fd);
                free(peer);
            }
        }
    }
}
