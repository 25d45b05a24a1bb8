/* wire_test.c - a server with threads seen from plain sockets, malformed input among it. */
#include "remoting/remoting.h"

#include <arpa/inet.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/check.h"
#include "base/endian.h"
#include "os/clock.h"
#include "os/thread.h"

/* A server on two loops with threads of their own, seen from plain sockets. */

enum { LOOPS = 2, WAIT_MS = 30000, BIG_BYTES = 1 << 20, FRAME_MAX = 4 << 20, OUT_LIMIT = 2 * BIG_BYTES };
enum { ECHO = 7, BIG_ANSWER, PUSH, PUSHED };

static struct loop *loops[LOOPS];
static struct remoting *remotings[LOOPS];
static struct remoting_server *plain, *fast;
static char big[BIG_BYTES];
static atomic_int slices_out;

static void release(void *ctx) {
    (void)ctx;
    slices_out--;
}

static void note_refused(void *ctx, enum err err, const struct command *response) {
    struct reply_to *to = ctx;
    must(!response);
    remoting_reply_error(to, err);
    free(to);
}

/* More than a peer may have waiting: the call that comes on top is refused, and the answer says so. */
static void push(const struct request *request) {
    struct outgoing pushed = {.code = PUSHED, .body = {big, sizeof big}};
    struct reply_to *to = malloc(sizeof *to);
    must(to);
    *to = request->to;
    for (int i = 0; i < 5; i++) remoting_oneway_channel(to->remoting, to->channel_id, &pushed);
    remoting_call_channel(to->remoting, to->channel_id, &pushed, WAIT_MS, note_refused, to);
}

/* Echoes the body; the remark says what the server saw. */
static void serve(struct request *request) {
    if (request->command.code == PUSH) {
        push(request);
        return;
    }
    char peer[ADDRESS_TEXT_MAX], remark[128];
    snprintf(remark, sizeof remark, "%d %s %s", request->command.version, request->to.fast ? "fast" : "plain",
             address_text(&request->peer, peer));
    struct outgoing response = {.remark = bytes_of(remark), .body = request->command.body};
    const struct slice slice = {{big, sizeof big}, release, NULL};
    if (request->command.code == BIG_ANSWER) {
        slices_out++;
        response.slices = &slice;
        response.slice_count = 1;
    }
    remoting_reply(&request->to, &response);
}

static int start_server(void **state) {
    (void)state;
    for (int i = 0; i < LOOPS; i++) {
        struct remoting_options options = {
            .on_request = serve, .frame_max_bytes = FRAME_MAX, .out_limit_bytes = OUT_LIMIT};
        assert_int_equal(ERR_OK, loop_create("net", &loops[i]));
        assert_int_equal(ERR_OK, remoting_create(loops[i], &options, &remotings[i]));
    }
    assert_int_equal(ERR_OK, remoting_listen(loops[0], remotings, LOOPS, "127.0.0.1", 0, false, &plain));
    assert_int_equal(ERR_OK, remoting_listen(loops[0], remotings, LOOPS, "127.0.0.1", 0, true, &fast));
    for (int i = 0; i < LOOPS; i++) assert_int_equal(ERR_OK, loop_start_thread(loops[i]));
    return 0;
}

static int stop_server(void **state) {
    (void)state;
    for (int i = 0; i < LOOPS; i++) loop_stop(loops[i]);
    for (int i = 0; i < LOOPS; i++) loop_join(loops[i]);
    remoting_server_close(plain);
    remoting_server_close(fast);
    for (int i = 0; i < LOOPS; i++) remoting_destroy(remotings[i]);
    for (int i = 0; i < LOOPS; i++) loop_destroy(loops[i]);
    assert_int_equal(0, slices_out);
    return 0;
}

/* --- plain sockets --- */

static int connect_to(const struct remoting_server *server) {
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(remoting_server_port(server)),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(0, connect(fd, (struct sockaddr *)&to, sizeof to));
    return fd;
}

static void send_all(int fd, struct bytes data) {
    assert_int_equal(data.len, send(fd, data.data, data.len, MSG_NOSIGNAL));
}

/* false: the peer closed. */
static bool receive_all(int fd, char *out, size_t len) {
    while (len > 0) {
        struct pollfd readable = {.fd = fd, .events = POLLIN};
        assert_int_equal(1, poll(&readable, 1, WAIT_MS));
        ssize_t got = recv(fd, out, len, 0);
        if (got <= 0) return false;
        out += got;
        len -= (size_t)got;
    }
    return true;
}

static void append_request(struct buf *out, int32_t code, int32_t opaque, enum serialize_type serialize,
                           struct bytes body) {
    struct command command = {.code = code, .opaque = opaque, .version = 401, .serialize = serialize};
    command_encode(out, &command, NULL, NULL, body.len);
    buf_append_bytes(out, body);
}

