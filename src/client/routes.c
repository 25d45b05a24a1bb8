/* routes.c - questions to name servers, and what their answers change. */
#include "client/routes.h"

#include <inttypes.h>
#include <stdlib.h>
#include "base/check.h"
#include "base/log.h"
#include "client/client.h"
#include "client/heartbeat.h"
#include "net/address.h"
#include "os/thread.h"
#include "wire/request.h"

enum { PERM_READ = 4, PERM_WRITE = 2 };

/* One question to the name servers. */
struct route_fetch {
    struct route_fetch *next;
    struct rmq_client *client;
    struct bytes topic, key_topic; /* kept names; key_topic absent: the topic itself is asked for */
    int32_t queue_count;
    size_t tries;
    struct route_wait *waiting;
};

enum err routes_init(struct routes *routes, const char *name_servers) {
    struct bytes rest = bytes_of(name_servers), piece;
    while (bytes_split(&rest, ';', &piece)) {
        piece = bytes_trim(piece);
        if (piece.len == 0) continue;
        struct bytes host;
        uint16_t port;
        TRY(address_split(piece, &host, &port));
        routes->name_servers = realloc(routes->name_servers, (routes->name_server_count + 1) * sizeof(char *));
        must(routes->name_servers);
        routes->name_servers[routes->name_server_count++] = bytes_dup(piece);
    }
    if (routes->name_server_count == 0)
        return fail(ERR_BAD_CONFIG,
                    "no name server is set: give name_servers or the environment variable NAMESRV_ADDR");
    uint32_t random;
    random_bytes(&random, sizeof random);
    routes->current = random % routes->name_server_count;
    return ERR_OK;
}

static void route_clear(struct route *route) {
    free(route->publish);
    free(route->subscribe);
    free(route->broker_names);
    route->publish = route->subscribe = NULL;
    route->broker_names = NULL;
    route->publish_count = route->subscribe_count = route->broker_count = 0;
}

static void broker_free(struct broker *broker) {
    free(broker->addresses);
    free(broker);
}

void routes_close(struct routes *routes) {
    for (size_t i = 0; i < routes->name_server_count; i++) free(routes->name_servers[i]);
    free(routes->name_servers);
    while (routes->first) {
        struct route *route = routes->first;
        routes->first = route->next;
        route_clear(route);
        free(route);
    }
    while (routes->brokers) {
        struct broker *broker = routes->brokers;
        routes->brokers = broker->next;
        broker_free(broker);
    }
}

static struct route *find(struct rmq_client *client, struct bytes topic) {
    for (struct route *route = client->routes.first; route; route = route->next) {
        if (bytes_equal(route->topic, topic)) return route;
    }
    return NULL;
}

struct route *route_find(struct rmq_client *client, struct bytes topic) {
    struct route *route = find(client, topic);
    return route && route->broker_count > 0 ? route : NULL;
}

struct broker *broker_find(struct rmq_client *client, struct bytes name) {
    for (struct broker *broker = client->routes.brokers; broker; broker = broker->next) {
        if (bytes_equal(broker->name, name)) return broker;
    }
    return NULL;
}

struct bytes broker_master(struct rmq_client *client, struct bytes name) {
    const struct broker *broker = broker_find(client, name);
    if (!broker || broker->addresses[0].broker_id != MASTER_ID) return (struct bytes){0};
    return broker->addresses[0].address;
}

struct bytes broker_address_of(struct rmq_client *client, struct bytes name, int64_t broker_id, bool *is_slave) {
    const struct broker *broker = broker_find(client, name);
    if (!broker) return (struct bytes){0};
    size_t chosen = 0;
    for (size_t i = 0; i < broker->address_count; i++) {
        if (broker->addresses[i].broker_id == broker_id) chosen = i;
    }
    *is_slave = broker->addresses[chosen].broker_id != MASTER_ID;
    return broker->addresses[chosen].address;
}

