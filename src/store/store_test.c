/* store_test.c - what users of a store rely on, one by one. */
#include "store/store.h"

#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/hash.h"
#include "os/thread.h"
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

static void test_append_and_get(void **state) {
    (void)state;
    testing_open(&t);
    char body[32];
    for (int i = 0; i < 1000; i++) {
        snprintf(body, sizeof body, "message %d", i);
        struct put put = testing_send(&t, "Topic", i % 4, body);
        assert_int_equal(put.offset_queue, i / 4);
    }
    for (int round = 0; round < 3; round++) {
        for (int q = 0; q < 4; q++) {
            struct queue *queue = store_queue(t.store, BYTES("Topic"), q, false);
            testing_settle(&t, queue);
            assert_int_equal(queue_min(queue), 0);
            assert_int_equal(queue_max(queue), 250);
            for (int i = 0; i < 250; i++) {
                snprintf(body, sizeof body, "message %d", i * 4 + q);
                assert_bytes(testing_body(&t, &arena, queue, i), body);
            }
            arena_reset(&arena);
        }
        testing_reopen(&t);
    }
}

static uint32_t make_put(const char *topic, int32_t sys_flag, const char *properties, char *out, size_t cap) {
    return testing_record(bytes_of(topic), 0, BYTES("body"), bytes_of(properties), sys_flag, out, cap);
}

/* 4.2.0 keeps prepared and rolled back messages in the topic itself: without number and entry. */
static void test_transaction_records(void **state) {
    (void)state;
    static const int32_t kinds[] = {0, SYS_FLAG_PREPARED, SYS_FLAG_COMMIT, SYS_FLAG_ROLLBACK, 0};
    static const int64_t offsets[] = {0, 0, 1, 0, 2};
    testing_open(&t);
    struct queue *queue = store_queue(t.store, BYTES("Topic"), 0, true);
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        char record[512];
        int64_t end_phys;
        struct put put = {.queue = queue, .record = record};
        put.size_bytes = make_put("Topic", kinds[i], "", record, sizeof record);
        put.no_offset = kinds[i] == SYS_FLAG_PREPARED || kinds[i] == SYS_FLAG_ROLLBACK;
        assert_ok(store_append(t.store, &put, 1, &end_phys));
        assert_int_equal(put.offset_queue, offsets[i]);
    }
    testing_settle(&t, queue);
    assert_int_equal(queue_max(queue), 3);
    testing_reopen(&t);
    assert_int_equal(queue_max(store_queue(t.store, BYTES("Topic"), 0, false)), 3);
}

static int64_t tags_code_of(const char *topic, const char *properties, int64_t *store_time_ms) {
    struct put put;
    struct queue_entry entry;
    assert_ok(testing_try_send(&t, topic, 0, BYTES("x"), properties, &put));
    struct queue *queue = store_queue(t.store, bytes_of(topic), 0, false);
    testing_settle(&t, queue);
    assert_ok(queue_entry_at(t.store, queue, put.offset_queue, &entry));
    assert_int_equal(entry.offset_phys, put.offset_phys);
    assert_int_equal(entry.size_bytes, put.size_bytes);
    if (store_time_ms) *store_time_ms = put.store_time_ms;
    return entry.tags_code;
}

static void test_tags_codes(void **state) {
    (void)state;
    int64_t stored_ms;
    testing_open(&t);
    assert_int_equal(tags_code_of("Topic", "", NULL), 0);
    assert_int_equal(tags_code_of("Topic", "TAGS\1TagA\2", NULL), 2598919);
    assert_int_equal(tags_code_of("Topic", "TAGS\1\xE6\xA0\x87\xE7\xAD\xBE\2", NULL), 857175);
    assert_int_equal(tags_code_of("Topic", "DELAY\0013\2TAGS\1d\2", NULL), 100);
    int64_t code = tags_code_of("SCHEDULE_TOPIC_XXXX", "DELAY\0013\2TAGS\1d\2", &stored_ms);
    assert_int_equal(code, stored_ms + 10000);
    assert_int_equal(tags_code_of("SCHEDULE_TOPIC_XXXX", "TAGS\1d\2", NULL), 100);
}

