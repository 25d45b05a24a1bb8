/* consumequeue_test.c - file borders, gaps, expiry, and more queues than tails and descriptors. */
#include "store/consumequeue.h"

#include "store/store_internal.h"
#include "store/store_testing.h"

enum { FILE_ENTRIES = 100 }; /* as testing_init has it */

static struct testing t;

static int set_up(void **state) {
    (void)state;
    testing_init(&t);
    testing_open(&t);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    testing_done(&t);
    return 0;
}

static enum err put(struct queue *queue, int64_t offset_queue, int64_t offset_phys, bool may_wait) {
    struct queue_entry entry = {.offset_phys = offset_phys,
                                .size_bytes = 100,
                                .tags_code = offset_queue,
                                .offset_queue = offset_queue,
                                .count = 1};
    return consumequeue_put(queue, &entry, may_wait);
}

/* What dispatch does with a run of records: offset n lies at phys n * 1000 of a log that is never read here. */
static void put_entries(struct queue *queue, int64_t from, int64_t end) {
    lock_take(&t.store->dispatch.lock);
    for (int64_t i = from; i < end; i++) assert_ok(put(queue, i, i * 1000, true));
    assert_ok(consumequeue_write(queue));
    consumequeue_publish(queue);
    lock_give(&t.store->dispatch.lock);
}

static struct queue *new_queue(const char *topic) {
    return store_queue(t.store, bytes_of(topic), 0, true);
}

static void assert_entries(struct queue *queue, int64_t from, int64_t end) {
    struct queue_run run;
    for (int64_t i = from; i < end;) {
        assert_ok(consumequeue_read(queue, i, (int32_t)MIN(64, end - i), true, &run));
        assert_true(run.count > 0 && run.count <= end - i);
        for (int32_t k = 0; k < run.count; k++, i++) {
            struct queue_entry entry = queue_run_at(&run, k);
            assert_int_equal(entry.offset_phys, i * 1000);
            assert_int_equal(entry.size_bytes, 100);
            assert_int_equal(entry.tags_code, i);
        }
    }
}

static bool has_file(const struct queue *queue, int64_t number) {
    char path[STORE_PATH_MAX];
    queue_files_path(queue, number * FILE_ENTRIES * QUEUE_ENTRY_BYTES, path, sizeof path);
    return file_exists(path);
}

/* From the memory of the tail and from files, over their borders. */
static void test_read(void **state) {
    (void)state;
    struct queue *queue = new_queue("Topic");
    struct queue_run run;
    assert_ok(consumequeue_read(queue, 0, 1, true, &run));
    assert_int_equal(run.count, 0);
    for (int64_t i = 0; i < 1050; i += 7) put_entries(queue, i, i + 7);
    assert_int_equal(queue_max(queue), 1050);
    assert_entries(queue, 0, 1050);
    assert_ok(consumequeue_read(queue, 1050, 1, true, &run));
    assert_int_equal(run.count, 0);
    assert_ok(consumequeue_read(queue, -1, 1, true, &run));
    assert_int_equal(run.count, 0);
    assert_true(has_file(queue, 10));
    assert_false(has_file(queue, 11));
}

/* Entries that readers see and no file has yet; what lies before them comes from files, not more than is there. */
static void test_read_before_it_is_written(void **state) {
    (void)state;
    struct queue *queue = new_queue("Topic");
    put_entries(queue, 0, 230);
    lock_take(&t.store->dispatch.lock);
    /* the tail is full at 256, and then begins at 128 */
    for (int64_t i = 230; i < 260; i++) assert_ok(put(queue, i, i * 1000, true));
    consumequeue_publish(queue);
    assert_int_equal(queue_max(queue), 260);
    assert_false(consumequeue_is_written(queue));
    assert_entries(queue, 0, 260);
    assert_int_equal(atomic_load(&queue->written_slot), 230);
    assert_ok(consumequeue_sync(queue));
    assert_int_equal(atomic_load(&queue->synced_slot), 230);
    assert_ok(consumequeue_write(queue));
    assert_true(consumequeue_is_written(queue));
    lock_give(&t.store->dispatch.lock);
    assert_entries(queue, 0, 260);
}

