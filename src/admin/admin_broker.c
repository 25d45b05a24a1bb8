/* admin_broker.c - what brokers are asked: statistics, groups, offsets of queues. */
#include "admin/admin.h"

#include <stdlib.h>
#include "base/check.h"

/* ---- tables -------------------------------------------------------------------------------------------- */

enum err admin_runtime_info(struct admin *admin, struct bytes address, const struct kv **items, size_t *count) {
    struct command response;
    struct outgoing request = {.code = REQUEST_GET_BROKER_RUNTIME_INFO};
    TRY(admin_ask(admin, address, &request, &response));
    return kv_table_decode(&admin->arena, response.body, items, count);
}

struct bytes admin_kv_get(const struct kv *items, size_t count, const char *key) {
    for (size_t i = 0; i < count; i++)
        if (bytes_is(items[i].key, key)) return items[i].value;
    return (struct bytes){0};
}

enum err admin_topic_config(struct admin *admin, struct bytes address, struct bytes topic, struct topic_config *out) {
    struct outgoing request = {.code = REQUEST_GET_ALL_TOPIC_CONFIG}; /* brokers before 5.0 do not tell of one alone */
    struct command response;
    struct register_body all;
    TRY(admin_ask(admin, address, &request, &response));
    TRY(register_body_decode(&admin->arena, response.body, &all));
    for (size_t i = 0; i < all.topic_count; i++) {
        if (!bytes_equal(all.topics[i].name, topic)) continue;
        *out = all.topics[i];
        return ERR_OK;
    }
    return fail(ERR_NO_TOPIC, "the broker at %.*s has no topic %.*s", BYTES_ARG(address), BYTES_ARG(topic));
}

enum err admin_delete_topic(struct admin *admin, struct bytes cluster, const struct member *brokers, size_t count,
                            struct bytes topic) {
    struct hdr_topic header = {.present = HEADER_ALL, .topic = topic};
    struct hdr_delete_topic_in_namesrv route = {.present = HEADER_ALL, .topic = topic, .cluster_name = cluster};
    for (size_t i = 0; i < count; i++)
        TRY(admin_ask(admin, brokers[i].address, ADMIN_REQUEST(DELETE_TOPIC_IN_BROKER, topic, &header), NULL));
    return admin_tell_namesrvs(admin, ADMIN_REQUEST(DELETE_TOPIC_IN_NAMESRV, delete_topic_in_namesrv, &route));
}

enum err admin_topic_stats(struct admin *admin, struct bytes address, struct bytes topic, struct topic_stats *out) {
    struct hdr_topic header = {.present = HEADER_ALL, .topic = topic};
    struct command response;
    TRY(admin_ask(admin, address, ADMIN_REQUEST(GET_TOPIC_STATS_INFO, topic, &header), &response));
    return topic_stats_decode(&admin->arena, response.body, out);
}

enum err admin_broker_stats(struct admin *admin, struct bytes address, struct bytes name, struct bytes key,
                            struct broker_stats *out) {
    struct hdr_view_broker_stats_data header = {.present = HEADER_ALL, .stats_name = name, .stats_key = key};
    struct command response;
    *out = (struct broker_stats){0};
    TRY(admin_call(admin, address, ADMIN_REQUEST(VIEW_BROKER_STATS_DATA, view_broker_stats_data, &header), &response));
    if (response.code != RESPONSE_SUCCESS) return ERR_OK; /* there is no such counter: nothing was counted */
    return broker_stats_decode(&admin->arena, response.body, out);
}

/* ---- groups -------------------------------------------------------------------------------------------- */

enum err admin_consume_stats(struct admin *admin, struct bytes address, struct bytes group, struct bytes topic,
                             struct consume_stats_table *out) {
    struct hdr_get_consume_stats header = {.present = HEADER_ALL, .consumer_group = group, .topic = topic};
    struct command response;
    TRY(admin_ask(admin, address, ADMIN_REQUEST(GET_CONSUME_STATS, get_consume_stats, &header), &response));
    return consume_stats_decode(&admin->arena, response.body, out);
}

struct bytes admin_retry_topic(struct admin *admin, struct bytes group) {
    return arena_printf(&admin->arena, "%%RETRY%%%.*s", BYTES_ARG(group));
}

static int by_queue(const void *a, const void *b) {
    return message_queue_compare(&((const struct queue_progress *)a)->queue,
                                 &((const struct queue_progress *)b)->queue);
}