static void test_batches_stay_together(void **state) {
    (void)state;
    enum { COUNT = 10, ROUNDS = 60 };
    static char records[COUNT][4096];
    char body[3000] = {0};
    testing_open(&t);
    struct queue *queue = store_queue(t.store, BYTES("Topic"), 0, true);
    int64_t file_bytes = t.config.mapped_file_size_commit_log, expected = 0, end_phys = 0;
    for (int round = 0; round < ROUNDS; round++) {
        struct put puts[COUNT];
        for (int i = 0; i < COUNT; i++) {
            puts[i] = (struct put){.queue = queue, .record = records[i], .with_next = i + 1 < COUNT};
            puts[i].size_bytes = testing_record(BYTES("Topic"), 0, bytes_make(body, (size_t)(100 * (round % 30))),
                                                BYTES(""), 0, records[i], sizeof records[i]);
        }
        assert_ok(store_append(t.store, puts, COUNT, &end_phys));
        for (int i = 0; i < COUNT; i++) {
            assert_int_equal(puts[i].offset_queue, expected++);
            assert_int_equal(puts[i].offset_phys / file_bytes, puts[0].offset_phys / file_bytes);
            if (i > 0) assert_int_equal(puts[i].offset_phys, puts[i - 1].offset_phys + puts[i - 1].size_bytes);
        }
    }
    testing_settle(&t, queue);
    assert_int_equal(queue_max(queue), COUNT * ROUNDS);
}

static void test_too_big(void **state) {
    (void)state;
    testing_open(&t);
    size_t size = (size_t)t.config.mapped_file_size_commit_log;
    char *body = calloc(1, size);
    struct put put;
    assert_err(testing_try_send(&t, "Topic", 0, bytes_make(body, size), "", NULL), ERR_TOO_BIG);
    size_t fits = size - RECORD_FIXED_V1_IPV4 - strlen("Topic") - 8;
    assert_err(testing_try_send(&t, "Topic", 0, bytes_make(body, fits + 1), "", NULL), ERR_TOO_BIG);
    testing_send(&t, "Topic", 0, "before");
    assert_ok(testing_try_send(&t, "Topic", 0, bytes_make(body, fits), "", &put));
    assert_int_equal(put.offset_queue, 1);
    assert_int_equal(put.offset_phys, size); /* the first file got its blank */
    testing_send(&t, "Topic", 0, "behind");
    struct queue *queue = store_queue(t.store, BYTES("Topic"), 0, false);
    testing_settle(&t, queue);
    assert_bytes(testing_body(&t, &arena, queue, 2), "behind");
    free(body);
}

struct heard {
    _Atomic int arrived, failed;
    _Atomic int64_t flushed_phys;
};

static void on_arrived(void *owner, struct queue *queue) {
    struct heard *heard = owner;
    assert_true(queue_watchers(queue) != 0);
    atomic_fetch_add(&heard->arrived, 1);
    queue_unwatch(queue, 2);
}

static void on_flushed(void *owner, int64_t offset_phys) {
    struct heard *heard = owner;
    assert_true(offset_phys > atomic_load(&heard->flushed_phys));
    atomic_store(&heard->flushed_phys, offset_phys);
}

static void test_events(void **state) {
    (void)state;
    struct heard heard = {0};
    struct store_events events = {.owner = &heard, .arrived = on_arrived, .flushed = on_flushed};
    t.config.flush_disk_type = BYTES("SYNC_FLUSH");
    assert_ok(store_open(&t.config, &events, &t.store));
    assert_true(store_is_sync_flush(t.store));
    struct queue *queue = store_queue(t.store, BYTES("Topic"), 0, true);
    testing_send(&t, "Topic", 0, "nobody watches");
    testing_settle(&t, queue);
    assert_int_equal(atomic_load(&heard.arrived), 0);
    queue_watch(queue, 2);
    struct put put = testing_send(&t, "Topic", 0, "somebody watches");
    assert_true(store_flushed_phys(t.store) >= put.offset_phys + put.size_bytes);
    testing_settle(&t, queue);
    for (int i = 0; i < 1000 && atomic_load(&heard.arrived) == 0; i++) clock_sleep_ms(1);
    assert_int_equal(atomic_load(&heard.arrived), 1);
    assert_int_equal(queue_watchers(queue), 0);
    for (int i = 0; i < 1000 && atomic_load(&heard.flushed_phys) < put.offset_phys + put.size_bytes; i++)
        clock_sleep_ms(1);
    assert_int_equal(atomic_load(&heard.flushed_phys), put.offset_phys + put.size_bytes);
}

