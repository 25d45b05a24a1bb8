/* lost_topics_test.c - what is told of a topic without a route */
#include "namesrv/lost_topics.h"

#include <stdio.h>
#include "base/test.h"
#include "os/clock.h"

static void assert_told(const struct lost_topics *lost, const char *topic, const char *text) {
    struct buf out = {0};
    assert_true(lost_topics_tell(lost, bytes_of(topic), &out));
    assert_bytes(buf_bytes(&out), text);
    buf_close(&out);
}

static void assert_not_told(const struct lost_topics *lost, const char *topic) {
    struct buf out = {0};
    assert_false(lost_topics_tell(lost, bytes_of(topic), &out));
    assert_int_equal(out.len, 0);
    buf_close(&out);
}

static void the_last_loss_is_told(void **state) {
    (void)state;
    struct lost_topics *lost = lost_topics_create();
    assert_not_told(lost, "T");
    lost_topics_add(lost, BYTES("T"), BYTES("a"), LOSS_UNREGISTERED);
    clock_shift_monotonic_ms(7000);
    assert_told(lost, "T", "the last broker that had it, a, was shut down 7 s ago");
    lost_topics_add(lost, BYTES("T"), BYTES("b"), LOSS_DELETED);
    assert_told(lost, "T", "the last broker that had it, b, lost it to a request to delete it 0 s ago");
    lost_topics_found(lost, BYTES("T"));
    lost_topics_found(lost, BYTES("T"));
    assert_not_told(lost, "T");
    lost_topics_destroy(lost);
}

static void the_oldest_make_room(void **state) {
    (void)state;
    struct lost_topics *lost = lost_topics_create();
    char name[16];
    for (int i = 0; i < LOST_TOPICS_MAX + 10; i++) {
        snprintf(name, sizeof name, "T%d", i);
        lost_topics_add(lost, bytes_of(name), BYTES("a"), LOSS_SILENT);
    }
    assert_not_told(lost, "T9");
    assert_told(lost, "T10", "the last broker that had it, a, was not heard of in its time and given up 0 s ago");
    assert_told(lost, name, "the last broker that had it, a, was not heard of in its time and given up 0 s ago");
    lost_topics_destroy(lost);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_loss_is_told),
        cmocka_unit_test(the_oldest_make_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