struct reply {
    struct arena arena;
    struct buf frame;
    struct command command;
};

static bool receive_reply(int fd, struct reply *reply) {
    char head[4];
    arena_reset(&reply->arena);
    buf_clear(&reply->frame);
    if (!receive_all(fd, head, sizeof head)) return false;
    size_t len = load_u32be(head);
    buf_append(&reply->frame, head, sizeof head);
    if (!receive_all(fd, buf_reserve(&reply->frame, len), len)) return false;
    reply->frame.len += len;
    assert_int_equal(ERR_OK, command_decode(&reply->arena, buf_bytes(&reply->frame), &reply->command));
    return true;
}

static void reply_close(struct reply *reply) {
    arena_close(&reply->arena);
    buf_close(&reply->frame);
}

static void ask(int fd, int32_t opaque, struct reply *reply) {
    struct buf out = {0};
    append_request(&out, ECHO, opaque, SERIALIZE_JSON, BYTES("echo"));
    send_all(fd, buf_bytes(&out));
    assert_true(receive_reply(fd, reply));
    assert_int_equal(opaque, reply->command.opaque);
    assert_true(bytes_is(reply->command.body, "echo"));
    buf_close(&out);
}

/* --- well-formed input --- */

static void replies_mirror_the_serialize_type_of_each_request(void **state) {
    (void)state;
    int fd = connect_to(plain);
    struct buf out = {0};
    struct reply reply = {0};
    for (int i = 0; i < 100; i++)
        append_request(&out, ECHO, i, i % 3 ? SERIALIZE_ROCKETMQ : SERIALIZE_JSON, BYTES("b"));
    for (size_t at = 0; at < out.len; at += 77) /* in pieces that end anywhere */
        send_all(fd, (struct bytes){out.data + at, MIN((size_t)77, out.len - at)});
    for (int i = 0; i < 100; i++) {
        assert_true(receive_reply(fd, &reply));
        assert_int_equal(i, reply.command.opaque);
        assert_int_equal(i % 3 ? SERIALIZE_ROCKETMQ : SERIALIZE_JSON, reply.command.serialize);
    }
    buf_close(&out);
    reply_close(&reply);
    close(fd);
}

static void a_request_knows_its_port_version_and_peer(void **state) {
    (void)state;
    struct reply reply = {0};
    char expected[128];
    const struct remoting_server *servers[] = {plain, fast};
    for (int i = 0; i < 2; i++) {
        int fd = connect_to(servers[i]);
        struct sockaddr_in local;
        socklen_t len = sizeof local;
        assert_int_equal(0, getsockname(fd, (struct sockaddr *)&local, &len));
        snprintf(expected, sizeof expected, "401 %s 127.0.0.1:%u", i ? "fast" : "plain", ntohs(local.sin_port));
        ask(fd, 1, &reply);
        assert_true(bytes_is(reply.command.remark, expected));
        close(fd);
    }
    int fd = connect_to(plain);
    send_all(fd, BYTES("PROXY TCP4 10.9.8.7 10.0.0.1 77 10911\r\n"));
    ask(fd, 1, &reply);
    assert_true(bytes_is(reply.command.remark, "401 plain 10.9.8.7:77"));
    close(fd);
    reply_close(&reply);
}

static void a_thousand_connections_are_served(void **state) {
    (void)state;
    enum { CONNECTIONS = 1000, NEEDED = 2 * CONNECTIONS + 100 };
    static int fds[CONNECTIONS];
    struct rlimit limit;
    struct reply reply = {0};
    assert_int_equal(0, getrlimit(RLIMIT_NOFILE, &limit));
    if (limit.rlim_max < NEEDED) skip();
    limit.rlim_cur = limit.rlim_max;
    assert_int_equal(0, setrlimit(RLIMIT_NOFILE, &limit));
    for (int i = 0; i < CONNECTIONS; i++) fds[i] = connect_to(plain);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < CONNECTIONS; i++) ask(fds[i], i, &reply);
    }
    for (int i = 0; i < CONNECTIONS; i++) close(fds[i]);
    reply_close(&reply);
}

/* Far more answers than may be queued, read late: all come, in order. */
static void big_answers_wait_for_a_slow_reader(void **state) {
    (void)state;
    enum { ASKED = 40 };
    int fd = connect_to(plain);
    struct buf out = {0};
    struct reply reply = {0};
    for (int i = 0; i < ASKED; i++) append_request(&out, BIG_ANSWER, i, SERIALIZE_JSON, BYTES(""));
    send_all(fd, buf_bytes(&out));
    for (int i = 0; i < 5000 && slices_out == 0; i++) clock_sleep_ms(2);
    clock_sleep_ms(100); /* more would go out now if they did not wait */
    assert_in_range(slices_out, 1, 3);
    for (int i = 0; i < ASKED; i++) {
        assert_true(receive_reply(fd, &reply));
        assert_int_equal(i, reply.command.opaque);
        assert_int_equal(BIG_BYTES, reply.command.body.len);
    }
    buf_close(&out);
    reply_close(&reply);
    close(fd);
}

