/* assignment_test.c - shares of queues, as the Java broker gives them */
#include <stdio.h>
#include "base/test.h"
#include "broker/pop/assignment.h"

/* Four queues on each of two brokers, three clients. */
static const struct bytes clients[] = {BYTES("c1"), BYTES("c2"), BYTES("c3")};
static struct message_queue queues[8];

static int setup(void **state) {
    (void)state;
    for (int32_t i = 0; i < 8; i++)
        queues[i] = (struct message_queue){BYTES("T"), i < 4 ? BYTES("a") : BYTES("b"), i % 4};
    return 0;
}

/* "a0 a1 b-1": what that client gets; "-" for no answer. */
static const char *share(const char *client, const char *strategy, bool pop, int32_t share_queue_num, size_t count) {
    static char text[256];
    struct arena arena = {0};
    struct assignment_input input = {.queues = queues,
                                     .queue_count = count,
                                     .clients = clients,
                                     .client_count = 3,
                                     .client_id = bytes_of(client),
                                     .strategy = bytes_of(strategy),
                                     .mode = {pop, share_queue_num}};
    const struct message_queue *out;
    size_t out_count, len = 0;
    text[0] = 0;
    if (!assignment_make(&input, &arena, &out, &out_count)) return "-";
    for (size_t i = 0; i < out_count; i++)
        len += (size_t)snprintf(text + len, sizeof text - len, "%s%.*s%d", i > 0 ? " " : "",
                                BYTES_ARG(out[i].broker_name), out[i].queue_id);
    arena_close(&arena);
    return text;
}

static void pulling_clients_share(void **state) {
    (void)state;
    assert_string_equal(share("c1", "AVG", false, 0, 8), "a0 a1 a2");
    assert_string_equal(share("c2", "AVG", false, 0, 8), "a3 b0 b1");
    assert_string_equal(share("c3", "AVG", false, 0, 8), "b2 b3");
    assert_string_equal(share("c2", "AVG_BY_CIRCLE", false, 0, 8), "a1 b0 b3");
    assert_string_equal(share("c3", "AVG", false, 0, 2), "");
    assert_string_equal(share("unknown", "AVG", false, 0, 8), "");
    assert_string_equal(share("c1", "OTHER", false, 0, 8), "-");
}

static void popping_clients_share_more(void **state) {
    (void)state;
    assert_string_equal(share("c1", "AVG", true, 0, 8), "a-1 b-1");
    assert_string_equal(share("c1", "AVG", true, 2, 8), "a-1 b-1");
    assert_string_equal(share("c1", "AVG", true, 1, 8), "a0 a1 a2 a3 b0 b1");
    assert_string_equal(share("c3", "AVG", true, 1, 8), "b2 b3 a0 a1 a2");
    assert_string_equal(share("c3", "AVG", true, 1, 2), "a0");
    assert_string_equal(share("unknown", "AVG", true, 1, 8), "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(pulling_clients_share, setup),
        cmocka_unit_test_setup(popping_clients_share_more, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
