/* route_query.c - reading the tables. */
#include "namesrv/route_query.h"

#include <stdlib.h>
#include <strings.h>
#include "base/check.h"
#include "namesrv/route_table_internal.h"

enum { TOPIC_FLAG_UNIT = 1, TOPIC_FLAG_UNIT_SUB = 2 };

/* --- no topic ------------------------------------------------------------------------------------------- */
void route_query_no_route_cause(const struct route_table *table, struct bytes topic, struct buf *out) {
    const unsigned count = HASH_COUNT(table->brokers);
    if (lost_topics_tell(table->lost, topic, out)) return;
    if (count == 0)
        buf_printf(out, "no broker is registered here, start one that has this name server in its namesrvAddr");
    else
        buf_printf(out,
                   "none of the brokers registered here (%u) has it, create it or let the first send do it "
                   "(autoCreateTopicEnable)",
                   count);
}

/* --- one topic ------------------------------------------------------------------------------------------ */
static void add_filters(const struct route_table *table, struct arena *arena, const struct broker_data *broker,
                        struct topic_route *out) {
    for (size_t i = 0; i < broker->address_count; i++) {
        const struct live_entry *live = route_table_find_live(table, broker->cluster, broker->addresses[i].address);
        if (live == NULL || live->filter_server_count == 0) continue;
        struct filter_servers *filters = arena_alloc(arena, (out->filter_count + 1) * sizeof *filters);
        if (out->filter_count > 0) memcpy(filters, out->filters, out->filter_count * sizeof *filters);
        filters[out->filter_count++] =
            (struct filter_servers){broker->addresses[i].address, live->filter_servers, live->filter_server_count};
        out->filters = filters;
    }
}

/* The lowest slave as id 0, first of the addresses. */
static void show_acting_master(struct arena *arena, struct broker_data *broker) {
    struct broker_address *addresses = arena_alloc(arena, broker->address_count * sizeof *addresses);
    memcpy(addresses, broker->addresses, broker->address_count * sizeof *addresses);
    addresses[0].broker_id = MASTER_ID;
    broker->addresses = addresses;
}

static bool wants_acting_master(const struct route_table *table, const struct topic_entry *topic,
                                const struct queue_row *row) {
    return table->options.config->support_acting_master &&
           !bytes_starts_with(topic->name, BYTES("rmq_sys_SYNC_BROKER_MEMBER_")) &&
           row->broker->data.enable_acting_master && !(row->perm & PERM_WRITE) &&
           row->broker->data.addresses[0].broker_id != MASTER_ID;
}

bool route_query_topic(const struct route_table *table, struct arena *arena, struct bytes topic,
                       struct topic_route *out) {
    const struct topic_entry *entry = route_table_find_topic(table, topic);
    *out = (struct topic_route){0};
    if (entry == NULL) return false;
    struct queue_data *queues = arena_alloc(arena, entry->row_count * sizeof *queues);
    struct broker_data *brokers = arena_alloc(arena, entry->row_count * sizeof *brokers);
    struct queue_mapping *mappings = arena_alloc(arena, entry->row_count * sizeof *mappings);
    for (size_t i = 0; i < entry->row_count; i++) {
        const struct queue_row *row = &entry->rows[i];
        const struct bytes broker_name = row->broker->data.broker_name;
        queues[i] =
            (struct queue_data){broker_name, row->read_queue_nums, row->write_queue_nums, row->perm, row->sys_flag};
        brokers[i] = row->broker->data;
        if (wants_acting_master(table, entry, row)) show_acting_master(arena, &brokers[i]);
        if (row->mapping.data != NULL)
            mappings[out->mapping_count++] = (struct queue_mapping){broker_name, row->mapping};
        add_filters(table, arena, &row->broker->data, out);
    }
    out->queues = queues;
    out->brokers = brokers;
    out->mappings = mappings;
    out->queue_count = out->broker_count = entry->row_count;
    return true;
}

static bool in_zone(const struct broker_data *broker, struct bytes zone_name) {
    if (broker_data_address(broker, MASTER_ID).data == NULL) return true;
    return broker->zone_name.len == zone_name.len && broker->zone_name.data != NULL &&
           strncasecmp(broker->zone_name.data, zone_name.data, zone_name.len) == 0;
}

static bool is_address_of(const struct broker_data *broker, struct bytes address) {
    for (size_t i = 0; i < broker->address_count; i++)
        if (bytes_equal(broker->addresses[i].address, address)) return true;
    return false;
}

/* Queues and brokers of a route stand in the same order. */
void route_query_keep_zone(struct arena *arena, struct topic_route *route, struct bytes zone_name) {
    struct queue_data *queues = arena_alloc(arena, route->queue_count * sizeof *queues);
    struct broker_data *brokers = arena_alloc(arena, route->broker_count * sizeof *brokers);
    struct filter_servers *filters = arena_alloc(arena, route->filter_count * sizeof *filters);
    size_t kept = 0, filters_kept = 0;
    for (size_t i = 0; i < route->broker_count; i++) {
        if (!in_zone(&route->brokers[i], zone_name)) continue;
        queues[kept] = route->queues[i];
        brokers[kept++] = route->brokers[i];
        for (size_t k = 0; k < route->filter_count; k++)
            if (is_address_of(&route->brokers[i], route->filters[k].broker_address))
                filters[filters_kept++] = route->filters[k];
    }
    route->queues = queues;
    route->brokers = brokers;
    route->filters = filters;
    route->queue_count = route->broker_count = kept;
    route->filter_count = filters_kept;
}