/* ---- what an answer changes ---------------------------------------------------------------------------- */

static bool same_addresses(const struct broker *broker, const struct broker_data *data) {
    if (broker->address_count != data->address_count) return false;
    for (size_t i = 0; i < data->address_count; i++) {
        if (broker->addresses[i].broker_id != data->addresses[i].broker_id ||
            !bytes_equal(broker->addresses[i].address, data->addresses[i].address))
            return false;
    }
    return true;
}

/* true when it has an address that was not there before. */
static bool broker_update(struct rmq_client *client, const struct broker_data *data) {
    struct broker *broker = broker_find(client, data->broker_name);
    if (data->address_count == 0 || (broker && same_addresses(broker, data))) return false;
    if (!broker) {
        broker = calloc(1, sizeof *broker);
        must(broker);
        broker->name = names_keep(&client->names, data->broker_name);
        broker->next = client->routes.brokers;
        client->routes.brokers = broker;
    }
    free(broker->addresses);
    broker->addresses = calloc(data->address_count, sizeof *broker->addresses);
    must(broker->addresses);
    broker->address_count = data->address_count;
    for (size_t i = 0; i < data->address_count; i++) {
        broker->addresses[i].broker_id = data->addresses[i].broker_id;
        broker->addresses[i].address = names_keep(&client->names, data->addresses[i].address);
    }
    return true;
}

struct queue_array {
    struct message_queue *items;
    size_t count;
};

static void add_queues(struct rmq_client *client, struct queue_array *array, struct bytes topic, struct bytes broker,
                       int32_t count) {
    enum { QUEUES_MAX = 65536 }; /* no topic has that many: what a peer says is not trusted with our memory */
    if (count <= 0 || array->count + (size_t)count > QUEUES_MAX) return;
    array->items = realloc(array->items, (array->count + (size_t)count) * sizeof *array->items);
    must(array->items);
    broker = names_keep(&client->names, broker);
    for (int32_t i = 0; i < count; i++) array->items[array->count++] = (struct message_queue){topic, broker, i};
}

static bool has_master(const struct topic_route *data, struct bytes broker_name) {
    for (size_t i = 0; i < data->broker_count; i++) {
        if (bytes_equal(data->brokers[i].broker_name, broker_name))
            return broker_data_address(&data->brokers[i], MASTER_ID).data != NULL;
    }
    return false;
}

/* An ordered topic names its queues itself: "broker-a:8;broker-b:8". */
static void add_ordered_queues(struct rmq_client *client, struct queue_array *array, struct bytes topic,
                               struct bytes conf) {
    struct bytes item;
    while (bytes_split(&conf, ';', &item)) {
        struct bytes name;
        int32_t count;
        if (bytes_split(&item, ':', &name) && bytes_to_i32(item, &count)) add_queues(client, array, topic, name, count);
    }
}

static void collect_queues(struct rmq_client *client, const struct route_fetch *fetch, const struct topic_route *data,
                           struct queue_array *publish, struct queue_array *subscribe) {
    bool is_default = fetch->key_topic.data != NULL;
    for (size_t i = 0; i < data->queue_count; i++) {
        const struct queue_data *queue = &data->queues[i];
        int32_t read = queue->read_queue_nums, write = queue->write_queue_nums;
        if (is_default) read = write = MIN(read, fetch->queue_count);
        if (queue->perm & PERM_READ) add_queues(client, subscribe, fetch->topic, queue->broker_name, read);
        if (data->order_topic_conf.len == 0 && queue->perm & PERM_WRITE && has_master(data, queue->broker_name))
            add_queues(client, publish, fetch->topic, queue->broker_name, write);
    }
    if (data->order_topic_conf.len > 0) add_ordered_queues(client, publish, fetch->topic, data->order_topic_conf);
    if (publish->count > 0) qsort(publish->items, publish->count, sizeof *publish->items, message_queue_compare);
    if (subscribe->count > 0)
        qsort(subscribe->items, subscribe->count, sizeof *subscribe->items, message_queue_compare);
}

