/* Messages with a delivery time of their own: when they come, what they say, what keeps them from coming, restarts,
 * clocks that are set, files that are lost. The clock is moved; nobody waits for it. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/json.h"
#include "base/test.h"
#include "broker/delay/timer.h"
#include "broker/tables/topic_counts.h"
#include "message/properties.h"
#include "os/clock.h"
#include "os/file.h"
#include "support/broker_box.h"

enum { SOON_MS = 5000, NOTHING_MS = 150, SECOND_MS = 1000, HOUR_MS = 3600 * SECOND_MS };

static struct broker_box box;
static struct peer peer;

static int start(void **state) {
    (void)state;
    broker_box_init(&box);
    broker_box_set(&box, "serverChannelMaxIdleTimeSeconds=86400");
    broker_box_set(&box, "mappedFileSizeTimerLog=8192");
    broker_box_set(&box, "timerFlushIntervalMs=20");
    broker_box_set(&box, "flushCommitLogThoroughInterval=50");
    broker_box_set(&box, "recallMessageEnable=true");
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

static void restart(void) {
    peer_close(&peer);
    broker_box_stop(&box);
    broker_box_start(&box);
    peer_open(&peer, box.broker.port);
}

static void restart_with(const char *setting) {
    broker_box_set(&box, setting);
    restart();
}

/* --- steps --------------------------------------------------------------------------------------------------- */

static struct hdr_send_result send_to(const char *topic, const char *key, const char *property, int64_t value,
                                      int32_t code) {
    char properties[256];
    snprintf(properties, sizeof properties, "UNIQ_KEY\001%s\002%s\001%" PRId64 "\002", key, property, value);
    return peer_send_message(&peer, topic, properties, key, code);
}

static struct hdr_send_result send_in(const char *key, int64_t delay_ms) {
    return send_to("T", key, "TIMER_DELAY_MS", delay_ms, RESPONSE_SUCCESS);
}

static void send_deletion(const char *topic, const char *key, int64_t deliver_ms) {
    char properties[256];
    snprintf(properties, sizeof properties,
             "UNIQ_KEY\001d\002TIMER_DEL_UNIQKEY\001%s\002TIMER_DELIVER_MS\001%" PRId64 "\002", key, deliver_ms);
    peer_send_message(&peer, topic, properties, "-", RESPONSE_SUCCESS);
}

static int64_t count_of(const char *topic) {
    struct queue *queue = store_queue(box.broker.store, bytes_of(topic), 0, false);
    return queue ? queue_max(queue) : 0;
}

static void wait_count(const char *topic, int64_t count) {
    for (int i = 0; i < SOON_MS && count_of(topic) < count; i++) clock_sleep_ms(1);
    assert_int_equal(count_of(topic), count);
}

static struct timer_facts facts(void) {
    struct timer_facts facts;
    timer_facts(box.broker.timer, &facts);
    return facts;
}

/* The timer has seen the clock as it is now, and done what there was to do. */
static void wait_idle(void) {
    for (int i = 0; i < SOON_MS; i++) {
        if (facts().behind_ms == 0 && facts().behind_messages == 0) return;
        clock_sleep_ms(1);
    }
    fail_msg("behind=%" PRId64 " ms", facts().behind_ms);
}

/* All that was sent is in the wheel: a step of the clock finds it there. */
static void wait_taken(int64_t waiting) {
    for (int i = 0; i < SOON_MS; i++) {
        if (facts().behind_messages == 0 && facts().waiting == waiting) return;
        clock_sleep_ms(1);
    }
    fail_msg("behind=%" PRId64 " waiting=%" PRId64, facts().behind_messages, facts().waiting);
}

static void expect_no_more(const char *topic, int64_t count) {
    clock_sleep_ms(NOTHING_MS);
    assert_int_equal(count_of(topic), count);
}

static void expect_all_done(void) {
    wait_taken(0);
    assert_int_equal(topic_counts_of(timer_counts(box.broker.timer), BYTES("T")), 0);
}

