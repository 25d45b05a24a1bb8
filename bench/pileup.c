/* bench_pileup - what becomes of a broker while messages pile up: run by scripts/pileup, which starts the servers.
 *   bench_pileup send  [-n MESSAGES] [-s BODY_BYTES] [-b BATCH] [-j THREADS] [-q QUEUES] [-P BROKER_PID]
 *   bench_pileup drain [-n MESSAGES] [-j THREADS] [-q QUEUES] [-P BROKER_PID]
 *   bench_pileup hot   [-r MESSAGES_A_SECOND] [-t SECONDS]
 * send: batches through the client library to topic PileUp. drain: every queue from its beginning, and every offset
 * must come. A line each twentieth: how many, rate and processor time since the line before, memory of the broker.
 * hot: single messages at a rate to another topic, and how long their answers take. Name servers: NAMESRV_ADDR. Exit
 * status 0 only if all were sent, or all came. */
#include <rocketmq/rocketmq.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/check.h"
#include "os/clock.h"
#include "os/thread.h"

enum { THREADS_MAX = 64, BATCH_MAX = 4096, LINES = 20, PULL_MAX = 1024 };
static const char topic[] = "PileUp";

struct pileup {
    bool sends, hot;
    int64_t messages;
    int body_bytes, batch, threads, queues, broker_pid, rate, seconds;
    rmq_client_t *client;
    rmq_producer_t *producer;
    rmq_pull_consumer_t *consumer;
    rmq_queue_list_t *list;
    _Atomic int64_t claimed, done;
    _Atomic int running; /* threads */
    _Atomic bool failed;
};
static struct pileup pileup = {
    .messages = 1000000, .body_bytes = 16, .batch = 512, .threads = 4, .queues = 8, .rate = 1000, .seconds = 10};

static void give_up(const char *what) {
    if (!atomic_exchange(&pileup.failed, true)) fprintf(stderr, "bench_pileup: %s: %s\n", what, rmq_last_error());
}

static rmq_message_t **make_batch(void) {
    rmq_message_t **batch = calloc((size_t)pileup.batch, sizeof *batch);
    char *body = malloc((size_t)pileup.body_bytes);
    must(batch && body);
    memset(body, 'x', (size_t)pileup.body_bytes);
    for (int i = 0; i < pileup.batch; i++)
        batch[i] = rmq_message_create(topic, NULL, NULL, body, (size_t)pileup.body_bytes);
    free(body);
    return batch;
}

static void send_share(void *arg) {
    (void)arg;
    rmq_message_t **batch = make_batch();
    while (!atomic_load(&pileup.failed)) {
        int64_t at = atomic_fetch_add(&pileup.claimed, pileup.batch);
        if (at >= pileup.messages) break;
        size_t count = (size_t)MIN(pileup.batch, pileup.messages - at);
        if (rmq_producer_send_batch(pileup.producer, (const rmq_message_t *const *)batch, count, NULL) != RMQ_OK)
            give_up("send");
        else
            atomic_fetch_add(&pileup.done, (int64_t)count);
    }
    for (int i = 0; i < pileup.batch; i++) rmq_message_destroy(batch[i]);
    free(batch);
    atomic_fetch_sub(&pileup.running, 1);
}

/* Every offset in its turn, from the first to the one that was the last when the drain began. */
static void drain_queue(const rmq_message_queue_t *queue) {
    int64_t offset, end;
    if (rmq_client_min_offset(pileup.client, queue, &offset) != RMQ_OK ||
        rmq_client_max_offset(pileup.client, queue, &end) != RMQ_OK)
        give_up("offsets");
    while (!atomic_load(&pileup.failed) && offset < end) {
        rmq_pull_result_t *result = NULL;
        if (rmq_pull_consumer_pull(pileup.consumer, queue, NULL, offset, PULL_MAX, &result) != RMQ_OK) {
            give_up("pull");
        } else if (result->status != RMQ_PULL_FOUND || result->count == 0) {
            fprintf(stderr, "queue %d offset %" PRId64 ": %s\n", queue->queue_id, offset,
                    rmq_pull_status_name(result->status));
            atomic_store(&pileup.failed, true);
        } else {
            for (size_t i = 0; i < result->count; i++, offset++)
                if (rmq_message_ext_queue_offset(result->messages[i]) != offset) give_up("offsets with a gap");
            atomic_fetch_add(&pileup.done, (int64_t)result->count);
        }
        rmq_pull_result_destroy(result);
    }
}

