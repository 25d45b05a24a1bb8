/* remoting_test.c - calls, answers and ends, client and server on one loop. */
#include "remoting/remoting.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/check.h"

/* Client and server on one loop, which stops when the test has what it waits for. */

enum { DEADLINE_MS = 60000 };
/* What the server does with a request. */
enum { ECHO = 1, LATER, SILENT, ASK_BACK, ERROR, SLICES, CLOSE, COUNT, ASK_ME = 100 };

struct world {
    struct loop *loop;
    struct remoting *server, *client;
    struct remoting_server *port;
    char address[ADDRESS_TEXT_MAX];
    struct loop_timer deadline;
    size_t expected, ended; /* calls */
    int counted;            /* oneway requests */
    int closed;             /* channels the server lost */
    uint64_t last_channel_id;
    int released;
};
static struct world world;

static void on_deadline(struct loop_timer *timer) {
    (void)timer;
    print_error("the test did not come to its end in time\n");
    abort();
}

static void one_ended(void) {
    if (++world.ended == world.expected) loop_stop(world.loop);
}

/* --- the server --- */

static void echo(const struct reply_to *to, const struct command *command) {
    struct outgoing response = {
        .remark = command->remark, .ext = command->ext, .ext_count = command->ext_count, .body = command->body};
    remoting_reply(to, &response);
}

struct later {
    struct loop_timer timer;
    struct request *request;
};

static void reply_later(struct loop_timer *timer) {
    struct later *later = CONTAINER_OF(timer, struct later, timer);
    echo(&later->request->to, &later->request->command);
    request_free(later->request);
    free(later);
}

static void answer_later(const struct request *request) {
    struct later *later = calloc(1, sizeof *later);
    must(later);
    later->request = request_detach(request);
    assert_null(later->request->channel);
    assert_non_null(arena_strdup(later->request->arena, BYTES("an arena of its own")));
    loop_timer_start(world.loop, &later->timer, rand() % 50, 0, reply_later);
}

static void relay_answer(void *ctx, enum err err, const struct command *response) {
    struct reply_to *to = ctx;
    if (err == ERR_OK)
        echo(to, response);
    else
        remoting_reply_error(to, err);
    free(to);
}

static void ask_back(const struct request *request) {
    struct reply_to *to = malloc(sizeof *to);
    must(to);
    *to = request->to;
    struct outgoing question = {.code = ASK_ME, .body = request->command.body};
    remoting_call_channel(request->to.remoting, channel_id(request->channel), &question, 5000, relay_answer, to);
}

static void release(void *ctx) {
    (void)ctx;
    world.released++;
}

static void answer_slices(const struct request *request) {
    const struct slice slices[] = {
        {BYTES("two"), release, NULL}, {BYTES("three"), NULL, NULL}, {BYTES(""), release, NULL}};
    struct outgoing response = {.body = BYTES("one"), .slices = slices, .slice_count = ARRAY_LEN(slices)};
    remoting_reply(&request->to, &response);
}

static void serve(struct request *request) {
    assert_ptr_equal(&world, request->owner);
    world.last_channel_id = channel_id(request->channel);
    switch (request->command.code) {
    case ECHO:
        echo(&request->to, &request->command);
        break;
    case LATER:
        answer_later(request);
        break;
    case ASK_BACK:
        ask_back(request);
        break;
    case ERROR:
        remoting_reply_error(&request->to, (fail)(ERR_NO_TOPIC, "the topic %s is not known", "T"));
        break;
    case SLICES:
        answer_slices(request);
        break;
    case CLOSE:
        remoting_close_channel(request->to.remoting, channel_id(request->channel));
        break;
    case COUNT:
        world.counted++;
        assert_true(request->to.oneway);
        echo(&request->to, &request->command); /* swallowed */
        break;
    default: /* SILENT */
        break;
    }
}