/* Who may not wait is told when there is no room in memory without a write, and goes on when there is. */
static void test_room_without_waiting(void **state) {
    (void)state;
    testing_close(&t);
    t.config.queue_tails_in_memory = 8;
    testing_open(&t);
    struct queue *queue = new_queue("Topic");
    lock_take(&t.store->dispatch.lock);
    for (int64_t i = 0; i < QUEUE_TAIL_ENTRIES; i++) assert_ok(put(queue, i, 1000000, false));
    assert_int_equal(put(queue, QUEUE_TAIL_ENTRIES, 1000000, false), ERR_BUSY);
    assert_int_equal(atomic_load(&queue->written_slot), 0);
    assert_ok(consumequeue_write(queue));
    assert_ok(put(queue, QUEUE_TAIL_ENTRIES, 1000000, false));
    for (int q = 1; q < 8; q++) assert_ok(put(store_queue(t.store, BYTES("Topic"), q, true), 0, 1000000, false));
    struct queue *other = new_queue("Other");
    assert_int_equal(put(other, 0, 1000000, false), ERR_BUSY);
    assert_ok(consumequeue_write(queue)); /* the least recently used */
    assert_ok(put(other, 0, 1000000, false));
    assert_null(queue->tail);
    assert_non_null(other->tail);
    lock_give(&t.store->dispatch.lock);
}

static void test_present_entries_are_passed_over(void **state) {
    (void)state;
    struct queue *queue = new_queue("Topic");
    put_entries(queue, 0, 50);
    lock_take(&t.store->dispatch.lock);
    assert_ok(put(queue, 49, 7, true));
    assert_ok(put(queue, 0, 7, true));
    assert_ok(consumequeue_write(queue));
    lock_give(&t.store->dispatch.lock);
    assert_int_equal(queue_max(queue), 50);
    assert_entries(queue, 0, 50);
}

static void assert_fillers(struct queue *queue, int64_t from, int64_t end) {
    for (int64_t i = from; i < end; i++) {
        struct queue_entry entry;
        assert_ok(queue_entry_at(t.store, queue, i, &entry));
        assert_true(queue_entry_is_filler(&entry));
    }
}

static void test_lost_entries_are_filled(void **state) {
    (void)state;
    struct queue *queue = new_queue("Topic");
    put_entries(queue, 0, 10);
    put_entries(queue, 350, 360);
    assert_int_equal(queue_max(queue), 360);
    assert_entries(queue, 0, 10);
    assert_fillers(queue, 10, 350);
    assert_entries(queue, 350, 360);
    lock_take(&t.store->dispatch.lock);
    assert_err(put(queue, INT64_C(1) << 50, 1, true), ERR_CORRUPT);
    assert_err(put(new_queue("Other"), INT64_MAX, 1, true), ERR_CORRUPT);
    lock_give(&t.store->dispatch.lock);
}

/* A queue whose first message is not number 0: the file is padded from its start, as Java readers expect. */
static void test_first_offset(void **state) {
    (void)state;
    struct queue *queue = new_queue("Topic");
    put_entries(queue, 730, 740);
    assert_int_equal(queue_min(queue), 730);
    assert_int_equal(queue_max(queue), 740);
    assert_true(has_file(queue, 7));
    assert_false(has_file(queue, 6));
    char path[STORE_PATH_MAX], raw[QUEUE_ENTRY_BYTES];
    int fd;
    queue_files_path(queue, 7 * FILE_ENTRIES * QUEUE_ENTRY_BYTES, path, sizeof path);
    assert_ok(file_open(path, FILE_READ_ONLY, &fd));
    for (int i = 0; i < 30; i++) {
        assert_ok(file_pread(fd, path, raw, sizeof raw, i * QUEUE_ENTRY_BYTES));
        struct queue_entry entry = queue_entry_decode(QUEUE_SIMPLE, 0, raw);
        assert_true(queue_entry_is_filler(&entry));
    }
    file_close(fd);
    struct queue_entry entry;
    assert_err(queue_entry_at(t.store, queue, 729, &entry), ERR_NOT_FOUND);
}

static void expire(struct queue *queue, int64_t min_phys, int32_t expected_dropped, int64_t expected_min) {
    int32_t dropped;
    lock_take(&t.store->dispatch.lock);
    assert_ok(consumequeue_expire(queue, min_phys, &dropped));
    lock_give(&t.store->dispatch.lock);
    assert_int_equal(dropped, expected_dropped);
    assert_int_equal(queue_min(queue), expected_min);
}