static void merge(struct arena *arena, struct consume_stats_table *all, const struct consume_stats_table *one) {
    struct queue_progress *queues = arena_calloc(arena, all->count + one->count, sizeof *queues);
    for (size_t i = 0; i < all->count; i++) queues[i] = all->queues[i];
    for (size_t i = 0; i < one->count; i++) queues[all->count + i] = one->queues[i];
    all->queues = queues;
    all->count += one->count;
    all->consume_tps += one->consume_tps;
    if (all->count > 0) qsort(queues, all->count, sizeof *queues, by_queue);
}

enum err admin_group_progress(struct admin *admin, struct bytes cluster, struct bytes group, struct bytes topic,
                              struct consume_stats_table *out) {
    struct topic_route route;
    TRY(admin_route_or(admin, cluster, admin_retry_topic(admin, group), &route));
    *out = (struct consume_stats_table){0};
    for (size_t i = 0; i < route.broker_count; i++) {
        struct bytes address = admin_address_of(&route.brokers[i]);
        struct consume_stats_table one;
        if (!address.data) continue;
        TRY(admin_consume_stats(admin, address, group, topic, &one));
        merge(&admin->arena, out, &one);
    }
    if (out->count > 0) return ERR_OK;
    return fail(ERR_NOT_ONLINE, "group %.*s has no offsets%s%.*s: it has not consumed anything yet", BYTES_ARG(group),
                topic.data ? " in topic " : "", BYTES_ARG(topic));
}

enum err admin_consumer_connection(struct admin *admin, struct bytes address, struct bytes group,
                                   struct connection_list *out) {
    struct hdr_consumer_group header = {.present = HEADER_ALL, .consumer_group = group};
    struct command response;
    TRY(admin_ask(admin, address, ADMIN_REQUEST(GET_CONSUMER_CONNECTION_LIST, consumer_group, &header), &response));
    return connection_list_decode(&admin->arena, response.body, out);
}

enum err admin_group_connection(struct admin *admin, struct bytes group, struct connection_list *out) {
    struct topic_route route;
    TRY(admin_route(admin, admin_retry_topic(admin, group), &route));
    enum err err = fail(ERR_NOT_FOUND, "no broker has the retry topic of group %.*s now", BYTES_ARG(group));
    for (size_t i = 0; i < route.broker_count; i++) {
        struct bytes address = admin_address_of(&route.brokers[i]);
        if (!address.data) continue;
        err = admin_consumer_connection(admin, address, group, out);
        if (err == ERR_OK) return ERR_OK;
    }
    return err;
}

static int by_text(const void *a, const void *b) {
    return bytes_compare(*(const struct bytes *)a, *(const struct bytes *)b);
}

/* Sorts and leaves each out but once. */
static size_t unique(struct bytes *texts, size_t count) {
    size_t kept = 0;
    if (count > 0) qsort(texts, count, sizeof *texts, by_text);
    for (size_t i = 0; i < count; i++)
        if (kept == 0 || !bytes_equal(texts[kept - 1], texts[i])) texts[kept++] = texts[i];
    return kept;
}

enum err admin_groups_of_topic(struct admin *admin, const struct topic_route *route, struct bytes topic,
                               const struct bytes **groups, size_t *count) {
    struct hdr_topic header = {.present = HEADER_ALL, .topic = topic};
    struct bytes *all = NULL;
    size_t all_count = 0;
    for (size_t i = 0; i < route->broker_count; i++) {
        struct bytes address = admin_address_of(&route->brokers[i]);
        struct command response;
        const struct json *body;
        const struct bytes *names;
        size_t name_count;
        if (!address.data) continue;
        TRY(admin_ask(admin, address, ADMIN_REQUEST(QUERY_TOPIC_CONSUME_BY_WHO, topic, &header), &response));
        TRY(json_parse(&admin->arena, response.body, &body));
        json_texts(&admin->arena, json_get(body, "groupList"), &names, &name_count);
        struct bytes *more = arena_calloc(&admin->arena, all_count + name_count, sizeof *more);
        for (size_t k = 0; k < all_count; k++) more[k] = all[k];
        for (size_t k = 0; k < name_count; k++) more[all_count + k] = names[k];
        all = more;
        all_count = unique(more, all_count + name_count);
    }
    *groups = all;
    *count = all_count;
    return ERR_OK;
}

/* ---- queues -------------------------------------------------------------------------------------------- */

static int by_place(const void *a, const void *b) {
    return message_queue_compare(&((const struct queue_place *)a)->queue, &((const struct queue_place *)b)->queue);
}

