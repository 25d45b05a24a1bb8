/* crowd.c - a crowd of clients in one process, to see what the work costs a server when there is more of it.
 *   bench_crowd MODE HOST:PORT [NAME=NUMBER ...]     pid=N adds CPU time and memory of that server
 * send      total messages of body bytes over conns connections, window in flight on each, to topics x queues
 * steady    the same at rate a second, if as many of the conns are free as are due; each has one in flight
 * pull      groups groups read the total messages of topic number topic, each with a connection a queue
 * hold      total long polls over conns connections at the queues of that topic, which are empty but for the first;
 *           then it waits for SIGTERM
 * join      conns consumers of one group send their heartbeat at once, and are told of those who came after them
 * register  conns brokers register topics topics each
 * route     a broker registers topics topics; then total queries for their routes over conns connections
 * Prints one line of NAME=NUMBER, response times with one in flight alone. Any error ends it with status 1. */
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/check.h"
#include "os/clock.h"
#include "remoting/remoting.h"
#include "wire/body_heartbeat.h"
#include "wire/body_register.h"
#include "wire/request.h"

enum { NAME_BYTES = 64, TIMEOUT_MS = 60000, SETTLE_MS = 300, HOLD_MS = 600000, PULL_COUNT = 32, SYS_FLAG_HOLD = 6 };

struct crowd;
struct client {
    struct crowd *crowd;
    struct remoting *remoting; /* its connection */
    int64_t number, asked_ns;  /* asked_ns: when it last asked */
    bool waits;                /* for an answer; steady */
    int64_t offset, left;      /* pull */
};
struct mode {
    const char *name;
    /* Sends the next request; false when this client has nothing to ask. */
    bool (*ask)(struct client *client);
    void (*answered)(struct client *client, const struct command *response);
    bool settles; /* ends when no notice has come for a while */
};
struct crowd {
    struct loop *loop;
    struct bytes address;
    const struct mode *mode;
    struct client *clients;
    int64_t total, conns, window, body, topics, topic, queues, groups, rate, pid; /* of the command line */
    int64_t asked, answered, in_flight, messages, notices, start_ns, end_ns;
    double start_cpu_s;
    bool registered;   /* route */
    bool ticks;        /* steady: there is more to come */
    uint32_t *took_us; /* of each answer */
    struct buf content;
    struct loop_timer settle, tick;
};

static void die(const char *why) {
    fprintf(stderr, "bench_crowd: %s\n", why);
    exit(1);
}

static struct bytes name_of(const char *what, int64_t number, char out[NAME_BYTES]) {
    return bytes_make(out, (size_t)snprintf(out, NAME_BYTES, "%s%lld", what, (long long)number));
}

/* --- the server ---------------------------------------------------------------------------------------------- */

/* CPU time of a thread of the server: the first number of its schedstat. */
static double thread_cpu_ns(const char *task_dir, const char *thread) {
    char path[2 * NAME_BYTES + 256];
    double ns = 0;
    snprintf(path, sizeof path, "%s/%s/schedstat", task_dir, thread);
    FILE *file = fopen(path, "r");
    if (!file) return 0;
    if (fscanf(file, "%lf", &ns) != 1) ns = 0;
    fclose(file);
    return ns;
}

/* Of all threads that live. */
static double server_cpu_s(const struct crowd *crowd) {
    char path[NAME_BYTES];
    double ns = 0;
    snprintf(path, sizeof path, "/proc/%lld/task", (long long)crowd->pid);
    DIR *dir = crowd->pid > 0 ? opendir(path) : NULL;
    if (!dir) return 0;
    for (const struct dirent *entry; (entry = readdir(dir));)
        if (entry->d_name[0] != '.') ns += thread_cpu_ns(path, entry->d_name);
    closedir(dir);
    return ns / 1e9;
}

