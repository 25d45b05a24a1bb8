/* bench_store - the store alone, without network: append, read back, recover; beside what memory and disk allow.
 * bench_store DIR [MESSAGES]   DIR should lie on the disk that is to be measured; what it makes there is removed.
 * One line a measurement: messages and bytes a second of wall time, and CPU time of the whole process a message. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include "base/check.h"
#include "base/log.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/thread.h"
#include "store/store.h"

enum { RECORD_MAX = 4096, QUEUES = 8, THREADS_MAX = 8 };

struct bench {
    char root[512];
    struct store_config config;
    struct store *store;
    int64_t messages; /* of all threads */
    int threads, batch;
    size_t body_bytes;
};
struct writer {
    struct bench *bench;
    int number;
    pthread_t thread;
};

static void must_ok(enum err err) {
    if (err == ERR_OK) return;
    fprintf(stderr, "bench_store: %s\n", err_detail(err));
    exit(1);
}

static void open_store(struct bench *bench) {
    must_ok(store_open(&bench->config, NULL, &bench->store));
}

static int64_t cpu_ns(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000000LL +
           (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1000LL;
}

static uint32_t make_record(const struct bench *bench, int32_t queue_id, char *out) {
    static char body[RECORD_MAX];
    struct record record = {.queue_id = queue_id,
                            .born_host = {.ip = {127, 0, 0, 1}},
                            .store_host = {.ip = {127, 0, 0, 1}},
                            .body = bytes_make(body, bench->body_bytes),
                            .topic = BYTES("BenchmarkTest"),
                            .properties = BYTES("UNIQ_KEY\0017F00000100002A9F1B6C0000000000001\2WAIT\1true\2")};
    record_encode(&record, out);
    return record_size(&record);
}

static void write_messages(void *arg) {
    struct writer *writer = arg;
    struct bench *bench = writer->bench;
    enum { BATCH_MAX = 64 };
    static _Thread_local char records[BATCH_MAX][RECORD_MAX];
    struct put puts[BATCH_MAX];
    int64_t left = bench->messages / bench->threads;
    for (int i = 0; i < bench->batch; i++) {
        int32_t queue_id = (writer->number + i) % QUEUES;
        struct queue *queue = store_queue(bench->store, BYTES("BenchmarkTest"), queue_id, true);
        puts[i] = (struct put){.queue = queue, .record = records[i]};
        puts[i].size_bytes = make_record(bench, queue_id, records[i]);
    }
    for (; left > 0; left -= bench->batch) {
        int64_t end_phys;
        must_ok(store_append(bench->store, puts, (size_t)MIN(left, bench->batch), &end_phys));
    }
}

static void report(const char *what, const struct bench *bench, int64_t count, int64_t bytes, int64_t took_ns,
                   int64_t used_ns) {
    double seconds = (double)took_ns / 1e9;
    printf("%-10s body=%-5zu threads=%d batch=%-3d %10.0f msg/s %8.0f MB/s  cpu %.2f us/msg\n", what, bench->body_bytes,
           bench->threads, bench->batch, (double)count / seconds, (double)bytes / 1e6 / seconds,
           (double)used_ns / 1e3 / (double)count);
}

static void append_all(struct bench *bench) {
    struct writer writers[THREADS_MAX];
    int64_t start_ns = clock_monotonic_ns(), used_ns = cpu_ns();
    for (int i = 0; i < bench->threads; i++) {
        writers[i] = (struct writer){bench, i, 0};
        must_ok(thread_start(&writers[i].thread, "writer", write_messages, &writers[i]));
    }
    for (int i = 0; i < bench->threads; i++) thread_join(writers[i].thread);
    int64_t took_ns = clock_monotonic_ns() - start_ns;
    struct store_facts facts;
    store_facts(bench->store, &facts);
    report("append", bench, facts.put_count, facts.max_phys, took_ns, cpu_ns() - used_ns);
    while (facts.dispatched_phys < facts.max_phys) {
        clock_sleep_ms(1);
        store_facts(bench->store, &facts);
    }
    report("dispatched", bench, facts.put_count, facts.max_phys, clock_monotonic_ns() - start_ns, cpu_ns() - used_ns);
}

static void read_all(struct bench *bench) {
    struct arena arena = {0};
    int64_t start_ns = clock_monotonic_ns(), used_ns = cpu_ns(), count = 0, bytes = 0;
    for (int q = 0; q < QUEUES; q++) {
        struct get get = {
            .queue = store_queue(bench->store, BYTES("BenchmarkTest"), q, true), .max_count = 32, .may_wait = true};
        for (;; get.offset_queue = get.next_offset) {
            arena_reset(&arena);
            store_get(bench->store, &arena, &get);
            if (get.status != GET_FOUND) break;
            count += get.count;
            bytes += get.total_bytes;
            for (size_t i = 0; i < get.slice_count; i++) store_release(get.slices[i].hold);
        }
    }
    arena_close(&arena);
    report("read", bench, count, bytes, clock_monotonic_ns() - start_ns, cpu_ns() - used_ns);
}

/* A start that checks and dispatches the whole log, as after the loss of queues, index and checkpoint. */
static void recover_all(struct bench *bench) {
    static const char *const derived[] = {"consumequeue", "index", "checkpoint"};
    char path[600];
    struct store_facts facts;
    store_facts(bench->store, &facts);
    store_close(bench->store);
    int64_t start_ns = clock_monotonic_ns();
    open_store(bench);
    int64_t clean_ms = (clock_monotonic_ns() - start_ns) / 1000000;
    store_close(bench->store);
    for (size_t i = 0; i < ARRAY_LEN(derived); i++) {
        snprintf(path, sizeof path, "%s/%s", bench->root, derived[i]);
        must_ok(file_remove_tree(path));
    }
    start_ns = clock_monotonic_ns();
    int64_t used_ns = cpu_ns();
    open_store(bench);
    report("rebuild", bench, facts.put_count, facts.max_phys, clock_monotonic_ns() - start_ns, cpu_ns() - used_ns);
    printf("%-10s body=%-5zu %" PRId64 " ms for %.1f GB\n", "restart", bench->body_bytes, clean_ms,
           (double)facts.max_phys / 1e9);
}

/* The least that has to be done with the same bytes: copying each record (memcpy), and writing all in large pieces with
 * one sync (write). */
static void measure_limits(struct bench *bench, int64_t bytes) {
    enum { PIECE = 1 << 20, PIECES = 64 };
    char record[RECORD_MAX], path[600], *area = malloc((size_t)PIECE * PIECES);
    int fd;
    must(area);
    memset(area, 1, (size_t)PIECE * PIECES);
    uint32_t size = make_record(bench, 0, record);
    int64_t start_ns = clock_monotonic_ns(), used_ns = cpu_ns(), at = 0;
    for (int64_t i = 0; i < bench->messages; i++, at = at + 2 * size < (int64_t)PIECE * PIECES ? at + size : 0)
        memcpy(area + at, record, size);
    report("memcpy", bench, bench->messages, bytes, clock_monotonic_ns() - start_ns, cpu_ns() - used_ns);
    snprintf(path, sizeof path, "%s/written", bench->root);
    must_ok(file_open(path, FILE_CREATE, &fd));
    start_ns = clock_monotonic_ns(), used_ns = cpu_ns();
    for (at = 0; at < bytes; at += PIECE) must_ok(file_pwrite(fd, path, area, PIECE, at));
    must_ok(file_sync(fd, path));
    report("write", bench, bench->messages, bytes, clock_monotonic_ns() - start_ns, cpu_ns() - used_ns);
    file_close(fd);
    free(area);
}

static void run(const char *dir, int64_t messages, size_t body_bytes, int threads, int batch) {
    struct bench bench = {.messages = messages, .threads = threads, .batch = batch, .body_bytes = body_bytes};
    snprintf(bench.root, sizeof bench.root, "%s/bench_store", dir);
    must_ok(file_remove_tree(bench.root));
    store_config_init(&bench.config);
    bench.config.store_path_root_dir = bytes_of(bench.root);
    open_store(&bench);
    append_all(&bench);
    read_all(&bench);
    if (threads == 1 && batch == 1) recover_all(&bench);
    struct store_facts facts;
    store_facts(bench.store, &facts);
    if (threads == 1 && batch == 1) measure_limits(&bench, facts.max_phys);
    store_close(bench.store);
    must_ok(file_remove_tree(bench.root));
}

int main(int argc, char **argv) {
    if (argc < 2) {
        fprintf(stderr, "usage: bench_store DIR [MESSAGES]\n");
        return 1;
    }
    int64_t messages = argc > 2 ? atoll(argv[2]) : 2000000;
    log_set_level(LOG_WARN);
    static const size_t bodies[] = {128, 1024};
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        run(argv[1], messages, bodies[i], 1, 1);
        run(argv[1], messages, bodies[i], 1, 16);
        run(argv[1], messages, bodies[i], 2, 1);
    }
    return 0;
}
