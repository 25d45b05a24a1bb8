/* broker.c - opening and closing in order; what the store tells is passed on to the reactors. */
#include "broker/broker.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/check.h"
#include "base/log.h"
#include "broker/clients/consumers.h"
#include "broker/delay/delay.h"
#include "broker/delay/timer.h"
#include "broker/tables/filter_data.h"
#include "broker/tables/groups.h"
#include "broker/transaction/half_messages.h"
#include "broker/pull/cold_control.h"
#include "broker/pull/held_pulls.h"
#include "broker/housekeeping.h"
#include "broker/lite/lite.h"
#include "broker/cluster_routes.h"
#include "broker/pop/held_pops.h"
#include "broker/pop/order_infos.h"
#include "broker/pop/request_modes.h"
#include "broker/pop/revive.h"
#include "broker/tables/offsets.h"
#include "broker/clients/order_locks.h"
#include "broker/send/parked_sends.h"
#include "broker/clients/producers.h"
#include "broker/reactor.h"
#include "broker/registration.h"
#include "broker/static_topic/mappings.h"
#include "broker/stats/stats.h"
#include "broker/tables/topic_counts.h"
#include "broker/tables/topics.h"
#include "broker/transaction/transaction_check.h"
#include "broker/work.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/thread.h"

enum { FAST_PORT_BELOW = 2, STOP_FLUSH_MS = 5000 };

bool broker_readable(const struct broker *broker) {
    return broker->config.broker_permission & PERM_READ;
}

bool broker_writable(const struct broker *broker) {
    return broker->config.broker_permission & PERM_WRITE;
}

int32_t random_below(int32_t count) {
    static _Thread_local uint64_t state; /* xorshift: spreads, hides nothing */
    if (count <= 1) return 0;
    while (state == 0) random_bytes(&state, sizeof state);
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (int32_t)((state >> 33) % (uint32_t)count);
}

const char *broker_config_file(const struct broker *broker, struct arena *arena, const char *name) {
    return arena_printf(arena, "%.*s/config/%s", BYTES_ARG(broker->store_config.store_path_root_dir), name).data;
}

/* --- what the store tells ---------------------------------------------------------------------------------- */
static void on_arrived(void *owner, struct queue *queue) {
    struct broker *broker = owner;
    uint64_t watchers = queue_watchers(queue);
    for (size_t i = 0; i < broker->reactor_count; i++)
        if (watchers & (uint64_t)1 << i) held_pulls_arrived(broker->reactors[i].held_pulls, queue);
    held_pops_news(broker, queue);
    if (watchers & QUEUE_WATCH_LITE && broker->lite) lite_arrived(broker->lite, queue);
}

static void on_flushed(void *owner, int64_t offset_phys) {
    struct broker *broker = owner;
    (void)offset_phys; /* the reactors ask the store themselves */
    for (size_t i = 0; i < broker->reactor_count; i++) parked_sends_flushed(broker->reactors[i].parked_sends);
}

static void on_failed(void *owner, const char *why) {
    struct broker *broker = owner;
    log_error(STORE, "the store takes no more messages until a restart: why=%s", why);
    for (size_t i = 0; i < broker->reactor_count; i++) parked_sends_failed(broker->reactors[i].parked_sends);
}

/* --- opening ----------------------------------------------------------------------------------------------- */
static void on_main_channel_closed(void *owner, struct remoting *remoting, uint64_t channel_id,
                                   const struct address *peer) {
    struct broker *broker = owner;
    (void)remoting;
    (void)channel_id;
    (void)peer;
    registration_channel_closed(broker->registration);
}

static void on_main_request(struct request *request) {
    remoting_reply_error(&request->to, fail(ERR_NOT_SUPPORTED, " request type %d not supported",
                                            request->command.code)); /* name servers ask us nothing */
}

