/* client.c - life of a client: its threads, timers, and the jobs that other threads hand in. */
#include "client/client.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <ifaddrs.h>
#include <inttypes.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/check.h"
#include "base/log.h"
#include "client/client_requests.h"
#include "client/heartbeat.h"
#include "client/producer/producer.h"
#include "client/consumer/pull_consumer.h"
#include "client/consumer/push_consumer.h"
#include "client/consumer/rebalance.h"
#include "os/clock.h"

enum { REBALANCE_INTERVAL_MS = 20000, HEARTBEAT_FIRST_DELAY_MS = 1000, ROUTE_FIRST_DELAY_MS = 10000 };

struct rmq_message_queue message_queue_view(const struct message_queue *queue) {
    return (struct rmq_message_queue){queue->topic.data, queue->broker_name.data, queue->queue_id};
}

rmq_error_t client_check_name(const char *what, const char *name, size_t max_len) {
    if (!name || !*name) return report(RMQ_INVALID_ARGUMENT, "the %s must not be empty", what);
    if (strlen(name) > max_len) return report(RMQ_INVALID_ARGUMENT, "the %s is longer than %zu", what, max_len);
    for (const char *at = name; *at; at++) {
        if (!isalnum((unsigned char)*at) && !strchr("%|-_", *at))
            return report(RMQ_INVALID_ARGUMENT, "the %s \"%s\" has characters other than letters, digits and %%|-_",
                          what, name);
    }
    return RMQ_OK;
}

/* ---- jobs of other threads ----------------------------------------------------------------------------- */

static void run_jobs(struct loop_task *task) {
    struct rmq_client *client = CONTAINER_OF(task, struct rmq_client, jobs_task);
    struct job *job = job_list_take_all(&client->jobs);
    while (job) {
        struct job *next = job->next; /* its memory may be gone when it has run */
        job->run(job);
        job = next;
    }
}

void client_post(struct rmq_client *client, struct job *job) {
    job_list_put(&client->jobs, job);
    loop_post(client->loop, &client->jobs_task);
}

/* ---- timers -------------------------------------------------------------------------------------------- */

static void on_route_timer(struct loop_timer *timer) {
    routes_refresh(CONTAINER_OF(timer, struct rmq_client, route_timer));
}

static void on_heartbeat_timer(struct loop_timer *timer) {
    heartbeat_send(CONTAINER_OF(timer, struct rmq_client, heartbeat_timer), NULL);
}

static void on_offset_timer(struct loop_timer *timer) {
    struct rmq_client *client = CONTAINER_OF(timer, struct rmq_client, offset_timer);
    for (struct rmq_push_consumer *c = client->push_consumers; c; c = c->next) push_consumer_persist_offsets(c);
    for (struct rmq_pull_consumer *c = client->pull_consumers; c; c = c->next) pull_consumer_persist_offsets(c, NULL);
}

static void rebalance_all(struct rmq_client *client) {
    for (struct rmq_push_consumer *c = client->push_consumers; c; c = c->next) rebalance_start(c);
}

static void on_rebalance_timer(struct loop_timer *timer) {
    rebalance_all(CONTAINER_OF(timer, struct rmq_client, rebalance_timer));
}

static void on_rebalance_soon(struct loop_timer *timer) {
    struct rmq_client *client = CONTAINER_OF(timer, struct rmq_client, rebalance_soon_timer);
    client->rebalance_due_ms = 0;
    rebalance_all(client);
}

void client_rebalance_soon(struct rmq_client *client, int64_t delay_ms) {
    int64_t due_ms = loop_now_ms(client->loop) + delay_ms;
    if (client->stopping || (client->rebalance_due_ms != 0 && client->rebalance_due_ms <= due_ms)) return;
    client->rebalance_due_ms = due_ms;
    loop_timer_start(client->loop, &client->rebalance_soon_timer, delay_ms, 0, on_rebalance_soon);
}

void client_heartbeat_soon(struct rmq_client *client) {
    enum { AT_MOST_EVERY_MS = 1000 };
    int64_t now_ms = loop_now_ms(client->loop);
    if (now_ms < client->heartbeat_asked_ms + AT_MOST_EVERY_MS) return;
    client->heartbeat_asked_ms = now_ms;
    heartbeat_send(client, NULL);
}

