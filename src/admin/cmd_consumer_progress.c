/* cmd_consumer_progress.c - consumerProgress: the queues of a group with offsets and backlog, or a line for each group.
 * @source apache/rocketmq tools/.../command/consumer/ConsumerProgressSubCommand.java */
#include <inttypes.h>
#include "admin/admin.h"
#include "admin/cmd.h"
#include "admin/print.h"
#include "base/check.h"

/* ---- which client has a queue -------------------------------------------------------------------------- */

struct owner {
    struct message_queue queue;
    struct bytes client_ip;
};
struct owners {
    struct owner *items;
    size_t count;
};

/* "ip@instance" */
static struct bytes ip_of(struct bytes client_id) {
    struct bytes ip = client_id;
    return bytes_split(&client_id, '@', &ip) ? ip : client_id;
}

static void add_queues(struct arena *arena, struct owners *owners, const struct json *table, struct bytes client_id) {
    struct owner *items = arena_calloc(arena, owners->count + (table ? table->count : 0), sizeof *items);
    for (size_t i = 0; i < owners->count; i++) items[i] = owners->items[i];
    for (const struct json *node = json_first(table); node; node = node->next)
        items[owners->count++] = (struct owner){message_queue_decode(node->key_object), ip_of(client_id)};
    owners->items = items;
}

/* A group that is not connected has none. */
static enum err find_owners(struct admin *admin, struct bytes group, struct owners *owners) {
    struct topic_route route;
    struct connection_list clients;
    TRY(admin_route(admin, admin_retry_topic(admin, group), &route));
    for (size_t b = 0; b < route.broker_count; b++) {
        struct bytes address = admin_address_of(&route.brokers[b]);
        if (!address.data || admin_consumer_connection(admin, address, group, &clients) != ERR_OK) continue;
        for (size_t i = 0; i < clients.connection_count; i++) {
            struct hdr_get_consumer_running_info header = {
                .present = HEADER_ALL, .consumer_group = group, .client_id = clients.connections[i].client_id};
            struct command response;
            const struct json *info;
            TRY(admin_ask(admin, address, ADMIN_REQUEST(GET_CONSUMER_RUNNING_INFO, get_consumer_running_info, &header),
                          &response));
            TRY(json_parse(&admin->arena, response.body, &info));
            add_queues(&admin->arena, owners, json_get(info, "mqTable"), clients.connections[i].client_id);
        }
        return ERR_OK; /* all brokers know the same clients */
    }
    return ERR_OK;
}

static struct bytes owner_of(const struct owners *owners, const struct message_queue *queue) {
    for (size_t i = 0; i < owners->count; i++)
        if (message_queue_equal(&owners->items[i].queue, queue)) return owners->items[i].client_ip;
    return BYTES("N/A");
}

/* ---- one group ----------------------------------------------------------------------------------------- */

struct totals {
    int64_t behind, in_flight;
};

static struct totals print_queues(struct admin *admin, const struct consume_stats_table *progress,
                                  const struct owners *owners) {
    static const struct column columns[] = {{"#Topic", -64, 2},         {"#Broker Name", -32, 2},     {"#QID", -4, 2},
                                            {"#Broker Offset", -20, 2}, {"#Consumer Offset", -20, 2}, {"#Diff", -20, 1},
                                            {"#Inflight", -20, 1},      {"#LastTime", 0, 0}};
    static const struct column with_owner[] = {
        {"#Topic", -64, 2},         {"#Broker Name", -32, 2},     {"#QID", -4, 2},
        {"#Broker Offset", -20, 2}, {"#Consumer Offset", -20, 2}, {"#Client IP", -20, 1},
        {"#Diff", -20, 1},          {"#Inflight", -20, 1},        {"#LastTime", 0, 0}};
    struct table table = owners ? table_begin(admin->out, with_owner, ARRAY_LEN(with_owner))
                                : table_begin(admin->out, columns, ARRAY_LEN(columns));
    struct totals totals = {0};
    for (size_t i = 0; i < progress->count; i++) {
        const struct queue_progress *queue = &progress->queues[i];
        int64_t behind = queue->broker_offset - queue->consumer_offset;
        int64_t in_flight = MAX(queue->pull_offset - queue->consumer_offset, 0);
        table_text(&table, queue->queue.topic);
        table_text(&table, queue->queue.broker_name);
        table_int(&table, queue->queue.queue_id);
        table_int(&table, queue->broker_offset);
        table_int(&table, queue->consumer_offset);
        if (owners) table_text(&table, owner_of(owners, &queue->queue));
        table_int(&table, behind);
        table_int(&table, in_flight);
        table_text(&table, queue->last_time_ms > 0 ? print_time(&admin->arena, queue->last_time_ms, TIME_SECONDS)
                                                   : BYTES("N/A"));
        totals.behind += behind;
        totals.in_flight += in_flight;
    }
    return totals;
}