static void count_closed(void *owner, struct remoting *remoting, uint64_t channel_id, const struct address *peer) {
    assert_ptr_equal(&world, owner);
    assert_ptr_equal(world.server, remoting);
    assert_false(remoting_channel_alive(remoting, channel_id));
    assert_int_not_equal(0, peer->port);
    world.closed++;
}

static void answer_server(struct request *request) {
    assert_int_equal(ASK_ME, request->command.code);
    echo(&request->to, &request->command);
}

/* --- set-up --- */

static int open_world(void **state) {
    (void)state;
    world = (struct world){0};
    assert_int_equal(ERR_OK, loop_create("world", &world.loop));
    struct remoting_options server = {.owner = &world, .on_request = serve, .on_closed = count_closed};
    assert_int_equal(ERR_OK, remoting_create(world.loop, &server, &world.server));
    struct remoting_options client = {.owner = &world, .on_request = answer_server};
    assert_int_equal(ERR_OK, remoting_create(world.loop, &client, &world.client));
    assert_int_equal(ERR_OK, remoting_listen(world.loop, &world.server, 1, "127.0.0.1", 0, false, &world.port));
    snprintf(world.address, sizeof world.address, "localhost:%u", remoting_server_port(world.port));
    loop_timer_start(world.loop, &world.deadline, DEADLINE_MS, 0, on_deadline);
    return 0;
}

static int close_world(void **state) {
    (void)state;
    loop_timer_stop(&world.deadline);
    remoting_server_close(world.port);
    if (world.client) remoting_destroy(world.client);
    remoting_destroy(world.server);
    loop_destroy(world.loop);
    return 0;
}

static void call(const char *address, int32_t code, struct bytes body, int64_t timeout_ms, call_done *done, void *ctx) {
    struct outgoing request = {.code = code, .body = body};
    world.expected++;
    remoting_call(world.client, bytes_of(address), &request, timeout_ms, done, ctx);
}

/* --- answers --- */

enum { CALLS = 5000 };

static void expect_number(void *ctx, enum err err, const struct command *response) {
    assert_int_equal(ERR_OK, err);
    assert_int_equal(0, response->code);
    assert_true(response->flag & COMMAND_FLAG_RESPONSE);
    assert_int_equal(VERSION_OURS, response->version);
    int32_t number;
    assert_true(bytes_to_i32(response->body, &number));
    assert_int_equal((intptr_t)ctx, number);
    one_ended();
}

static void call_many(int32_t code, int count) {
    char text[16];
    for (intptr_t i = 0; i < count; i++) {
        snprintf(text, sizeof text, "%d", (int)i);
        call(world.address, code, bytes_of(text), 30000, expect_number, (void *)i);
    }
    loop_run(world.loop);
}

static void many_calls_in_flight_get_their_own_answers(void **state) {
    (void)state;
    call_many(ECHO, CALLS);
}

static void answers_may_come_in_any_order_and_later(void **state) {
    (void)state;
    call_many(LATER, CALLS);
}

static void a_server_may_ask_its_client(void **state) {
    (void)state;
    call_many(ASK_BACK, 200);
}

static void expect_fields(void *ctx, enum err err, const struct command *response) {
    (void)ctx;
    assert_int_equal(ERR_OK, err);
    assert_true(bytes_is(command_ext(response, "topic"), "T \"1\""));
    assert_true(bytes_is(command_ext(response, "empty"), ""));
    assert_true(bytes_is(response->remark, "a\nremark"));
    assert_int_equal(0, response->body.len);
    one_ended();
}

static void fields_and_remark_travel(void **state) {
    (void)state;
    const struct ext_field ext[] = {{BYTES("topic"), BYTES("T \"1\"")}, {BYTES("empty"), BYTES("")}};
    struct outgoing request = {.code = ECHO, .remark = BYTES("a\nremark"), .ext = ext, .ext_count = 2};
    world.expected = 1;
    remoting_call(world.client, bytes_of(world.address), &request, 5000, expect_fields, NULL);
    loop_run(world.loop);
}

