/* push_consumer.c - life of a push consumer: options, subscriptions, the steps of start and stop. */
#include "client/consumer/push_consumer.h"

#include <stdlib.h>
#include "base/check.h"
#include "base/log.h"
#include "client/consumer/offset_store.h"
#include "client/consumer/queue_locks.h"
#include "client/consumer/rebalance.h"
#include "os/clock.h"
#include "wire/request.h"

enum { BATCH_MAX = 1024, THREADS_MAX = 1024, LOCK_FIRST_DELAY_MS = 1000 };

/* ---- options ------------------------------------------------------------------------------------------- */

void rmq_push_consumer_options_init(rmq_push_consumer_options_t *options) {
    *options = (rmq_push_consumer_options_t){.size = sizeof *options,
                                             .message_model = RMQ_CLUSTERING,
                                             .consume_from_where = RMQ_CONSUME_FROM_LAST_OFFSET,
                                             .consume_time_ms = clock_wall_ms() - 30 * 60000,
                                             .allocate_strategy = RMQ_ALLOCATE_AVERAGELY,
                                             .consume_thread_count = 20,
                                             .consume_message_batch_max_size = 1,
                                             .pull_batch_size = 32,
                                             .pull_threshold_for_queue = 1000,
                                             .pull_threshold_size_mib_for_queue = 100,
                                             .consume_concurrently_max_span = 2000,
                                             .max_reconsume_times = -1,
                                             .suspend_current_queue_time_ms = 1000,
                                             .consume_timeout_minutes = 15};
}

static rmq_error_t check_options(const rmq_push_consumer_options_t *o) {
    if (!o || o->size != sizeof *o)
        return report(RMQ_INVALID_ARGUMENT, "the options were not set up by rmq_push_consumer_options_init");
    rmq_error_t error = client_check_name("group", o->group, GROUP_MAX_LEN);
    if (error != RMQ_OK) return error;
    if (!o->listener) return report(RMQ_INVALID_ARGUMENT, "the listener is not set");
    const struct {
        const char *name;
        int64_t value, min, max;
    } numbers[] = {
        {"message_model", o->message_model, RMQ_BROADCASTING, RMQ_CLUSTERING},
        {"consume_from_where", o->consume_from_where, RMQ_CONSUME_FROM_LAST_OFFSET, RMQ_CONSUME_FROM_TIMESTAMP},
        {"allocate_strategy", o->allocate_strategy, RMQ_ALLOCATE_AVERAGELY, RMQ_ALLOCATE_AVERAGELY_BY_CIRCLE},
        {"consume_thread_count", o->consume_thread_count, 1, THREADS_MAX},
        {"consume_message_batch_max_size", o->consume_message_batch_max_size, 1, BATCH_MAX},
        {"pull_batch_size", o->pull_batch_size, 1, BATCH_MAX},
        {"pull_interval_ms", o->pull_interval_ms, 0, 65535},
        {"pull_threshold_for_queue", o->pull_threshold_for_queue, 1, 65535},
        {"pull_threshold_size_mib_for_queue", o->pull_threshold_size_mib_for_queue, 1, 1024},
        {"consume_concurrently_max_span", o->consume_concurrently_max_span, 1, 65535},
        {"max_reconsume_times", o->max_reconsume_times, -1, INT32_MAX},
        {"suspend_current_queue_time_ms", o->suspend_current_queue_time_ms, 10, 30000},
        {"consume_timeout_minutes", o->consume_timeout_minutes, 1, 525600},
    };
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        if (numbers[i].value < numbers[i].min || numbers[i].value > numbers[i].max)
            return report(RMQ_INVALID_ARGUMENT, "%s must be from %lld to %lld", numbers[i].name,
                          (long long)numbers[i].min, (long long)numbers[i].max);
    }
    return RMQ_OK;
}

/* ---- references ---------------------------------------------------------------------------------------- */