static void test_expire(void **state) {
    (void)state;
    struct queue *queue = new_queue("Topic");
    expire(queue, 12345, 0, 0);
    put_entries(queue, 0, 550);
    expire(queue, 0, 0, 0);
    expire(queue, 42 * 1000, 0, 42);
    expire(queue, 41 * 1000 + 1, 0, 42);
    expire(queue, 99 * 1000, 0, 99);
    expire(queue, 99 * 1000 + 1, 1, 100);
    assert_false(has_file(queue, 0));
    expire(queue, 333 * 1000, 2, 333);
    assert_false(has_file(queue, 2));
    assert_true(has_file(queue, 3));
    assert_entries(queue, 333, 550);
    expire(queue, INT64_MAX, 2, 550); /* empty, but the numbering stays, with the last file */
    assert_true(has_file(queue, 5));
    put_entries(queue, 550, 560);
    assert_entries(queue, 550, 560);
}

/* More queues than tails and descriptors: all can still be written and read. */
static void test_more_queues_than_tails_and_files(void **state) {
    (void)state;
    testing_close(&t);
    t.config.queue_tails_in_memory = 8;
    t.config.max_open_queue_files = 8;
    testing_open(&t);
    enum { QUEUES = 50 };
    for (int64_t round = 0; round < 6; round++) {
        for (int q = 0; q < QUEUES; q++)
            put_entries(store_queue(t.store, BYTES("Many"), q, true), round * 40, round * 40 + 40);
    }
    for (int q = 0; q < QUEUES; q++) assert_entries(store_queue(t.store, BYTES("Many"), q, true), 0, 240);
    assert_true(t.store->queue_files.count <= 8);
    assert_int_equal(t.store->dispatch.tails.count, 8);
}

/* Of one batch, too: a queue may lose its tail before the batch is published. */
static void test_batch_over_more_queues_than_tails(void **state) {
    (void)state;
    testing_close(&t);
    t.config.queue_tails_in_memory = 8;
    testing_open(&t);
    enum { QUEUES = 30 };
    lock_take(&t.store->dispatch.lock);
    for (int64_t i = 0; i < 20; i++) {
        for (int q = 0; q < QUEUES; q++) {
            assert_ok(put(store_queue(t.store, BYTES("Many"), q, true), i, i * 1000, true));
        }
    }
    for (int q = 0; q < QUEUES; q++) {
        struct queue *queue = store_queue(t.store, BYTES("Many"), q, true);
        assert_ok(consumequeue_write(queue));
        consumequeue_publish(queue);
    }
    lock_give(&t.store->dispatch.lock);
    for (int q = 0; q < QUEUES; q++) assert_entries(store_queue(t.store, BYTES("Many"), q, true), 0, 20);
}

static void test_names(void **state) {
    (void)state;
    static const char *const wrong[] = {"", ".", "..", "a/b", "/"};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) assert_null(store_queue(t.store, bytes_of(wrong[i]), 0, true));
    assert_null(store_queue(t.store, BYTES("Topic"), -1, true));
    assert_null(store_queue(t.store, BYTES("a\0b"), 0, true));
    assert_null(store_queue(t.store, BYTES("Topic"), 0, false));
    struct queue *queue = store_queue(t.store, BYTES("%RETRY%group"), 3, true);
    assert_bytes(queue_topic(queue), "%RETRY%group");
    assert_int_equal(queue_id(queue), 3);
    assert_ptr_equal(queue, store_queue(t.store, BYTES("%RETRY%group"), 3, false));
    assert_ptr_not_equal(queue, store_queue(t.store, BYTES("%RETRY%group"), 4, true));
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_read),
        TEST(test_read_before_it_is_written),
        TEST(test_room_without_waiting),
        TEST(test_present_entries_are_passed_over),
        TEST(test_lost_entries_are_filled),
        TEST(test_first_offset),
        TEST(test_expire),
        TEST(test_more_queues_than_tails_and_files),
        TEST(test_batch_over_more_queues_than_tails),
        TEST(test_names),
    };
    log_set_level(LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