static struct bytes address_in_route(const struct topic_route *route, struct bytes broker_name) {
    for (size_t i = 0; i < route->broker_count; i++)
        if (bytes_equal(route->brokers[i].broker_name, broker_name)) return admin_address_of(&route->brokers[i]);
    return (struct bytes){0};
}

enum err admin_queues(struct admin *admin, const struct topic_route *route, struct bytes topic,
                      const struct queue_place **out, size_t *count) {
    enum { PERM_READ = 4, QUEUES_MAX = 65536 };
    size_t room = 0;
    for (size_t i = 0; i < route->queue_count; i++)
        room += (size_t)MAX(MIN(route->queues[i].read_queue_nums, QUEUES_MAX), 0);
    if (room > QUEUES_MAX) return fail(ERR_BAD_INPUT, "topic %.*s has %zu queues", BYTES_ARG(topic), room);
    struct queue_place *places = arena_calloc(&admin->arena, room, sizeof *places);
    *count = 0;
    for (size_t i = 0; i < route->queue_count; i++) {
        const struct queue_data *data = &route->queues[i];
        struct bytes address = address_in_route(route, data->broker_name);
        struct bytes broker_name = arena_copy(&admin->arena, data->broker_name); /* with a NUL, as messages want it */
        if (!(data->perm & PERM_READ) || !address.data) continue;
        for (int32_t id = 0; id < data->read_queue_nums; id++)
            places[(*count)++] = (struct queue_place){{topic, broker_name, id}, address};
    }
    if (*count > 0) qsort(places, *count, sizeof *places, by_place);
    *out = places;
    return ERR_OK;
}

enum err admin_find_queue(struct admin *admin, struct bytes route_topic, struct bytes topic, struct bytes broker_name,
                          int32_t queue_id, struct queue_place *out) {
    struct topic_route route;
    const struct queue_place *places;
    size_t count;
    TRY(admin_route(admin, route_topic, &route));
    TRY(admin_queues(admin, &route, topic, &places, &count));
    for (size_t i = 0; i < count; i++) {
        if (places[i].queue.queue_id != queue_id || !bytes_equal(places[i].queue.broker_name, broker_name)) continue;
        *out = places[i];
        return ERR_OK;
    }
    return fail(ERR_NOT_FOUND, "topic %.*s has no queue %d on a broker %.*s: mqadmin topicRoute -l shows its queues",
                BYTES_ARG(topic), queue_id, BYTES_ARG(broker_name));
}

static enum err take_offset(const struct command *response, int64_t *offset) {
    struct hdr_offset_result header;
    TRY(header_decode(layout_offset_result(), response, &header));
    *offset = header.offset;
    return ERR_OK;
}

enum err admin_min_offset(struct admin *admin, const struct queue_place *place, int64_t *offset) {
    struct hdr_queue header = {.present = HEADER_ALL, .topic = place->queue.topic, .queue_id = place->queue.queue_id};
    struct command response;
    TRY(admin_ask(admin, place->address, ADMIN_REQUEST(GET_MIN_OFFSET, queue, &header), &response));
    return take_offset(&response, offset);
}

enum err admin_max_offset(struct admin *admin, const struct queue_place *place, int64_t *offset) {
    struct hdr_get_max_offset header = {
        .present = HEADER_ALL, .topic = place->queue.topic, .queue_id = place->queue.queue_id, .committed = true};
    struct command response;
    TRY(admin_ask(admin, place->address, ADMIN_REQUEST(GET_MAX_OFFSET, get_max_offset, &header), &response));
    return take_offset(&response, offset);
}

enum err admin_search_offset(struct admin *admin, const struct queue_place *place, int64_t time_ms, int64_t *offset) {
    if (time_ms == -1) return admin_max_offset(admin, place, offset);
    struct hdr_search_offset_by_timestamp header = {
        .present = HEADER_ALL, .topic = place->queue.topic, .queue_id = place->queue.queue_id, .timestamp = time_ms};
    struct command response;
    TRY(admin_ask(admin, place->address, ADMIN_REQUEST(SEARCH_OFFSET_BY_TIMESTAMP, search_offset_by_timestamp, &header),
                  &response));
    return take_offset(&response, offset);
}

enum err admin_update_offset(struct admin *admin, const struct queue_place *place, struct bytes group, int64_t offset) {
    struct hdr_update_consumer_offset header = {.present = HEADER_ALL,
                                                .consumer_group = group,
                                                .topic = place->queue.topic,
                                                .queue_id = place->queue.queue_id,
                                                .commit_offset = offset};
    return admin_ask(admin, place->address, ADMIN_REQUEST(UPDATE_CONSUMER_OFFSET, update_consumer_offset, &header),
                     NULL);
}
