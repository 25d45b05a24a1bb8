/* body_topic_route.c - TopicRouteData and BrokerData as JSON. */
#include "wire/body_topic_route.h"

#include <stdlib.h>

void broker_data_encode(struct json_writer *w, const struct broker_data *broker) {
    json_begin_object(w);
    json_key_text(w, "brokerAddrs");
    json_begin_object(w);
    for (size_t i = 0; i < broker->address_count; i++) {
        json_key_i64(w, broker->addresses[i].broker_id);
        json_string(w, broker->addresses[i].address);
    }
    json_end_object(w);
    json_member(w, "brokerName", broker->broker_name);
    json_member_opt(w, "cluster", broker->cluster);
    json_member_bool(w, "enableActingMaster", broker->enable_acting_master);
    json_member_opt(w, "zoneName", broker->zone_name);
    json_end_object(w);
}

static int by_id(const void *a, const void *b) {
    const int64_t left = ((const struct broker_address *)a)->broker_id;
    const int64_t right = ((const struct broker_address *)b)->broker_id;
    return (left > right) - (left < right);
}

struct broker_data broker_data_decode(struct arena *arena, const struct json *node) {
    const struct json *table = json_get(node, "brokerAddrs");
    struct broker_address *addresses = arena_alloc(arena, (table != NULL ? table->count : 0) * sizeof *addresses);
    size_t count = 0;
    for (const struct json *member = json_first(table); member != NULL; member = member->next) {
        const struct bytes address = json_text(member);
        if (address.data != NULL && bytes_to_i64(member->key, &addresses[count].broker_id))
            addresses[count++].address = address;
    }
    qsort(addresses, count, sizeof *addresses, by_id);
    return (struct broker_data){.cluster = json_text(json_get(node, "cluster")),
                                .broker_name = json_text(json_get(node, "brokerName")),
                                .zone_name = json_text(json_get(node, "zoneName")),
                                .enable_acting_master = json_bool(json_get(node, "enableActingMaster"), false),
                                .addresses = addresses,
                                .address_count = count};
}

struct bytes broker_data_address(const struct broker_data *broker, int64_t broker_id) {
    for (size_t i = 0; i < broker->address_count; i++)
        if (broker->addresses[i].broker_id == broker_id) return broker->addresses[i].address;
    return (struct bytes){0};
}

static void encode_filters(struct json_writer *w, const struct topic_route *route) {
    json_key_text(w, "filterServerTable");
    json_begin_object(w);
    for (size_t i = 0; i < route->filter_count; i++) {
        const struct filter_servers *filters = &route->filters[i];
        json_key(w, filters->broker_address);
        json_begin_array(w);
        for (size_t k = 0; k < filters->server_count; k++) json_string(w, filters->servers[k]);
        json_end_array(w);
    }
    json_end_object(w);
}

static void encode_queues(struct json_writer *w, const struct topic_route *route) {
    json_key_text(w, "queueDatas");
    json_begin_array(w);
    for (size_t i = 0; i < route->queue_count; i++) {
        const struct queue_data *queue = &route->queues[i];
        json_begin_object(w);
        json_member(w, "brokerName", queue->broker_name);
        json_member_int(w, "perm", queue->perm);
        json_member_int(w, "readQueueNums", queue->read_queue_nums);
        json_member_int(w, "topicSysFlag", queue->topic_sys_flag);
        json_member_int(w, "writeQueueNums", queue->write_queue_nums);
        json_end_object(w);
    }
    json_end_array(w);
}

void topic_route_encode(const struct topic_route *route, bool strict, struct buf *out) {
    struct json_writer w = {.out = out, .bare_int_keys = !strict, .ascii_only = strict};
    json_begin_object(&w);
    json_key_text(&w, "brokerDatas");
    json_begin_array(&w);
    for (size_t i = 0; i < route->broker_count; i++) broker_data_encode(&w, &route->brokers[i]);
    json_end_array(&w);
    encode_filters(&w, route);
    json_member_opt(&w, "orderTopicConf", route->order_topic_conf);
    encode_queues(&w, route);
    if (route->mapping_count > 0) {
        json_key_text(&w, "topicQueueMappingByBroker");
        json_begin_object(&w);
        for (size_t i = 0; i < route->mapping_count; i++) {
            json_key(&w, route->mappings[i].broker_name);
            json_raw(&w, route->mappings[i].info);
        }
        json_end_object(&w);
    }
    json_end_object(&w);
}

static size_t count_of(const struct json *node) {
    return node != NULL ? node->count : 0;
}

static void decode_queues(struct arena *arena, const struct json *array, struct topic_route *out) {
    struct queue_data *queues = arena_alloc(arena, count_of(array) * sizeof *queues);
    for (const struct json *node = json_first(array); node != NULL; node = node->next) {
        /* 4.2.0 spells the last one differently */
        const struct json *flag = json_get(node, "topicSysFlag");
        if (flag == NULL) flag = json_get(node, "topicSynFlag");
        queues[out->queue_count++] =
            (struct queue_data){.broker_name = json_text(json_get(node, "brokerName")),
                                .read_queue_nums = (int32_t)json_i64(json_get(node, "readQueueNums"), 0),
                                .write_queue_nums = (int32_t)json_i64(json_get(node, "writeQueueNums"), 0),
                                .perm = (int32_t)json_i64(json_get(node, "perm"), 0),
                                .topic_sys_flag = (int32_t)json_i64(flag, 0)};
    }
    out->queues = queues;
}

static void decode_brokers(struct arena *arena, const struct json *array, struct topic_route *out) {
    struct broker_data *brokers = arena_alloc(arena, count_of(array) * sizeof *brokers);
    for (const struct json *node = json_first(array); node != NULL; node = node->next)
        brokers[out->broker_count++] = broker_data_decode(arena, node);
    out->brokers = brokers;
}

static void decode_filters(struct arena *arena, const struct json *table, struct topic_route *out) {
    struct filter_servers *filters = arena_alloc(arena, count_of(table) * sizeof *filters);
    for (const struct json *node = json_first(table); node != NULL; node = node->next) {
        struct filter_servers *row = &filters[out->filter_count++];
        row->broker_address = node->key;
        json_texts(arena, node, &row->servers, &row->server_count);
    }
    out->filters = filters;
}

static void decode_mappings(struct arena *arena, const struct json *table, struct topic_route *out) {
    struct queue_mapping *mappings = arena_alloc(arena, count_of(table) * sizeof *mappings);
    for (const struct json *node = json_first(table); node != NULL; node = node->next)
        mappings[out->mapping_count++] =
            (struct queue_mapping){.broker_name = node->key, .info = json_node_copy(arena, node)};
    out->mappings = mappings;
}

enum err topic_route_decode(struct arena *arena, struct bytes body, struct topic_route *out) {
    const struct json *top;
    TRY(json_parse(arena, body, &top));
    if (top->type != JSON_TYPE_OBJECT) return fail(ERR_BAD_INPUT, "route data is no JSON object");
    *out = (struct topic_route){.order_topic_conf = json_text(json_get(top, "orderTopicConf"))};
    decode_queues(arena, json_get(top, "queueDatas"), out);
    decode_brokers(arena, json_get(top, "brokerDatas"), out);
    decode_filters(arena, json_get(top, "filterServerTable"), out);
    decode_mappings(arena, json_get(top, "topicQueueMappingByBroker"), out);
    return ERR_OK;
}
