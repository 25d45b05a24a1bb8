/* Writers, readers that are told of arrivals, retention and topic deletion at the same time: what is read is what was
 * written, in order, without gaps but those that retention made. */
#include "store/store.h"

#include <stdatomic.h>
#include "os/thread.h"
#include "store/expire.h"
#include "store/store_internal.h"
#include "store/store_testing.h"

enum { WRITERS = 3, QUEUES = 4, MESSAGES = 4000, READERS = 2 };

static struct testing t;
static _Atomic int writers_left;
static _Atomic int64_t arrivals;
static _Atomic int64_t written[QUEUES];
static struct bell arrived_bell;
static bool drops_files; /* then readers may find gaps */

static void on_arrived(void *owner, struct queue *queue) {
    (void)owner;
    (void)queue;
    atomic_fetch_add(&arrivals, 1);
    bell_ring(&arrived_bell);
}

static void check(bool ok, const char *what) {
    if (ok) return;
    fprintf(stderr, "%s\n", what); /* cmocka's checks belong to the main thread */
    abort();
}

static void write_messages(void *arg) {
    int number = *(const int *)arg;
    char body[600];
    for (int i = 0; i < MESSAGES; i++) {
        int q = (i + number) % QUEUES;
        size_t len = (size_t)(40 + (i * 37) % 500);
        memset(body, 'a' + i % 26, len);
        check(testing_try_send(&t, "Topic", q, bytes_make(body, len), "TAGS\1T\2", NULL) == ERR_OK, "send");
        atomic_fetch_add(&written[q], 1);
    }
    atomic_fetch_sub(&writers_left, 1);
    bell_ring(&arrived_bell);
}

static bool match_all(void *ctx, int64_t tags_code) {
    (void)ctx;
    return tags_code == 'T';
}

/* Looks at the records of one pull; returns the offset behind the last. */
static int64_t check_slices(const struct get *get, int64_t offset) {
    for (size_t i = 0; i < get->slice_count; i++) {
        for (struct bytes rest = get->slices[i].bytes; rest.len > 0; offset++) {
            struct record record;
            check(record_decode(rest, RECORD_CHECK_BODY_CRC, &record) == ERR_OK, "record");
            check(!store_is_sync_flush(t.store) ||
                      record.offset_phys + record.size_bytes <= store_flushed_phys(t.store),
                  "seen before it is on disk");
            check(record.offset_queue == offset || (drops_files && record.offset_queue > offset), "order");
            offset = record.offset_queue;
            rest = bytes_skip(rest, record.size_bytes);
        }
        store_release(get->slices[i].hold);
    }
    return offset;
}

static void read_messages(void *arg) {
    uint64_t bit = UINT64_C(1) << *(const int *)arg;
    struct arena arena = {0};
    int64_t next[QUEUES] = {0};
    for (bool last = false;;) {
        uint32_t seen = bell_seen(&arrived_bell);
        bool found = false;
        for (int q = 0; q < QUEUES; q++) {
            struct get get = {.queue = store_queue(t.store, BYTES("Topic"), q, true),
                              .offset_queue = next[q],
                              .max_count = 32,
                              .match_tags = match_all};
            queue_watch(get.queue, bit);
            store_get(t.store, &arena, &get);
            if (get.status == GET_FOUND) {
                int64_t behind = check_slices(&get, next[q]);
                check(behind == get.next_offset || (drops_files && behind < get.next_offset), "next offset");
            }
            check(get.status != GET_OFFSET_OVERFLOW_BADLY, "offset beyond the end");
            found = found || get.next_offset > next[q];
            next[q] = MAX(next[q], get.next_offset);
            arena_reset(&arena);
        }
        if (found) continue;
        if (last) break;
        last = atomic_load(&writers_left) == 0;
        bell_wait(&arrived_bell, seen, 20);
        if (last) { /* dispatch may be behind */
            struct store_facts facts;
            store_facts(t.store, &facts);
            last = facts.dispatched_phys == facts.max_phys;
        }
    }
    for (int q = 0; q < QUEUES; q++) check(next[q] == atomic_load(&written[q]), "all were read");
    arena_close(&arena);
}

static void disturb(void *arg) {
    (void)arg;
    while (atomic_load(&writers_left) > 0) {
        struct retention_files files = expire_files(t.store);
        char path[256];
        struct store_facts facts;
        store_facts(t.store, &facts);
        testing_send(&t, "Passing", 1, "x");
        check(store_delete_topic(t.store, BYTES("Passing")) == ERR_OK, "delete topic");
        if (drops_files && facts.max_phys - facts.min_phys > 5 * 64 * 1024 &&
            files.oldest_log_file(files.owner, path, sizeof path)) {
            check(files.drop_oldest_log_file(files.owner) == ERR_OK, "drop");
            files.drop_derived(files.owner);
        }
        clock_sleep_ms(3);
    }
}

static void run_all(const char *flush_disk_type, bool with_drops) {
    drops_files = with_drops;
    struct store_events events = {.arrived = on_arrived};
    pthread_t writers[WRITERS], readers[READERS], disturber;
    int numbers[MAX(WRITERS, READERS)];
    testing_init(&t);
    t.config.flush_disk_type = bytes_of(flush_disk_type);
    t.config.flush_consume_queue_thorough_interval_ms = 30;
    t.config.flush_interval_consume_queue_ms = 10;
    bell_init(&arrived_bell);
    assert_ok(store_open(&t.config, &events, &t.store));
    atomic_store(&writers_left, WRITERS);
    atomic_store(&arrivals, 0);
    for (int q = 0; q < QUEUES; q++) atomic_store(&written[q], 0);
    for (int i = 0; i < MAX(WRITERS, READERS); i++) numbers[i] = i;
    for (int i = 0; i < WRITERS; i++) assert_ok(thread_start(&writers[i], "writer", write_messages, &numbers[i]));
    for (int i = 0; i < READERS; i++) assert_ok(thread_start(&readers[i], "reader", read_messages, &numbers[i]));
    assert_ok(thread_start(&disturber, "disturber", disturb, NULL));
    for (int i = 0; i < WRITERS; i++) thread_join(writers[i]);
    for (int i = 0; i < READERS; i++) thread_join(readers[i]);
    thread_join(disturber);
    assert_true(atomic_load(&arrivals) > 0);
    testing_reopen(&t);
    for (int q = 0; q < QUEUES; q++)
        assert_int_equal(queue_max(store_queue(t.store, BYTES("Topic"), q, false)), atomic_load(&written[q]));
    testing_done(&t);
}

static void test_async(void **state) {
    (void)state;
    run_all("ASYNC_FLUSH", false);
    run_all("ASYNC_FLUSH", true);
}

static void test_sync(void **state) {
    (void)state;
    run_all("SYNC_FLUSH", true);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_async),
        cmocka_unit_test(test_sync),
    };
    log_set_level(LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
