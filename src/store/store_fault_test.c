/* Fails the n-th call to the disk, for every n until a whole run needs fewer: open, append over several files and
 * queues, close, recover as after a crash, append more, close. Afterwards a start without faults must find every
 * message that was acknowledged, in order. */
#include "store/store.h"

#include <errno.h>
#include <stdatomic.h>
#include "os/map_guard.h"
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

/* --- faults that last -------------------------------------------------------------------------------------- */

static _Atomic bool is_full, syncs_fail;
static _Atomic int log_syncs;

static int lasting_fault(enum file_call call, const char *path) {
    if (atomic_load(&is_full) && (call == FILE_RESERVE || call == FILE_WRITE || call == FILE_RESIZE)) return ENOSPC;
    if (call != FILE_SYNC || !strstr(path, "/commitlog/") || !atomic_load(&syncs_fail)) return 0;
    atomic_fetch_add(&log_syncs, 1);
    return EIO;
}

static struct testing *open_with(struct run *run, const char *flush_disk_type) {
    static struct testing t;
    struct store_events events = {.owner = run, .failed = on_failed};
    memset(run, 0, sizeof *run);
    testing_init(&t);
    t.config.flush_disk_type = bytes_of(flush_disk_type);
    atomic_store(&is_full, false);
    atomic_store(&syncs_fail, false);
    file_set_fault(lasting_fault);
    assert_ok(store_open(&t.config, &events, &t.store));
    return &t;
}

/* A full disk refuses messages and loses none; when there is room again it takes them again. */
static void test_full_disk_passes(void **state) {
    (void)state;
    static struct run run;
    struct arena arena = {0};
    struct testing *t = open_with(&run, "ASYNC_FLUSH");
    char body[BODY_BYTES] = {0};
    int stored = 0;
    atomic_store(&is_full, true);
    enum err err;
    while ((err = testing_try_send(t, "Topic", 0, bytes_make(body, sizeof body), "", NULL)) == ERR_OK)
        assert_true(++stored < 100);
    assert_err(err, ERR_DISK_FULL);
    assert_err(store_writable(t->store), ERR_DISK_FULL);
    atomic_store(&is_full, false);
    for (int i = 0; i < 500 && store_writable(t->store) != ERR_OK; i++) clock_sleep_ms(10);
    assert_ok(store_writable(t->store));
    testing_send(t, "Topic", 0, "room again");
    struct queue *queue = store_queue(t->store, BYTES("Topic"), 0, false);
    testing_settle(t, queue);
    assert_int_equal(queue_max(queue), stored + 1);
    assert_bytes(testing_body(t, &arena, queue, stored), "room again");
    assert_int_equal(run.failed_events, 0);
    testing_close(t);
    file_set_fault(NULL);
    testing_open(t);
    assert_int_equal(queue_max(store_queue(t->store, BYTES("Topic"), 0, false)), stored + 1);
    arena_close(&arena);
    testing_done(t);
}

/* A sync that failed is not tried again: its pages may be lost while the next one says all is well. */
static void test_failed_sync_is_final(void **state) {
    (void)state;
    static struct run run;
    struct arena arena = {0};
    struct testing *t = open_with(&run, "SYNC_FLUSH");
    struct put kept = testing_send(t, "Topic", 0, "before");
    struct queue *queue = store_queue(t->store, BYTES("Topic"), 0, false);
    testing_settle(t, queue);
    atomic_store(&log_syncs, 0);
    atomic_store(&syncs_fail, true);
    assert_err(testing_try_send(t, "Topic", 0, BYTES("lost"), "", NULL), ERR_NOT_WRITABLE);
    assert_err(testing_try_send(t, "Topic", 0, BYTES("refused"), "", NULL), ERR_NOT_WRITABLE);
    assert_err(store_writable(t->store), ERR_NOT_WRITABLE);
    assert_non_null(strstr(err_detail(ERR_NOT_WRITABLE), "cannot sync"));
    clock_sleep_ms(50);
    assert_int_equal(queue_max(queue), 1); /* what is not on disk is not shown */
    assert_bytes(testing_body(t, &arena, queue, kept.offset_queue), "before");
    testing_close(t);
    assert_int_equal(run.failed_events, 1);
    assert_int_equal(atomic_load(&log_syncs), 1);
    file_set_fault(NULL);
    testing_open(t);
    assert_bytes(testing_body(t, &arena, store_queue(t->store, BYTES("Topic"), 0, false), 0), "before");
    arena_close(&arena);
    testing_done(t);
}

/* --- pages that cannot be read ----------------------------------------------------------------------------- */

static void resize_log(const struct testing *t, int64_t size_bytes) {
    char path[128];
    int fd;
    snprintf(path, sizeof path, "%s/commitlog/00000000000000000000", t->root);
    assert_ok(file_open(path, FILE_READ_WRITE, &fd));
    assert_ok(file_resize(fd, path, size_bytes));
    file_close(fd);
}

/* A page that was on disk, left memory and cannot be read again gets a substitute (os/map_guard.h): what is appended to
 * that never reaches the disk, though a sync finds nothing wrong. Cut short, a mapped file has such pages. */