/* The record at a queue offset; borrowed until the next. */
static struct record record_at(const char *topic, int64_t offset_queue) {
    static char copy[8192];
    struct queue *queue = store_queue(box.broker.store, bytes_of(topic), 0, false);
    struct queue_entry entry;
    struct store_slice slice;
    struct record record;
    assert_ok(queue_entry_at(box.broker.store, queue, offset_queue, &entry));
    assert_ok(store_record_at(box.broker.store, entry.offset_phys, &slice));
    assert_true(slice.bytes.len <= sizeof copy);
    memcpy(copy, slice.bytes.data, slice.bytes.len);
    assert_ok(record_decode(bytes_make(copy, slice.bytes.len), RECORD_CHECK_BODY_CRC, &record));
    store_release(slice.hold);
    return record;
}

static int64_t number(const struct record *record, struct bytes name) {
    int64_t value = -1;
    (void)bytes_to_i64(properties_get(record->properties, name), &value);
    return value;
}

/* --- delivery ------------------------------------------------------------------------------------------------ */

static void each_form_comes_at_its_time(void **state) {
    (void)state;
    int64_t now_ms = clock_wall_ms();
    send_to("T", "b", "TIMER_DELAY_SEC", 2 * 3600, RESPONSE_SUCCESS);
    send_in("a", HOUR_MS);
    send_to("T", "c", "TIMER_DELIVER_MS", now_ms + 3 * HOUR_MS, RESPONSE_SUCCESS);
    wait_taken(3);
    clock_shift_wall_ms(HOUR_MS - 10 * SECOND_MS);
    expect_no_more("T", 0);
    clock_shift_wall_ms(12 * SECOND_MS);
    wait_count("T", 1);
    clock_shift_wall_ms(HOUR_MS);
    wait_count("T", 2);
    clock_shift_wall_ms(HOUR_MS);
    wait_count("T", 3);
    for (int i = 0; i < 3; i++) assert_bytes(record_at("T", i).body, ((const char *[]){"a", "b", "c"})[i]);
    struct record last = record_at("T", 2);
    assert_true(last.store_time_ms >= now_ms + 3 * HOUR_MS);
    assert_bytes(last.topic, "T");
    assert_int_equal(number(&last, PROPERTY_TIMER_OUT_MS), (now_ms + 3 * HOUR_MS - 1) / SECOND_MS * SECOND_MS);
    assert_true(number(&last, PROPERTY_TIMER_ENQUEUE_MS) <= now_ms + SOON_MS);
    assert_true(number(&last, PROPERTY_TIMER_DEQUEUE_MS) >= now_ms + 3 * HOUR_MS);
    assert_bytes(properties_get(last.properties, PROPERTY_REAL_TOPIC), "T");
    expect_all_done();
}

static void what_is_due_is_as_any_other(void **state) {
    (void)state;
    send_in("a", 0);
    send_to("T", "b", "TIMER_DELIVER_MS", 1, RESPONSE_SUCCESS);
    wait_count("T", 2);
    struct record record = record_at("T", 0);
    assert_null(properties_get(record.properties, PROPERTY_TIMER_OUT_MS).data);
    assert_int_equal(count_of("rmq_sys_wheel_timer"), 0);
}

static void impossible_times_are_refused(void **state) {
    (void)state;
    send_to("T", "a", "TIMER_DELAY_SEC", 259201, RESPONSE_MESSAGE_ILLEGAL);
    send_to("T", "a", "TIMER_DELAY_SEC", INT64_MAX, RESPONSE_MESSAGE_ILLEGAL);
    send_to("T", "a", "TIMER_DELAY_MS", INT64_MAX, RESPONSE_MESSAGE_ILLEGAL);
    send_to("T", "a", "TIMER_DELIVER_MS", INT64_MAX, RESPONSE_MESSAGE_ILLEGAL);
    peer_send_message(&peer, "T", "TIMER_DELAY_MS\001soon\002", "x", RESPONSE_MESSAGE_ILLEGAL);
    peer_send_message(&peer, "T", "TIMER_DELAY_MS\001-5\002TIMER_DEL_UNIQKEY\001k\002", "x", RESPONSE_MESSAGE_ILLEGAL);
    assert_int_equal(count_of("T"), 0);
    restart_with("timerWheelEnable=false");
    send_to("T", "a", "TIMER_DELAY_SEC", 1, RESPONSE_SYSTEM_ERROR);
}