static enum err print_group(struct admin *admin, const struct args_consumer_progress *args) {
    struct consume_stats_table progress;
    struct owners owners = {0};
    TRY(admin_group_progress(admin, args->cluster, args->group, args->topic, &progress));
    if (args->client_ip) TRY(find_owners(admin, args->group, &owners));
    struct totals totals = print_queues(admin, &progress, args->client_ip ? &owners : NULL);
    fprintf(admin->out, "\nConsume TPS: %.2f\nConsume Diff Total: %" PRId64 "\nConsume Inflight Total: %" PRId64 "\n",
            progress.consume_tps, totals.behind, totals.in_flight);
    return ERR_OK;
}

/* ---- all groups ---------------------------------------------------------------------------------------- */

/* Offline groups have no clients, those that never consumed no offsets: both are rows all the same. */
static enum err print_group_row(struct admin *admin, struct bytes cluster, struct bytes group, struct table *table) {
    struct consume_stats_table progress = {0};
    struct connection_list clients = {0};
    int64_t behind = 0;
    enum err err = admin_group_progress(admin, cluster, group, (struct bytes){0}, &progress);
    if (err != ERR_OK && err != ERR_NOT_ONLINE) return err;
    err = admin_group_connection(admin, group, &clients);
    if (err != ERR_OK && err != ERR_RESPONSE) return err;
    for (size_t i = 0; i < progress.count; i++)
        behind += progress.queues[i].broker_offset - progress.queues[i].consumer_offset;
    bool online = clients.connection_count > 0, push = bytes_is(clients.consume_type, "CONSUME_PASSIVELY");
    int32_t version = 0;
    for (size_t i = 0; i < clients.connection_count; i++)
        version = i == 0 ? clients.connections[i].version : MIN(version, clients.connections[i].version);
    table_text(table, group);
    table_int(table, (int64_t)clients.connection_count);
    table_text(table, online ? print_version(&admin->arena, version) : BYTES(""));
    table_text(table, !online ? BYTES("") : push ? BYTES("PUSH") : BYTES("PULL"));
    table_text(table, online && push ? clients.message_model : BYTES(""));
    table_cell(table, "%.0f", progress.consume_tps);
    table_int(table, behind);
    return ERR_OK;
}

static enum err print_all_groups(struct admin *admin, struct bytes cluster) {
    static const struct column columns[] = {{"#Group", -64, 2},   {"#Count", -6, 2},  {"#Version", -24, 1},
                                            {"#Type", -5, 2},     {"#Model", -14, 2}, {"#TPS", -7, 2},
                                            {"#Diff Total", 0, 0}};
    const struct bytes prefix = BYTES("%RETRY%");
    struct topic_list topics;
    TRY(admin_topics(admin, &topics));
    struct table table = table_begin(admin->out, columns, ARRAY_LEN(columns));
    for (size_t i = 0; i < topics.count; i++) {
        if (!bytes_starts_with(topics.topics[i], prefix)) continue;
        struct bytes group = bytes_skip(topics.topics[i], prefix.len);
        enum err err = print_group_row(admin, cluster, group, &table);
        if (err != ERR_OK) admin_problem(admin, err, "group %.*s", BYTES_ARG(group));
    }
    return ERR_OK;
}

enum err cmd_consumer_progress(struct admin *admin, const struct args_consumer_progress *args) {
    return args->group.data ? print_group(admin, args) : print_all_groups(admin, args->cluster);
}