static bool same_queues(const struct message_queue *a, size_t a_count, const struct queue_array *b) {
    if (a_count != b->count) return false;
    for (size_t i = 0; i < a_count; i++) {
        if (!message_queue_equal(&a[i], &b->items[i])) return false;
    }
    return true;
}

static struct route *route_update(struct rmq_client *client, const struct route_fetch *fetch,
                                  const struct topic_route *data) {
    struct route *route = find(client, fetch->topic);
    if (!route) {
        route = calloc(1, sizeof *route);
        must(route);
        route->topic = fetch->topic;
        random_bytes(&route->next_publish, sizeof route->next_publish);
        route->next = client->routes.first;
        client->routes.first = route;
    }
    bool new_address = false;
    for (size_t i = 0; i < data->broker_count; i++) new_address |= broker_update(client, &data->brokers[i]);

    struct queue_array publish = {0}, subscribe = {0};
    collect_queues(client, fetch, data, &publish, &subscribe);
    bool changed = !same_queues(route->publish, route->publish_count, &publish) ||
                   !same_queues(route->subscribe, route->subscribe_count, &subscribe);
    route_clear(route);
    route->publish = publish.items;
    route->publish_count = publish.count;
    route->subscribe = subscribe.items;
    route->subscribe_count = subscribe.count;
    route->broker_names = calloc(data->broker_count ? data->broker_count : 1, sizeof *route->broker_names);
    must(route->broker_names);
    for (size_t i = 0; i < data->broker_count; i++) {
        if (data->brokers[i].address_count > 0)
            route->broker_names[route->broker_count++] = names_keep(&client->names, data->brokers[i].broker_name);
    }
    if (changed)
        log_info(CLIENT, "route changed: topic=%.*s brokers=%zu queues=%zu", BYTES_ARG(route->topic),
                 route->broker_count, route->subscribe_count);
    if (new_address) heartbeat_send(client, NULL);
    if (changed && client->push_consumers) client_rebalance_soon(client, 0);
    return route;
}

/* ---- asking -------------------------------------------------------------------------------------------- */

static void fetch_end(struct route_fetch *fetch, struct route *route, const struct outcome *outcome) {
    struct route_fetch **at = &fetch->client->routes.fetches;
    while (*at != fetch) at = &(*at)->next;
    *at = fetch->next;
    struct route_wait *wait = fetch->waiting;
    free(fetch);
    while (wait) {
        struct route_wait *next = wait->next;
        wait->done(wait, route, outcome);
        wait = next;
    }
}

static void fetch_ask(struct route_fetch *fetch);

static void fetch_not_known(struct route_fetch *fetch, const struct command *response) {
    struct outcome outcome;
    outcome_fail(&outcome, RMQ_NO_ROUTE, "no route to topic %.*s: %s", BYTES_ARG(fetch->topic),
                 response->code == RESPONSE_TOPIC_NOT_EXIST ? "the name server does not know it"
                                                            : response_name(response->code));
    fetch_end(fetch, NULL, &outcome);
}