static void a_delay_level_wins(void **state) {
    (void)state;
    peer_send_message(&peer, "T", "DELAY\0011\002TIMER_DELAY_SEC\001100\002", "x", RESPONSE_SUCCESS);
    wait_count("SCHEDULE_TOPIC_XXXX", 1);
    clock_shift_wall_ms(2 * SECOND_MS);
    wait_count("T", 1);
    struct record record = record_at("T", 0);
    assert_null(properties_get(record.properties, PROPERTY_TIMER_DELAY_SEC).data);
}

/* More than one stretch of a chain, several files of the log, several batches. */
static void many_of_one_moment_keep_their_order(void **state) {
    (void)state;
    enum { COUNT = 3000 };
    char key[16];
    int64_t deliver_ms = clock_wall_ms() + HOUR_MS;
    for (int i = 0; i < COUNT; i++) {
        snprintf(key, sizeof key, "%d", i);
        send_to("T", key, "TIMER_DELIVER_MS", deliver_ms, RESPONSE_SUCCESS);
    }
    wait_taken(COUNT);
    assert_int_equal(topic_counts_of(timer_counts(box.broker.timer), BYTES("T")), COUNT);
    clock_shift_wall_ms(HOUR_MS + SECOND_MS);
    wait_count("T", COUNT);
    for (int i = 0; i < COUNT; i++) {
        snprintf(key, sizeof key, "%d", i);
        assert_bytes(record_at("T", i).body, key);
    }
    expect_all_done();
}

static void far_ones_roll(void **state) {
    (void)state;
    restart_with("timerRollWindowSlot=100");
    send_in("a", 450 * SECOND_MS);
    for (int s = 0; s < 400; s += 50) {
        wait_taken(1);
        clock_shift_wall_ms(50 * SECOND_MS);
        wait_idle();
        assert_int_equal(count_of("T"), 0);
    }
    clock_shift_wall_ms(51 * SECOND_MS);
    wait_count("T", 1);
    struct record record = record_at("T", 0);
    assert_true(number(&record, PROPERTY_TIMER_ROLL_TIMES) >= 3);
    expect_all_done();
}

/* --- deletion and recall ------------------------------------------------------------------------------------- */

static void deleted_ones_do_not_come(void **state) {
    (void)state;
    int64_t deliver_ms = clock_wall_ms() + HOUR_MS;
    send_to("T", "a", "TIMER_DELIVER_MS", deliver_ms, RESPONSE_SUCCESS);
    send_to("T", "b", "TIMER_DELIVER_MS", deliver_ms, RESPONSE_SUCCESS);
    send_to("T", "c", "TIMER_DELIVER_MS", deliver_ms, RESPONSE_SUCCESS);
    send_deletion("T", "a", deliver_ms);
    send_deletion("T", "T+b", deliver_ms);
    send_deletion("T", "U+c", deliver_ms);
    wait_taken(0);
    clock_shift_wall_ms(HOUR_MS + SECOND_MS);
    wait_count("T", 1);
    assert_bytes(record_at("T", 0).body, "c");
    expect_no_more("T", 1);
    expect_all_done();
}

static struct command recall(const char *topic, struct bytes handle) {
    struct command answer;
    struct hdr_recall_message header = {
        .present = HEADER_ALL, .producer_group = BYTES("pg"), .topic = bytes_of(topic), .recall_handle = handle};
    peer_call(&peer, REQUEST_RECALL_MESSAGE, layout_recall_message(), &header, BYTES(""), &answer);
    return answer;
}

