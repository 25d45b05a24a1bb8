/* calls_test.c - calls are found, ordered and listed. */
#include "remoting/calls.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

enum { CALLS = 3000 };

struct fixture {
    struct calls calls;
    struct call *first[2]; /* of two channels */
    struct call *made[CALLS];
};

/* The channels are told apart by address alone. */
static struct channel *channel(const struct fixture *fixture, int i) {
    return (struct channel *)(uintptr_t)&fixture->first[i];
}

static void add_all(struct fixture *fixture) {
    calls_init(&fixture->calls);
    srand(1);
    for (int i = 0; i < CALLS; i++) {
        fixture->made[i] = calls_make(&fixture->calls, 1000, NULL, NULL);
        calls_add(&fixture->calls, fixture->made[i], channel(fixture, i % 2), &fixture->first[i % 2], rand() % 500);
    }
}

static void remove_one(struct fixture *fixture, struct call *call) {
    calls_remove(&fixture->calls, call, &fixture->first[call->channel == channel(fixture, 1)]);
    calls_free(&fixture->calls, call);
}

static void a_call_is_found_by_channel_and_opaque(void **state) {
    (void)state;
    static struct fixture fixture;
    add_all(&fixture);
    for (int i = 0; i < CALLS; i++) {
        int32_t opaque = fixture.made[i]->opaque;
        assert_ptr_equal(fixture.made[i], calls_find(&fixture.calls, channel(&fixture, i % 2), opaque));
        assert_null(calls_find(&fixture.calls, channel(&fixture, (i + 1) % 2), opaque));
        remove_one(&fixture, fixture.made[i]);
        assert_null(calls_find(&fixture.calls, channel(&fixture, i % 2), opaque));
    }
    assert_null(fixture.first[0]);
    assert_null(fixture.first[1]);
    calls_close(&fixture.calls);
}

static void the_earliest_deadline_comes_first(void **state) {
    (void)state;
    static struct fixture fixture;
    add_all(&fixture);
    for (int i = 0; i < CALLS; i += 3) remove_one(&fixture, fixture.made[i]); /* from anywhere in the heap */
    int64_t last_ms = -1;
    int count = 0;
    for (struct call *call; (call = calls_earliest(&fixture.calls)); count++) {
        assert_true(call->deadline_ms >= last_ms);
        last_ms = call->deadline_ms;
        remove_one(&fixture, call);
    }
    assert_int_equal(CALLS - CALLS / 3, count);
    calls_close(&fixture.calls);
}

static void a_channel_lists_its_calls(void **state) {
    (void)state;
    static struct fixture fixture;
    add_all(&fixture);
    for (int i = 0; i < 2; i++) {
        int count = 0;
        for (; fixture.first[i]; count++) {
            assert_ptr_equal(channel(&fixture, i), fixture.first[i]->channel);
            remove_one(&fixture, fixture.first[i]);
        }
        assert_int_equal(CALLS / 2, count);
    }
    calls_close(&fixture.calls);
}

static void opaques_start_again_at_the_end(void **state) {
    (void)state;
    struct calls calls = {.last_opaque = INT32_MAX - 1};
    assert_int_equal(INT32_MAX, calls_next_opaque(&calls));
    assert_int_equal(1, calls_next_opaque(&calls));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_is_found_by_channel_and_opaque),
        cmocka_unit_test(the_earliest_deadline_comes_first),
        cmocka_unit_test(a_channel_lists_its_calls),
        cmocka_unit_test(opaques_start_again_at_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
