/* Which messages a pull gets, and what it says when it gets none. */
#include <fcntl.h>
#include <sys/mman.h>
#include "base/hash.h"
#include "os/clock.h"
#include "store/expire.h"
#include "store/store_internal.h"
#include "store/store_testing.h"

static struct testing t;
static struct arena arena;

static int set_up(void **state) {
    (void)state;
    testing_init(&t);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    arena_close(&arena);
    testing_done(&t);
    return 0;
}

static struct queue *fill(int count, size_t body_bytes, const char *properties) {
    char body[4096];
    memset(body, 'b', sizeof body);
    for (int i = 0; i < count; i++)
        assert_ok(testing_try_send(&t, "Topic", 0, bytes_make(body, body_bytes), properties, NULL));
    struct queue *queue = store_queue(t.store, BYTES("Topic"), 0, false);
    testing_settle(&t, queue);
    return queue;
}

static struct get ask(struct queue *queue, int64_t offset, int32_t max_count) {
    struct get get = {.queue = queue, .offset_queue = offset, .max_count = max_count, .may_wait = true};
    store_get(t.store, &arena, &get);
    for (size_t i = 0; i < get.slice_count; i++) store_release(get.slices[i].hold);
    return get;
}

static void assert_status(struct get get, enum get_status status, int64_t next_offset) {
    assert_string_equal(get_status_name(get.status), get_status_name(status));
    assert_int_equal(get.next_offset, next_offset);
    assert_int_equal(get.count, 0);
    assert_int_equal(get.slice_count, 0);
}

static void test_statuses(void **state) {
    (void)state;
    testing_open(&t);
    assert_status(ask(NULL, 5, 32), GET_NO_MATCHED_LOGIC_QUEUE, 0);
    assert_status(ask(store_queue(t.store, BYTES("Topic"), 0, true), 5, 32), GET_NO_MESSAGE_IN_QUEUE, 0);
    struct queue *queue = fill(10, 10, "");
    assert_status(ask(queue, 10, 32), GET_OFFSET_OVERFLOW_ONE, 10);
    assert_status(ask(queue, 11, 32), GET_OFFSET_OVERFLOW_BADLY, 10);
    assert_status(ask(queue, -1, 32), GET_OFFSET_TOO_SMALL, 0);
    struct get get = ask(queue, 3, 4);
    assert_int_equal(get.status, GET_FOUND);
    assert_int_equal(get.count, 4);
    assert_int_equal(get.next_offset, 7);
    assert_int_equal(get.min_offset, 0);
    assert_int_equal(get.max_offset, 10);
    assert_false(get.from_disk || get.suggest_slave);
}

/* A slave leaves wrong offsets to the client, unless it is told to correct them. */
static void test_slave_does_not_correct(void **state) {
    (void)state;
    testing_open(&t);
    fill(10, 10, "");
    testing_close(&t);
    t.config.broker_role = BYTES("SLAVE");
    testing_open(&t);
    struct queue *queue = store_queue(t.store, BYTES("Topic"), 0, false);
    assert_status(ask(queue, 20, 32), GET_OFFSET_OVERFLOW_BADLY, 20);
    assert_status(ask(queue, -3, 32), GET_OFFSET_TOO_SMALL, -3);
    t.config.offset_check_in_slave = true;
    assert_status(ask(queue, 20, 32), GET_OFFSET_OVERFLOW_BADLY, 10);
}

static void test_limits_hot(void **state) {
    (void)state;
    testing_open(&t);
    struct queue *queue = fill(100, 1000, "");
    assert_int_equal(ask(queue, 0, 5).count, 5);
    assert_int_equal(ask(queue, 0, 1000).count, 32);
    t.config.max_transfer_count_in_memory = 50;
    assert_int_equal(ask(queue, 0, 1000).count, 50);
    struct get one = ask(queue, 0, 1);
    t.config.max_transfer_bytes_in_memory = (int32_t)one.total_bytes * 7;
    assert_int_equal(ask(queue, 0, 1000).count, 7);
    struct get get = {.queue = queue, .max_count = 100, .max_bytes = one.total_bytes * 3 - 1, .may_wait = true};
    store_get(t.store, &arena, &get);
    assert_int_equal(get.count, 2);
    for (size_t i = 0; i < get.slice_count; i++) store_release(get.slices[i].hold);
    t.config.max_transfer_bytes_in_memory = 1;
    assert_int_equal(ask(queue, 0, 1000).count, 1); /* never none */
}