static void subscribed_free(struct subscribed *subscribed) {
    arena_close(&subscribed->arena);
    free(subscribed);
}

static void free_consumer(struct rmq_push_consumer *consumer) {
    while (consumer->subscriptions) {
        struct subscribed *subscribed = consumer->subscriptions;
        consumer->subscriptions = subscribed->next;
        subscribed_free(subscribed);
    }
    offset_store_close(consumer);
    consume_close(consumer);
    free((char *)(uintptr_t)consumer->group.data);
    free((char *)(uintptr_t)consumer->retry_topic.data);
    free(consumer);
}

void push_consumer_hold(struct rmq_push_consumer *consumer) {
    consumer->refs++;
}

void push_consumer_release(struct rmq_push_consumer *consumer) {
    if (--consumer->refs == 0) free_consumer(consumer);
}

bool push_consumer_is_clustering(const struct rmq_push_consumer *consumer) {
    return consumer->options.message_model == RMQ_CLUSTERING;
}

bool push_consumer_is_online(const struct rmq_push_consumer *consumer) {
    return consumer->state == CONSUMER_STARTING || consumer->state == CONSUMER_RUNNING;
}

struct rmq_push_consumer *push_consumer_find(struct rmq_client *client, struct bytes group) {
    for (struct rmq_push_consumer *c = client->push_consumers; c; c = c->next) {
        if (bytes_equal(c->group, group)) return c;
    }
    return NULL;
}

/* ---- subscriptions ------------------------------------------------------------------------------------- */

struct subscribed *push_consumer_subscribed(struct rmq_push_consumer *consumer, struct bytes topic) {
    for (struct subscribed *s = consumer->subscriptions; s; s = s->next) {
        if (bytes_equal(s->data.topic, topic)) return s;
    }
    return NULL;
}

void push_consumer_describe(const struct rmq_push_consumer *consumer, struct arena *arena, struct consumer_data *out) {
    static const enum consume_from_where where[] = {[RMQ_CONSUME_FROM_LAST_OFFSET] = CONSUME_FROM_LAST_OFFSET,
                                                    [RMQ_CONSUME_FROM_FIRST_OFFSET] = CONSUME_FROM_FIRST_OFFSET,
                                                    [RMQ_CONSUME_FROM_TIMESTAMP] = CONSUME_FROM_TIMESTAMP};
    size_t count = 0;
    for (const struct subscribed *s = consumer->subscriptions; s; s = s->next) count++;
    struct subscription *subscriptions = arena_calloc(arena, count + 1, sizeof *subscriptions);
    count = 0;
    for (const struct subscribed *s = consumer->subscriptions; s; s = s->next) subscriptions[count++] = s->data;
    *out = (struct consumer_data){.group = consumer->group,
                                  .type = CONSUME_PASSIVELY,
                                  .model = push_consumer_is_clustering(consumer) ? CLUSTERING : BROADCASTING,
                                  .from_where = where[consumer->options.consume_from_where],
                                  .subscriptions = subscriptions,
                                  .subscription_count = count};
}

static enum err make_subscribed(struct bytes topic, struct bytes expression, struct bytes type,
                                struct subscribed **out) {
    struct subscribed *made = calloc(1, sizeof *made);
    must(made);
    enum err err =
        subscription_parse(&made->arena, arena_copy(&made->arena, topic), arena_copy(&made->arena, expression),
                           arena_copy(&made->arena, type), &made->data);
    if (err != ERR_OK) {
        subscribed_free(made);
        return err;
    }
    made->data.version_ms = clock_wall_ms();
    *out = made;
    return ERR_OK;
}

static void remove_topic(struct rmq_push_consumer *consumer, struct bytes topic) {
    for (struct subscribed **at = &consumer->subscriptions; *at; at = &(*at)->next) {
        struct subscribed *found = *at;
        if (!bytes_equal(found->data.topic, topic)) continue;
        *at = found->next;
        subscribed_free(found);
        return;
    }
}

