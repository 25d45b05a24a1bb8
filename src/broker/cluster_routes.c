/* cluster_routes.c - questions to name servers, and their last answers */
#include "broker/cluster_routes.h"

#include <stdlib.h>
#include <uthash.h>
#include "base/check.h"
#include "base/log.h"
#include "broker/tables/topics.h"
#include "os/clock.h"
#include "wire/body_topic_route.h"
#include "wire/request.h"

enum { ASK_TIMEOUT_MS = 3000, KEPT_MS = 5000, ANSWERS_MAX = 10000 };

/* The last answer about a topic. */
struct answer {
    UT_hash_handle hh;
    char *topic; /* the key */
    struct arena arena;
    struct cluster_route route;
    int64_t time_ms;
};

struct cluster_routes {
    struct broker *broker;
    struct answer *answers; /* @thread main loop */
};

/* One question on its way: from its reactor to the main loop, to one name server after the other, and back. */
struct question {
    struct cluster_routes *routes;
    struct reactor *reactor;
    char *topic;
    cluster_routes_done *done;
    void *arg;
    struct bytes servers_left; /* of namesrvAddr */
    struct arena arena;        /* of the result */
    struct cluster_route route;
    struct loop_task task;
};

/* --- the end ----------------------------------------------------------------------------------------------- */

/* On the reactor; or, with NULL, when it stops. */
static void question_end(struct reactor *reactor, void *arg) {
    struct question *question = arg;
    question->done(reactor, &question->route, question->arg);
    arena_close(&question->arena);
    free(question->topic);
    free(question);
}

/* What we know ourselves, when no name server knows anything. */
static void take_own(struct question *question) {
    const struct broker *broker = question->routes->broker;
    struct topic *topic = topics_find(broker->topics, bytes_of(question->topic));
    if (!topic || !(topic->perm & PERM_READ)) return;
    size_t count = (size_t)MAX(atomic_load(&topic->read_queues), 0);
    struct message_queue *queues = arena_calloc(&question->arena, count + 1, sizeof *queues);
    for (size_t i = 0; i < count; i++)
        queues[i] = (struct message_queue){topic_name(topic), broker->config.broker_name, (int32_t)i};
    question->route.queues = queues;
    question->route.count = count;
}

static void copy_queues(struct question *question, const struct cluster_route *from) {
    struct message_queue *queues = arena_calloc(&question->arena, from->count + 1, sizeof *queues);
    for (size_t i = 0; i < from->count; i++) {
        const struct message_queue *queue = &from->queues[i];
        queues[i] = (struct message_queue){arena_copy(&question->arena, queue->topic),
                                           arena_copy(&question->arena, queue->broker_name), queue->queue_id};
    }
    question->route.queues = queues;
    question->route.count = from->count;
}

static void copy_masters(struct question *question, const struct cluster_route *from) {
    struct broker_master *masters = arena_calloc(&question->arena, from->master_count + 1, sizeof *masters);
    for (size_t i = 0; i < from->master_count; i++)
        masters[i] = (struct broker_master){arena_copy(&question->arena, from->masters[i].broker_name),
                                            arena_copy(&question->arena, from->masters[i].address),
                                            from->masters[i].write_queues};
    question->route.masters = masters;
    question->route.master_count = from->master_count;
}

static void take_answer(struct question *question, const struct answer *answer) {
    if (answer->route.count > 0)
        copy_queues(question, &answer->route);
    else
        take_own(question); /* what is new here may not be known there yet */
    copy_masters(question, &answer->route);
}

struct bytes cluster_route_master(const struct cluster_route *route, struct bytes broker_name) {
    for (size_t i = 0; i < route->master_count; i++)
        if (bytes_equal(route->masters[i].broker_name, broker_name)) return route->masters[i].address;
    return (struct bytes){0};
}

/* --- answers of name servers ------------------------------------------------------------------------------- */

static void answer_destroy(struct cluster_routes *routes, struct answer *answer) {
    HASH_DEL(routes->answers, answer);
    arena_close(&answer->arena);
    free(answer->topic);
    free(answer);
}

static struct answer *find(const struct cluster_routes *routes, const char *topic) {
    struct answer *answer = NULL;
    HASH_FIND_STR(routes->answers, topic, answer);
    return answer;
}

static void fill_queues(struct answer *answer, const struct topic_route *route) {
    size_t total = 0, count = 0;
    for (size_t i = 0; i < route->queue_count; i++)
        total += (size_t)MIN(MAX(route->queues[i].read_queue_nums, 0), TOPIC_QUEUES_MAX);
    struct message_queue *queues = arena_calloc(&answer->arena, total + 1, sizeof *queues);
    for (size_t i = 0; i < route->queue_count; i++) {
        const struct queue_data *data = &route->queues[i];
        struct bytes name = arena_copy(&answer->arena, data->broker_name);
        for (int32_t id = 0; data->perm & PERM_READ && id < MIN(data->read_queue_nums, TOPIC_QUEUES_MAX); id++)
            queues[count++] = (struct message_queue){bytes_of(answer->topic), name, id};
    }
    qsort(queues, count, sizeof *queues, message_queue_compare);
    answer->route.queues = queues;
    answer->route.count = count;
}