static void begin(struct crowd *crowd) {
    crowd->asked = crowd->answered = 0;
    crowd->start_cpu_s = server_cpu_s(crowd);
    crowd->start_ns = crowd->end_ns = clock_monotonic_ns();
}

/* --- asking ------------------------------------------------------------------------------------------------- */

static void on_settled(struct loop_timer *timer) {
    loop_stop(CONTAINER_OF(timer, struct crowd, settle)->loop);
}

static void settle(struct crowd *crowd) {
    if (crowd->in_flight > 0 || crowd->ticks) return;
    if (crowd->mode->settles)
        loop_timer_start(crowd->loop, &crowd->settle, SETTLE_MS, 0, on_settled);
    else
        loop_stop(crowd->loop);
}

static void on_answer(void *ctx, enum err err, const struct command *response) {
    struct client *client = ctx;
    struct crowd *crowd = client->crowd;
    if (err != ERR_OK) die(err_detail(err));
    crowd->end_ns = clock_monotonic_ns();
    if (crowd->answered < crowd->total)
        crowd->took_us[crowd->answered] = (uint32_t)((crowd->end_ns - client->asked_ns) / 1000);
    crowd->answered++;
    crowd->in_flight--;
    crowd->mode->answered(client, response);
    (void)crowd->mode->ask(client);
    settle(crowd);
}

static void call(struct client *client, const struct outgoing *request, int64_t timeout_ms) {
    struct crowd *crowd = client->crowd;
    crowd->in_flight++;
    crowd->asked++;
    client->asked_ns = clock_monotonic_ns();
    remoting_call(client->remoting, crowd->address, request, timeout_ms, on_answer, client);
}

/* What brokers tell consumers. */
static void on_notice(struct request *request) {
    struct crowd *crowd = request->owner;
    crowd->notices++;
    crowd->end_ns = clock_monotonic_ns();
    settle(crowd);
}

static void must_succeed(struct client *client, const struct command *response) {
    (void)client;
    if (response->code == RESPONSE_SUCCESS) return;
    fprintf(stderr, "code %d: %.*s\n", response->code, BYTES_ARG(response->remark));
    die("the server refused");
}

/* --- modes -------------------------------------------------------------------------------------------------- */

static bool ask_send(struct client *client) {
    struct crowd *crowd = client->crowd;
    char topic[NAME_BYTES];
    if (crowd->asked >= crowd->total) return false;
    struct hdr_send_message_v2 header = {
        .present = HEADER_ALL,
        .producer_group = BYTES("crowd"),
        .topic = name_of("Crowd", crowd->asked % crowd->topics, topic),
        .default_topic = BYTES("TBW102"),
        .default_topic_queue_nums = (int32_t)crowd->queues,
        .queue_id = (int32_t)(crowd->asked / crowd->topics % crowd->queues),
        .born_timestamp = clock_wall_ms(),
        .properties = BYTES("WAIT\1true\2TAGS\1TagA\2"),
    };
    header.has.max_reconsume_times = false;
    struct outgoing request = {.code = REQUEST_SEND_MESSAGE_V2, .layout = layout_send_message_v2(), .fields = &header};
    request.body = buf_bytes(&crowd->content);
    call(client, &request, TIMEOUT_MS);
    return true;
}

/* Those that became due with this tick, each by a client that is free. */
static void on_tick(struct loop_timer *timer) {
    struct crowd *crowd = CONTAINER_OF(timer, struct crowd, tick);
    int64_t due = (clock_monotonic_ns() - crowd->start_ns) / 1000 * crowd->rate / 1000000;
    for (int64_t i = 0; i < crowd->conns && crowd->asked < MIN(due, crowd->total); i++) {
        struct client *client = &crowd->clients[i];
        if (!client->waits) client->waits = ask_send(client);
    }
    crowd->ticks = crowd->asked < crowd->total;
    if (!crowd->ticks) loop_timer_stop(&crowd->tick);
}

