/* half_window_test.c - the window by hand, and against a model of it */
#include "base/test.h"
#include "broker/transaction/half_window.h"

#include <stdlib.h>

static void an_empty_window_knows_nothing(void **state) {
    (void)state;
    struct half_window window;
    half_window_init(&window, 10, 4);
    assert_int_equal(half_window_first(&window), 10);
    assert_int_equal(half_window_first_op(&window), 4);
    assert_false(half_window_finished(&window, 9));
    assert_false(half_window_finished(&window, 10));
    half_window_advance(&window, 15);
    assert_int_equal(half_window_first(&window), 15);
    half_window_advance(&window, 12); /* never back */
    assert_int_equal(half_window_first(&window), 15);
    half_window_close(&window);
}

static void an_op_record_is_needed_while_it_names_one_of_the_window(void **state) {
    (void)state;
    struct half_window window;
    half_window_init(&window, 0, 0);
    half_window_add_op(&window, 0);
    half_window_name(&window, 3, 0);
    half_window_name(&window, 0, 0);
    half_window_add_op(&window, 1);
    half_window_name(&window, 1, 1);
    assert_true(half_window_finished(&window, 0));
    assert_true(half_window_finished(&window, 1));
    assert_false(half_window_finished(&window, 2));
    assert_true(half_window_finished(&window, 3));
    half_window_advance(&window, 3);
    assert_int_equal(half_window_first_op(&window), 0); /* names 3 */
    half_window_advance(&window, 4);
    assert_int_equal(half_window_first_op(&window), 2);
    half_window_close(&window);
}

static void the_first_of_two_records_that_name_the_same_counts(void **state) {
    (void)state;
    struct half_window window;
    half_window_init(&window, 5, 0);
    half_window_add_op(&window, 0);
    half_window_name(&window, 5, 0);
    half_window_add_op(&window, 1);
    half_window_name(&window, 5, 1);
    half_window_name(&window, 4, 1); /* below the window */
    half_window_name(&window, 6, 9); /* no such record */
    assert_false(half_window_finished(&window, 6));
    half_window_advance(&window, 6);
    assert_int_equal(half_window_first_op(&window), 2);
    half_window_close(&window);
}

static void what_is_finished_may_be_named_later(void **state) {
    (void)state;
    struct half_window window;
    half_window_init(&window, 0, 7);
    half_window_finish(&window, 1);
    half_window_finish(&window, 0);
    assert_true(half_window_finished(&window, 1));
    half_window_advance(&window, 1);
    half_window_add_op(&window, 7);
    half_window_name(&window, 0, 7);
    half_window_name(&window, 1, 7);
    half_window_advance(&window, 1);
    assert_int_equal(half_window_first_op(&window), 7);
    half_window_advance(&window, 2);
    assert_int_equal(half_window_first_op(&window), 8);
    half_window_finish(&window, 1); /* below: nothing to note */
    assert_int_equal(half_window_first(&window), 2);
    half_window_close(&window);
}

/* Against the plainest form of the same: arrays of all half messages and ops. */
enum { HALVES = 600, OPS = 300 };

static void random_histories_agree_with_a_model(void **state) {
    (void)state;
    for (unsigned seed = 1; seed <= 20; seed++) {
        struct half_window window;
        int op_of[HALVES], first = 0, ops = 0;
        for (int i = 0; i < HALVES; i++) op_of[i] = -1;
        half_window_init(&window, 0, 0);
        while (ops < OPS && first < HALVES) {
            half_window_add_op(&window, ops);
            for (int n = rand_r(&seed) % 5; n > 0; n--) {
                int half = first + rand_r(&seed) % 40;
                if (half >= HALVES) continue;
                if (rand_r(&seed) % 3 == 0) half_window_finish(&window, half);
                half_window_name(&window, half, ops);
                if (op_of[half] < 0) op_of[half] = ops;
            }
            ops++;
            while (first < HALVES && (op_of[first] >= 0 || rand_r(&seed) % 4 == 0)) first++;
            half_window_advance(&window, first);
            int needed = ops;
            for (int i = first; i < HALVES; i++) {
                assert_int_equal(half_window_finished(&window, i), op_of[i] >= 0);
                if (op_of[i] >= 0 && op_of[i] < needed) needed = op_of[i];
            }
            assert_int_equal(half_window_first(&window), first);
            assert_int_equal(half_window_first_op(&window), needed);
        }
        half_window_close(&window);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_window_knows_nothing),
        cmocka_unit_test(an_op_record_is_needed_while_it_names_one_of_the_window),
        cmocka_unit_test(the_first_of_two_records_that_name_the_same_counts),
        cmocka_unit_test(what_is_finished_may_be_named_later),
        cmocka_unit_test(random_histories_agree_with_a_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
