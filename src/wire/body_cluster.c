/* body_cluster.c - ClusterInfo and BrokerMemberGroup as JSON. */
#include "wire/body_cluster.h"

void cluster_info_encode(const struct cluster_info *info, struct buf *out) {
    struct json_writer w = {.out = out, .bare_int_keys = true};
    json_begin_object(&w);
    json_key_text(&w, "brokerAddrTable");
    json_begin_object(&w);
    for (size_t i = 0; i < info->broker_count; i++) {
        json_key(&w, info->brokers[i].broker_name);
        broker_data_encode(&w, &info->brokers[i]);
    }
    json_end_object(&w);
    json_key_text(&w, "clusterAddrTable");
    json_begin_object(&w);
    for (size_t i = 0; i < info->cluster_count; i++) {
        const struct cluster_brokers *cluster = &info->clusters[i];
        json_key(&w, cluster->cluster);
        json_begin_array(&w);
        for (size_t k = 0; k < cluster->count; k++) json_string(&w, cluster->broker_names[k]);
        json_end_array(&w);
    }
    json_end_object(&w);
    json_end_object(&w);
}

static enum err parse_object(struct arena *arena, struct bytes body, const char *what, const struct json **out) {
    TRY(json_parse(arena, body, out));
    if ((*out)->type != JSON_TYPE_OBJECT) return fail(ERR_BAD_INPUT, "%s is no JSON object", what);
    return ERR_OK;
}

enum err cluster_info_decode(struct arena *arena, struct bytes body, struct cluster_info *out) {
    const struct json *top;
    TRY(parse_object(arena, body, "cluster info", &top));
    *out = (struct cluster_info){0};
    const struct json *table = json_get(top, "brokerAddrTable");
    struct broker_data *brokers = arena_alloc(arena, (table != NULL ? table->count : 0) * sizeof *brokers);
    for (const struct json *node = json_first(table); node != NULL; node = node->next) {
        struct broker_data *broker = &brokers[out->broker_count++];
        *broker = broker_data_decode(arena, node);
        if (broker->broker_name.data == NULL) broker->broker_name = node->key;
    }
    out->brokers = brokers;
    table = json_get(top, "clusterAddrTable");
    struct cluster_brokers *clusters = arena_alloc(arena, (table != NULL ? table->count : 0) * sizeof *clusters);
    for (const struct json *node = json_first(table); node != NULL; node = node->next) {
        struct cluster_brokers *cluster = &clusters[out->cluster_count++];
        cluster->cluster = node->key;
        json_texts(arena, node, &cluster->broker_names, &cluster->count);
    }
    out->clusters = clusters;
    return ERR_OK;
}

void broker_member_group_encode(const struct broker_data *broker, struct buf *out) {
    struct json_writer w = {.out = out, .bare_int_keys = true};
    json_begin_object(&w);
    json_key_text(&w, "brokerMemberGroup");
    json_begin_object(&w);
    json_key_text(&w, "brokerAddrs");
    json_begin_object(&w);
    for (size_t i = 0; i < broker->address_count; i++) {
        json_key_i64(&w, broker->addresses[i].broker_id);
        json_string(&w, broker->addresses[i].address);
    }
    json_end_object(&w);
    json_member(&w, "brokerName", broker->broker_name);
    json_member(&w, "cluster", broker->cluster);
    json_end_object(&w);
    json_end_object(&w);
}

enum err broker_member_group_decode(struct arena *arena, struct bytes body, struct broker_data *out) {
    const struct json *top;
    TRY(parse_object(arena, body, "broker member group", &top));
    *out = broker_data_decode(arena, json_get(top, "brokerMemberGroup"));
    return ERR_OK;
}