/* Rolled ones too: a deletion rolls as its message does. */
static void recalled_ones_do_not_come(void **state) {
    (void)state;
    restart_with("timerRollWindowSlot=100");
    char handle[256];
    struct hdr_recall_result result;
    struct hdr_send_result sent = send_in("a", 1000 * SECOND_MS);
    assert_true(sent.recall_handle.len > 0 && sent.recall_handle.len < sizeof handle);
    memcpy(handle, sent.recall_handle.data, sent.recall_handle.len);
    struct bytes known = bytes_make(handle, sent.recall_handle.len);
    send_in("b", 1000 * SECOND_MS);
    struct command answer = recall("T", known);
    assert_int_equal(answer.code, RESPONSE_SUCCESS);
    assert_ok(header_decode(layout_recall_result(), &answer, &result));
    assert_bytes(result.msg_id, "a");
    for (int s = 0; s < 1000; s += 200) {
        wait_taken(1);
        assert_int_equal(count_of("T"), 0);
        clock_shift_wall_ms(200 * SECOND_MS);
    }
    clock_shift_wall_ms(2 * SECOND_MS);
    wait_count("T", 1);
    assert_bytes(record_at("T", 0).body, "b");
    expect_no_more("T", 1);
    expect_all_done();
    assert_int_equal(recall("T", known).code, RESPONSE_ILLEGAL_OPERATION); /* its time is over */
}

static void bad_recalls_are_refused(void **state) {
    (void)state;
    char handle[256];
    struct hdr_send_result sent = send_in("a", HOUR_MS);
    memcpy(handle, sent.recall_handle.data, sent.recall_handle.len);
    struct bytes known = bytes_make(handle, sent.recall_handle.len);
    send_to("U", "b", "TIMER_DELAY_MS", HOUR_MS, RESPONSE_SUCCESS);
    assert_int_equal(recall("none", known).code, RESPONSE_TOPIC_NOT_EXIST);
    assert_int_equal(recall("T", BYTES("djEgYQ")).code, RESPONSE_ILLEGAL_OPERATION);
    assert_int_equal(recall("U", known).code, RESPONSE_ILLEGAL_OPERATION);
    restart_with("recallMessageEnable=false");
    assert_int_equal(recall("T", known).code, RESPONSE_NO_PERMISSION);
    assert_int_equal(send_to("%RETRY%G", "r", "TIMER_DELAY_MS", HOUR_MS, RESPONSE_SUCCESS).recall_handle.len, 0);
}

static void a_full_slot_refuses(void **state) {
    (void)state;
    restart_with("timerCongestNumEachSlot=2");
    int64_t deliver_ms = clock_wall_ms() + HOUR_MS;
    int taken = 0;
    for (int i = 0; i < 200 && taken < 4; i++) {
        char properties[128];
        struct command answer;
        snprintf(properties, sizeof properties, "TIMER_DELIVER_MS\001%" PRId64 "\002", deliver_ms);
        struct hdr_send_message_v2 header = send_header("T", properties);
        peer_call(&peer, REQUEST_SEND_MESSAGE_V2, layout_send_message_v2(), &header, BYTES("x"), &answer);
        if (answer.code == RESPONSE_SUCCESS)
            wait_taken(++taken);
        else
            assert_int_equal(answer.code, RESPONSE_SYSTEM_ERROR);
    }
    assert_int_equal(taken, 4);
    send_to("T", "x", "TIMER_DELIVER_MS", deliver_ms, RESPONSE_SYSTEM_ERROR);
    send_to("T", "x", "TIMER_DELIVER_MS", deliver_ms + SECOND_MS, RESPONSE_SUCCESS);
}

/* --- clocks and restarts ------------------------------------------------------------------------------------- */

static void a_clock_set_back_delivers_nothing_early_or_twice(void **state) {
    (void)state;
    send_in("a", HOUR_MS);
    send_in("b", 2 * HOUR_MS);
    wait_taken(2);
    clock_shift_wall_ms(HOUR_MS + SECOND_MS);
    wait_count("T", 1);
    clock_shift_wall_ms(-HOUR_MS);
    send_in("c", HOUR_MS / 2); /* before the time that the timer had reached */
    wait_taken(2);
    expect_no_more("T", 1);
    restart();
    clock_shift_wall_ms(HOUR_MS / 2 + SECOND_MS);
    wait_count("T", 2);
    assert_bytes(record_at("T", 1).body, "c");
    clock_shift_wall_ms(HOUR_MS / 2);
    expect_no_more("T", 2);
    clock_shift_wall_ms(HOUR_MS);
    wait_count("T", 3);
    expect_all_done();
}

