/* null_server.c - the least a server can cost that is asked to send: one epoll thread that cuts frames and answers each
 * with the bytes of a broker's answer, opaque filled in. It decodes nothing else and stores nothing, so the rate of
 * sends that it reaches is the most that the machine and the load generator allow. bench_null_server PORT
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
    size_t len, answer_len;
    char input[INPUT_BYTES], answers[INPUT_BYTES];
};

/* A broker's answer to a send, with a JSON header whatever the request has. */
static const char answer_front[] =
    "{\"code\":0,\"extFields\":{\"msgId\":\"7F00000100002A9F0000000000000000\",\"queueId\":\"0\",\"queueOffset\":\"0\","
    "\"transactionId\":\"7F00000100002A9F0000000000000000\",\"MSG_REGION\":\"DefaultRegion\",\"TRACE_ON\":\"true\"},"
    "\"flag\":1,"
    "\"language\":\"OTHER\",\"opaque\":";
static const char answer_back[] = ",\"serializeTypeCurrentRPC\":\"JSON\",\"version\":479}";

/* The digits behind "opaque": in a JSON header. */
static struct bytes opaque_of(struct bytes frame) {
    static const char key[] = "\"opaque\":";
    size_t header_len = load_u32be(frame.data + 4) & 0xFFFFFF;
    const char *found = memmem(frame.data, MIN(frame.len, 8 + header_len), key, sizeof key - 1);
    if (!found) return BYTES("0");
    found += sizeof key - 1;
    return bytes_make(found, strspn(found, "-0123456789"));
}

/* False when no more fit. */
static bool put_answer(struct peer *peer, struct bytes opaque) {
    char *at = peer->answers + peer->answer_len;
    size_t header_len = sizeof answer_front - 1 + opaque.len + sizeof answer_back - 1;
    if (8 + header_len > sizeof peer->answers - peer->answer_len) return false;
    store_u32be(at, (uint32_t)(4 + header_len));
    store_u32be(at + 4, (uint32_t)header_len);
    at = mempcpy(at + 8, answer_front, sizeof answer_front - 1);
    at = mempcpy(at, opaque.data, opaque.len);
    memcpy(at, answer_back, sizeof answer_back - 1);
    peer->answer_len += 8 + header_len;
    return true;
}

/* Answers the whole frames that came; false when the peer is gone, does not read or speaks something else. */
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
        if (!put_answer(peer, opaque_of((struct bytes){peer->input + done, len}))) return false;
        done += len;
    }
    if (done > 0 && send(peer->fd, peer->answers, peer->answer_len, MSG_NOSIGNAL) != (ssize_t)peer->answer_len)
        return false;
    peer->answer_len = 0;
    memmove(peer->input, peer->input + done, peer->len - done);
    peer->len -= done;
    return true;
}

static void accept_peer(int epoll, int listening) {
    struct peer *peer = malloc(sizeof *peer);
    int on = 1;
    must(peer);
    peer->len = peer->answer_len = 0;
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