static void add_subscribed(struct rmq_push_consumer *consumer, struct subscribed *subscribed) {
    remove_topic(consumer, subscribed->data.topic);
    subscribed->next = consumer->subscriptions;
    consumer->subscriptions = subscribed;
}

struct subscribe_call {
    struct waiting_call call;
    struct rmq_push_consumer *consumer;
    struct bytes topic;
    struct subscribed *subscribed; /* NULL: unsubscribe */
    struct answers_wait wait;
};

static void on_told(struct answers_wait *wait) {
    struct subscribe_call *op = CONTAINER_OF(wait, struct subscribe_call, wait);
    rebalance_start(op->consumer);
    waiting_call_end(&op->call);
}

static void subscribe_on_loop(struct job *job) {
    struct subscribe_call *op = CONTAINER_OF(job, struct subscribe_call, call.job);
    if (op->subscribed)
        add_subscribed(op->consumer, op->subscribed);
    else
        remove_topic(op->consumer, op->topic);
    if (!push_consumer_is_online(op->consumer)) {
        waiting_call_end(&op->call);
        return;
    }
    op->wait.done = on_told;
    heartbeat_send(op->consumer->client, &op->wait); /* before queues are pulled with it */
}

static rmq_error_t subscribe(rmq_push_consumer_t *consumer, const char *topic, const char *expression,
                             const char *type) {
    rmq_error_t error = client_check_name("topic", topic, TOPIC_MAX_LEN);
    if (error != RMQ_OK) return error;
    struct subscribe_call op = {.consumer = consumer};
    enum err err = make_subscribed(bytes_of(topic), bytes_of(expression), bytes_of(type), &op.subscribed);
    return err != ERR_OK ? report_err(err) : waiting_call_run(consumer->client, &op.call, subscribe_on_loop);
}

rmq_error_t rmq_push_consumer_subscribe(rmq_push_consumer_t *consumer, const char *topic, const char *tags) {
    return subscribe(consumer, topic, tags, "TAG");
}

rmq_error_t rmq_push_consumer_subscribe_sql(rmq_push_consumer_t *consumer, const char *topic, const char *condition) {
    if (!condition || !*condition) return report(RMQ_INVALID_ARGUMENT, "no condition");
    return subscribe(consumer, topic, condition, "SQL92");
}

rmq_error_t rmq_push_consumer_unsubscribe(rmq_push_consumer_t *consumer, const char *topic) {
    if (!topic) return report(RMQ_INVALID_ARGUMENT, "no topic");
    struct subscribe_call op = {.consumer = consumer, .topic = bytes_of(topic)};
    return waiting_call_run(consumer->client, &op.call, subscribe_on_loop);
}

/* ---- creating ------------------------------------------------------------------------------------------ */

struct consumer_call {
    struct waiting_call call;
    struct rmq_push_consumer *consumer;
    bool suspend;
};

static void add_on_loop(struct job *job) {
    struct consumer_call *op = CONTAINER_OF(job, struct consumer_call, call.job);
    struct rmq_client *client = op->call.client;
    if (push_consumer_find(client, op->consumer->group)) {
        outcome_fail(&op->call.outcome, RMQ_WRONG_STATE, "the client has a consumer of group %.*s already",
                     BYTES_ARG(op->consumer->group));
    } else {
        op->consumer->next = client->push_consumers;
        client->push_consumers = op->consumer;
    }
    waiting_call_end(&op->call);
}