/* With no memory counted as recent, all is old: smaller answers, and the advice to ask a slave. */
static void test_limits_cold(void **state) {
    (void)state;
    t.config.access_message_in_memory_max_ratio = 0;
    testing_open(&t);
    struct queue *queue = fill(100, 1000, "");
    struct get get = ask(queue, 0, 1000);
    assert_int_equal(get.count, 8);
    assert_true(get.from_disk);
    assert_true(get.suggest_slave);
    t.config.max_transfer_count_in_disk = 100;
    t.config.max_transfer_bytes_in_disk = (int32_t)get.total_bytes / 8 * 20;
    assert_int_equal(ask(queue, 0, 1000).count, 20);
    assert_false(store_offset_hot(t.store, queue, 0));
    t.config.access_message_in_memory_max_ratio = 40;
    assert_true(store_offset_hot(t.store, queue, 0));
}

/* Neighbours in the log come as one slice, never across files. */
static void test_slices_are_merged(void **state) {
    (void)state;
    testing_open(&t);
    struct queue *queue = fill(200, 1000, ""); /* some 60 a file */
    t.config.max_transfer_count_in_memory = 1000;
    struct get get = {.queue = queue, .max_count = 200, .may_wait = true};
    store_get(t.store, &arena, &get);
    assert_int_equal(get.count, 200);
    assert_int_equal(get.slice_count, commitlog_end(&t.store->log) / t.config.mapped_file_size_commit_log + 1);
    int64_t offset = 0;
    for (size_t i = 0; i < get.slice_count; i++) {
        for (struct bytes rest = get.slices[i].bytes; rest.len > 0; offset++) {
            struct record record;
            assert_ok(record_decode(rest, RECORD_CHECK_BODY_CRC, &record));
            assert_int_equal(record.offset_queue, offset);
            rest = bytes_skip(rest, record.size_bytes);
        }
        store_release(get.slices[i].hold);
    }
    assert_int_equal(offset, 200);
}

static bool match_tag_b(void *ctx, int64_t tags_code) {
    *(int *)ctx += 1;
    return tags_code == java_string_hash(BYTES("B"));
}

static bool match_even_offset(void *ctx, struct bytes record) {
    struct record parts;
    (void)ctx;
    assert_ok(record_decode(record, RECORD_CHECK_SHAPE, &parts));
    return parts.offset_queue % 2 == 0;
}

static void test_filters(void **state) {
    (void)state;
    testing_open(&t);
    for (int i = 0; i < 30; i++)
        assert_ok(testing_try_send(&t, "Topic", 0, BYTES("x"), i % 3 ? "TAGS\1A\2" : "TAGS\1B\2", NULL));
    struct queue *queue = store_queue(t.store, BYTES("Topic"), 0, false);
    testing_settle(&t, queue);
    int seen = 0;
    struct get get = {.queue = queue, .max_count = 32, .may_wait = true, .match_tags = match_tag_b, .match_ctx = &seen};
    store_get(t.store, &arena, &get);
    assert_int_equal(seen, 30);
    assert_int_equal(get.count, 10);
    assert_int_equal(get.next_offset, 30);
    for (size_t i = 0; i < get.slice_count; i++) store_release(get.slices[i].hold);
    get.match_record = match_even_offset;
    store_get(t.store, &arena, &get);
    assert_int_equal(get.count, 5);
    for (size_t i = 0; i < get.slice_count; i++) store_release(get.slices[i].hold);
}

static bool match_slowly(void *ctx, struct bytes record) {
    (void)ctx, (void)record;
    clock_shift_monotonic_ms(20);
    return false;
}

/* Slow tests of records end a scan, where the caller must not wait. */
static void test_slow_filter_ends_the_scan(void **state) {
    (void)state;
    testing_open(&t);
    struct queue *queue = fill(20, 10, "TAGS\1A\2");
    struct get get = {.queue = queue, .max_count = 32, .match_record = match_slowly};
    store_get(t.store, &arena, &get);
    assert_int_equal(get.status, GET_NO_MATCHED_MESSAGE);
    assert_int_equal(get.next_offset, 1);
    get.offset_queue = get.next_offset;
    store_get(t.store, &arena, &get);
    assert_int_equal(get.next_offset, 2);
    get.may_wait = true;
    store_get(t.store, &arena, &get);
    assert_int_equal(get.next_offset, 20);
}