/* The next life begins with the files as a crash now would leave them. */
static void crash(void) {
    char command[256];
    snprintf(command, sizeof command, "cp -a --sparse=always %s %s.crash", box.root, box.root);
    assert_int_equal(system(command), 0);
    peer_close(&peer);
    broker_box_stop(&box);
    snprintf(command, sizeof command, "rm -r %s && mv %s.crash %s", box.root, box.root, box.root);
    assert_int_equal(system(command), 0);
    broker_box_start(&box);
    peer_open(&peer, box.broker.port);
}

/* What was saved says that slots are done which have been filled again since. */
static void a_crash_after_the_clock_was_set_back_loses_nothing(void **state) {
    (void)state;
    restart_with("timerFlushIntervalMs=3600000");
    clock_shift_wall_ms(HOUR_MS);
    wait_idle();
    restart(); /* saves how far it came */
    clock_shift_wall_ms(-HOUR_MS);
    send_in("a", HOUR_MS / 2);
    wait_taken(1);
    clock_shift_wall_ms(HOUR_MS / 4);
    crash();
    wait_taken(1);
    expect_no_more("T", 0);
    clock_shift_wall_ms(HOUR_MS / 4 + SECOND_MS);
    wait_count("T", 1);
    expect_all_done();
}

/* The slots of two times are one: the wheel has turned. */
static void a_clock_set_back_far_loses_nothing(void **state) {
    (void)state;
    enum { TURN_S = 14 * 86400 };
    int64_t deliver_ms = clock_wall_ms() + HOUR_MS;
    send_to("T", "a", "TIMER_DELIVER_MS", deliver_ms, RESPONSE_SUCCESS);
    wait_taken(1);
    clock_shift_wall_ms(-(int64_t)TURN_S * SECOND_MS);
    send_to("T", "b", "TIMER_DELIVER_MS", deliver_ms - (int64_t)TURN_S * SECOND_MS, RESPONSE_SUCCESS);
    wait_taken(2);
    clock_shift_wall_ms(HOUR_MS - 10 * SECOND_MS);
    wait_idle();
    assert_int_equal(count_of("T"), 0);
    clock_shift_wall_ms(12 * SECOND_MS);
    wait_count("T", 1);
    assert_bytes(record_at("T", 0).body, "b");
    clock_shift_wall_ms((int64_t)TURN_S * SECOND_MS);
    wait_count("T", 2);
    expect_all_done();
}

static void those_that_wait_survive_restarts(void **state) {
    (void)state;
    for (int i = 0; i < 5; i++) {
        char key[8];
        snprintf(key, sizeof key, "%d", i);
        send_in(key, HOUR_MS);
        if (i % 2) wait_taken(i + 1); /* else it is put into the wheel after the restart */
        restart();
        wait_taken(i + 1);
        assert_int_equal(topic_counts_of(timer_counts(box.broker.timer), BYTES("T")), i + 1);
    }
    broker_box_stop(&box);
    clock_shift_wall_ms((int64_t)30 * 24 * HOUR_MS); /* more than a turn of the wheel */
    broker_box_start(&box);
    wait_count("T", 5);
    expect_no_more("T", 5);
    expect_all_done();
    peer_close(&peer);
    peer_open(&peer, box.broker.port);
}

static void remove_file(const char *name) {
    char path[128];
    snprintf(path, sizeof path, "%s/%s", box.root, name);
    assert_ok(file_remove_tree(path));
}

static void lose(const char *name, const char *second) {
    broker_box_stop(&box);
    remove_file(name);
    if (second) remove_file(second);
    broker_box_start(&box);
}

static void damage(const char *name, int64_t at) {
    char path[128];
    int fd;
    snprintf(path, sizeof path, "%s/%s", box.root, name);
    broker_box_stop(&box);
    assert_ok(file_open(path, FILE_READ_WRITE, &fd));
    assert_ok(file_resize(fd, path, at));
    file_close(fd);
    broker_box_start(&box);
}