static void expect_no_topic(void *ctx, enum err err, const struct command *response) {
    (void)ctx;
    assert_int_equal(ERR_OK, err);
    assert_int_equal(RESPONSE_TOPIC_NOT_EXIST, response->code);
    assert_true(bytes_is(response->remark, "the topic T is not known"));
    one_ended();
}

static void errors_become_code_and_remark(void **state) {
    (void)state;
    call(world.address, ERROR, BYTES(""), 5000, expect_no_topic, NULL);
    loop_run(world.loop);
}

static void expect_slices(void *ctx, enum err err, const struct command *response) {
    (void)ctx;
    assert_int_equal(ERR_OK, err);
    assert_true(bytes_is(response->body, "onetwothree"));
    one_ended();
}

static void slices_follow_the_body_and_are_released(void **state) {
    (void)state;
    call(world.address, SLICES, BYTES(""), 5000, expect_slices, NULL);
    loop_run(world.loop);
    assert_int_equal(2, world.released);
}

static void oneway_requests_have_no_answer(void **state) {
    (void)state;
    struct outgoing request = {.code = COUNT};
    for (int i = 0; i < 10; i++) remoting_oneway(world.client, bytes_of(world.address), &request);
    call_many(ECHO, 1);
    assert_int_equal(10, world.counted);
}

/* --- ends without an answer --- */

struct ending {
    enum err err;
    int order;
    char reason[256];
    bool again; /* call once more from the callback */
};

static void note_end(void *ctx, enum err err, const struct command *response) {
    struct ending *ending = ctx;
    assert_null(response);
    ending->err = err;
    ending->order = (int)world.ended;
    snprintf(ending->reason, sizeof ending->reason, "%s", err_detail(err));
    if (ending->again) {
        ending->again = false;
        call(world.address, ECHO, BYTES("7"), 5000, expect_number, (void *)7);
    }
    one_ended();
}

static void calls_end_at_their_deadline(void **state) {
    (void)state;
    const int64_t timeouts_ms[] = {90, 30, 60, 0, 120};
    const int order[] = {3, 1, 2, 0, 4};
    struct ending endings[5] = {0};
    for (int i = 0; i < 5; i++) call(world.address, SILENT, BYTES(""), timeouts_ms[i], note_end, &endings[i]);
    loop_run(world.loop);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(ERR_TIMEOUT, endings[i].err);
        assert_int_equal(order[i], endings[i].order);
    }
    assert_non_null(strstr(endings[1].reason, "no answer within 30 ms"));
}

static void an_answer_after_the_deadline_is_ignored(void **state) {
    (void)state;
    struct ending endings[21] = {0};
    for (int i = 0; i < 20; i++) call(world.address, LATER, BYTES("0"), 0, note_end, &endings[i]);
    call(world.address, SILENT, BYTES(""), 100, note_end, &endings[20]); /* all late answers have come by then */
    loop_run(world.loop);
    for (int i = 0; i < 21; i++) assert_int_equal(ERR_TIMEOUT, endings[i].err);
    assert_true(remoting_channel_alive(world.server, world.last_channel_id));
}

static void calls_fail_when_connecting_fails(void **state) {
    (void)state;
    const char *addresses[] = {"127.0.0.1:1", "127.0.0.1:1", "no-such-host.invalid:9876", "no port"};
    struct ending endings[4] = {0};
    for (int i = 0; i < 4; i++) {
        endings[i].again = true;
        call(addresses[i], ECHO, BYTES(""), 20000, note_end, &endings[i]);
        assert_int_equal(ERR_OK, endings[i].err); /* never inside the call */
    }
    loop_run(world.loop);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(ERR_CONNECT, endings[i].err);
        assert_non_null(strstr(endings[i].reason, addresses[i]));
    }
    assert_int_equal(8, world.ended);
}

