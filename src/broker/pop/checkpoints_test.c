/* checkpoints_test.c - what is out, by the records alone: acks in every order, written again, by a Java broker's timer
 */
#include "base/test.h"
#include "broker/broker_testing.h"
#include "broker/pop/checkpoints.h"

enum { BOOT_MS = 1000000 };

struct fixture {
    struct testing t;
    struct checkpoints all;
};

static int setup(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    testing_init(&f->t);
    assert_ok(offsets_open(&f->t.broker, &f->t.broker.offsets));
    checkpoints_init(&f->all, f->t.broker.offsets, BOOT_MS);
    *state = f;
    return 0;
}

static int teardown(void **state) {
    struct fixture *f = *state;
    checkpoints_close(&f->all);
    offsets_close(f->t.broker.offsets);
    testing_done(&f->t);
    free(f);
    return 0;
}

/* Messages start, start + step, ... popped at that time for 10 s. */
static struct revive_record popped(int64_t start, int32_t count, int32_t step, int64_t pop_time_ms) {
    struct revive_record record = {.kind = REVIVE_CHECKPOINT,
                                   .checkpoint = {.topic = BYTES("T"),
                                                  .group = BYTES("G"),
                                                  .queue_id = 1,
                                                  .start_offset = start,
                                                  .pop_time_ms = pop_time_ms,
                                                  .invisible_ms = 10000,
                                                  .count = count}};
    for (int32_t i = 0; i < count; i++) record.checkpoint.diffs[i] = i * step;
    return record;
}

static struct revive_record acked(int64_t start, int64_t pop_time_ms, int64_t offset) {
    return (struct revive_record){.kind = REVIVE_ACK,
                                  .ack = {.topic = BYTES("T"),
                                          .group = BYTES("G"),
                                          .queue_id = 1,
                                          .start_offset = start,
                                          .pop_time_ms = pop_time_ms,
                                          .invisible_ms = 10000,
                                          .next_offset = -1,
                                          .offsets = {offset},
                                          .count = 1}};
}

static int64_t in_flight(const struct fixture *f) {
    return progress_in_flight(offsets_progress(f->t.broker.offsets, BYTES("T"), BYTES("G"), false), 1);
}

#define APPLY(f, record, revive_offset)                                                                                \
    do {                                                                                                               \
        struct revive_record r_ = record;                                                                              \
        checkpoints_apply(&(f)->all, &r_, revive_offset, false);                                                       \
    } while (0)

static void a_checkpoint_ends_with_its_last_ack(void **state) {
    struct fixture *f = *state;
    APPLY(f, popped(5, 3, 2, BOOT_MS + 1), 0);
    assert_int_equal(in_flight(f), 3);
    APPLY(f, acked(5, BOOT_MS + 1, 7), 1);
    APPLY(f, acked(5, BOOT_MS + 1, 6), 2); /* there is none */
    APPLY(f, acked(5, BOOT_MS + 1, 5), 3);
    APPLY(f, acked(5, BOOT_MS + 2, 9), 4); /* of another pop */
    assert_int_equal(f->all.count, 1);
    assert_int_equal(checkpoints_first(&f->all, 5), 0);
    assert_int_equal(in_flight(f), 1);
    APPLY(f, acked(5, BOOT_MS + 1, 9), 5);
    assert_int_equal(f->all.count, 0);
    assert_int_equal(checkpoints_first(&f->all, 6), 6);
    assert_int_equal(in_flight(f), 0);
}

static void the_first_due_comes_first(void **state) {
    struct fixture *f = *state;
    enum { COUNT = 500 };
    for (int64_t i = 0; i < COUNT; i++) APPLY(f, popped(i, 1, 1, BOOT_MS + i * 7919 % COUNT), i);
    assert_null(checkpoints_due(&f->all, BOOT_MS + 9999));
    for (int64_t i = 0; i < COUNT; i++) {
        struct checkpoint *due = checkpoints_due(&f->all, BOOT_MS + 10000 + i);
        assert_non_null(due);
        assert_int_equal(due->due_ms, BOOT_MS + 10000 + i);
        checkpoints_remove(&f->all, due);
    }
    assert_int_equal(checkpoints_next_due_ms(&f->all), INT64_MAX);
}

static void one_written_again_keeps_its_acks_and_frees_the_offset(void **state) {
    struct fixture *f = *state;
    struct checkpoint_record again;
    APPLY(f, popped(0, 4, 1, BOOT_MS), 0);
    APPLY(f, acked(0, BOOT_MS, 2), 1);
    checkpoint_to_record(f->all.first, &again);
    APPLY(f, acked(0, BOOT_MS, 3), 2);
    APPLY(f, ((struct revive_record){.kind = REVIVE_CHECKPOINT, .checkpoint = again}), 3);
    assert_int_equal(f->all.count, 1);
    assert_int_equal(checkpoints_first(&f->all, -1), 3);
    assert_int_equal(in_flight(f), 2);
    assert_true(checkpoint_is_acked(f->all.first, 2) && checkpoint_is_acked(f->all.first, 3));
    assert_false(checkpoint_is_acked(f->all.first, 0) || checkpoint_is_acked(f->all.first, 1));
}

/* A Java broker's checkpoint is in its timer still when its consumer acknowledges to us. */
static void acks_may_come_before_the_checkpoint(void **state) {
    struct fixture *f = *state;
    APPLY(f, acked(0, BOOT_MS - 500, 1), 0);
    assert_int_equal(checkpoints_first(&f->all, -1), 0);
    struct revive_record late = popped(0, 2, 1, BOOT_MS - 500);
    late.by_timer = true;
    late.store_time_ms = BOOT_MS + 8500;
    APPLY(f, late, 1);
    assert_int_equal(f->all.count, 1);
    assert_true(checkpoint_is_acked(f->all.first, 1));
    assert_int_equal(in_flight(f), 1);
    assert_null(checkpoints_due(&f->all, BOOT_MS + 9500)); /* acks come through the timer a little later */
    APPLY(f, acked(0, BOOT_MS - 500, 0), 2);
    assert_int_equal(f->all.count, 0);
}

static void acks_of_nothing_are_forgotten(void **state) {
    struct fixture *f = *state;
    APPLY(f, acked(0, BOOT_MS + 5, 0), 0); /* we wrote its checkpoint, before */
    assert_int_equal(f->all.count, 0);
    APPLY(f, acked(0, BOOT_MS - 5, 0), 1);
    struct checkpoint *early = checkpoints_due(&f->all, BOOT_MS + 30000);
    assert_non_null(early);
    assert_int_equal(early->count, 0);
    checkpoints_remove(&f->all, early);
    assert_int_equal(f->all.count, 0);
}

static void times_that_cannot_be_added_are_never(void **state) {
    struct fixture *f = *state;
    struct revive_record record = popped(0, 1, 1, INT64_MAX - 5);
    record.by_timer = true;
    record.store_time_ms = INT64_MAX;
    APPLY(f, record, 0);
    assert_int_equal(checkpoints_next_due_ms(&f->all), INT64_MAX);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_checkpoint_ends_with_its_last_ack, setup, teardown),
        cmocka_unit_test_setup_teardown(the_first_due_comes_first, setup, teardown),
        cmocka_unit_test_setup_teardown(one_written_again_keeps_its_acks_and_frees_the_offset, setup, teardown),
        cmocka_unit_test_setup_teardown(acks_may_come_before_the_checkpoint, setup, teardown),
        cmocka_unit_test_setup_teardown(acks_of_nothing_are_forgotten, setup, teardown),
        cmocka_unit_test_setup_teardown(times_that_cannot_be_added_are_never, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