/* ASYNC_FLUSH, behind flushCommitLogLeastPages (4): what has been written, less than the piece that a sync would spare
 * because it is being appended to, does not wait for more to come. */
static void test_little_is_synced_soon(void **state) {
    (void)state;
    struct store_facts facts;
    char *body = calloc(1, 18000);
    memset(body, 'x', 17999);
    t.config.flush_interval_commit_log_ms = 10;
    t.config.flush_commit_log_thorough_interval_ms = 3600000;
    testing_open(&t);
    struct put put = testing_send(&t, "Topic", 0, body);
    store_facts(t.store, &facts);
    for (int i = 0; i < 5000 && facts.flushed_phys < facts.max_phys; i++) {
        clock_sleep_ms(1);
        store_facts(t.store, &facts);
    }
    assert_int_equal(facts.flushed_phys, put.offset_phys + put.size_bytes);
    free(body);
}

/* On a thread that holds no lock. */
static void send_one(void *arg) {
    *(struct put *)arg = testing_send(&t, "Topic", 0, "one");
}

static void note_thread(void *owner, struct queue *queue) {
    (void)queue;
    *(pthread_t *)owner = pthread_self();
}

/* Whoever appends lets readers see it and tells them, without the thread `dispatch`, if nobody else is at it. */
static void test_seen_at_once(void **state) {
    (void)state;
    pthread_t teller = 0;
    struct store_events events = {.owner = &teller, .arrived = note_thread};
    t.config.dispatch_gather_ms = 1000;
    assert_ok(store_open(&t.config, &events, &t.store));
    struct queue *queue = store_queue(t.store, BYTES("Topic"), 0, true);
    queue_watch(queue, 1);
    struct put put = testing_send(&t, "Topic", 0, "first");
    assert_int_equal(queue_max(queue), 1);
    assert_true(store_dispatched_phys(t.store) == put.offset_phys + put.size_bytes);
    assert_true(pthread_equal(teller, pthread_self()));
    assert_bytes(testing_body(&t, &arena, queue, 0), "first");
    testing_settle(&t, queue);
}

/* When others are at it, the append does not wait for them; nor does it write files to make room in memory. */
static void test_seen_soon(void **state) {
    (void)state;
    testing_open(&t);
    struct queue *queue = store_queue(t.store, BYTES("Topic"), 0, true);
    lock_take(&t.store->dispatch.lock);
    struct put put = {0};
    pthread_t sender;
    assert_ok(thread_start(&sender, "sender", send_one, &put));
    thread_join(sender);
    assert_int_equal(put.offset_queue, 0);
    assert_int_equal(queue_max(queue), 0);
    lock_give(&t.store->dispatch.lock);
    testing_settle(&t, queue);
    assert_int_equal(queue_max(queue), 1);
    for (int i = 1; i < 3 * QUEUE_TAIL_ENTRIES; i++) testing_send(&t, "Topic", 0, "more");
    testing_settle(&t, queue);
}

