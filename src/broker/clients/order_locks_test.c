/* order_locks_test.c - one owner a queue, until it stops renewing */
#include "base/test.h"
#include "broker/clients/order_locks.h"

#include "os/clock.h"

static const struct message_queue q0 = {{"T", 1}, {"b", 1}, 0}, q1 = {{"T", 1}, {"b", 1}, 1};

static void one_owner_a_queue(void **state) {
    (void)state;
    struct order_locks *locks;
    assert_ok(order_locks_open(NULL, &locks));
    assert_false(order_locks_held(locks, BYTES("G")));
    assert_true(order_locks_take(locks, BYTES("G"), BYTES("c1"), &q0));
    assert_true(order_locks_take(locks, BYTES("G"), BYTES("c1"), &q0)); /* renewed */
    assert_false(order_locks_take(locks, BYTES("G"), BYTES("c2"), &q0));
    assert_true(order_locks_take(locks, BYTES("G"), BYTES("c2"), &q1));
    assert_true(order_locks_take(locks, BYTES("H"), BYTES("c2"), &q0)); /* another group */
    assert_true(order_locks_held(locks, BYTES("G")));
    order_locks_give(locks, BYTES("G"), BYTES("c2"), &q0); /* not its owner */
    assert_false(order_locks_take(locks, BYTES("G"), BYTES("c2"), &q0));
    order_locks_give(locks, BYTES("G"), BYTES("c1"), &q0);
    assert_true(order_locks_take(locks, BYTES("G"), BYTES("c2"), &q0));
    order_locks_give(locks, BYTES("G"), BYTES("c2"), &q0);
    order_locks_give(locks, BYTES("G"), BYTES("c2"), &q1);
    assert_false(order_locks_held(locks, BYTES("G")));
    assert_true(order_locks_held(locks, BYTES("H")));
    order_locks_close(locks);
}

static void locks_end_when_not_renewed(void **state) {
    (void)state;
    struct order_locks *locks;
    assert_ok(order_locks_open(NULL, &locks));
    assert_true(order_locks_take(locks, BYTES("G"), BYTES("c1"), &q0));
    assert_true(order_locks_take(locks, BYTES("G"), BYTES("c1"), &q1));
    clock_shift_monotonic_ms(ORDER_LOCK_LIFE_MS - 1000);
    assert_true(order_locks_take(locks, BYTES("G"), BYTES("c1"), &q1));
    assert_false(order_locks_take(locks, BYTES("G"), BYTES("c2"), &q0));
    clock_shift_monotonic_ms(2000);
    assert_true(order_locks_take(locks, BYTES("G"), BYTES("c2"), &q0));  /* over */
    assert_false(order_locks_take(locks, BYTES("G"), BYTES("c2"), &q1)); /* renewed in time */
    clock_shift_monotonic_ms(ORDER_LOCK_LIFE_MS + 1000);
    assert_false(order_locks_held(locks, BYTES("G")));
    order_locks_expire(locks);
    assert_true(order_locks_take(locks, BYTES("G"), BYTES("c3"), &q0));
    order_locks_close(locks);
}

static void names_do_not_run_together(void **state) {
    (void)state;
    struct order_locks *locks;
    const struct message_queue ab = {BYTES("ab"), BYTES("c"), 0}, a = {BYTES("a"), BYTES("bc"), 0};
    char longest[4096];
    memset(longest, 'x', sizeof longest);
    const struct message_queue huge = {{longest, sizeof longest}, BYTES("b"), 0};
    assert_ok(order_locks_open(NULL, &locks));
    assert_true(order_locks_take(locks, BYTES("G"), BYTES("c1"), &ab));
    assert_true(order_locks_take(locks, BYTES("G"), BYTES("c2"), &a));
    assert_false(order_locks_take(locks, BYTES("G"), BYTES("c1"), &huge));
    order_locks_give(locks, BYTES("G"), BYTES("c1"), &huge);
    order_locks_close(locks);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_owner_a_queue),
        cmocka_unit_test(locks_end_when_not_renewed),
        cmocka_unit_test(names_do_not_run_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