static void start_on_loop(struct job *job) {
    struct waiting_call *call = CONTAINER_OF(job, struct waiting_call, job);
    struct rmq_client *client = call->client;
    loop_timer_start(client->loop, &client->route_timer, ROUTE_FIRST_DELAY_MS,
                     client->options.poll_name_server_interval_ms, on_route_timer);
    loop_timer_start(client->loop, &client->heartbeat_timer, HEARTBEAT_FIRST_DELAY_MS,
                     client->options.heartbeat_broker_interval_ms, on_heartbeat_timer);
    int32_t persist_ms = client->options.persist_consumer_offset_interval_ms;
    loop_timer_start(client->loop, &client->offset_timer, persist_ms, persist_ms, on_offset_timer);
    loop_timer_start(client->loop, &client->rebalance_timer, REBALANCE_INTERVAL_MS, REBALANCE_INTERVAL_MS,
                     on_rebalance_timer);
    waiting_call_end(call);
}

static void stop_on_loop(struct job *job) {
    struct waiting_call *call = CONTAINER_OF(job, struct waiting_call, job);
    struct rmq_client *client = call->client;
    client->stopping = true;
    struct loop_timer *timers[] = {&client->route_timer,     &client->heartbeat_timer,      &client->offset_timer,
                                   &client->rebalance_timer, &client->rebalance_soon_timer, &client->trace.linger};
    for (size_t i = 0; i < ARRAY_LEN(timers); i++) loop_timer_stop(timers[i]);
    remoting_destroy(client->remoting); /* ends all calls, which frees what waits for them */
    client->remoting = NULL;
    waiting_call_end(call);
}

/* ---- life ---------------------------------------------------------------------------------------------- */

void rmq_client_options_init(rmq_client_options_t *options) {
    *options = (rmq_client_options_t){.size = sizeof *options,
                                      .callback_threads = 2,
                                      .call_timeout_ms = 3000,
                                      .poll_name_server_interval_ms = 30000,
                                      .heartbeat_broker_interval_ms = 30000,
                                      .persist_consumer_offset_interval_ms = 5000};
}

static rmq_error_t check_options(const rmq_client_options_t *options) {
    if (!options || options->size != sizeof *options)
        return report(RMQ_INVALID_ARGUMENT, "the options were not set up by rmq_client_options_init");
    const int32_t positive[] = {options->callback_threads, options->call_timeout_ms,
                                options->poll_name_server_interval_ms, options->heartbeat_broker_interval_ms,
                                options->persist_consumer_offset_interval_ms};
    for (size_t i = 0; i < ARRAY_LEN(positive); i++) {
        if (positive[i] <= 0) return report(RMQ_INVALID_ARGUMENT, "a number of the client's options is not positive");
    }
    if (options->callback_threads > 256) return report(RMQ_INVALID_ARGUMENT, "more than 256 callback threads");
    if (options->trace_topic) return client_check_name("trace_topic", options->trace_topic, TOPIC_MAX_LEN);
    return RMQ_OK;
}

static char *text_of(const char *format, ...) __attribute__((format(printf, 1, 2)));
static char *text_of(const char *format, ...) {
    char *out = NULL;
    va_list args;
    va_start(args, format);
    must(vasprintf(&out, format, args) >= 0);
    va_end(args);
    return out;
}

/* The first IPv4 address that is not a loopback: what tells our host from others in the client id. */
static void own_address(char out[INET_ADDRSTRLEN]) {
    snprintf(out, INET_ADDRSTRLEN, "127.0.0.1");
    struct ifaddrs *all;
    if (getifaddrs(&all) != 0) return;
    for (struct ifaddrs *one = all; one; one = one->ifa_next) {
        if (!one->ifa_addr || one->ifa_addr->sa_family != AF_INET || one->ifa_flags & IFF_LOOPBACK) continue;
        inet_ntop(AF_INET, &((struct sockaddr_in *)(void *)one->ifa_addr)->sin_addr, out, INET_ADDRSTRLEN);
        break;
    }
    freeifaddrs(all);
}