static int32_t write_queues(const struct topic_route *route, struct bytes broker_name) {
    for (size_t i = 0; i < route->queue_count; i++) {
        const struct queue_data *data = &route->queues[i];
        if (data->perm & PERM_WRITE && bytes_equal(data->broker_name, broker_name))
            return MIN(MAX(data->write_queue_nums, 0), TOPIC_QUEUES_MAX);
    }
    return 0;
}

static int compare_masters(const void *a, const void *b) {
    return bytes_compare(((const struct broker_master *)a)->broker_name,
                         ((const struct broker_master *)b)->broker_name);
}

static void fill_masters(struct answer *answer, const struct topic_route *route) {
    struct broker_master *masters = arena_calloc(&answer->arena, route->broker_count + 1, sizeof *masters);
    for (size_t i = 0; i < route->broker_count; i++) {
        struct bytes name = route->brokers[i].broker_name, address = broker_data_address(&route->brokers[i], MASTER_ID);
        if (address.data)
            masters[answer->route.master_count++] = (struct broker_master){
                arena_copy(&answer->arena, name), arena_copy(&answer->arena, address), write_queues(route, name)};
    }
    qsort(masters, answer->route.master_count, sizeof *masters, compare_masters);
    answer->route.masters = masters;
}

/* Notes an answer; a route of NULL says that there is no such topic. */
static const struct answer *note(struct cluster_routes *routes, const char *topic, const struct topic_route *route) {
    struct answer *answer = find(routes, topic);
    if (answer) answer_destroy(routes, answer);
    if (HASH_COUNT(routes->answers) >= ANSWERS_MAX) answer_destroy(routes, routes->answers);
    answer = calloc(1, sizeof *answer);
    must(answer);
    answer->topic = bytes_dup(bytes_of(topic));
    answer->time_ms = clock_monotonic_ms();
    if (route) {
        fill_queues(answer, route);
        fill_masters(answer, route);
    }
    HASH_ADD_KEYPTR(hh, routes->answers, answer->topic, strlen(answer->topic), answer);
    return answer;
}

static void ask_next(struct question *question);

static void answered(void *ctx, enum err err, const struct command *response) {
    struct question *question = ctx;
    struct arena arena = {0};
    struct topic_route route;
    bool known = err == ERR_OK && response->code == RESPONSE_SUCCESS &&
                 topic_route_decode(&arena, response->body, &route) == ERR_OK;
    bool unknown = err == ERR_OK && response->code == RESPONSE_TOPIC_NOT_EXIST;
    if (atomic_load(&question->routes->broker->stopping)) {
        question_end(NULL, question);
    } else if (known || unknown) {
        take_answer(question, note(question->routes, question->topic, known ? &route : NULL));
        reactor_run(question->reactor, question_end, question);
    } else {
        ask_next(question);
    }
    arena_close(&arena);
}

static void ask_next(struct question *question) {
    struct broker *broker = question->routes->broker;
    struct bytes address = {0};
    while (address.len == 0 && bytes_split(&question->servers_left, ';', &address)) address = bytes_trim(address);
    if (address.len == 0) {
        take_own(question);
        reactor_run(question->reactor, question_end, question);
        return;
    }
    struct hdr_get_routeinfo_by_topic header = {.topic = bytes_of(question->topic)};
    header.has.topic = true;
    remoting_call(broker->main_remoting, address,
                  &(struct outgoing){.code = REQUEST_GET_ROUTEINFO_BY_TOPIC,
                                     .layout = layout_get_routeinfo_by_topic(),
                                     .fields = &header},
                  ASK_TIMEOUT_MS, answered, question);
}

static void on_main_loop(struct loop_task *task) {
    struct question *question = CONTAINER_OF(task, struct question, task);
    const struct answer *answer = find(question->routes, question->topic);
    if (atomic_load(&question->routes->broker->stopping)) {
        question_end(NULL, question);
        return;
    }
    if (answer && clock_monotonic_ms() - answer->time_ms < KEPT_MS) {
        take_answer(question, answer);
        reactor_run(question->reactor, question_end, question);
        return;
    }
    question->servers_left = question->routes->broker->config.namesrv_addr;
    ask_next(question);
}

void cluster_routes_ask(struct cluster_routes *routes, struct reactor *reactor, struct bytes topic,
                        cluster_routes_done *done, void *arg) {
    struct question *question = calloc(1, sizeof *question);
    must(question);
    *question = (struct question){.routes = routes,
                                  .reactor = reactor,
                                  .topic = bytes_dup(topic),
                                  .done = done,
                                  .arg = arg,
                                  .task = {.run = on_main_loop}};
    loop_post(routes->broker->main_loop, &question->task);
}

enum err cluster_routes_open(struct broker *broker, struct cluster_routes **out) {
    struct cluster_routes *routes = calloc(1, sizeof *routes);
    must(routes);
    routes->broker = broker;
    *out = routes;
    return ERR_OK;
}

void cluster_routes_close(struct cluster_routes *routes) {
    if (!routes) return;
    while (routes->answers) answer_destroy(routes, routes->answers);
    free(routes);
}