static void on_route(void *ctx, enum err err, const struct command *response) {
    struct route_fetch *fetch = ctx;
    struct rmq_client *client = fetch->client;
    struct outcome outcome;
    if (err != ERR_OK) {
        const char *server = client->routes.name_servers[client->routes.current];
        log_every_ms(10000, WARN, CLIENT, "name server does not answer: address=%s error=%s", server, err_detail(err));
        client->routes.current = (client->routes.current + 1) % client->routes.name_server_count;
        if (err != ERR_CANCELLED && ++fetch->tries < client->routes.name_server_count) {
            fetch_ask(fetch);
            return;
        }
        outcome_fail(&outcome, err == ERR_CANCELLED ? RMQ_CANCELLED : RMQ_NO_NAME_SERVER,
                     "no name server answered, the last was %s: %s", server, err_detail(err));
        fetch_end(fetch, NULL, &outcome);
        return;
    }
    if (response->code != RESPONSE_SUCCESS) {
        fetch_not_known(fetch, response);
        return;
    }
    struct arena arena = {0};
    struct topic_route data;
    err = topic_route_decode(&arena, response->body, &data);
    struct route *route = err == ERR_OK ? route_update(client, fetch, &data) : NULL;
    arena_close(&arena);
    if (err != ERR_OK)
        outcome_fail(&outcome, RMQ_BAD_ANSWER, "route of topic %.*s: %s", BYTES_ARG(fetch->topic), err_detail(err));
    else if (route->broker_count == 0)
        outcome_fail(&outcome, RMQ_NO_ROUTE, "topic %.*s has no broker now", BYTES_ARG(fetch->topic));
    else
        outcome_ok(&outcome);
    fetch_end(fetch, outcome.error == RMQ_OK ? route : NULL, &outcome);
}

static void fetch_ask(struct route_fetch *fetch) {
    struct rmq_client *client = fetch->client;
    struct hdr_get_routeinfo_by_topic header = {.present = HEADER_ALL,
                                                .topic = fetch->key_topic.data ? fetch->key_topic : fetch->topic,
                                                .accept_standard_json_only = true};
    struct outgoing request = {
        .code = REQUEST_GET_ROUTEINFO_BY_TOPIC, .layout = layout_get_routeinfo_by_topic(), .fields = &header};
    remoting_call(client->remoting, bytes_of(client->routes.name_servers[client->routes.current]), &request,
                  client->options.call_timeout_ms, on_route, fetch);
}

static void fetch_start(struct rmq_client *client, struct bytes topic, struct bytes key_topic, int32_t queue_count,
                        struct route_wait *wait) {
    topic = names_keep(&client->names, topic);
    if (key_topic.data) key_topic = names_keep(&client->names, key_topic);
    struct route_fetch *fetch = client->routes.fetches;
    while (fetch && (fetch->topic.data != topic.data || fetch->key_topic.data != key_topic.data)) fetch = fetch->next;
    bool is_new = !fetch;
    if (is_new) {
        fetch = calloc(1, sizeof *fetch);
        must(fetch);
        fetch->client = client;
        fetch->topic = topic;
        fetch->key_topic = key_topic;
        fetch->queue_count = queue_count;
        fetch->next = client->routes.fetches;
        client->routes.fetches = fetch;
    }
    if (wait) {
        wait->next = fetch->waiting;
        fetch->waiting = wait;
    }
    if (is_new) fetch_ask(fetch);
}

void routes_fetch(struct rmq_client *client, struct bytes topic, struct route_wait *wait) {
    fetch_start(client, topic, (struct bytes){0}, 0, wait);
}

void routes_fetch_default(struct rmq_client *client, struct bytes topic, struct bytes key_topic, int32_t queue_count,
                          struct route_wait *wait) {
    fetch_start(client, topic, key_topic, queue_count, wait);
}

static bool in_a_route(struct rmq_client *client, struct bytes broker_name) {
    for (struct route *route = client->routes.first; route; route = route->next) {
        for (size_t i = 0; i < route->broker_count; i++) {
            if (bytes_equal(route->broker_names[i], broker_name)) return true;
        }
    }
    return false;
}

void routes_refresh(struct rmq_client *client) {
    for (struct broker **at = &client->routes.brokers; *at;) {
        struct broker *broker = *at;
        if (in_a_route(client, broker->name)) {
            at = &broker->next;
            continue;
        }
        log_info(CLIENT, "broker is in no route any more: name=%.*s", BYTES_ARG(broker->name));
        *at = broker->next;
        broker_free(broker);
    }
    for (struct route *route = client->routes.first; route; route = route->next)
        routes_fetch(client, route->topic, NULL);
}
