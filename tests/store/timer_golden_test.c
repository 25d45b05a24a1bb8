/* The timer's files as Java brokers 5.3.3 left them, unit by unit, slot by slot; and what we write is as they write it.
 */
#include <stdio.h>
#include <stdlib.h>
#include "base/test.h"
#include "os/file.h"
#include "store/timer_checkpoint.h"
#include "store/timer_log.h"
#include "store/timer_wheel.h"
#include "support/golden_store.h"

enum { LOG_FILE_BYTES = 102400, PRECISION_MS = 1000 };
static const char *const stores[] = {"v533-clean", "v533-kill", "v533-torn"};

#define EXPECT_INT(actual, node, member)                                                                               \
    assert_int_equal((int64_t)(actual), json_i64(json_get((node), (member)), INT64_MIN))

static const char *path_of(const struct golden_store *golden, const char *name) {
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", golden->root, name);
    return path;
}

static void expect_log(struct timer_log *log, const struct json *units, int64_t *end) {
    int64_t position = timer_log_begin(log);
    struct timer_unit unit;
    for (const struct json *n = json_first(units); n; n = n->next) {
        assert_ok(timer_log_next(log, &position, &unit));
        EXPECT_INT(position, n, "pos");
        EXPECT_INT(unit.prev, n, "prev");
        EXPECT_INT(unit.kind, n, "magic");
        EXPECT_INT(unit.write_ms, n, "writeTime");
        EXPECT_INT(unit.delay_ms, n, "delay");
        EXPECT_INT(unit.offset_phys, n, "phy");
        EXPECT_INT(unit.size_bytes, n, "size");
        EXPECT_INT(unit.topic_hash, n, "topicHash");
        position += TIMER_UNIT_BYTES;
    }
    assert_err(timer_log_next(log, &position, &unit), ERR_NOT_FOUND);
    *end = position;
}

static void expect_slots(struct timer_wheel *wheel, const struct json *slots) {
    size_t in_use = 0, expected = 0;
    struct timer_slot slot;
    for (int64_t i = 0; i < TIMER_WHEEL_SLOTS; i++) {
        assert_ok(timer_wheel_get(wheel, i * PRECISION_MS, &slot));
        in_use += slot.time_ms != 0;
    }
    for (const struct json *n = json_first(slots); n; n = n->next, expected++) {
        int64_t time_ms = json_i64(json_get(n, "time"), 0) * PRECISION_MS;
        assert_ok(timer_wheel_next(wheel, time_ms - 10 * PRECISION_MS, time_ms + PRECISION_MS, &slot));
        if (slot.time_ms != time_ms) assert_ok(timer_wheel_get(wheel, time_ms, &slot)); /* another one is near */
        assert_int_equal(slot.time_ms, time_ms);
        EXPECT_INT(slot.first, n, "first");
        EXPECT_INT(slot.last, n, "last");
        EXPECT_INT(slot.count, n, "num");
        assert_int_equal(timer_wheel_count(wheel, time_ms), slot.count);
    }
    assert_int_equal(in_use, expected);
}

static void expect_checkpoint(const struct golden_store *golden, const struct json *values) {
    struct timer_checkpoint checkpoint;
    char bytes[TIMER_CHECKPOINT_BYTES];
    struct buf content = {0};
    const char *path = path_of(golden, "config/timercheck");
    assert_ok(timer_checkpoint_load(path, &checkpoint));
    assert_int_equal(checkpoint.read_ms, json_i64(json_first(values), -1));
    assert_int_equal(checkpoint.log_end, json_i64(json_first(values)->next, -1));
    assert_int_equal(checkpoint.queue_offset, json_i64(json_first(values)->next->next, -1));
    assert_ok(file_read_all(path, TIMER_CHECKPOINT_FILE_BYTES, &content));
    timer_checkpoint_encode(&checkpoint, bytes);
    assert_memory_equal(bytes, content.data, sizeof bytes);
    assert_ok(timer_checkpoint_save(path, &checkpoint));
    struct buf again = {0};
    assert_ok(file_read_all(path, TIMER_CHECKPOINT_FILE_BYTES, &again));
    assert_true(bytes_equal(buf_bytes(&content), buf_bytes(&again)));
    buf_close(&content);
    buf_close(&again);
}

/* What was read, written again from nothing, gives the same file. */
static void expect_same_log(struct golden_store *golden, struct timer_log *log, int64_t end) {
    struct timer_log copy;
    struct timer_unit unit;
    struct buf was = {0}, is = {0};
    char dir[256], path[300];
    int64_t position;
    snprintf(dir, sizeof dir, "%s/copy", golden->temp);
    assert_ok(timer_log_open(&copy, dir, LOG_FILE_BYTES));
    assert_ok(timer_log_cut(&copy, 0));
    for (int64_t at = timer_log_begin(log); at < end; at += TIMER_UNIT_BYTES) {
        assert_ok(timer_log_read(log, at, &unit));
        assert_ok(timer_log_append(&copy, &unit, &position));
        assert_int_equal(position, at);
    }
    assert_ok(timer_log_sync(&copy, copy.end));
    timer_log_close(&copy);
    snprintf(path, sizeof path, "%s/00000000000000000000", dir);
    assert_ok(file_read_all(path_of(golden, "timerlog/00000000000000000000"), LOG_FILE_BYTES, &was));
    assert_ok(file_read_all(path, LOG_FILE_BYTES, &is));
    assert_true(bytes_equal(buf_bytes(&was), buf_bytes(&is)));
    buf_close(&was);
    buf_close(&is);
}

static void the_files_of_java_are_read_and_written(void **state) {
    (void)state;
    if (!golden_store_dir()) skip();
    for (size_t i = 0; i < ARRAY_LEN(stores); i++) {
        struct golden_store golden;
        struct timer_log log;
        struct timer_wheel wheel;
        int64_t end;
        golden_store_unpack(&golden, stores[i]);
        const struct json *timer = json_get(golden.manifest, "timer");
        assert_ok(timer_log_open(&log, path_of(&golden, "timerlog"), LOG_FILE_BYTES));
        expect_log(&log, json_get(timer, "log"), &end);
        expect_same_log(&golden, &log, end);
        assert_ok(timer_wheel_open(&wheel, path_of(&golden, "timerwheel"), PRECISION_MS));
        expect_slots(&wheel, json_get(timer, "slots"));
        expect_checkpoint(&golden, json_get(timer, "check"));
        timer_wheel_close(&wheel);
        timer_log_close(&log);
        golden_store_close(&golden);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_files_of_java_are_read_and_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