static enum err open_network(struct broker *broker) {
    const struct broker_config *config = &broker->config;
    struct remoting_options options = {.owner = broker,
                                       .on_request = on_main_request,
                                       .on_closed = on_main_channel_closed,
                                       .language = LANGUAGE_OTHER};
    struct remoting *remotings[REACTORS_MAX];
    char host[256];
    TRY(loop_create("main", &broker->main_loop));
    TRY(remoting_create(broker->main_loop, &options, &broker->main_remoting));
    TRY(reactors_open(broker, (size_t)config->server_selector_threads));
    for (size_t i = 0; i < broker->reactor_count; i++) remotings[i] = broker->reactors[i].remoting;
    snprintf(host, sizeof host, "%.*s", BYTES_ARG(config->bind_address));
    TRY(remoting_listen(broker->main_loop, remotings, broker->reactor_count, host, (uint16_t)config->listen_port, false,
                        &broker->server));
    broker->port = remoting_server_port(broker->server);
    uint16_t fast_port = config->listen_port > FAST_PORT_BELOW ? (uint16_t)(broker->port - FAST_PORT_BELOW) : 0;
    return remoting_listen(broker->main_loop, remotings, broker->reactor_count, host, fast_port, true,
                           &broker->fast_server);
}

static enum err make_addresses(struct broker *broker) {
    const struct broker_config *config = &broker->config;
    int32_t ha_port = broker->store_config.ha_listen_port;
    if (ha_port <= 0) ha_port = broker->port + 1;
    snprintf(broker->address, sizeof broker->address, "%.*s:%u", BYTES_ARG(config->broker_ip1), broker->port);
    snprintf(broker->ha_address, sizeof broker->ha_address, "%.*s:%d", BYTES_ARG(config->broker_ip2), ha_port);
    if (host_parse(bytes_of(broker->address), &broker->store_host) == ERR_OK) return ERR_OK;
    return fail(ERR_BAD_CONFIG, "brokerIP1=%.*s is no IP address: set it to the address that clients reach",
                BYTES_ARG(config->broker_ip1));
}

/* The topics are known before the store is recovered: what kind of queues they have is an attribute. */
static enum err on_store_locked(void *owner) {
    struct broker *broker = owner;
    struct arena arena = {0};
    enum err err = file_make_dirs(broker_config_file(broker, &arena, ""));
    arena_close(&arena);
    return err == ERR_OK ? topics_open(broker, &broker->topics) : err;
}

static bool on_queue_kind(void *owner, struct bytes topic, enum queue_kind *out) {
    struct broker *broker = owner;
    return topics_queue_kind(broker->topics, topic, out);
}

static enum err open_parts(struct broker *broker) {
    const struct broker_config *config = &broker->config;
    struct store_events events = {.owner = broker,
                                  .locked = on_store_locked,
                                  .queue_kind = on_queue_kind,
                                  .arrived = on_arrived,
                                  .flushed = on_flushed,
                                  .failed = on_failed};
    TRY(store_open(&broker->store_config, &events, &broker->store));
    TRY(mappings_open(broker, &broker->mappings));
    TRY(groups_open(broker, &broker->groups));
    TRY(offsets_open(broker, &broker->offsets));
    TRY(producers_open(broker, &broker->producers));
    TRY(filter_data_open(broker, &broker->filter_data));
    TRY(consumers_open(broker, &broker->consumers));
    TRY(order_locks_open(broker, &broker->order_locks));
    TRY(cold_control_open(broker, &broker->cold_control));
    TRY(stats_open(broker, &broker->stats));
    TRY(work_open((size_t)config->admin_broker_thread_pool_nums,
                  (size_t)config->admin_broker_thread_pool_queue_capacity, &broker->work));
    TRY(delay_open(broker, &broker->delay));
    TRY(timer_open(broker, &broker->timer));
    TRY(request_modes_open(broker, &broker->request_modes));
    TRY(order_infos_open(broker, "consumerOrderInfo.json", &broker->order_infos));
    TRY(lite_open(broker, &broker->lite));
    TRY(revive_open(broker, &broker->revive));
    TRY(cluster_routes_open(broker, &broker->cluster_routes));
    TRY(topic_counts_open(broker, "transactionMetrics", "transactionCount", &broker->transaction_counts));
    TRY(half_messages_open(broker, &broker->half_messages));
    TRY(transaction_check_open(broker, &broker->transaction_check));
    return registration_open(broker, &broker->registration);
}

/* @source shared facts: behaviour 1.2 and 18 */
static enum err check_role(struct broker *broker) {
    if (bytes_is(broker->store_config.broker_role, "SLAVE"))
        return fail(ERR_BAD_CONFIG, "brokerRole=SLAVE is not supported: set ASYNC_MASTER or SYNC_MASTER");
    broker->config.broker_id = 0; /* a master has it whatever the file says */
    return ERR_OK;
}