/* A pull that matches nothing looks at a bounded number of entries and says how far it came. */
static void test_filtered_scan_is_bounded(void **state) {
    (void)state;
    t.config.max_filter_message_size = 20 * 50;
    testing_open(&t);
    struct queue *queue = fill(200, 10, "TAGS\1A\2");
    int seen = 0;
    struct get get = {.queue = queue,
                      .offset_queue = 10,
                      .max_count = 32,
                      .may_wait = true,
                      .match_tags = match_tag_b,
                      .match_ctx = &seen};
    store_get(t.store, &arena, &get);
    assert_status(get, GET_NO_MATCHED_MESSAGE, 60);
    assert_int_equal(seen, 50);
    get.max_count = 70; /* what is asked for is looked at in any case */
    store_get(t.store, &arena, &get);
    assert_status(get, GET_NO_MATCHED_MESSAGE, 80);
}

/* Entries of a log file that is gone while the queue still has them: the pull goes on behind it. */
static void test_removed_file(void **state) {
    (void)state;
    testing_open(&t);
    struct queue *queue = fill(150, 1000, "");
    assert_ok(store_wait_flushed(t.store, commitlog_end(&t.store->log), 5000));
    assert_ok(commitlog_drop_first(&t.store->log));
    int64_t min_phys = commitlog_min(&t.store->log), first = 0;
    struct queue_entry entry;
    do {
        assert_ok(queue_entry_at(t.store, queue, first++, &entry));
    } while (entry.offset_phys < min_phys);
    first--;
    struct get get = ask(queue, first - 10, 32);
    assert_int_equal(get.status, GET_FOUND);
    assert_int_equal(get.next_offset, first + get.count);
    t.config.max_filter_message_size = 20;
    assert_status(ask(queue, first - 10, 5), GET_MESSAGE_WAS_REMOVING, first - 5);

    struct retention_files files = expire_files(t.store);
    files.drop_derived(files.owner);
    assert_int_equal(queue_min(queue), first);
    assert_status(ask(queue, first - 10, 5), GET_OFFSET_TOO_SMALL, first);
}

static _Atomic int read_later;

static void note_read(void *ctx) {
    (void)ctx;
    atomic_fetch_add(&read_later, 1);
}

static void test_reads_later(void **state) {
    (void)state;
    t.config.max_cold_reads = 4;
    testing_open(&t);
    struct queue *queue = fill(10, 1000, "");
    struct get get = {.queue = queue, .max_count = 32, .next_offset = 0};
    int accepted = 0;
    for (int i = 0; i < 100; i++) {
        enum err err = store_get_later(t.store, &get, note_read, NULL);
        assert_true(err == ERR_OK || err == ERR_BUSY);
        accepted += err == ERR_OK;
    }
    for (int i = 0; i < 5000 && atomic_load(&read_later) < accepted; i++) clock_sleep_ms(1);
    assert_int_equal(atomic_load(&read_later), accepted);
    assert_true(accepted >= 4);
}

/* Drops the pages of the oldest log file from memory; false where the file system cannot. */
static bool make_cold(void) {
    struct mapped_file *file = mapped_queue_first(&t.store->log.files);
    int fd;
    assert_ok(file_open(file->path, FILE_READ_WRITE, &fd));
    assert_ok(file_sync(fd, file->path));
    madvise(file->data, (size_t)file->size_bytes, MADV_DONTNEED);
    posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    file_close(fd);
    bool cold = file_resident_bytes(file->data, 4096) == 0;
    mapped_file_release(file);
    return cold;
}