rmq_error_t rmq_push_consumer_create(rmq_client_t *client, const rmq_push_consumer_options_t *options,
                                     rmq_push_consumer_t **out) {
    rmq_error_t error = check_options(options);
    if (error != RMQ_OK) return error;
    struct rmq_push_consumer *consumer = calloc(1, sizeof *consumer);
    must(consumer);
    consumer->client = client;
    consumer->options = *options;
    consumer->refs = 1;
    consumer->group = bytes_of(bytes_dup(bytes_of(options->group)));
    struct buf retry = {0};
    buf_printf(&retry, "%s%s", RETRY_TOPIC_PREFIX, options->group);
    consumer->retry_topic = bytes_of(bytes_dup(buf_bytes(&retry)));
    buf_close(&retry);
    consume_init(consumer);
    error = report_err(offset_store_load(consumer));
    struct consumer_call op = {.consumer = consumer};
    if (error == RMQ_OK) error = waiting_call_run(client, &op.call, add_on_loop);
    if (error != RMQ_OK)
        free_consumer(consumer);
    else
        *out = consumer;
    return error;
}

/* ---- starting ------------------------------------------------------------------------------------------ */

struct start_call {
    struct waiting_call call;
    struct rmq_push_consumer *consumer;
    struct arena arena;
    struct bytes *topics; /* subscribed when the start began */
    size_t topic_count, at;
    struct route_wait route;
    struct answers_wait heartbeat;
    struct broker_call check;
    struct buf check_body;
};

static void on_expire_timer(struct loop_timer *timer) {
    consume_concurrently_expire(CONTAINER_OF(timer, struct rmq_push_consumer, expire_timer));
}

static void on_lock_timer(struct loop_timer *timer) {
    queue_locks_renew(CONTAINER_OF(timer, struct rmq_push_consumer, lock_timer));
}

static void on_stats_timer(struct loop_timer *timer) {
    struct rmq_push_consumer *consumer = CONTAINER_OF(timer, struct rmq_push_consumer, stats_timer);
    int64_t now_ms = loop_now_ms(consumer->client->loop);
    for (struct subscribed *s = consumer->subscriptions; s; s = s->next) consume_stats_sample(&s->stats, now_ms);
}

static void start_timers(struct rmq_push_consumer *consumer) {
    struct loop *loop = consumer->client->loop;
    int64_t expire_ms = (int64_t)consumer->options.consume_timeout_minutes * 60000;
    if (!consumer->options.orderly)
        loop_timer_start(loop, &consumer->expire_timer, expire_ms, expire_ms, on_expire_timer);
    else if (push_consumer_is_clustering(consumer))
        loop_timer_start(loop, &consumer->lock_timer, LOCK_FIRST_DELAY_MS, LOCK_INTERVAL_MS, on_lock_timer);
    loop_timer_start(loop, &consumer->stats_timer, 0, STATS_INTERVAL_MS, on_stats_timer);
}

static void on_all_told(struct answers_wait *wait) {
    struct start_call *op = CONTAINER_OF(wait, struct start_call, heartbeat);
    op->consumer->state = CONSUMER_RUNNING;
    op->consumer->rebalance.first_round = &op->call;
    rebalance_start(op->consumer);
}

static void conditions_checked(struct start_call *op) {
    op->heartbeat.done = on_all_told;
    heartbeat_send(op->call.client, &op->heartbeat);
}

static void check_next(struct start_call *op);

static void on_checked(struct broker_call *call, const struct command *response) {
    struct start_call *op = CONTAINER_OF(call, struct start_call, check);
    buf_close(&op->check_body);
    if (call->outcome.error == RMQ_OK && response->code != RESPONSE_SUCCESS) {
        outcome_response(&op->call.outcome, response);
        op->consumer->state = CONSUMER_STOPPED;
        waiting_call_end(&op->call);
        return;
    }
    op->at++;
    check_next(op);
}

static void encode_check(struct start_call *op, const struct subscribed *subscribed) {
    struct json_writer w = {.out = &op->check_body};
    json_begin_object(&w);
    json_member(&w, "clientId", bytes_of(op->call.client->id));
    json_member(&w, "group", op->consumer->group);
    json_key_text(&w, "subscriptionData");
    subscription_encode(&w, &subscribed->data);
    json_end_object(&w);
}