/* --- stopping ---------------------------------------------------------------------------------------------- */
static void end_main_loop(struct broker *broker) {
    loop_stop(broker->main_loop);
}

static void go_away_over(struct loop_timer *timer) {
    registration_stop(CONTAINER_OF(timer, struct broker, stop_timer)->registration, end_main_loop);
}

static void begin_stop(struct loop_task *task) {
    struct broker *broker = CONTAINER_OF(task, struct broker, stop_task);
    if (atomic_exchange(&broker->stopping, true)) return;
    log_info(MAIN, "shutdown hook was invoked");
    int64_t wait_ms = broker->config.enable_shutdown_gracefully ? broker->config.shutdown_wait_s * 1000LL : 0;
    loop_timer_start(broker->main_loop, &broker->stop_timer, wait_ms, 0, go_away_over);
}

void broker_stop(struct broker *broker) {
    loop_post(broker->main_loop, &broker->stop_task);
}

static void on_signal(void *arg, int signal_number) {
    (void)signal_number;
    broker_stop(arg);
}

enum err broker_open(struct broker *broker) {
    broker->boot_time_ms = clock_wall_ms();
    broker->stop_task.run = begin_stop;
    enum err err = check_role(broker);
    if (err == ERR_OK) err = open_network(broker);
    if (err == ERR_OK) err = make_addresses(broker);
    if (err == ERR_OK) err = open_parts(broker);
    if (err == ERR_OK) err = reactors_start(broker);
    if (err == ERR_OK) err = revive_start(broker->revive);
    if (err == ERR_OK) {
        housekeeping_start(broker);
        return ERR_OK;
    }
    char *why = bytes_dup(bytes_of(err_detail(err))); /* closing may fail too */
    broker_close(broker);
    err = fail(err, "%s", why);
    free(why);
    return err;
}

enum err broker_run(struct broker *broker, void (*booted)(struct broker *broker)) {
    TRY(loop_on_signal(broker->main_loop, SIGTERM, on_signal, broker));
    TRY(loop_on_signal(broker->main_loop, SIGINT, on_signal, broker));
    registration_start(broker->registration, booted);
    loop_run(broker->main_loop);
    return ERR_OK;
}

/* --- closing: nobody asks any more, then the threads end, then the parts are saved, the store comes last ---- */
static void stop_threads(struct broker *broker) {
    atomic_store(&broker->stopping, true);
    if (broker->fast_server) remoting_server_close(broker->fast_server);
    if (broker->server) remoting_server_close(broker->server);
    if (broker->store && store_is_sync_flush(broker->store)) {
        struct store_facts facts;
        store_facts(broker->store, &facts);
        if (store_wait_flushed(broker->store, facts.max_phys, STOP_FLUSH_MS) != ERR_OK)
            log_warn(STORE, "not all is on disk: flushed=%" PRId64 " end=%" PRId64, facts.flushed_phys, facts.max_phys);
    }
    transaction_check_close(broker->transaction_check); /* it talks to clients */
    if (broker->work) work_stop(broker->work);
    revive_close(broker->revive); /* it wakes reactors */
    registration_halt(broker->registration);
    reactors_stop(broker);
    if (broker->main_remoting) remoting_destroy(broker->main_remoting);
}

void broker_close(struct broker *broker) {
    stop_threads(broker);
    half_messages_close(broker->half_messages);
    topic_counts_close(broker->transaction_counts);
    lite_close(broker->lite);
    order_infos_close(broker->order_infos);
    request_modes_close(broker->request_modes);
    timer_close(broker->timer);
    delay_close(broker->delay);
    work_close(broker->work);
    broker->work = NULL; /* files are saved by who closes now */
    stats_close(broker->stats);
    cold_control_close(broker->cold_control);
    order_locks_close(broker->order_locks);
    consumers_close(broker->consumers);
    filter_data_close(broker->filter_data);
    producers_close(broker->producers);
    offsets_close(broker->offsets);
    groups_close(broker->groups);
    mappings_close(broker->mappings);
    if (broker->topics) topics_save(broker->topics);
    if (broker->store) store_close(broker->store);
    topics_close(broker->topics); /* the store asks for them until it is closed */
    reactors_close(broker);
    if (broker->main_loop) loop_destroy(broker->main_loop);
    registration_close(broker->registration);
    cluster_routes_close(broker->cluster_routes);
}