static void test_delete_topic(void **state) {
    (void)state;
    testing_open(&t);
    for (int i = 0; i < 300; i++) {
        testing_send(&t, "Gone", i % 2, "x");
        testing_send(&t, "Kept", 0, "y");
    }
    struct queue *gone = store_queue(t.store, BYTES("Gone"), 0, false);
    char path[128];
    snprintf(path, sizeof path, "%s/consumequeue/Gone", t.root);
    testing_settle(&t, gone);
    assert_true(file_exists(path));
    assert_ok(store_delete_topic(t.store, BYTES("Gone")));
    assert_false(file_exists(path));
    assert_true(queue_deleted(gone));
    assert_null(store_queue(t.store, BYTES("Gone"), 0, false));
    struct get get = {.queue = gone, .offset_queue = 0, .max_count = 1};
    store_get(t.store, &arena, &get);
    assert_int_equal(get.status, GET_NO_MATCHED_LOGIC_QUEUE);

    char record[512];
    int64_t end_phys;
    struct put put = {.queue = gone, .record = record};
    put.size_bytes = make_put("Gone", 0, "", record, sizeof record);
    assert_err(store_append(t.store, &put, 1, &end_phys), ERR_NO_TOPIC);
    assert_int_equal(testing_send(&t, "Gone", 0, "again").offset_queue, 0);
    testing_settle(&t, store_queue(t.store, BYTES("Gone"), 0, false));
    testing_reopen(&t);
    assert_bytes(testing_body(&t, &arena, store_queue(t.store, BYTES("Gone"), 0, false), 0), "again");
    assert_int_equal(queue_max(store_queue(t.store, BYTES("Kept"), 0, false)), 300);
    assert_ok(store_delete_topic(t.store, BYTES("NeverThere")));
    assert_err(store_delete_topic(t.store, BYTES("../x")), ERR_BAD_PARAMETER);
}

static void test_times_and_keys(void **state) {
    (void)state;
    int64_t times[50];
    testing_open(&t);
    for (int i = 0; i < 50; i++) {
        char properties[64];
        struct put put;
        if (i % 10 == 0) clock_sleep_ms(5);
        snprintf(properties, sizeof properties, "UNIQ_KEY\1u%d\2KEYS\1k%d all\2", i, i % 5);
        assert_ok(testing_try_send(&t, "Topic", 0, BYTES("x"), properties, &put));
        times[i] = put.store_time_ms;
    }
    struct queue *queue = store_queue(t.store, BYTES("Topic"), 0, false);
    testing_settle(&t, queue);
    assert_int_equal(store_earliest_time(t.store), times[0]);
    for (int i = 0; i < 50; i++) {
        assert_int_equal(store_time_at(t.store, queue, i), times[i]);
        int first = i, last = i;
        while (first > 0 && times[first - 1] == times[i]) first--;
        while (last < 49 && times[last + 1] == times[i]) last++;
        assert_int_equal(store_offset_by_time(t.store, queue, times[i], BOUNDARY_LOWER), first);
        assert_int_equal(store_offset_by_time(t.store, queue, times[i], BOUNDARY_UPPER), last);
    }
    assert_int_equal(store_offset_by_time(t.store, queue, times[49] + 1, BOUNDARY_LOWER), 50);
    assert_int_equal(store_offset_by_time(t.store, queue, times[0] - 1, BOUNDARY_UPPER), 0);
    assert_int_equal(store_time_at(t.store, queue, 50), -1);

    int64_t *offsets, last_time_ms, last_phys;
    size_t count;
    assert_ok(store_find_key(t.store, BYTES("Topic"), BYTES("k2"), 64, 0, INT64_MAX, &arena, &offsets, &count,
                             &last_time_ms, &last_phys));
    assert_int_equal(count, 10);
    for (size_t i = 0; i < count; i++) {
        struct store_slice slice;
        struct record record;
        assert_ok(store_record_at(t.store, offsets[i], &slice));
        assert_ok(record_decode(slice.bytes, RECORD_CHECK_BODY_CRC, &record));
        assert_int_equal(record.offset_queue, 47 - 5 * (int)i);
        store_release(slice.hold);
    }
    struct store_slice slice;
    assert_err(store_record_at(t.store, 1, &slice), ERR_NOT_FOUND);
    assert_err(store_record_at(t.store, -1, &slice), ERR_NOT_FOUND);
    assert_err(store_record_at(t.store, INT64_MAX, &slice), ERR_NOT_FOUND);
}