/* A broker of each topic compiles the condition, so that a wrong one is told now and not pull by pull. */
static void check_next(struct start_call *op) {
    struct rmq_client *client = op->call.client;
    const struct subscribed *subscribed = NULL;
    const struct route *route = NULL;
    for (; op->at < op->topic_count && !route; op->at += !route) {
        subscribed = push_consumer_subscribed(op->consumer, op->topics[op->at]);
        if (subscribed && !subscription_is_tag(&subscribed->data)) route = route_find(client, op->topics[op->at]);
    }
    if (!route) {
        conditions_checked(op);
        return;
    }
    encode_check(op, subscribed);
    op->check =
        (struct broker_call){.client = client,
                             .broker_name = route->broker_names[0],
                             .request = {.code = REQUEST_CHECK_CLIENT_CONFIG, .body = buf_bytes(&op->check_body)},
                             .done = on_checked};
    broker_call(&op->check);
}

static void fetch_next(struct start_call *op);

static void on_start_route(struct route_wait *wait, struct route *route, const struct outcome *outcome) {
    struct start_call *op = CONTAINER_OF(wait, struct start_call, route);
    (void)route;
    if (outcome->error != RMQ_OK && outcome->error != RMQ_NO_ROUTE)
        log_warn(CLIENT, "route not known at start: %s", outcome->detail);
    op->at++;
    fetch_next(op);
}

static void fetch_next(struct start_call *op) {
    if (op->at == op->topic_count) {
        op->at = 0;
        check_next(op);
        return;
    }
    op->route.done = on_start_route;
    routes_fetch(op->call.client, op->topics[op->at], &op->route);
}

static void note_topics(struct start_call *op) {
    for (const struct subscribed *s = op->consumer->subscriptions; s; s = s->next) op->topic_count++;
    op->topics = arena_calloc(&op->arena, op->topic_count, sizeof *op->topics);
    size_t i = 0;
    for (const struct subscribed *s = op->consumer->subscriptions; s; s = s->next)
        op->topics[i++] = arena_copy(&op->arena, s->data.topic);
}

static void start_on_loop(struct job *job) {
    struct start_call *op = CONTAINER_OF(job, struct start_call, call.job);
    struct rmq_push_consumer *consumer = op->consumer;
    if (consumer->state != CONSUMER_CREATED || !consumer->subscriptions) {
        outcome_fail(&op->call.outcome, RMQ_WRONG_STATE,
                     consumer->subscriptions ? "started already" : "nothing is subscribed");
        waiting_call_end(&op->call);
        return;
    }
    enum err err = consume_start(consumer);
    struct subscribed *retry;
    if (err == ERR_OK && push_consumer_is_clustering(consumer)) {
        err = make_subscribed(consumer->retry_topic, BYTES("*"), BYTES("TAG"), &retry);
        if (err == ERR_OK) add_subscribed(consumer, retry);
    }
    if (outcome_err(&op->call.outcome, err) != RMQ_OK) {
        waiting_call_end(&op->call);
        return;
    }
    consumer->state = CONSUMER_STARTING;
    consumer->start_ms = clock_wall_ms();
    start_timers(consumer);
    note_topics(op);
    fetch_next(op);
}

rmq_error_t rmq_push_consumer_start(rmq_push_consumer_t *consumer) {
    struct start_call op = {.consumer = consumer};
    rmq_error_t error = waiting_call_run(consumer->client, &op.call, start_on_loop);
    arena_close(&op.arena);
    return error;
}

/* ---- pausing ------------------------------------------------------------------------------------------- */

static void suspend_on_loop(struct job *job) {
    struct consumer_call *op = CONTAINER_OF(job, struct consumer_call, call.job);
    op->consumer->suspended = op->suspend;
    if (!op->suspend) rebalance_start(op->consumer);
    waiting_call_end(&op->call);
}

static void set_suspended(rmq_push_consumer_t *consumer, bool suspend) {
    struct consumer_call op = {.consumer = consumer, .suspend = suspend};
    waiting_call_run(consumer->client, &op.call, suspend_on_loop);
}