static void test_append_to_a_lost_page(void **state) {
    (void)state;
    static struct run run;
    struct testing *t = open_with(&run, "SYNC_FLUSH");
    char body[5000] = {0};
    testing_send(t, "Topic", 0, "before");
    assert_ok(testing_try_send(t, "Topic", 0, bytes_make(body, sizeof body), "", NULL));
    testing_settle(t, store_queue(t->store, BYTES("Topic"), 0, false));
    resize_log(t, 4096);
    assert_err(testing_try_send(t, "Topic", 0, BYTES("lost"), "", NULL), ERR_NOT_WRITABLE);
    assert_non_null(strstr(err_detail(ERR_NOT_WRITABLE), "cannot read"));
    testing_close(t);
    assert_int_equal(run.failed_events, 1);
    file_set_fault(NULL);
    resize_log(t, t->config.mapped_file_size_commit_log);
    testing_open(t);
    testing_done(t);
}

/* An old page that a reader met costs what is in it and no more. */
static void test_append_behind_a_lost_page(void **state) {
    (void)state;
    static struct run run;
    struct arena arena = {0};
    struct testing *t = open_with(&run, "SYNC_FLUSH");
    char body[20000] = {0};
    testing_send(t, "Topic", 0, "before");
    assert_ok(testing_try_send(t, "Topic", 0, bytes_make(body, sizeof body), "", NULL));
    struct queue *queue = store_queue(t->store, BYTES("Topic"), 0, false);
    testing_settle(t, queue);
    int64_t size_bytes = t->config.mapped_file_size_commit_log, lost_before = map_guard_pages();
    resize_log(t, 0);
    struct get get = {.queue = queue, .offset_queue = 0, .max_count = 1, .may_wait = true};
    store_get(t->store, &arena, &get);
    for (size_t i = 0; i < get.slice_count; i++) store_release(get.slices[i].hold);
    assert_true(map_guard_pages() > lost_before);
    resize_log(t, size_bytes);
    testing_send(t, "Topic", 0, "behind");
    testing_settle(t, queue);
    assert_bytes(testing_body(t, &arena, queue, 2), "behind");
    assert_int_equal(run.failed_events, 0);
    arena_close(&arena);
    testing_close(t);
    file_set_fault(NULL);
    testing_done(t);
}

/* --- the order of calls ------------------------------------------------------------------------------------ */

static _Atomic int number, log_cut_at, log_synced_at, derived_changed_at, all_synced_at, checkpoint_written_at;

static int note_order(enum file_call call, const char *path) {
    int now = atomic_fetch_add(&number, 1) + 1;
    bool changes = call == FILE_WRITE || call == FILE_RESIZE || call == FILE_UNLINK || call == FILE_RENAME;
    bool first_file = strstr(path, "/commitlog/00000000000000000000"); /* the next one is made ahead */
    if (call == FILE_RESIZE && first_file) atomic_store(&log_cut_at, now);
    if (call == FILE_SYNC && first_file) atomic_store(&log_synced_at, now);
    if (changes && strstr(path, "/consumequeue/")) atomic_store(&derived_changed_at, now);
    if (call == FILE_SYNC_ALL) atomic_store(&all_synced_at, now);
    if (changes && strstr(path, "/checkpoint")) atomic_store(&checkpoint_written_at, now);
    return 0;
}

/* What a recovery cuts off must be gone for good before it is built upon: old entries or records that came back behind
 * new ones would be taken for good. And the checkpoint speaks last. */
static void test_recovery_lasts_before_it_ends(void **state) {
    (void)state;
    struct testing t;
    testing_init(&t);
    testing_open(&t);
    for (int i = 0; i < 50; i++) testing_send(&t, "Topic", i % 2, "message");
    testing_close(&t);
    char path[128];
    snprintf(path, sizeof path, "%s/checkpoint", t.root);
    assert_ok(file_unlink(path)); /* all is to be done again */
    testing_pretend_crash(&t);
    t.config.flush_interval_commit_log_ms = t.config.flush_interval_consume_queue_ms = 60000;
    atomic_store(&number, 0);
    file_set_fault(note_order);
    testing_open(&t);
    assert_true(atomic_load(&log_cut_at) > 0 && atomic_load(&log_synced_at) > atomic_load(&log_cut_at));
    assert_true(atomic_load(&derived_changed_at) > 0);
    assert_true(atomic_load(&all_synced_at) > atomic_load(&derived_changed_at));
    assert_true(atomic_load(&checkpoint_written_at) > atomic_load(&all_synced_at));
    testing_close(&t);
    file_set_fault(NULL);
    testing_done(&t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_io_errors_sync),
        cmocka_unit_test(test_io_errors_async),
        cmocka_unit_test(test_full_disk),
        cmocka_unit_test(test_full_disk_passes),
        cmocka_unit_test(test_failed_sync_is_final),
        cmocka_unit_test(test_append_to_a_lost_page),
        cmocka_unit_test(test_append_behind_a_lost_page),
        cmocka_unit_test(test_recovery_lasts_before_it_ends),
    };
    log_set_level(LOG_ERROR + 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