static void drain_share(void *arg) {
    (void)arg;
    for (;;) {
        int64_t at = atomic_fetch_add(&pileup.claimed, 1);
        if (at >= (int64_t)pileup.list->count || atomic_load(&pileup.failed)) break;
        drain_queue(&pileup.list->queues[at]);
    }
    atomic_fetch_sub(&pileup.running, 1);
}

/* --- progress -------------------------------------------------------------------------------------------- */

static double broker_mib(const char *name) {
    char path[64], line[256];
    long kib = 0;
    snprintf(path, sizeof path, "/proc/%d/status", pileup.broker_pid);
    FILE *file = fopen(path, "r");
    while (file && fgets(line, sizeof line, file))
        if (strncmp(line, name, strlen(name)) == 0) kib = strtol(line + strlen(name) + 1, NULL, 10);
    if (file) fclose(file);
    return (double)kib / 1024;
}

/* Processor time of the broker so far: other programs on the machine slow a rate down, but not this. */
static double broker_cpu_us(void) {
    char path[64], text[1024];
    unsigned long user = 0, system = 0;
    snprintf(path, sizeof path, "/proc/%d/stat", pileup.broker_pid);
    FILE *file = fopen(path, "r");
    char *rest = file && fgets(text, sizeof text, file) ? strrchr(text, ')') : NULL;
    if (rest) sscanf(rest + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system);
    if (file) fclose(file);
    return (double)(user + system) * 1e6 / (double)sysconf(_SC_CLK_TCK);
}

/* Bytes that the broker read from the disk so far. */
static double broker_read_bytes(void) {
    char path[64], line[256];
    double bytes = 0;
    snprintf(path, sizeof path, "/proc/%d/io", pileup.broker_pid);
    FILE *file = fopen(path, "r");
    while (file && fgets(line, sizeof line, file))
        if (strncmp(line, "read_bytes:", 11) == 0) bytes = strtod(line + 11, NULL);
    if (file) fclose(file);
    return bytes;
}

struct lap {
    int64_t done, time_ms;
    double cpu_us, read_bytes;
};

static struct lap lap_now(void) {
    return (struct lap){atomic_load(&pileup.done), clock_monotonic_ms(), broker_cpu_us(), broker_read_bytes()};
}

static double rate(struct lap from, struct lap to) {
    return to.time_ms > from.time_ms ? (double)(to.done - from.done) * 1000 / (double)(to.time_ms - from.time_ms) : 0;
}

static double cpu_us(struct lap from, struct lap to) {
    return to.done > from.done ? (to.cpu_us - from.cpu_us) / (double)(to.done - from.done) : 0;
}

static void print_lap(struct lap before, struct lap lap) {
    printf("%s %11" PRId64 "  %3.0f %%  %9.0f msg/s", pileup.sends ? "sent " : "drained", lap.done,
           100 * (double)lap.done / (double)pileup.messages, rate(before, lap));
    if (pileup.broker_pid)
        printf("  broker %.2f us/msg, %.0f MiB, pages of files %.0f MiB", cpu_us(before, lap), broker_mib("RssAnon:"),
               broker_mib("RssFile:"));
    putchar('\n');
    fflush(stdout);
}

/* Watches the threads work. The first and the last tenth are what counts. */
static void watch(void) {
    struct lap laps[LINES + 1] = {lap_now()};
    int count = 0;
    for (bool running = true; count < LINES && running;) {
        usleep(10000);
        running = atomic_load(&pileup.running) > 0; /* looked at first: what they did is then in `done` */
        struct lap lap = lap_now();
        if (lap.done * LINES < pileup.messages * (count + 1)) continue;
        print_lap(laps[count], lap);
        while (count < LINES && lap.done * LINES >= pileup.messages * (count + 1)) laps[++count] = lap;
    }
    if (count < LINES) {
        fprintf(stderr, "bench_pileup: %" PRId64 " messages of %" PRId64 "\n", atomic_load(&pileup.done),
                pileup.messages);
        atomic_store(&pileup.failed, true);
        return;
    }
    const struct lap *first = &laps[LINES / 10], *last = &laps[LINES - LINES / 10], *end = &laps[LINES];
    printf("%s %" PRId64 " messages at %.0f msg/s", pileup.sends ? "sent" : "drained", pileup.messages,
           rate(laps[0], *end));
    if (!pileup.sends) printf(", %.0f MB of it from the disk", (end->read_bytes - laps[0].read_bytes) / 1e6);
    printf("; first and last tenth: %.0f and %.0f msg/s (%.0f %%), broker %.2f and %.2f us/msg\n",
           rate(laps[0], *first), rate(*last, *end), 100 * rate(*last, *end) / MAX(rate(laps[0], *first), 1),
           cpu_us(laps[0], *first), cpu_us(*last, *end));
}