static void no_more_is_pushed_to_a_peer_than_may_wait(void **state) {
    (void)state;
    int fd = connect_to(plain);
    struct buf out = {0};
    struct reply reply = {0};
    append_request(&out, PUSH, 1, SERIALIZE_ROCKETMQ, BYTES(""));
    send_all(fd, buf_bytes(&out));
    for (int i = 0; i < OUT_LIMIT / BIG_BYTES; i++) {
        assert_true(receive_reply(fd, &reply));
        assert_int_equal(PUSHED, reply.command.code);
        assert_int_equal(SERIALIZE_ROCKETMQ, reply.command.serialize); /* as the peer speaks */
        assert_int_equal(COMMAND_FLAG_ONEWAY, reply.command.flag);
    }
    assert_true(receive_reply(fd, &reply));
    assert_int_equal(RESPONSE_SYSTEM_BUSY, reply.command.code);
    buf_close(&out);
    reply_close(&reply);
    close(fd);
}

static void large_requests_are_put_together(void **state) {
    (void)state;
    int fd = connect_to(plain);
    struct buf out = {0};
    struct reply reply = {0};
    const size_t lens[] = {3 << 20, 10, 70000, 1 << 20, 0, 65500};
    for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
        char *body = malloc(lens[i] + 1);
        memset(body, (int)i, lens[i]);
        buf_clear(&out);
        append_request(&out, ECHO, (int32_t)i, SERIALIZE_JSON, (struct bytes){body, lens[i]});
        send_all(fd, buf_bytes(&out));
        assert_true(receive_reply(fd, &reply));
        assert_true(bytes_equal(reply.command.body, (struct bytes){body, lens[i]}));
        free(body);
    }
    buf_close(&out);
    reply_close(&reply);
    close(fd);
}

static void oneway_requests_are_not_answered(void **state) {
    (void)state;
    int fd = connect_to(plain);
    struct buf out = {0};
    struct reply reply = {0};
    struct command command = {.code = ECHO, .opaque = 1, .flag = COMMAND_FLAG_ONEWAY};
    command_encode(&out, &command, NULL, NULL, 0);
    send_all(fd, buf_bytes(&out));
    ask(fd, 2, &reply); /* the only answer */
    buf_close(&out);
    reply_close(&reply);
    close(fd);
}

static void responses_to_nothing_are_ignored(void **state) {
    (void)state;
    int fd = connect_to(plain);
    struct buf out = {0};
    struct reply reply = {0};
    struct command command = {.opaque = 1, .flag = COMMAND_FLAG_RESPONSE};
    command_encode(&out, &command, NULL, NULL, 0);
    send_all(fd, buf_bytes(&out));
    ask(fd, 2, &reply);
    buf_close(&out);
    reply_close(&reply);
    close(fd);
}

/* --- peers that vanish --- */

enum { VANISHERS = 3, VANISHINGS = 150 };

static void vanish_often(void *arg) {
    unsigned seed = (unsigned)(uintptr_t)arg;
    static const struct linger reset = {.l_onoff = 1};
    struct buf out = {0};
    char *sink = malloc(BIG_BYTES);
    for (int i = 0; i < VANISHINGS; i++) {
        int fd = connect_to(rand_r(&seed) % 2 ? plain : fast);
        buf_clear(&out);
        for (int n = rand_r(&seed) % 5; n >= 0; n--) {
            int32_t code = rand_r(&seed) % 2 ? ECHO : BIG_ANSWER;
            append_request(&out, code, n, SERIALIZE_JSON, BYTES("body"));
        }
        (void)!send(fd, out.data, (size_t)rand_r(&seed) % (out.len + 1), MSG_NOSIGNAL);
        if (rand_r(&seed) % 2) (void)!recv(fd, sink, (size_t)rand_r(&seed) % BIG_BYTES, MSG_DONTWAIT);
        if (rand_r(&seed) % 2) setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
        close(fd);
    }
    buf_close(&out);
    free(sink);
}

static void peers_may_vanish_at_any_point(void **state) {
    (void)state;
    pthread_t threads[VANISHERS];
    struct reply reply = {0};
    int witness = connect_to(plain);
    for (uintptr_t i = 0; i < VANISHERS; i++)
        assert_int_equal(ERR_OK, thread_start(&threads[i], "vanisher", vanish_often, (void *)(i + 1)));
    for (int i = 0; i < 1000; i++) ask(witness, i, &reply);
    for (int i = 0; i < VANISHERS; i++) thread_join(threads[i]);
    ask(witness, 1, &reply);
    reply_close(&reply);
    close(witness);
}