/* What is not in memory is not touched by a caller that may not wait. */
static void test_cold(void **state) {
    (void)state;
    t.config.mapped_file_size_commit_log = 1 << 20;
    testing_open(&t);
    struct queue *queue = fill(3000, 4000, ""); /* 12 MB: the first is beyond what always counts as warm */
    if (!make_cold()) skip();
    struct get get = {.queue = queue, .max_count = 32};
    store_get(t.store, &arena, &get);
    assert_status(get, GET_COLD, 0);
    int before = atomic_load(&read_later);
    assert_ok(store_get_later(t.store, &get, note_read, NULL));
    for (int i = 0; i < 5000 && atomic_load(&read_later) == before; i++) clock_sleep_ms(1);
    store_get(t.store, &arena, &get);
    assert_int_equal(get.status, GET_FOUND);
    assert_int_equal(get.count, 32);
    for (size_t i = 0; i < get.slice_count; i++) store_release(get.slices[i].hold);
    assert_true(make_cold());
    assert_int_equal(ask(queue, 0, 32).count, 32); /* who may wait, waits */
}

/* Whether a message can be had without waiting, or becomes so soon. */
static bool is_at_hand(struct queue *queue, int64_t offset_queue, int wait_ms) {
    struct get get = {.queue = queue, .offset_queue = offset_queue, .max_count = 1};
    for (int i = 0;; i++) {
        store_get(t.store, &arena, &get);
        for (size_t s = 0; s < get.slice_count; s++) store_release(get.slices[s].hold);
        if (get.status != GET_COLD || i == wait_ms) return get.status == GET_FOUND;
        clock_sleep_ms(1);
    }
}

/* The first answer's messages are read from the disk; what else is on its way then? */
static struct queue *read_first(bool ahead) {
    int before = atomic_load(&read_later);
    t.config.mapped_file_size_commit_log = 8 << 20;
    t.config.data_read_ahead_enable = ahead;
    testing_open(&t);
    struct queue *queue = fill(6000, 4000, ""); /* 24 MB, of which the first file goes */
    struct get get = {.queue = queue, .max_count = 32};
    if (!make_cold()) skip();
    store_get(t.store, &arena, &get);
    assert_status(get, GET_COLD, 0);
    assert_ok(store_get_later(t.store, &get, note_read, NULL));
    for (int i = 0; i < 5000 && atomic_load(&read_later) == before; i++) clock_sleep_ms(1);
    assert_true(is_at_hand(queue, 31, 0));
    return queue;
}

/* A MiB at a time; when the reader is half through it, the next. */
static void test_reads_on(void **state) {
    (void)state;
    struct queue *queue = read_first(true);
    assert_true(is_at_hand(queue, 100, 5000));
    assert_false(is_at_hand(queue, 400, 0));
    assert_true(is_at_hand(queue, 200, 5000));
    assert_true(is_at_hand(queue, 400, 5000));
    assert_false(is_at_hand(queue, 1500, 0));
}

static void test_does_not_read_on(void **state) {
    (void)state;
    struct queue *queue = read_first(false);
    clock_sleep_ms(20);
    assert_false(is_at_hand(queue, 50, 0));
}

static int64_t time_to_read_ns(struct queue *queue, int64_t offset_queue) {
    struct get get = {.queue = queue, .next_offset = offset_queue, .max_count = 32};
    int before = atomic_load(&read_later);
    int64_t start_ns = clock_monotonic_ns();
    assert_ok(store_get_later(t.store, &get, note_read, NULL));
    for (int i = 0; i < 5000 && atomic_load(&read_later) == before; i++) clock_sleep_ms(1);
    assert_int_equal(atomic_load(&read_later), before + 1);
    return clock_monotonic_ns() - start_ns;
}

/* While messages are sent; the first read takes more than a MiB and lets the next one wait for it. */
static void test_cold_reads_keep_to_their_limit(void **state) {
    (void)state;
    t.config.cold_read_threads = 1;
    t.config.cold_read_bytes_per_second = 10000000;
    struct queue *queue = read_first(true);
    testing_send(&t, "Topic", 0, "sends go on");
    (void)time_to_read_ns(queue, 600);
    assert_true(time_to_read_ns(queue, 1200) > 50000000);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_statuses),
        TEST(test_slave_does_not_correct),
        TEST(test_limits_hot),
        TEST(test_limits_cold),
        TEST(test_slices_are_merged),
        TEST(test_filters),
        TEST(test_slow_filter_ends_the_scan),
        TEST(test_filtered_scan_is_bounded),
        TEST(test_removed_file),
        TEST(test_reads_later),
        TEST(test_cold),
        TEST(test_reads_on),
        TEST(test_does_not_read_on),
        TEST(test_cold_reads_keep_to_their_limit),
    };
    log_set_level(LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