/* The ticks ask. */
static bool ask_steadily(struct client *client) {
    enum { TICK_MS = 1 };
    struct crowd *crowd = client->crowd;
    if (!crowd->ticks && crowd->asked == 0) {
        loop_timer_start(crowd->loop, &crowd->tick, TICK_MS, TICK_MS, on_tick);
        crowd->ticks = true;
    }
    return false;
}

static void sent_steadily(struct client *client, const struct command *response) {
    must_succeed(client, response);
    client->waits = false;
}

static void ask_pull_of(struct client *client, int64_t group, int64_t queue, int32_t sys_flag, int64_t timeout_ms) {
    char name[NAME_BYTES], topic[NAME_BYTES];
    struct hdr_pull_message header = {
        .present = HEADER_ALL,
        .consumer_group = name_of("crowd-", group, name),
        .topic = name_of("Crowd", client->crowd->topic, topic),
        .queue_id = (int32_t)queue,
        .queue_offset = client->offset,
        .max_msg_nums = PULL_COUNT,
        .sys_flag = sys_flag,
        .suspend_timeout_millis = HOLD_MS,
        .subscription = BYTES("*"),
        .expression_type = BYTES("TAG"),
    };
    header.has.max_msg_bytes = header.has.request_source = false;
    struct outgoing request = {.code = REQUEST_PULL_MESSAGE, .layout = layout_pull_message(), .fields = &header};
    call(client, &request, timeout_ms);
}

/* Client n reads queue n % queues for group n / queues. */
static bool ask_pull(struct client *client) {
    enum { SUBSCRIPTION = 4 };
    const struct crowd *crowd = client->crowd;
    if (client->left <= 0) return false;
    ask_pull_of(client, client->number / crowd->queues, client->number % crowd->queues, SUBSCRIPTION, TIMEOUT_MS);
    return true;
}

static void pulled(struct client *client, const struct command *response) {
    struct hdr_pull_result header;
    must_succeed(client, response);
    if (header_decode(layout_pull_result(), response, &header) != ERR_OK) die("bad answer to a pull");
    client->left -= header.next_begin_offset - client->offset;
    client->crowd->messages += header.next_begin_offset - client->offset;
    client->offset = header.next_begin_offset;
}

static bool ask_hold(struct client *client) {
    const struct crowd *crowd = client->crowd;
    if (crowd->asked >= crowd->total) return false;
    ask_pull_of(client, 0, 1 + crowd->asked % (crowd->queues - 1), SYS_FLAG_HOLD, 2 * HOLD_MS);
    return true;
}

static bool ask_join(struct client *client) {
    char id[NAME_BYTES];
    if (client->offset++ > 0) return false;
    struct subscription subscription = {.topic = BYTES("Crowd0"), .expression = BYTES("*")};
    struct consumer_data consumer = {.group = BYTES("crowd-join"),
                                     .type = CONSUME_PASSIVELY,
                                     .model = CLUSTERING,
                                     .subscriptions = &subscription,
                                     .subscription_count = 1};
    struct heartbeat heartbeat = {
        .client_id = name_of("client-", client->number, id), .consumers = &consumer, .consumer_count = 1};
    struct buf body = {0};
    heartbeat_encode(&heartbeat, &body);
    call(client, &(struct outgoing){.code = REQUEST_HEART_BEAT, .body = buf_bytes(&body)}, TIMEOUT_MS);
    buf_close(&body);
    return true;
}

static void make_topics(struct crowd *crowd) {
    struct arena arena = {0};
    struct topic_config *topics = arena_calloc(&arena, (size_t)crowd->topics, sizeof *topics);
    for (int64_t i = 0; i < crowd->topics; i++) {
        char name[NAME_BYTES];
        topics[i] = (struct topic_config){.name = arena_copy(&arena, name_of("Crowd", i, name)),
                                          .read_queue_nums = 8,
                                          .write_queue_nums = 8,
                                          .perm = 6};
    }
    struct register_body body = {.data_version = {.timestamp_ms = clock_wall_ms(), .counter = 1},
                                 .topics = topics,
                                 .topic_count = (size_t)crowd->topics};
    buf_clear(&crowd->content);
    register_body_encode(&body, &crowd->content);
    arena_close(&arena);
}