/* --- malformed input --- */

static void append_raw_frame(struct buf *out, struct bytes header) {
    buf_append_u32be(out, (uint32_t)(4 + header.len));
    buf_append_u32be(out, (uint32_t)header.len);
    buf_append_bytes(out, header);
}

static void append_noise(struct buf *out) {
    srand(5);
    for (int i = 0; i < 20000; i++) buf_append_char(out, (char)rand());
}

static void append_large_header(struct buf *out) {
    char *blanks = malloc(2 << 20);
    memset(blanks, ' ', 2 << 20);
    append_raw_frame(out, (struct bytes){blanks, 2 << 20});
    free(blanks);
}

static void append_deep(struct buf *out, bool object) {
    struct buf deep = {0};
    for (int i = 0; i < 20000; i++) buf_append_text(&deep, object ? "{\"a\":" : "[");
    append_raw_frame(out, buf_bytes(&deep));
    buf_close(&deep);
}

/* The connection is closed, and nobody else notices. */
static void check_refused(int witness, struct bytes input) {
    struct reply reply = {0};
    char byte;
    int fd = connect_to(plain);
    send_all(fd, input);
    assert_false(receive_all(fd, &byte, 1));
    close(fd);
    ask(witness, 1, &reply);
    fd = connect_to(plain);
    ask(fd, 2, &reply);
    close(fd);
    reply_close(&reply);
}

static void malformed_input_costs_its_connection_alone(void **state) {
    (void)state;
    int witness = connect_to(plain);
    const struct bytes raw[] = {
        BYTES("\x7f\xff\xff\xff\0\0\0\x64\0\0\0\0"),     /* length of 2 GB */
        BYTES("\0\x40\0\0\0\0\0\x64"),                   /* just above the limit */
        BYTES("\xff\xff\xff\xff\0\0\0\x08"),             /* negative length */
        BYTES("\0\0\0\0\0\0\0\0"),                       /* length 0 */
        BYTES("\0\0\0\x0c\0\0\x13\x88\0\0\0\0\0\0\0\0"), /* header longer than the frame */
        BYTES("\0\0\0\x08\x63\0\0\x04\0\0\0\0"),         /* unknown serializer */
        BYTES("\0\0\0\x08\x01\0\0\x04\0\0\0\0"),         /* binary header cut short */
        BYTES("GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
        BYTES("\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03"), /* TLS hello */
        BYTES("PROXY TCP9\r\n"),
    };
    for (size_t i = 0; i < ARRAY_LEN(raw); i++) check_refused(witness, raw[i]);
    const char *headers[] = {"{\"code\":10,,,}}}", "", "{\"code\":\"ten\",\"opaque\":{},\"extFields\":[1]}", "[1]",
                             "7"};
    struct buf input = {0};
    for (size_t i = 0; i < ARRAY_LEN(headers); i++) {
        buf_clear(&input);
        append_raw_frame(&input, bytes_of(headers[i]));
        check_refused(witness, buf_bytes(&input));
    }
    buf_clear(&input);
    append_noise(&input);
    check_refused(witness, buf_bytes(&input));
    buf_clear(&input);
    append_large_header(&input);
    check_refused(witness, buf_bytes(&input));
    for (int object = 0; object < 2; object++) {
        buf_clear(&input);
        append_deep(&input, object);
        check_refused(witness, buf_bytes(&input));
    }
    buf_close(&input);
    close(witness);
}

static void a_frame_cut_short_is_no_frame(void **state) {
    (void)state;
    struct buf out = {0};
    append_request(&out, ECHO, 1, SERIALIZE_JSON, BYTES("body"));
    for (size_t len = 0; len < out.len; len += 5) {
        int fd = connect_to(plain);
        char byte;
        send_all(fd, (struct bytes){out.data, len});
        shutdown(fd, SHUT_WR);
        assert_false(receive_all(fd, &byte, 1));
        close(fd);
    }
    buf_close(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replies_mirror_the_serialize_type_of_each_request),
        cmocka_unit_test(a_request_knows_its_port_version_and_peer),
        cmocka_unit_test(a_thousand_connections_are_served),
        cmocka_unit_test(big_answers_wait_for_a_slow_reader),
        cmocka_unit_test(no_more_is_pushed_to_a_peer_than_may_wait),
        cmocka_unit_test(peers_may_vanish_at_any_point),
        cmocka_unit_test(large_requests_are_put_together),
        cmocka_unit_test(oneway_requests_are_not_answered),
        cmocka_unit_test(responses_to_nothing_are_ignored),
        cmocka_unit_test(malformed_input_costs_its_connection_alone),
        cmocka_unit_test(a_frame_cut_short_is_no_frame),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
