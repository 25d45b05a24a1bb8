/* Threads that write batches into many queues, killed at any moment, also in the middle of a start, or with what was
 * not yet synced taken from the disk as a power cut does: what a writer had been told is stored is found afterwards by
 * offset, in its queue and by its keys.
 * When a process is killed, chance and the system decide, no seed: RMQ_TORTURE_SEED is for the rest. */
#include "base/test.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/endian.h"
#include "base/log.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/thread.h"
#include "store/index_file.h"
#include "support/store_box.h"
#include "support/torture.h"

enum { WRITERS = 3, BATCH_MAX = 5, ACKS_MAX = 1 << 22, STARTS_KILLED = 3, ROUNDS_A_STORE = 8 };

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

/* What comes until the pipe is closed, or until that time; -1: however long it takes. */
static void take_acks(int pipe, struct acks *acks, int64_t until_ms, bool *closed) {
    char *to = (char *)&acks->items[acks->count];
    size_t len = 0, room = (ACKS_MAX - acks->count) * sizeof *acks->items;
    *closed = false;
    while (!*closed) {
        struct pollfd ready = {.fd = pipe, .events = POLLIN};
        int64_t left_ms = until_ms < 0 ? -1 : MAX(0, until_ms - clock_monotonic_ms());
        if (left_ms == 0 || poll(&ready, 1, (int)left_ms) == 0) break;
        ssize_t n = read(pipe, to + len, room - len);
        must(n >= 0 || errno == EINTR);
        *closed = n == 0;
        if (n > 0) len += (size_t)n;
        must(len < room);
    }
    must(len % sizeof *acks->items == 0);
    acks->count += len / sizeof *acks->items;
}

/* The writer of a new store lives until it has stored something, however slow the machine. */
static void write_and_kill(struct box *box, int round, struct acks *acks) {
    int ends[2];
    must(pipe(ends) == 0);
    pid_t writer = fork_child();
    if (writer == 0) {
        close(ends[0]);
        write_until_killed(box, (int64_t)(round + 1) << 32, ends[1]);
    }
    close(ends[1]);
    bool closed;
    do {
        take_acks(ends[0], acks, clock_monotonic_ms() + 20 + random_below(60), &closed);
        must(!closed);
    } while (acks->count == 0);
    kill(writer, SIGKILL);
    take_acks(ends[0], acks, -1, &closed);
    close(ends[0]);
    must(WIFSIGNALED(wait_for(writer)));
}

/* Starts are killed too: what they were doing is done again. */
static void kill_starts(struct box *box) {
    for (int i = 0; i < STARTS_KILLED; i++) {
        pid_t child = fork_child();
        if (child == 0) open_and_close(box);
        clock_sleep_ms(random_below(12));
        kill(child, SIGKILL);
        wait_for(child);
    }
}

/* --- power cuts: sectors that nobody had synced are zero --------------------------------------------------- */

enum { SECTOR_BYTES = 512 };

static void each_file(const char *dir, void (*visit)(const char *path, void *arg), void *arg) {
    struct arena arena = {0};
    const char **names;
    size_t count;
    must(file_list(&arena, dir, &names, &count) == ERR_OK);
    for (size_t i = 0; i < count; i++) visit(arena_printf(&arena, "%s/%s", dir, names[i]).data, arg);
    arena_close(&arena);
}

/* A file's content, changed here and written back. */
static void edit_file(const char *path, void (*edit)(const char *path, struct buf *content, void *arg), void *arg) {
    struct buf content = {0};
    int fd;
    must(file_read_all(path, 1 << 26, &content) == ERR_OK);
    edit(path, &content, arg);
    must(file_open(path, FILE_READ_WRITE, &fd) == ERR_OK);
    must(file_pwrite(fd, path, content.data, content.len, 0) == ERR_OK);
    file_close(fd);
    buf_close(&content);
}

/* Zeroes about one in `odds` of the sectors of [from, to) that lie wholly inside. */
static void lose_sectors(struct buf *content, int64_t from, int64_t to, uint32_t odds) {
    for (int64_t at = (from + SECTOR_BYTES - 1) / SECTOR_BYTES * SECTOR_BYTES; at + SECTOR_BYTES <= to;
         at += SECTOR_BYTES)
        if (random_below(odds) == 0) memset(content->data + at, 0, SECTOR_BYTES);
}

struct cut {
    int64_t synced_phys; /* of the log */
    int64_t safe_phys, index_ms;
};

static void cut_log_file(const char *path, struct buf *content, void *arg) {
    const struct cut *cut = arg;
    int64_t start = strtoll(strrchr(path, '/') + 1, NULL, 10), size = (int64_t)content->len;
    if (cut->synced_phys < start + size) lose_sectors(content, MAX(0, cut->synced_phys - start), size, 20);
}

static void cut_log(const char *path, void *arg) {
    edit_file(path, cut_log_file, arg);
}

/* The checkpoint vouches for entries of records below its place. */
static bool entry_is_synced(const struct cut *cut, const char *entry) {
    return load_i32be(entry + 8) > 0 && load_i64be(entry) < cut->safe_phys;
}

