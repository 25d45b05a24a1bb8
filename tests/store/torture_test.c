/* Threads that write batches into many queues, killed at any moment, also in the middle of a start: what a writer had
 * been told is stored is found afterwards by offset, in its queue and by its keys, and batches are whole or not there.
 * Short by itself; RMQ_TORTURE_ROUNDS=n for as long as one likes (make torture). */
#include "base/test.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/check.h"
#include "base/log.h"
#include "os/clock.h"
#include "os/thread.h"
#include "support/store_box.h"

enum { WRITERS = 3, ROUNDS = 8, BATCH_MAX = 5, ACKS_MAX = 1 << 22 };

/* --- the process that is killed ---------------------------------------------------------------------------- */

struct writer {
    struct store *store;
    int64_t number; /* of the next message; each writer has its own range */
    int pipe;
    bool wait_flushed;
};

static uint32_t random_below(uint32_t limit) {
    uint32_t value;
    random_bytes(&value, sizeof value);
    return value % limit;
}

/* Tells the parent of each batch only after the store has said that it is stored. */
static void write_batches(void *arg) {
    struct writer *writer = arg;
    for (;;) {
        struct box_put stored[BATCH_MAX];
        int count = 1 + (int)random_below(BATCH_MAX);
        if (box_put_batch(writer->store, writer->number, count, stored) != ERR_OK) {
            clock_sleep_ms(1);
            continue;
        }
        writer->number += count;
        if (writer->wait_flushed && store_wait_flushed(writer->store, stored[count - 1].end_phys, 10000) != ERR_OK)
            continue;
        size_t len = (size_t)count * sizeof stored[0]; /* at most PIPE_BUF: in one piece */
        if (write(writer->pipe, stored, len) != (ssize_t)len) _exit(1);
    }
}

_Noreturn static void write_until_killed(struct box *box, int64_t number, int pipe) {
    struct store *store = box_open(box);
    pthread_t threads[WRITERS];
    struct writer writers[WRITERS];
    for (int i = 0; i < WRITERS; i++) {
        writers[i] = (struct writer){store, number + i * (ACKS_MAX / WRITERS), pipe, store_is_sync_flush(store)};
        must(thread_start(&threads[i], "writer", write_batches, &writers[i]) == ERR_OK);
    }
    for (;;) pause();
}

/* --- the one that checks ----------------------------------------------------------------------------------- */

struct acks {
    struct box_put *items;
    size_t count;
};

/* A batch is written under one lock: where its first message is, the others follow. */
static void check_acks(struct store *store, const struct acks *acks) {
    for (size_t i = 0; i < acks->count; i++) box_check(store, &acks->items[i]);
}

_Noreturn static void check_store(struct box *box, const struct acks *acks, bool stop_cleanly) {
    struct store *store = box_open(box);
    check_acks(store, acks);
    must(box_check_queues(store) >= (int64_t)acks->count);
    if (stop_cleanly) store_close(store);
    _exit(0);
}

_Noreturn static void open_and_close(struct box *box) {
    store_close(box_open(box));
    _exit(0);
}

/* --- the one that kills: has no thread, so that it may fork ------------------------------------------------ */

static pid_t fork_child(void) {
    fflush(NULL);
    pid_t child = fork();
    must(child >= 0);
    return child;
}

static int wait_for(pid_t child) {
    int status;
    while (waitpid(child, &status, 0) != child) must(errno == EINTR);
    return status;
}

static void take_acks(int pipe, struct acks *acks) {
    char *to = (char *)&acks->items[acks->count];
    size_t len = 0, room = (ACKS_MAX - acks->count) * sizeof *acks->items;
    for (ssize_t n; (n = read(pipe, to + len, room - len)) != 0;) {
        must(n > 0 || errno == EINTR);
        if (n > 0) len += (size_t)n;
        must(len < room);
    }
    must(len % sizeof *acks->items == 0);
    acks->count += len / sizeof *acks->items;
}

/* Reads what is acknowledged until the writer is killed, from a second child's hand: the pipe must not fill up. */
static void write_and_kill(struct box *box, int round, struct acks *acks) {
    int ends[2];
    must(pipe(ends) == 0);
    pid_t writer = fork_child();
    if (writer == 0) {
        close(ends[0]);
        write_until_killed(box, (int64_t)(round + 1) << 32, ends[1]);
    }
    close(ends[1]);
    pid_t killer = fork_child();
    if (killer == 0) {
        close(ends[0]);
        clock_sleep_ms(40 + random_below(160));
        kill(writer, SIGKILL);
        _exit(0);
    }
    take_acks(ends[0], acks);
    close(ends[0]);
    must(WIFSIGNALED(wait_for(writer)));
    wait_for(killer);
}

/* Starts are killed too: what they were doing is done again. */
static void kill_starts(struct box *box) {
    for (int i = 0; i < 3; i++) {
        pid_t child = fork_child();
        if (child == 0) open_and_close(box);
        clock_sleep_ms(random_below(12));
        kill(child, SIGKILL);
        wait_for(child);
    }
}

static void torture(const char *flush_disk_type) {
    const char *asked = getenv("RMQ_TORTURE_ROUNDS");
    int rounds = asked ? atoi(asked) : ROUNDS;
    struct box box;
    struct acks acks = {.items = malloc(ACKS_MAX * sizeof *acks.items)};
    assert_non_null(acks.items);
    box_init(&box);
    box.config.flush_disk_type = bytes_of(flush_disk_type);
    box.config.mapped_file_size_commit_log = 1 << 20;
    box.config.max_index_num = 5000;
    box.config.max_hash_slot_num = 1000;
    box.config.flush_consume_queue_thorough_interval_ms = 100;
    for (int round = 0; round < rounds; round++) {
        size_t before = acks.count;
        write_and_kill(&box, round, &acks);
        kill_starts(&box);
        /* All that this round stored, and some of what earlier ones did. */
        struct acks newest = {acks.items + before, acks.count - before};
        pid_t checker = fork_child();
        if (checker == 0) check_store(&box, &newest, round % 3 == 0);
        assert_int_equal(wait_for(checker), 0);
    }
    print_message("%s: %zu messages acknowledged, all there\n", flush_disk_type, acks.count);
    assert_true(acks.count > 0);
    free(acks.items);
    box_close(&box);
}

static void killed_while_writing(void **state) {
    (void)state;
    torture("ASYNC_FLUSH");
}

static void killed_while_writing_synchronously(void **state) {
    (void)state;
    torture("SYNC_FLUSH");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(killed_while_writing),
        cmocka_unit_test(killed_while_writing_synchronously),
    };
    log_set_level(LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
