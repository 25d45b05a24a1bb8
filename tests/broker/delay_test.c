/* Delay levels: when they come, a table of one's own, restarts, a clock that is set. The clock is moved. */
#include <stdio.h>
#include <stdlib.h>
#include "base/test.h"
#include "broker/delay/delay.h"
#include "message/properties.h"
#include "os/clock.h"
#include "os/file.h"
#include "support/broker_box.h"

enum { SOON_MS = 5000, NOTHING_MS = 700 /* longer than the thread looks away */, SECOND_MS = 1000 };

static struct broker_box box;
static struct peer peer;

static int start(void **state) {
    (void)state;
    broker_box_init(&box);
    broker_box_set(&box, "serverChannelMaxIdleTimeSeconds=86400");
    broker_box_set(&box, "messageDelayLevel=5s 1m 2h");
    broker_box_start(&box);
    peer_open(&peer, box.broker.port);
    return 0;
}

static int stop(void **state) {
    (void)state;
    peer_close(&peer);
    broker_box_close(&box);
    return 0;
}

static void restart_after(int64_t shift_ms) {
    peer_close(&peer);
    broker_box_stop(&box);
    clock_shift_wall_ms(shift_ms);
    broker_box_start(&box);
    peer_open(&peer, box.broker.port);
}

static void send_level(const char *body, int level) {
    char properties[64];
    snprintf(properties, sizeof properties, "DELAY\001%d\002", level);
    peer_send_message(&peer, "T", properties, body, RESPONSE_SUCCESS);
}

static int64_t count_of(const char *topic, int32_t queue_id) {
    struct queue *queue = store_queue(box.broker.store, bytes_of(topic), queue_id, false);
    return queue ? queue_max(queue) : 0;
}

static void wait_count(const char *topic, int32_t queue_id, int64_t count) {
    for (int i = 0; i < SOON_MS && count_of(topic, queue_id) < count; i++) clock_sleep_ms(1);
    assert_int_equal(count_of(topic, queue_id), count);
}

static void expect_no_more(int64_t count) {
    clock_sleep_ms(NOTHING_MS);
    assert_int_equal(count_of("T", 0), count);
}

static void each_level_comes_at_its_time(void **state) {
    (void)state;
    send_level("third", 99); /* over the last: as the last */
    send_level("second", 2);
    send_level("first", 1);
    for (int i = 0; i < 3; i++) wait_count("SCHEDULE_TOPIC_XXXX", i, 1);
    clock_shift_wall_ms(3 * SECOND_MS);
    expect_no_more(0);
    clock_shift_wall_ms(2 * SECOND_MS);
    wait_count("T", 0, 1);
    clock_shift_wall_ms(50 * SECOND_MS);
    expect_no_more(1);
    clock_shift_wall_ms(6 * SECOND_MS);
    wait_count("T", 0, 2);
    clock_shift_wall_ms(7200 * SECOND_MS);
    wait_count("T", 0, 3);
}

static void restarts_keep_them_and_deliver_none_twice(void **state) {
    (void)state;
    send_level("a", 1);
    send_level("b", 2);
    wait_count("SCHEDULE_TOPIC_XXXX", 1, 1);
    clock_shift_wall_ms(5 * SECOND_MS);
    wait_count("T", 0, 1);
    restart_after(0);
    assert_int_equal(delay_offset(box.broker.delay, 1), 1);
    expect_no_more(1);
    restart_after(61 * SECOND_MS); /* due while nobody served */
    wait_count("T", 0, 2);
    restart_after(0);
    expect_no_more(2);
    struct buf text = {0};
    char path[128];
    snprintf(path, sizeof path, "%s/config/delayOffset.json", box.root);
    assert_ok(file_read_all(path, 4096, &text));
    buf_append_char(&text, '\0');
    assert_non_null(strstr(text.data, "1:1,"));
    assert_non_null(strstr(text.data, "2:1"));
    buf_close(&text);
}

/* Set back by more than the delay, the time in the queue means nothing any more: the message comes at once, as from a
 * Java broker. Set back by less, it waits for its time. */
static void a_clock_set_back_holds_none_for_long(void **state) {
    (void)state;
    send_level("a", 3);
    wait_count("SCHEDULE_TOPIC_XXXX", 2, 1);
    clock_shift_wall_ms(7000 * SECOND_MS);
    expect_no_more(0);
    clock_shift_wall_ms(-6000 * SECOND_MS);
    expect_no_more(0);
    clock_shift_wall_ms(-2000 * SECOND_MS);
    wait_count("T", 0, 1);
    clock_shift_wall_ms(1000 * SECOND_MS);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, start, stop)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(each_level_comes_at_its_time),
        TEST(restarts_keep_them_and_deliver_none_twice),
        TEST(a_clock_set_back_holds_none_for_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