static void a_closed_channel_ends_its_calls_and_the_next_call_connects_again(void **state) {
    (void)state;
    struct ending endings[3] = {{.again = true}, {.again = true}};
    call(world.address, SILENT, BYTES(""), 20000, note_end, &endings[0]);
    call(world.address, SILENT, BYTES(""), 20000, note_end, &endings[1]);
    call(world.address, CLOSE, BYTES(""), 20000, note_end, &endings[2]);
    loop_run(world.loop);
    for (int i = 0; i < 3; i++) assert_int_equal(ERR_CLOSED, endings[i].err);
    assert_int_equal(5, world.ended);
    assert_int_equal(1, world.closed);
}

static void disconnect_and_call_again(struct loop_timer *timer) {
    (void)timer;
    remoting_disconnect(world.client, bytes_of(world.address));
    call(world.address, ECHO, BYTES("3"), 5000, expect_number, (void *)3);
    world.expected--; /* counted by the test */
}

static void disconnecting_ends_calls_and_new_ones_get_a_new_channel(void **state) {
    (void)state;
    struct ending ending = {0};
    struct loop_timer timer = {0};
    call(world.address, SILENT, BYTES(""), 20000, note_end, &ending);
    world.expected = 2;
    loop_timer_start(world.loop, &timer, 50, 0, disconnect_and_call_again);
    loop_run(world.loop);
    assert_int_equal(ERR_CLOSED, ending.err);
}

static void a_channel_that_is_gone_cannot_be_called(void **state) {
    (void)state;
    struct ending ending = {0};
    world.expected = 1;
    const struct slice slice = {BYTES("x"), release, NULL};
    struct outgoing request = {.code = ECHO, .slices = &slice, .slice_count = 1};
    remoting_call_channel(world.server, 12345, &request, 5000, note_end, &ending);
    remoting_oneway_channel(world.server, 12345, &request);
    remoting_reply(&(struct reply_to){.remoting = world.server, .channel_id = 12345}, &request);
    assert_int_equal(0, world.ended);
    loop_run(world.loop);
    assert_int_equal(ERR_CLOSED, ending.err);
    assert_int_equal(3, world.released);
}

static void destroying_cancels_what_is_in_flight(void **state) {
    (void)state;
    struct ending endings[4] = {{.again = false}};
    call_many(ECHO, 1);
    call(world.address, SILENT, BYTES(""), 20000, note_end, &endings[0]);
    call("127.0.0.1:1", SILENT, BYTES(""), 20000, note_end, &endings[1]);
    call("localhost:1", SILENT, BYTES(""), 20000, note_end, &endings[2]);
    call("no port", SILENT, BYTES(""), 20000, note_end, &endings[3]);
    remoting_destroy(world.client);
    world.client = NULL;
    for (int i = 0; i < 3; i++) assert_int_equal(ERR_CANCELLED, endings[i].err);
    assert_int_equal(ERR_CONNECT, endings[3].err);
}

int main(void) {
#define TEST(test) cmocka_unit_test_setup_teardown(test, open_world, close_world)
    const struct CMUnitTest tests[] = {
        TEST(many_calls_in_flight_get_their_own_answers),
        TEST(answers_may_come_in_any_order_and_later),
        TEST(a_server_may_ask_its_client),
        TEST(fields_and_remark_travel),
        TEST(errors_become_code_and_remark),
        TEST(slices_follow_the_body_and_are_released),
        TEST(oneway_requests_have_no_answer),
        TEST(calls_end_at_their_deadline),
        TEST(an_answer_after_the_deadline_is_ignored),
        TEST(calls_fail_when_connecting_fails),
        TEST(a_closed_channel_ends_its_calls_and_the_next_call_connects_again),
        TEST(disconnecting_ends_calls_and_new_ones_get_a_new_channel),
        TEST(a_channel_that_is_gone_cannot_be_called),
        TEST(destroying_cancels_what_is_in_flight),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