static void cut_queue_file(const char *path, struct buf *content, void *arg) {
    (void)path;
    int64_t synced = (int64_t)content->len / 20 * 20;
    while (synced > 0 && !entry_is_synced(arg, content->data + synced - 20)) synced -= 20;
    /* files are smaller than a sector: entries go one by one */
    for (int64_t at = synced; at + 20 <= (int64_t)content->len; at += 20)
        if (random_below(4) == 0) memset(content->data + at, 0, 20);
}

static void cut_queue(const char *path, void *arg) {
    edit_file(path, cut_queue_file, arg);
}

static void cut_queues_of(const char *dir, void *arg) {
    each_file(dir, cut_queue, arg);
}

static void cut_topic(const char *dir, void *arg) {
    each_file(dir, cut_queues_of, arg);
}

static void cut_index_file(const char *path, struct buf *content, void *arg) {
    (void)path;
    const struct cut *cut = arg;
    if (content->len < INDEX_HEADER_BYTES) return; /* killed before it had its size: nothing to lose */
    if (load_i64be(content->data + 8) > cut->index_ms) lose_sectors(content, 0, (int64_t)content->len, 20);
}

static void cut_index(const char *path, void *arg) {
    edit_file(path, cut_index_file, arg);
}

static void cut_power(struct box *box, const struct acks *acks) {
    char path[256], log_dir[256];
    snprintf(path, sizeof path, "%s/checkpoint", box->root);
    snprintf(log_dir, sizeof log_dir, "%s/commitlog", box->root);
    struct buf checkpoint = {0};
    must(file_read_all(path, 4096, &checkpoint) == ERR_OK);
    int64_t safe_phys = load_i64be(checkpoint.data + 72); /* may be more than was acknowledged */
    struct cut cut = {.safe_phys = safe_phys, .synced_phys = safe_phys, .index_ms = load_i64be(checkpoint.data + 16)};
    buf_close(&checkpoint);
    for (size_t i = 0; i < acks->count; i++) cut.synced_phys = MAX(cut.synced_phys, acks->items[i].end_phys);
    snprintf(path, sizeof path, "%s/consumequeue", box->root);
    each_file(path, cut_topic, &cut); /* first: it looks into the log */
    snprintf(path, sizeof path, "%s/index", box->root);
    each_file(path, cut_index, &cut);
    each_file(log_dir, cut_log, &cut);
}

/* --- rounds ------------------------------------------------------------------------------------------------ */

/* Some rounds with one store; returns how many messages it acknowledged. */
static size_t torture_store(const char *flush_disk_type, bool power_cuts, int rounds) {
    struct box box;
    static struct acks acks;
    if (!acks.items) must((acks.items = malloc(ACKS_MAX * sizeof *acks.items)));
    acks.count = 0;
    box_init(&box);
    box.config.flush_disk_type = bytes_of(flush_disk_type);
    box.config.mapped_file_size_commit_log = 1 << 20;
    box.config.max_index_num = 5000;
    box.config.max_hash_slot_num = 1000;
    box.config.flush_consume_queue_thorough_interval_ms = 100;
    for (int round = 0; round < rounds; round++) {
        size_t before = acks.count;
        write_and_kill(&box, round, &acks);
        if (power_cuts)
            cut_power(&box, &acks);
        else
            kill_starts(&box);
        /* All that this round stored, and some of what earlier ones did. */
        struct acks newest = {acks.items + before, acks.count - before};
        pid_t checker = fork_child();
        if (checker == 0) check_store(&box, &newest, round % 3 == 0);
        assert_int_equal(wait_for(checker), 0);
    }
    box_close(&box);
    return acks.count;
}

static void torture(const char *what, const char *flush_disk_type, bool power_cuts, int wanted) {
    char text[100];
    size_t acknowledged = 0;
    torture_begin(what);
    for (int done = 0; done < wanted; done += ROUNDS_A_STORE) {
        torture_progress(what, done, wanted);
        acknowledged += torture_store(flush_disk_type, power_cuts, MIN(ROUNDS_A_STORE, wanted - done));
    }
    assert_true(acknowledged > 0);
    snprintf(text, sizeof text, "%zu messages acknowledged, 0 lost, 0 torn", acknowledged);
    torture_result(what, wanted, text);
}

static void killed_while_writing(void **state) {
    (void)state;
    torture("SIGKILL, ASYNC_FLUSH", "ASYNC_FLUSH", false, torture_count(8, 1000));
}

static void killed_while_writing_synchronously(void **state) {
    (void)state;
    torture("SIGKILL, SYNC_FLUSH", "SYNC_FLUSH", false, torture_count(8, 1000));
}

static void power_cut_while_writing_synchronously(void **state) {
    (void)state;
    torture("SIGKILL and sectors lost, SYNC_FLUSH", "SYNC_FLUSH", true, torture_count(8, 100));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(killed_while_writing),
        cmocka_unit_test(killed_while_writing_synchronously),
        cmocka_unit_test(power_cut_while_writing_synchronously),
    };
    log_set_level(LOG_ERROR + 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
