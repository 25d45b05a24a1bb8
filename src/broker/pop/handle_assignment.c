/* handle_assignment.c - requests 400 (which queues are mine), 401 and 402 (pull or pop).
 * @source shared facts: behaviour 10.3 */
#include "broker/route.h"

#include <stdlib.h>
#include "base/check.h"
#include "broker/clients/consumers.h"
#include "broker/pop/assignment.h"
#include "broker/cluster_routes.h"
#include "broker/pop/request_modes.h"
#include "broker/tables/groups.h"
#include "broker/tables/topics.h"
#include "message/lmq.h"

/* A question of a client that waits for the routes. */
struct assignment_ask {
    struct request *request; /* detached: the texts point into it */
    struct bytes topic, group, client_id, strategy;
    bool broadcasting;
};

static int by_bytes(const void *a, const void *b) {
    return bytes_compare(*(const struct bytes *)a, *(const struct bytes *)b);
}

/* The ids of the group's clients, sorted; false when it is not online. */
static bool client_ids(struct broker *broker, struct bytes group, struct arena *arena, struct bytes **out,
                       size_t *count) {
    struct consumer_group online;
    if (!consumers_group(broker->consumers, group, arena, &online)) return false;
    *count = online.client_count;
    *out = arena_calloc(arena, online.client_count + 1, sizeof **out);
    for (size_t i = 0; i < online.client_count; i++) (*out)[i] = online.clients[i].client_id;
    qsort(*out, *count, sizeof **out, by_bytes);
    consumer_group_release(&online);
    return true;
}

/* false: the client keeps what it has. */
static bool assign(struct broker *broker, const struct assignment_ask *ask, struct assignment_input *input,
                   struct arena *arena, const struct message_queue **out, size_t *count) {
    struct bytes *clients;
    if (input->queue_count == 0) return false;
    *out = input->queues;
    *count = input->queue_count;
    if (ask->broadcasting || !broker->config.server_load_balancer_enable) return true;
    if (!client_ids(broker, ask->group, arena, &clients, &input->client_count)) return false;
    input->clients = clients;
    return assignment_make(input, arena, out, count);
}

/* {"messageQueueAssignments":[{"messageQueue":{...},"mode":"POP"}]}; without the member when there is no answer. */
static void write_assignments(struct buf *out, const struct message_queue *queues, size_t count, bool any, bool pop) {
    struct json_writer w = {.out = out};
    json_begin_object(&w);
    if (any) {
        json_key_text(&w, "messageQueueAssignments");
        json_begin_array(&w);
        for (size_t i = 0; i < count; i++) {
            json_begin_object(&w);
            json_key_text(&w, "messageQueue");
            message_queue_encode(&w, &queues[i]);
            json_member(&w, "mode", pop ? BYTES("POP") : BYTES("PULL"));
            json_end_object(&w);
        }
        json_end_array(&w);
    }
    json_end_object(&w);
}

static void reply(struct broker *broker, const struct assignment_ask *ask, const struct message_queue *queues,
                  size_t count) {
    struct arena *arena = ask->request->arena;
    struct assignment_input input = {.queues = queues,
                                     .queue_count = count,
                                     .client_id = ask->client_id,
                                     .strategy = ask->strategy,
                                     .mode = request_modes_get(broker->request_modes, ask->topic, ask->group)};
    const struct message_queue *assigned = NULL;
    size_t assigned_count = 0;
    struct buf body = {0};
    bool any = assign(broker, ask, &input, arena, &assigned, &assigned_count);
    write_assignments(&body, assigned, assigned_count, any, input.mode.pop);
    remoting_reply(&ask->request->to, &(struct outgoing){.body = buf_bytes(&body)});
    buf_close(&body);
}

static void answer(struct reactor *reactor, const struct cluster_route *route, void *arg) {
    struct assignment_ask *ask = arg;
    if (reactor) reply(reactor->broker, ask, route->queues, route->count);
    request_free(ask->request);
    free(ask);
}

/* A light queue is on this broker alone, and no name server knows it. */
static void ask_route(struct call *call, struct assignment_ask *ask) {
    struct message_queue light = {ask->topic, call->broker->config.broker_name, 0};
    if (lmq_is(ask->topic))
        answer(call->reactor, &(struct cluster_route){.queues = &light, .count = 1}, ask);
    else
        cluster_routes_ask(call->broker->cluster_routes, call->reactor, ask->topic, answer, ask);
}

enum err broker_handle_query_assignment(struct call *call, const struct hdr_none *header) {
    (void)header;
    struct request *request = request_detach(call->request);
    const struct json *root = NULL;
    enum err err = json_parse(request->arena, request->command.body, &root);
    struct bytes topic = json_text(json_get(root, "topic"));
    if (err == ERR_OK && topic.len == 0) err = fail(ERR_BAD_INPUT, "the request names no topic");
    if (err != ERR_OK) {
        request_free(request);
        return err;
    }
    struct assignment_ask *ask = calloc(1, sizeof *ask);
    must(ask);
    *ask = (struct assignment_ask){
        .request = request,
        .topic = topic,
        .group = json_text(json_get(root, "consumerGroup")),
        .client_id = json_text(json_get(root, "clientId")),
        .strategy = json_text(json_get(root, "strategyName")),
        .broadcasting = bytes_is(json_text(json_get(root, "messageModel")), "BROADCASTING"),
    };
    call->later = true;
    ask_route(call, ask);
    return ERR_OK;
}

enum err broker_handle_set_message_request_mode(struct call *call, const struct hdr_none *header) {
    (void)header;
    struct broker *broker = call->broker;
    const struct json *root;
    TRY(json_parse(call->request->arena, call->request->command.body, &root));
    struct bytes topic = json_text(json_get(root, "topic")), group = json_text(json_get(root, "consumerGroup"));
    if (bytes_starts_with(topic, TOPIC_RETRY_PREFIX))
        return call_refuse(call, RESPONSE_NO_PERMISSION, "retry topic is not allowed to set mode");
    if (!topics_find(broker->topics, topic)) return fail(ERR_NO_TOPIC, "topic[%.*s] not exist", BYTES_ARG(topic));
    if (!groups_find_or_create(broker->groups, group))
        return call_refuse(call, RESPONSE_SUBSCRIPTION_GROUP_NOT_EXIST, "subscription group does not exist");
    struct request_mode mode = {
        .pop = bytes_is(json_text(json_get(root, "mode")), "POP"),
        .share_queue_num = (int32_t)json_i64(json_get(root, "popShareQueueNum"), 0),
    };
    request_modes_set(broker->request_modes, topic, group, &mode);
    return ERR_OK;
}

enum err broker_handle_get_all_message_request_mode(struct call *call, const struct hdr_none *header) {
    (void)header;
    struct json_writer w = {.out = &call->body};
    request_modes_write(call->broker->request_modes, &w);
    return ERR_OK;
}
