/* queue_list.c - copies of the queues of a route for users, who may keep them. */
#include "client/queue_list.h"

#include <stdlib.h>
#include "base/check.h"
#include "client/client.h"

static rmq_queue_list_t *make(const struct message_queue *queues, size_t count) {
    size_t text_len = 0;
    for (size_t i = 0; i < count; i++) text_len += queues[i].topic.len + queues[i].broker_name.len + 2;
    rmq_queue_list_t *list = malloc(sizeof *list + count * sizeof *list->queues + text_len);
    must(list);
    list->count = count;
    list->queues = (rmq_message_queue_t *)(void *)(list + 1);
    char *at = (char *)(list->queues + count);
    for (size_t i = 0; i < count; i++) {
        list->queues[i] = (rmq_message_queue_t){at, at + queues[i].topic.len + 1, queues[i].queue_id};
        memcpy(at, queues[i].topic.data, queues[i].topic.len + 1);
        at += queues[i].topic.len + 1;
        memcpy(at, queues[i].broker_name.data, queues[i].broker_name.len + 1);
        at += queues[i].broker_name.len + 1;
    }
    return list;
}

void rmq_queue_list_destroy(rmq_queue_list_t *list) {
    free(list);
}

struct queues_call {
    struct waiting_call call;
    struct route_wait wait;
    struct bytes topic, key_topic;
    int32_t queue_count;
    bool known_is_enough, subscribe, asked_default;
    rmq_queue_list_t *list;
};

static bool take(struct queues_call *op, const struct route *route) {
    if (!route) return false;
    size_t count = op->subscribe ? route->subscribe_count : route->publish_count;
    if (count == 0) return false;
    op->list = make(op->subscribe ? route->subscribe : route->publish, count);
    outcome_ok(&op->call.outcome);
    return true;
}

static void on_route(struct route_wait *wait, struct route *route, const struct outcome *outcome) {
    struct queues_call *op = CONTAINER_OF(wait, struct queues_call, wait);
    op->call.outcome = *outcome;
    if (!take(op, route)) {
        if (op->call.outcome.error == RMQ_OK)
            outcome_fail(&op->call.outcome, RMQ_NO_ROUTE, "topic %.*s has no such queues", BYTES_ARG(op->topic));
        if (op->call.outcome.error == RMQ_NO_ROUTE && op->key_topic.data && !op->asked_default) {
            op->asked_default = true;
            routes_fetch_default(op->call.client, op->topic, op->key_topic, op->queue_count, wait);
            return;
        }
    }
    waiting_call_end(&op->call);
}

static void fetch_on_loop(struct job *job) {
    struct queues_call *op = CONTAINER_OF(job, struct queues_call, call.job);
    if (op->known_is_enough && take(op, route_find(op->call.client, op->topic))) {
        waiting_call_end(&op->call);
        return;
    }
    op->wait.done = on_route;
    routes_fetch(op->call.client, op->topic, &op->wait);
}

static rmq_error_t run(rmq_client_t *client, const char *topic, struct queues_call *op, rmq_queue_list_t **list) {
    rmq_error_t error = client_check_name("topic", topic, GROUP_MAX_LEN); /* also the retry topic of a group */
    if (error != RMQ_OK) return error;
    op->topic = bytes_of(topic);
    error = waiting_call_run(client, &op->call, fetch_on_loop);
    if (error == RMQ_OK) *list = op->list;
    return error;
}

rmq_error_t queue_list_fetch(rmq_client_t *client, const char *topic, const char *key_topic, int32_t queue_count,
                             rmq_queue_list_t **list) {
    struct queues_call op = {.key_topic = bytes_of(key_topic), .queue_count = queue_count, .known_is_enough = true};
    return run(client, topic, &op, list);
}

rmq_error_t rmq_client_publish_queues(rmq_client_t *client, const char *topic, rmq_queue_list_t **list) {
    struct queues_call op = {0};
    return run(client, topic, &op, list);
}

rmq_error_t rmq_client_subscribe_queues(rmq_client_t *client, const char *topic, rmq_queue_list_t **list) {
    struct queues_call op = {.subscribe = true};
    return run(client, topic, &op, list);
}