/* What readers hold stays in place, also when the store is closed. */
static void test_slices_outlive_the_store(void **state) {
    (void)state;
    testing_open(&t);
    struct put put = testing_send(&t, "Topic", 0, "kept in place");
    struct store_slice slice;
    struct record record;
    assert_ok(store_record_at(t.store, put.offset_phys, &slice));
    testing_close(&t);
    assert_ok(record_decode(slice.bytes, RECORD_CHECK_BODY_CRC, &record));
    assert_bytes(record.body, "kept in place");
    store_release(slice.hold);
    testing_open(&t);
}

static void test_one_process_a_store(void **state) {
    (void)state;
    testing_open(&t);
    pid_t other = fork();
    if (other == 0) {
        struct store *store;
        _exit(store_open(&t.config, NULL, &store) == ERR_LOCKED ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(other, &status, 0), other);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    testing_send(&t, "Topic", 0, "x");
}

static void assert_refused(enum err expected) {
    struct store *store;
    assert_err(store_open(&t.config, NULL, &store), expected);
    assert_true(strlen(err_detail(expected)) > 20);
}

static void test_foreign_stores_are_refused(void **state) {
    (void)state;
    char path[128];
    struct store_config config = t.config;
    t.config.store_type = BYTES("defaultRocksDB");
    assert_refused(ERR_NOT_SUPPORTED);
    t.config = config;
    t.config.enable_dleger_commit_log = true;
    assert_refused(ERR_NOT_SUPPORTED);
    t.config = config;
    t.config.store_path_commit_log = BYTES("/a,/b");
    assert_refused(ERR_NOT_SUPPORTED);
    t.config = config;
    t.config.message_delay_level = BYTES("1s 2x");
    assert_refused(ERR_BAD_CONFIG);
    t.config = config;
    const char *foreign[] = {"dledger-n0", "consumequeue/CURRENT", "consumequeue_rocksdb/CURRENT",
                             "config/topics/CURRENT", "config/metadata/CURRENT"};
    for (size_t i = 0; i < ARRAY_LEN(foreign); i++) {
        snprintf(path, sizeof path, "%s/%s", t.root, foreign[i]);
        assert_ok(file_make_dirs(path));
        assert_refused(ERR_NOT_SUPPORTED);
        assert_ok(file_remove_tree(path));
    }
    snprintf(path, sizeof path, "%s/rocksdbstore/CURRENT", t.root); /* every Java 5.5.0 has it */
    assert_ok(file_make_dirs(path));
    testing_open(&t);
}

static void test_facts(void **state) {
    (void)state;
    testing_open(&t);
    for (int i = 0; i < 20; i++) testing_send(&t, "Topic", 0, "x");
    struct queue *queue = store_queue(t.store, BYTES("Topic"), 0, false);
    testing_settle(&t, queue);
    testing_body(&t, &arena, queue, 3);
    struct store_facts facts;
    store_facts(t.store, &facts);
    assert_int_equal(facts.put_count, 20);
    assert_int_equal(facts.put_bytes, facts.max_phys);
    assert_int_equal(facts.get_found, 1);
    assert_int_equal(facts.get_transferred, 1);
    assert_int_equal(facts.min_phys, 0);
    assert_int_equal(facts.dispatched_phys, facts.max_phys);
    assert_true(facts.disk_total_bytes > facts.disk_free_bytes && facts.disk_free_bytes > 0);
    assert_true(facts.log_disk_ratio > 0 && facts.log_disk_ratio <= 1);
    int64_t sum = 0;
    for (size_t i = 0; i < ARRAY_LEN(facts.put_time_buckets); i++) sum += facts.put_time_buckets[i];
    assert_int_equal(sum, 20);
    assert_int_equal(store_append_busy_ms(t.store), 0);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_append_and_get),
        TEST(test_transaction_records),
        TEST(test_tags_codes),
        TEST(test_batches_stay_together),
        TEST(test_too_big),
        TEST(test_events),
        TEST(test_little_is_synced_soon),
        TEST(test_seen_at_once),
        TEST(test_seen_soon),
        TEST(test_delete_topic),
        TEST(test_times_and_keys),
        TEST(test_slices_outlive_the_store),
        TEST(test_one_process_a_store),
        TEST(test_foreign_stores_are_refused),
        TEST(test_facts),
    };
    log_set_level(LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
