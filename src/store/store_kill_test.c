/* Kills a writing process again and again; what it had been told is stored must be there, in order, after each start.
 */
#include "store/store.h"

#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include "store/store_testing.h"

enum { QUEUES = 5, ROUNDS = 12, BODY_BYTES = 700 };

/* Shared with the writer: messages acknowledged, by queue; message k of a queue has queue offset k. */
struct shared {
    _Atomic int64_t acknowledged[QUEUES];
};

static void make_body(int queue_id, int64_t offset, char body[BODY_BYTES]) {
    memset(body, 'a' + (int)(offset % 26), BODY_BYTES);
    snprintf(body, BODY_BYTES, "%d-%lld", queue_id, (long long)offset);
}

_Noreturn static void write_until_killed(struct testing *t, struct shared *shared) {
    char body[BODY_BYTES];
    testing_open(t);
    for (int64_t i = 0;; i++) {
        struct put put;
        int queue_id = (int)(i % QUEUES);
        struct queue *queue = store_queue(t->store, BYTES("Topic"), queue_id, true);
        make_body(queue_id, queue_next(queue), body);
        if (testing_try_send(t, "Topic", queue_id, bytes_make(body, BODY_BYTES), "", &put) != ERR_OK) _exit(1);
        atomic_store(&shared->acknowledged[queue_id], put.offset_queue + 1);
    }
}

static void check(struct testing *t, struct shared *shared) {
    struct arena arena = {0};
    char body[BODY_BYTES];
    testing_open(t);
    for (int q = 0; q < QUEUES; q++) {
        struct queue *queue = store_queue(t->store, BYTES("Topic"), q, true);
        assert_true(queue_max(queue) >= atomic_load(&shared->acknowledged[q]));
        for (int64_t i = 0; i < queue_max(queue); i++) {
            make_body(q, i, body);
            assert_true(bytes_equal(testing_body(t, &arena, queue, i), bytes_make(body, BODY_BYTES)));
            arena_reset(&arena);
        }
    }
    arena_close(&arena);
    testing_close(t);
}

/* Something of each queue, so that the rounds have tested something. */
static bool all_acknowledged(struct shared *shared) {
    for (int q = 0; q < QUEUES; q++)
        if (atomic_load(&shared->acknowledged[q]) <= 0) return false;
    return true;
}

static void kill_rounds(const char *flush_disk_type) {
    struct testing t;
    testing_init(&t);
    t.config.flush_disk_type = bytes_of(flush_disk_type);
    t.config.flush_consume_queue_thorough_interval_ms = 50;
    struct shared *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(shared != MAP_FAILED);
    srand(7);
    for (int round = 0; round < ROUNDS; round++) {
        fflush(NULL);
        pid_t writer = fork();
        assert_true(writer >= 0);
        if (writer == 0) write_until_killed(&t, shared);
        clock_sleep_ms(20 + rand() % 120);
        for (int i = 0; i < 10000 && round == ROUNDS - 1 && !all_acknowledged(shared); i++) clock_sleep_ms(2);
        kill(writer, SIGKILL);
        int status;
        assert_int_equal(waitpid(writer, &status, 0), writer);
        assert_true(WIFSIGNALED(status));
        check(&t, shared);
        if (round % 2) testing_pretend_crash(&t);
    }
    assert_true(all_acknowledged(shared));
    munmap(shared, sizeof *shared);
    testing_done(&t);
}

static void test_kill_async(void **state) {
    (void)state;
    kill_rounds("ASYNC_FLUSH");
}

static void test_kill_sync(void **state) {
    (void)state;
    kill_rounds("SYNC_FLUSH");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kill_async),
        cmocka_unit_test(test_kill_sync),
    };
    log_set_level(LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