/* --- clusters ------------------------------------------------------------------------------------------- */
static int by_cluster(const void *a, const void *b) {
    const struct broker_data *left = a, *right = b;
    const int order = bytes_compare(left->cluster, right->cluster);
    return order != 0 ? order : bytes_compare(left->broker_name, right->broker_name);
}

/* All brokers, those of a cluster together. */
static struct broker_data *sorted_brokers(const struct route_table *table, struct arena *arena, size_t *count) {
    struct broker_data *brokers = arena_alloc(arena, HASH_COUNT(table->brokers) * sizeof *brokers);
    *count = 0;
    for (const struct broker_entry *broker = table->brokers; broker != NULL; broker = broker->hh.next)
        brokers[(*count)++] = broker->data;
    qsort(brokers, *count, sizeof *brokers, by_cluster);
    return brokers;
}

void route_query_cluster_info(const struct route_table *table, struct arena *arena, struct cluster_info *out) {
    struct broker_data *brokers = sorted_brokers(table, arena, &out->broker_count);
    struct cluster_brokers *clusters = arena_alloc(arena, out->broker_count * sizeof *clusters);
    struct bytes *names = arena_alloc(arena, out->broker_count * sizeof *names);
    out->cluster_count = 0;
    for (size_t i = 0; i < out->broker_count; i++) {
        if (i == 0 || !bytes_equal(brokers[i].cluster, brokers[i - 1].cluster))
            clusters[out->cluster_count++] = (struct cluster_brokers){brokers[i].cluster, &names[i], 0};
        names[i] = brokers[i].broker_name;
        clusters[out->cluster_count - 1].count++;
    }
    out->brokers = brokers;
    out->clusters = clusters;
}

struct broker_data route_query_member_group(const struct route_table *table, struct bytes cluster,
                                            struct bytes broker_name) {
    const struct broker_entry *broker = route_table_find_broker(table, broker_name);
    struct broker_data group = {.cluster = cluster, .broker_name = broker_name};
    if (broker == NULL) return group;
    group.addresses = broker->data.addresses;
    group.address_count = broker->data.address_count;
    return group;
}

/* --- lists of topics ------------------------------------------------------------------------------------ */
static bool passes(const struct topic_entry *topic, enum topic_filter filter) {
    const int32_t flags = topic->rows[0].sys_flag;
    switch (filter) {
    case TOPICS_UNIT:
        return flags & TOPIC_FLAG_UNIT;
    case TOPICS_UNIT_SUB:
        return flags & TOPIC_FLAG_UNIT_SUB;
    case TOPICS_UNIT_SUB_NOT_UNIT:
        return (flags & TOPIC_FLAG_UNIT_SUB) && !(flags & TOPIC_FLAG_UNIT);
    default:
        return true;
    }
}

void route_query_topics(const struct route_table *table, struct arena *arena, enum topic_filter filter,
                        struct topic_list *out) {
    struct bytes *names = arena_alloc(arena, HASH_COUNT(table->topics) * sizeof *names);
    *out = (struct topic_list){.topics = names};
    for (const struct topic_entry *topic = table->topics; topic != NULL; topic = topic->hh.next)
        if (passes(topic, filter)) names[out->count++] = topic->name;
}

static bool is_in_cluster(const struct topic_entry *topic, struct bytes cluster) {
    for (size_t i = 0; i < topic->row_count; i++)
        if (bytes_equal(topic->rows[i].broker->data.cluster, cluster)) return true;
    return false;
}

void route_query_topics_of_cluster(const struct route_table *table, struct arena *arena, struct bytes cluster,
                                   struct topic_list *out) {
    struct bytes *names = arena_alloc(arena, HASH_COUNT(table->topics) * sizeof *names);
    *out = (struct topic_list){.topics = names};
    for (const struct topic_entry *topic = table->topics; topic != NULL; topic = topic->hh.next)
        if (is_in_cluster(topic, cluster)) names[out->count++] = topic->name;
}

void route_query_system_topics(const struct route_table *table, struct arena *arena, struct topic_list *out) {
    struct cluster_info info;
    route_query_cluster_info(table, arena, &info);
    struct bytes *names = arena_alloc(arena, (info.cluster_count + info.broker_count) * sizeof *names);
    *out = (struct topic_list){.topics = names};
    for (size_t i = 0; i < info.cluster_count; i++) {
        names[out->count++] = info.clusters[i].cluster;
        for (size_t k = 0; k < info.clusters[i].count; k++) names[out->count++] = info.clusters[i].broker_names[k];
    }
    if (info.broker_count > 0) out->broker_addr = info.brokers[0].addresses[0].address;
}