/* --- hot traffic ----------------------------------------------------------------------------------------- */

static int by_value(const void *a, const void *b) {
    const int64_t *left = a, *right = b;
    return *left < *right ? -1 : *left > *right;
}

/* Each message is due at its time: one that is late because the one before it took long counts from then. */
static void send_hot(void) {
    int64_t count = (int64_t)pileup.rate * pileup.seconds, *took_us = calloc((size_t)count, sizeof *took_us);
    must(took_us);
    rmq_message_t *message = rmq_message_create("PileUpHot", NULL, NULL, "xxxxxxxxxxxxxxxx", 16);
    int64_t start_us = clock_monotonic_ns() / 1000;
    for (int64_t i = 0; i < count && !atomic_load(&pileup.failed); i++) {
        int64_t due_us = start_us + i * 1000000 / pileup.rate, early_us = due_us - clock_monotonic_ns() / 1000;
        if (early_us > 0) usleep((useconds_t)early_us);
        if (rmq_producer_send(pileup.producer, message, NULL) != RMQ_OK) give_up("send");
        took_us[i] = clock_monotonic_ns() / 1000 - due_us;
    }
    qsort(took_us, (size_t)count, sizeof *took_us, by_value);
    printf("hot  %" PRId64 " messages at %d a second: answers after p50 %" PRId64 " us, p99 %" PRId64
           " us, p99.9 %" PRId64 " us, max %" PRId64 " us\n",
           count, pileup.rate, took_us[count / 2], took_us[count * 99 / 100], took_us[count * 999 / 1000],
           took_us[count - 1]);
    rmq_message_destroy(message);
    free(took_us);
}

/* --- main ------------------------------------------------------------------------------------------------ */

static bool parse(int argc, char **argv) {
    if (argc < 2) return false;
    pileup.sends = strcmp(argv[1], "send") == 0;
    pileup.hot = strcmp(argv[1], "hot") == 0;
    if (!pileup.sends && !pileup.hot && strcmp(argv[1], "drain") != 0) return false;
    for (int option; (option = getopt(argc - 1, argv + 1, "n:s:b:j:q:r:t:P:")) != -1;) {
        int64_t value = strtoll(optarg ? optarg : "0", NULL, 10);
        if (value <= 0) return false;
        if (option == 'n') pileup.messages = value;
        if (option == 's') pileup.body_bytes = (int)value;
        if (option == 'b') pileup.batch = (int)MIN(value, BATCH_MAX);
        if (option == 'j') pileup.threads = (int)MIN(value, THREADS_MAX);
        if (option == 'q') pileup.queues = (int)value;
        if (option == 'r') pileup.rate = (int)value;
        if (option == 't') pileup.seconds = (int)value;
        if (option == 'P') pileup.broker_pid = (int)value;
    }
    return true;
}

static rmq_error_t begin(void) {
    rmq_client_options_t options;
    rmq_client_options_init(&options);
    rmq_error_t error = rmq_client_create(&options, &pileup.client);
    if (error == RMQ_OK && pileup.sends) error = rmq_client_create_topic(pileup.client, NULL, topic, pileup.queues);
    if (error != RMQ_OK) return error;
    if (!pileup.sends && !pileup.hot) {
        error = rmq_client_subscribe_queues(pileup.client, topic, &pileup.list);
        return error == RMQ_OK ? rmq_pull_consumer_create(pileup.client, "pileup_drain", &pileup.consumer) : error;
    }
    rmq_producer_options_t producer;
    rmq_producer_options_init(&producer);
    producer.group = "pileup_send";
    producer.send_timeout_ms = 60000;
    return rmq_producer_create(pileup.client, &producer, &pileup.producer);
}

static void share_out(void) {
    pthread_t threads[THREADS_MAX];
    atomic_store(&pileup.running, pileup.threads);
    for (int i = 0; i < pileup.threads; i++)
        must(thread_start(&threads[i], "share", pileup.sends ? send_share : drain_share, NULL) == ERR_OK);
    watch();
    for (int i = 0; i < pileup.threads; i++) thread_join(threads[i]);
}

int main(int argc, char **argv) {
    if (!parse(argc, argv)) {
        fputs("usage: see the head of bench/pileup.c\n", stderr);
        return 2;
    }
    if (begin() != RMQ_OK) {
        give_up("start");
        return 1;
    }
    if (pileup.hot)
        send_hot();
    else
        share_out();
    rmq_queue_list_destroy(pileup.list);
    rmq_pull_consumer_destroy(pileup.consumer);
    rmq_producer_destroy(pileup.producer);
    rmq_client_destroy(pileup.client);
    return atomic_load(&pileup.failed) ? 1 : 0;
}