static void make_names(struct rmq_client *client) {
    char ip[INET_ADDRSTRLEN];
    own_address(ip);
    const char *instance = client->options.instance_name, *home = getenv("HOME");
    client->id =
        instance ? text_of("%s@%s", ip, instance) : text_of("%s@%d#%" PRId64, ip, (int)getpid(), clock_monotonic_ns());
    char *dir = client->options.offset_dir ? text_of("%s", client->options.offset_dir)
                                           : text_of("%s/.rocketmq_offsets", home ? home : ".");
    client->offset_dir = text_of("%s/%s@%s", dir, ip, instance ? instance : "DEFAULT");
    free(dir);
}

static enum err start(struct rmq_client *client) {
    const char *name_servers = client->options.name_servers ? client->options.name_servers : getenv("NAMESRV_ADDR");
    TRY(routes_init(&client->routes, name_servers));
    TRY(loop_create("rmq-client", &client->loop));
    struct remoting_options remoting = {
        .owner = client, .on_request = client_on_request, .serialize = SERIALIZE_JSON, .language = LANGUAGE_OTHER};
    TRY(remoting_create(client->loop, &remoting, &client->remoting));
    TRY(job_pool_start(&client->callbacks, "rmq-callback", (size_t)client->options.callback_threads));
    client->inner_producer = producer_create_inner(client);
    return loop_start_thread(client->loop);
}

static void client_free(struct rmq_client *client) {
    job_pool_stop(&client->callbacks);
    if (client->remoting) remoting_destroy(client->remoting);
    if (client->loop) loop_destroy(client->loop);
    if (client->inner_producer) producer_free(client->inner_producer);
    trace_close(&client->trace);
    routes_close(&client->routes);
    names_close(&client->names);
    job_list_close(&client->jobs);
    free(client->id);
    free(client->offset_dir);
    free(client);
}

rmq_error_t rmq_client_create(const rmq_client_options_t *options, rmq_client_t **out) {
    rmq_error_t error = check_options(options);
    if (error != RMQ_OK) return error;
    outcome_log_defaults();
    struct rmq_client *client = calloc(1, sizeof *client);
    must(client);
    client->options = *options;
    client->jobs_task.run = run_jobs;
    job_list_init(&client->jobs);
    trace_open(&client->trace, client, options->trace_topic);
    make_names(client);
    enum err err = start(client);
    if (err != ERR_OK) {
        error = report_err(err);
        client_free(client);
        return error;
    }
    struct waiting_call call;
    waiting_call_run(client, &call, start_on_loop);
    *out = client;
    return RMQ_OK;
}

static void has_users(struct job *job) {
    struct waiting_call *call = CONTAINER_OF(job, struct waiting_call, job);
    struct rmq_client *client = call->client;
    if (client->producers->next || client->push_consumers || client->pull_consumers)
        outcome_fail(&call->outcome, RMQ_WRONG_STATE, "the client still has producers or consumers");
    waiting_call_end(call);
}

static void unregister_done(struct answers_wait *wait);
struct unregister_call {
    struct waiting_call call;
    struct answers_wait wait;
};

static void unregister_inner(struct job *job) {
    struct unregister_call *op = CONTAINER_OF(job, struct unregister_call, call.job);
    op->wait.done = unregister_done;
    heartbeat_unregister(op->call.client, bytes_of(INNER_PRODUCER_GROUP), (struct bytes){0}, &op->wait);
}

static void unregister_done(struct answers_wait *wait) {
    waiting_call_end(&CONTAINER_OF(wait, struct unregister_call, wait)->call);
}

void rmq_client_destroy(rmq_client_t *client) {
    if (!client) return;
    struct waiting_call call;
    must(waiting_call_run(client, &call, has_users) == RMQ_OK); /* producers and consumers are destroyed first */
    trace_flush(&client->trace);
    struct unregister_call unregister;
    waiting_call_run(client, &unregister.call, unregister_inner);
    waiting_call_run(client, &call, stop_on_loop);
    loop_stop(client->loop);
    loop_join(client->loop);
    client_free(client);
}

const char *rmq_client_id(const rmq_client_t *client) {
    return client->id;
}