static bool ask_register(struct client *client) {
    struct crowd *crowd = client->crowd;
    char name[NAME_BYTES], address[NAME_BYTES];
    if (client->offset++ > 0) return false;
    if (crowd->asked == 0) make_topics(crowd);
    struct hdr_register_broker header = {.present = HEADER_ALL,
                                         .broker_name = name_of("broker-", client->number, name),
                                         .broker_addr = name_of("127.0.0.1:", 20000 + client->number, address),
                                         .cluster_name = BYTES("crowd"),
                                         .ha_server_addr = BYTES("127.0.0.1:1")};
    header.has.heartbeat_timeout_millis = header.has.body_crc32 = false;
    struct outgoing request = {.code = REQUEST_REGISTER_BROKER, .layout = layout_register_broker(), .fields = &header};
    request.body = buf_bytes(&crowd->content);
    call(client, &request, TIMEOUT_MS);
    return true;
}

/* The registration comes first, and alone; the broker is gone when its connection is. */
static bool ask_route(struct client *client) {
    struct crowd *crowd = client->crowd;
    char topic[NAME_BYTES];
    if (!crowd->registered) return client->number == 0 && ask_register(client);
    if (crowd->asked >= crowd->total) return false;
    struct hdr_get_routeinfo_by_topic header = {.present = HEADER_ALL,
                                                .topic = name_of("Crowd", crowd->asked % crowd->topics, topic)};
    struct outgoing request = {
        .code = REQUEST_GET_ROUTEINFO_BY_TOPIC, .layout = layout_get_routeinfo_by_topic(), .fields = &header};
    call(client, &request, TIMEOUT_MS);
    return true;
}

static void routed(struct client *client, const struct command *response) {
    struct crowd *crowd = client->crowd;
    must_succeed(client, response);
    if (crowd->registered) return;
    crowd->registered = true;
    begin(crowd);
    for (int64_t i = 1; i < crowd->conns; i++) (void)ask_route(&crowd->clients[i]);
}

static const struct mode modes[] = {
    {"send", ask_send, must_succeed, false},         {"pull", ask_pull, pulled, false},
    {"hold", ask_hold, must_succeed, false},         {"join", ask_join, must_succeed, true},
    {"register", ask_register, must_succeed, false}, {"route", ask_route, routed, false},
    {"steady", ask_steadily, sent_steadily, false},
};

/* --- the run ------------------------------------------------------------------------------------------------ */

static long server_anon_kib(const struct crowd *crowd) {
    char path[NAME_BYTES], line[256];
    long kib = 0;
    snprintf(path, sizeof path, "/proc/%lld/status", (long long)crowd->pid);
    FILE *file = crowd->pid > 0 ? fopen(path, "r") : NULL;
    if (!file) return 0;
    while (fgets(line, sizeof line, file)) (void)sscanf(line, "RssAnon: %ld", &kib);
    fclose(file);
    return kib;
}

