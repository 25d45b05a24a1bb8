/* remoting_fuzz.c - bytes of a peer against a whole server: first bytes, framing, requests, answers. The first byte of
 * the input says in what pieces the rest arrives. The server answers every request, on the same or on a later turn. */
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "net/conn_internal.h"
#include "remoting/remoting_internal.h"

enum { INPUT_MAX = 1 << 16 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct peer {
    struct loop *loop;
    struct loop_timer timer; /* sends the next piece */
    int fd;
    struct bytes rest;
    size_t piece;
    struct request *kept; /* to be answered when the next request comes */
};
static struct peer peer;

static void answer(const struct reply_to *to, const struct command *command) {
    struct outgoing response = {
        .remark = command->remark, .ext = command->ext, .ext_count = command->ext_count, .body = command->body};
    remoting_reply(to, &response);
}

static void serve(struct request *request) {
    if (peer.kept) {
        answer(&peer.kept->to, &peer.kept->command);
        request_free(peer.kept);
        peer.kept = NULL;
    }
    if (request->command.opaque % 2)
        answer(&request->to, &request->command);
    else
        peer.kept = request_detach(request);
}

static void on_closed(void *owner, struct remoting *remoting, uint64_t channel_id, const struct address *address) {
    (void)owner, (void)remoting, (void)channel_id, (void)address;
    loop_stop(peer.loop);
}

static void discard_answers(void) {
    char buffer[4096];
    while (recv(peer.fd, buffer, sizeof buffer, MSG_DONTWAIT) > 0) continue;
}

static void send_piece(struct loop_timer *timer) {
    struct bytes piece = {peer.rest.data, MIN(peer.piece, peer.rest.len)};
    discard_answers();
    peer.rest = bytes_skip(peer.rest, piece.len);
    if (piece.len > 0) (void)!send(peer.fd, piece.data, piece.len, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (peer.rest.len > 0)
        loop_timer_start(peer.loop, timer, 0, 0, send_piece);
    else
        shutdown(peer.fd, SHUT_WR);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct remoting_options options = {.on_request = serve, .on_closed = on_closed, .frame_max_bytes = INPUT_MAX};
    struct remoting *remoting;
    struct address address = {.ip = {127, 0, 0, 1}, .port = 1};
    int fds[2];
    if (size < 2 || size > INPUT_MAX) return 0;
    must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == 0);
    must(loop_create("fuzz", &peer.loop) == ERR_OK);
    must(remoting_create(peer.loop, &options, &remoting) == ERR_OK);
    struct conn_options conn = channel_conn_options(remoting, true);
    atomic_fetch_add(&peer.loop->conn_count, 1);
    must(conn_adopt(peer.loop, fds[0], &address, &conn, &remoting->sides[0]) == ERR_OK);
    peer.fd = fds[1];
    peer.rest = bytes_make(data + 1, size - 1);
    peer.piece = MAX(size / 8, (size_t)data[0] + 1);
    loop_timer_start(peer.loop, &peer.timer, 0, 0, send_piece);
    loop_run(peer.loop);
    loop_timer_stop(&peer.timer);
    if (peer.kept) request_free(peer.kept);
    peer.kept = NULL;
    remoting_destroy(remoting);
    loop_destroy(peer.loop);
    close(peer.fd);
    return 0;
}