void rmq_push_consumer_suspend(rmq_push_consumer_t *consumer) {
    set_suspended(consumer, true);
}

void rmq_push_consumer_resume(rmq_push_consumer_t *consumer) {
    set_suspended(consumer, false);
}

/* ---- offsets ------------------------------------------------------------------------------------------- */

void push_consumer_persist_offsets(struct rmq_push_consumer *consumer) {
    for (struct process_queue *queue = consumer->queues; queue; queue = queue->next) offset_store_persist(queue, NULL);
    if (!push_consumer_is_clustering(consumer)) offset_store_save(consumer);
}

/* ---- stopping: no new work, threads end, what they gave back is settled, offsets, brokers told ------------ */

static void stop_on_loop(struct job *job) {
    struct consumer_call *op = CONTAINER_OF(job, struct consumer_call, call.job);
    struct rmq_push_consumer *consumer = op->consumer;
    consumer->state = CONSUMER_STOPPED;
    loop_timer_stop(&consumer->expire_timer);
    loop_timer_stop(&consumer->lock_timer);
    loop_timer_stop(&consumer->stats_timer);
    consume_concurrently_cancel(consumer);
    waiting_call_end(&op->call);
}

static void settle_on_loop(struct job *job) {
    struct consumer_call *op = CONTAINER_OF(job, struct consumer_call, call.job);
    op->consumer->stop.call = &op->call;
    consume_settle_last(op->consumer);
}

static void on_unregistered(struct answers_wait *wait) {
    struct rmq_push_consumer *consumer = CONTAINER_OF(wait, struct rmq_push_consumer, stop.wait);
    struct waiting_call *call = consumer->stop.call;
    consumer->stop.call = NULL;
    waiting_call_end(call);
}

/* Others take the queues when this consumer goes, and must find its offsets. */
static void on_offsets_stored(struct answers_wait *wait) {
    struct rmq_push_consumer *consumer = CONTAINER_OF(wait, struct rmq_push_consumer, stop.wait);
    while (consumer->queues) {
        consumer->queues->commit_offset = -1; /* already stored */
        rebalance_drop_queue(consumer->queues);
    }
    wait->done = on_unregistered;
    heartbeat_unregister(consumer->client, (struct bytes){0}, consumer->group, wait);
}

void push_consumer_settled(struct rmq_push_consumer *consumer) {
    if (consumer->stop.settled || consumer->stop.sending_back > 0) return;
    consumer->stop.settled = true;
    consume_discard(consumer);
    struct answers_wait *wait = &consumer->stop.wait;
    wait->done = on_offsets_stored;
    answers_wait_begin(wait);
    for (struct process_queue *queue = consumer->queues; queue; queue = queue->next) offset_store_persist(queue, wait);
    answers_wait_end(wait);
}

static void save_on_loop(struct job *job) {
    struct consumer_call *op = CONTAINER_OF(job, struct consumer_call, call.job);
    op->consumer->local.waiter = &op->call;
    offset_store_save(op->consumer);
}

static void remove_on_loop(struct job *job) {
    struct consumer_call *op = CONTAINER_OF(job, struct consumer_call, call.job);
    struct rmq_push_consumer **at = &op->call.client->push_consumers;
    while (*at != op->consumer) at = &(*at)->next;
    *at = op->consumer->next;
    push_consumer_release(op->consumer);
    waiting_call_end(&op->call);
}

void rmq_push_consumer_destroy(rmq_push_consumer_t *consumer) {
    if (!consumer) return;
    struct consumer_call op = {.consumer = consumer};
    waiting_call_run(consumer->client, &op.call, stop_on_loop);
    consume_stop(consumer);
    waiting_call_run(consumer->client, &op.call, settle_on_loop);
    if (!push_consumer_is_clustering(consumer)) waiting_call_run(consumer->client, &op.call, save_on_loop);
    waiting_call_run(consumer->client, &op.call, remove_on_loop);
}