static int by_value(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static void report(struct crowd *crowd) {
    size_t count = (size_t)MIN(crowd->answered, crowd->total);
    double seconds = (double)(crowd->end_ns - crowd->start_ns) / 1e9;
    int64_t work = crowd->messages > 0 ? crowd->messages : crowd->answered;
    double server_us = (server_cpu_s(crowd) - crowd->start_cpu_s) * 1e6 / (double)MAX(work, 1);
    qsort(crowd->took_us, count, sizeof *crowd->took_us, by_value);
    printf("work=%lld seconds=%.3f rate=%.0f server_us=%.2f anon_kib=%ld notices=%lld", (long long)work, seconds,
           (double)work / seconds, server_us, server_anon_kib(crowd), (long long)crowd->notices);
    if (count > 0 && crowd->window == 1)
        printf(" p50_us=%u p99_us=%u p999_us=%u max_us=%u", crowd->took_us[count / 2], crowd->took_us[count * 99 / 100],
               crowd->took_us[count * 999 / 1000], crowd->took_us[count - 1]);
    printf("\n");
    fflush(stdout);
}

static void read_options(struct crowd *crowd, int count, char **texts) {
    const struct {
        const char *name;
        int64_t *value;
    } options[] = {{"total=", &crowd->total},   {"conns=", &crowd->conns},   {"window=", &crowd->window},
                   {"body=", &crowd->body},     {"topic=", &crowd->topic},   {"topics=", &crowd->topics},
                   {"queues=", &crowd->queues}, {"groups=", &crowd->groups}, {"rate=", &crowd->rate},
                   {"pid=", &crowd->pid}};
    for (int t = 0; t < count; t++) {
        bool known = false;
        for (size_t i = 0; i < ARRAY_LEN(options) && !known; i++) {
            struct bytes text = bytes_of(texts[t]), name = bytes_of(options[i].name);
            known = bytes_starts_with(text, name) && bytes_to_i64(bytes_skip(text, name.len), options[i].value);
        }
        if (!known) die("usage: bench_crowd MODE HOST:PORT [NAME=NUMBER ...], see the head of crowd.c");
    }
}

static void raise_limits(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

static void make_clients(struct crowd *crowd) {
    struct remoting_options options = {
        .owner = crowd, .on_request = on_notice, .client_idle_ms = 2 * HOLD_MS, .connect_timeout_ms = TIMEOUT_MS};
    crowd->clients = calloc((size_t)crowd->conns, sizeof *crowd->clients);
    must(crowd->clients);
    for (int64_t i = 0; i < crowd->conns; i++) {
        struct client *client = &crowd->clients[i];
        *client = (struct client){.crowd = crowd, .number = i, .left = crowd->total / crowd->queues};
        must(remoting_create(crowd->loop, &options, &client->remoting) == ERR_OK);
    }
}

static void on_signal(void *arg, int signal_number) {
    (void)signal_number;
    loop_stop(arg);
}

int main(int argc, char **argv) {
    struct crowd crowd = {
        .total = 10000, .conns = 1, .window = 1, .body = 128, .topics = 1, .queues = 8, .groups = 1, .rate = 1000};
    if (argc < 3) die("usage: bench_crowd MODE HOST:PORT [NAME=NUMBER ...], see the head of crowd.c");
    for (size_t i = 0; i < ARRAY_LEN(modes); i++)
        if (bytes_is(bytes_of(argv[1]), modes[i].name)) crowd.mode = &modes[i];
    if (!crowd.mode) die("no such mode");
    crowd.address = bytes_of(argv[2]);
    read_options(&crowd, argc - 3, argv + 3);
    raise_limits();
    bool pulls = bytes_is(bytes_of(argv[1]), "pull"), holds = bytes_is(bytes_of(argv[1]), "hold");
    if (pulls) crowd.conns = crowd.groups * crowd.queues, crowd.window = 1;
    crowd.took_us = calloc((size_t)crowd.total, sizeof *crowd.took_us);
    must(crowd.took_us);
    memset(buf_reserve(&crowd.content, (size_t)crowd.body), 'x', (size_t)crowd.body);
    crowd.content.len = (size_t)crowd.body;
    must(loop_create("crowd", &crowd.loop) == ERR_OK);
    must(loop_on_signal(crowd.loop, SIGTERM, on_signal, crowd.loop) == ERR_OK);
    make_clients(&crowd);
    begin(&crowd);
    for (int64_t w = 0; w < (holds ? crowd.total : crowd.window); w++)
        for (int64_t i = 0; i < crowd.conns; i++) (void)crowd.mode->ask(&crowd.clients[i]);
    loop_run(crowd.loop);
    report(&crowd);
    return 0;
}
