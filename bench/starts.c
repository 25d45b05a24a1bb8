/* bench_starts - how long a store takes to start: after a clean stop, after a kill, and when all must be read.
 * bench_starts DIR [GB] [QUEUES]   DIR should lie on the disk that is to be measured; what it makes there is removed.
 * First GB of messages of 1 KiB in 8 queues, then one message in each of QUEUES queues. The lines of the store's log
 * between ours say which part of a start took how long. Pages are warm: what was written has just been read. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include "base/check.h"
#include "base/log.h"
#include "os/clock.h"
#include "os/file.h"
#include "store/store.h"

enum { BODY_BYTES = 1024, RECORD_MAX = 2048, BATCH = 16, QUEUES_A_TOPIC = 8 };

struct bench {
    char root[512];
    struct store_config config;
    struct store *store;
};

static void must_ok(enum err err) {
    if (err == ERR_OK) return;
    fprintf(stderr, "bench_starts: %s\n", err_detail(err));
    exit(1);
}

static long memory_kb(void) {
    long pages = 0, resident = 0, shared = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file && fscanf(file, "%ld %ld %ld", &pages, &resident, &shared) != 3) resident = shared = 0;
    if (file) fclose(file);
    return (resident - shared) * 4; /* mapped files are no memory of ours */
}

static int64_t cpu_ns(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000000LL +
           (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1000LL;
}

static void start(struct bench *bench, const char *what) {
    int64_t start_ns = clock_monotonic_ns(), used_ns = cpu_ns();
    must_ok(store_open(&bench->config, NULL, &bench->store));
    struct store_facts facts;
    store_facts(bench->store, &facts);
    printf("start %-28s %8.1f ms, cpu %8.1f ms  log %6.2f GB  memory %ld KB\n", what,
           (double)(clock_monotonic_ns() - start_ns) / 1e6, (double)(cpu_ns() - used_ns) / 1e6,
           (double)facts.max_phys / 1e9, memory_kb());
    fflush(stdout);
}

/* What a kill leaves, as far as the next start can see. */
static void stop_as_killed(struct bench *bench, const char *lost) {
    char path[600];
    store_close(bench->store);
    snprintf(path, sizeof path, "%s/abort", bench->root);
    must_ok(file_replace(path, BYTES(""), false));
    if (!lost) return;
    snprintf(path, sizeof path, "%s/%s", bench->root, lost);
    must_ok(file_remove_tree(path));
}

static uint32_t make_record(struct bytes topic, int32_t queue_id, char *out) {
    static char body[BODY_BYTES];
    struct record record = {.queue_id = queue_id,
                            .born_host = {.ip = {127, 0, 0, 1}},
                            .store_host = {.ip = {127, 0, 0, 1}},
                            .body = bytes_make(body, sizeof body),
                            .topic = topic,
                            .properties = BYTES("UNIQ_KEY\0017F00000100002A9F1B6C0000000000001\2WAIT\1true\2")};
    record_encode(&record, out);
    return record_size(&record);
}

static void append_bytes(struct bench *bench, int64_t bytes) {
    static char records[BATCH][RECORD_MAX];
    struct put puts[BATCH];
    int64_t end_phys = 0;
    for (int i = 0; i < BATCH; i++) {
        puts[i] = (struct put){.queue = store_queue(bench->store, BYTES("Bench"), i % QUEUES_A_TOPIC, true),
                               .record = records[i]};
        puts[i].size_bytes = make_record(BYTES("Bench"), i % QUEUES_A_TOPIC, records[i]);
    }
    while (end_phys < bytes) must_ok(store_append(bench->store, puts, BATCH, &end_phys));
}

static void append_queues(struct bench *bench, int64_t count) {
    char topic[32], record[RECORD_MAX];
    for (int64_t i = 0; i < count; i++) {
        int64_t end_phys;
        int32_t id = (int32_t)(i % QUEUES_A_TOPIC);
        snprintf(topic, sizeof topic, "Topic%" PRId64, i / QUEUES_A_TOPIC);
        struct put put = {.queue = store_queue(bench->store, bytes_of(topic), id, true), .record = record};
        put.size_bytes = make_record(bytes_of(topic), id, record);
        must_ok(store_append(bench->store, &put, 1, &end_phys));
    }
}

static void starts(struct bench *bench) {
    store_close(bench->store);
    start(bench, "after a clean stop");
    stop_as_killed(bench, NULL);
    start(bench, "after a kill, all synced");
    stop_as_killed(bench, "checkpoint");
    start(bench, "after a kill, no checkpoint");
    store_close(bench->store);
}

int main(int argc, char **argv) {
    if (argc < 2) {
        fprintf(stderr, "usage: bench_starts DIR [GB] [QUEUES]\n");
        return 1;
    }
    struct bench bench = {0};
    snprintf(bench.root, sizeof bench.root, "%s/bench_starts", argv[1]);
    must_ok(file_remove_tree(bench.root));
    store_config_init(&bench.config);
    bench.config.store_path_root_dir = bytes_of(bench.root);
    start(&bench, "of an empty store");
    append_bytes(&bench, (argc > 2 ? atoll(argv[2]) : 4) * 1000000000);
    starts(&bench);
    must_ok(file_remove_tree(bench.root));
    start(&bench, "of an empty store");
    append_queues(&bench, argc > 3 ? atoll(argv[3]) : 200000);
    starts(&bench);
    must_ok(file_remove_tree(bench.root));
    return 0;
}
