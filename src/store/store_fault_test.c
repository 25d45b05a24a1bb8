/* Fails the n-th call to the disk, for every n until a whole run needs fewer: open, append over several files and
 * queues, close, recover as after a crash, append more, close. Afterwards a start without faults must find every
 * message that was acknowledged, in order. */
#include "store/store.h"

#include <errno.h>
#include <stdatomic.h>
#include "store/store_testing.h"

enum { MESSAGES = 60, QUEUES = 3, BODY_BYTES = 4000, RUNS_MAX = 2000 };

static _Atomic int calls, fail_at, fail_errno_value, fired;

static int fault(enum file_call call, const char *path) {
    (void)path;
    if (call == FILE_READ && atomic_load(&fail_errno_value) == ENOSPC) return 0;
    if (atomic_fetch_add(&calls, 1) + 1 != atomic_load(&fail_at)) return 0;
    atomic_store(&fired, 1);
    return atomic_load(&fail_errno_value);
}

struct run {
    bool acknowledged[MESSAGES];
    int64_t offset_queue[MESSAGES], offset_phys[MESSAGES];
    int failed_events;
};

static void on_failed(void *owner, const char *why) {
    struct run *run = owner;
    assert_true(strlen(why) > 0);
    run->failed_events++;
}

static void make_body(int i, char body[BODY_BYTES]) {
    memset(body, 'a' + i % 26, BODY_BYTES);
    snprintf(body, BODY_BYTES, "message %d", i);
}

static void send_some(struct testing *t, struct run *run, int from, int end) {
    char body[BODY_BYTES];
    for (int i = from; i < end; i++) {
        struct put put;
        make_body(i, body);
        enum err err = testing_try_send(t, "Topic", i % QUEUES, bytes_make(body, BODY_BYTES), "UNIQ_KEY\1u\2", &put);
        run->acknowledged[i] = err == ERR_OK;
        run->offset_queue[i] = put.offset_queue;
        run->offset_phys[i] = put.offset_phys;
    }
}

static void work(struct testing *t, struct run *run) {
    struct store_events events = {.owner = run, .failed = on_failed};
    memset(run, 0, sizeof *run);
    for (int session = 0; session < 2; session++) {
        run->failed_events = 0;
        if (store_open(&t->config, &events, &t->store) != ERR_OK) continue;
        send_some(t, run, session * MESSAGES / 2, (session + 1) * MESSAGES / 2);
        testing_close(t);
        assert_true(run->failed_events <= 1);
        testing_pretend_crash(t);
    }
}

static void check(struct testing *t, const struct run *run) {
    struct arena arena = {0};
    char body[BODY_BYTES];
    testing_open(t);
    for (int i = 0; i < MESSAGES; i++) {
        if (!run->acknowledged[i]) continue;
        struct queue *queue = store_queue(t->store, BYTES("Topic"), i % QUEUES, false);
        assert_non_null(queue);
        make_body(i, body);
        assert_true(bytes_equal(testing_body(t, &arena, queue, run->offset_queue[i]), bytes_make(body, BODY_BYTES)));
        struct queue_entry entry;
        assert_ok(queue_entry_at(t->store, queue, run->offset_queue[i], &entry));
        assert_int_equal(entry.offset_phys, run->offset_phys[i]);
    }
    testing_send(t, "Topic", 0, "the store takes messages again");
    testing_close(t);
    arena_close(&arena);
}

static void fail_each_call(int error, const char *flush_disk_type) {
    static struct run run;
    atomic_store(&fail_errno_value, error);
    for (int n = 1;; n++) {
        assert_true(n < RUNS_MAX);
        struct testing t;
        testing_init_in(&t, file_exists("/dev/shm") ? "/dev/shm" : "/tmp"); /* thousands of syncs */
        t.config.flush_disk_type = bytes_of(flush_disk_type);
        atomic_store(&calls, 0);
        atomic_store(&fired, 0);
        atomic_store(&fail_at, n);
        file_set_fault(fault);
        work(&t, &run);
        file_set_fault(NULL);
        check(&t, &run);
        testing_done(&t);
        if (!atomic_load(&fired)) break;
    }
}

static void test_io_errors_sync(void **state) {
    (void)state;
    fail_each_call(EIO, "SYNC_FLUSH");
}

static void test_io_errors_async(void **state) {
    (void)state;
    fail_each_call(EIO, "ASYNC_FLUSH");
}

static void test_full_disk(void **state) {
    (void)state;
    fail_each_call(ENOSPC, "ASYNC_FLUSH");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_io_errors_sync),
        cmocka_unit_test(test_io_errors_async),
        cmocka_unit_test(test_full_disk),
    };
    log_set_level(LOG_ERROR + 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