static void lost_files_are_made_again(void **state) {
    (void)state;
    for (int i = 0; i < 300; i++) send_in("k", i < 100 ? SECOND_MS : HOUR_MS);
    wait_taken(300);
    clock_shift_wall_ms(3 * SECOND_MS);
    wait_count("T", 100);
    wait_taken(200);
    lose("timerwheel", NULL);
    wait_taken(200);
    lose("timerlog", NULL);
    wait_taken(200);
    lose("timerlog", "timerwheel");
    wait_taken(200);
    damage("timerwheel", 4096);
    wait_taken(200);
    damage("timerlog/00000000000000000000", 4096);
    wait_taken(200);
    lose("config/timermetrics", "config/timermetrics.bak");
    wait_taken(200);
    assert_int_equal(topic_counts_of(timer_counts(box.broker.timer), BYTES("T")), 200);
    expect_no_more("T", 100);
    clock_shift_wall_ms(HOUR_MS);
    wait_count("T", 300);
    expect_no_more("T", 300);
    expect_all_done();
}

/* --- what others are told ------------------------------------------------------------------------------------ */

static void slaves_are_told(void **state) {
    (void)state;
    struct command answer;
    struct timer_checkpoint checkpoint;
    struct arena arena = {0};
    const struct json *root;
    send_in("a", HOUR_MS);
    wait_taken(1);
    for (int i = 0; i < SOON_MS; i++) {
        timer_checkpoint(box.broker.timer, &checkpoint);
        if (checkpoint.queue_offset == 1) break;
        clock_sleep_ms(1);
    }
    peer_call(&peer, REQUEST_GET_TIMER_CHECK_POINT, NULL, NULL, BYTES(""), &answer);
    assert_int_equal(answer.code, RESPONSE_SUCCESS);
    assert_int_equal(answer.body.len, TIMER_CHECKPOINT_BYTES);
    timer_checkpoint_decode(answer.body.data, &checkpoint);
    assert_int_equal(checkpoint.queue_offset, 1);
    assert_int_equal(checkpoint.log_end, 52);
    assert_true(checkpoint.read_ms > 0 && checkpoint.read_ms <= clock_wall_ms());
    peer_call(&peer, REQUEST_GET_TIMER_METRICS, NULL, NULL, BYTES(""), &answer);
    assert_ok(json_parse(&arena, answer.body, &root));
    assert_int_equal(json_i64(json_get(json_get(json_get(root, "timingCount"), "T"), "count"), -1), 1);
    arena_close(&arena);
}

static void the_engine_is_the_wheel(void **state) {
    (void)state;
    struct command answer;
    struct hdr_switch_timer_engine header = {.present = HEADER_ALL, .engine = BYTES("F")};
    peer_call(&peer, REQUEST_SWITCH_TIMER_ENGINE, layout_switch_timer_engine(), &header, BYTES(""), &answer);
    assert_int_equal(answer.code, RESPONSE_SUCCESS);
    assert_bytes(answer.remark, "switch timer engine success");
    header.engine = BYTES("R");
    peer_call(&peer, REQUEST_SWITCH_TIMER_ENGINE, layout_switch_timer_engine(), &header, BYTES(""), &answer);
    assert_int_equal(answer.code, RESPONSE_INVALID_PARAMETER);
    peer_call(&peer, REQUEST_SWITCH_TIMER_ENGINE, NULL, NULL, BYTES(""), &answer);
    assert_bytes(answer.remark, "param error, extFields is null");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, start, stop)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(each_form_comes_at_its_time),
        TEST(what_is_due_is_as_any_other),
        TEST(impossible_times_are_refused),
        TEST(a_delay_level_wins),
        TEST(many_of_one_moment_keep_their_order),
        TEST(far_ones_roll),
        TEST(deleted_ones_do_not_come),
        TEST(recalled_ones_do_not_come),
        TEST(bad_recalls_are_refused),
        TEST(a_full_slot_refuses),
        TEST(a_clock_set_back_delivers_nothing_early_or_twice),
        TEST(a_crash_after_the_clock_was_set_back_loses_nothing),
        TEST(a_clock_set_back_far_loses_nothing),
        TEST(those_that_wait_survive_restarts),
        TEST(lost_files_are_made_again),
        TEST(slaves_are_told),
        TEST(the_engine_is_the_wheel),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
