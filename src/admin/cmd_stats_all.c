/* cmd_stats_all.c - statsAll: backlog and throughput, a row for each topic and group.
 * @source apache/rocketmq tools/.../command/stats/StatsAllSubCommand.java */
#include "admin/admin.h"
#include "admin/cmd.h"
#include "admin/print.h"
#include "base/check.h"

struct flow {
    double tps;
    int64_t in_24_hours;
};

/* The counter in the longest span that has counted something. */
static void add(struct flow *flow, const struct broker_stats *stats) {
    flow->tps += stats->minute.tps;
    flow->in_24_hours += stats->day.sum != 0    ? stats->day.sum
                         : stats->hour.sum != 0 ? stats->hour.sum
                                                : stats->minute.sum;
}

/* Over all brokers of the topic; `group` absent: what comes in. */
static enum err sum_flow(struct admin *admin, const struct topic_route *route, struct bytes topic, struct bytes group,
                         struct flow *flow) {
    struct bytes key = topic;
    if (group.data) key = arena_printf(&admin->arena, "%.*s@%.*s", BYTES_ARG(topic), BYTES_ARG(group));
    *flow = (struct flow){0};
    for (size_t i = 0; i < route->broker_count; i++) {
        struct bytes address = broker_data_address(&route->brokers[i], MASTER_ID);
        struct broker_stats stats;
        if (!address.data) continue;
        TRY(admin_broker_stats(admin, address, group.data ? BYTES("GROUP_GET_NUMS") : BYTES("TOPIC_PUT_NUMS"), key,
                               &stats));
        add(flow, &stats);
    }
    return ERR_OK;
}

static enum err backlog(struct admin *admin, const struct topic_route *route, struct bytes topic, struct bytes group,
                        int64_t *out) {
    *out = 0;
    for (size_t i = 0; i < route->broker_count; i++) {
        struct bytes address = admin_address_of(&route->brokers[i]);
        struct consume_stats_table progress;
        if (!address.data) continue;
        TRY(admin_consume_stats(admin, address, group, topic, &progress));
        for (size_t k = 0; k < progress.count; k++)
            *out += progress.queues[k].broker_offset - progress.queues[k].consumer_offset;
    }
    return ERR_OK;
}

static enum err print_topic(struct admin *admin, const struct args_stats_all *args, struct bytes topic,
                            struct table *table) {
    struct topic_route route;
    const struct bytes *groups;
    size_t count;
    struct flow in, out;
    TRY(admin_route(admin, topic, &route));
    TRY(sum_flow(admin, &route, topic, (struct bytes){0}, &in));
    TRY(admin_groups_of_topic(admin, &route, topic, &groups, &count));
    if (count == 0 && (!args->active || in.in_24_hours > 0)) {
        table_text(table, topic);
        table_text(table, BYTES(""));
        table_int(table, 0);
        table_cell(table, "%.2f", in.tps);
        table_text(table, BYTES(""));
        table_int(table, in.in_24_hours);
        table_text(table, BYTES("NO_CONSUMER"));
    }
    for (size_t i = 0; i < count; i++) {
        int64_t behind;
        TRY(sum_flow(admin, &route, topic, groups[i], &out));
        TRY(backlog(admin, &route, topic, groups[i], &behind));
        if (args->active && in.in_24_hours == 0 && out.in_24_hours == 0) continue;
        table_text(table, topic);
        table_text(table, groups[i]);
        table_int(table, behind);
        table_cell(table, "%.2f", in.tps);
        table_cell(table, "%.2f", out.tps);
        table_int(table, in.in_24_hours);
        table_int(table, out.in_24_hours);
    }
    return ERR_OK;
}

static bool wanted(const struct args_stats_all *args, struct bytes topic) {
    if (args->topic.data) return bytes_equal(args->topic, topic);
    return !bytes_starts_with(topic, BYTES("%RETRY%")) && !bytes_starts_with(topic, BYTES("%DLQ%"));
}

enum err cmd_stats_all(struct admin *admin, const struct args_stats_all *args) {
    static const struct column columns[] = {
        {"#Topic", -64, 2}, {"#Consumer Group", -64, 1}, {"#Accumulation", 12, 1}, {"#InTPS", 11, 1},
        {"#OutTPS", 11, 1}, {"#InMsg24Hour", 14, 1},     {"#OutMsg24Hour", 14, 0}};
    struct topic_list topics;
    size_t seen = 0;
    TRY(admin_topics(admin, &topics));
    struct table table = table_begin(admin->out, columns, ARRAY_LEN(columns));
    for (size_t i = 0; i < topics.count; i++) {
        if (!wanted(args, topics.topics[i])) continue;
        seen++;
        enum err err = print_topic(admin, args, topics.topics[i], &table);
        if (err != ERR_OK) admin_problem(admin, err, "topic %.*s", BYTES_ARG(topics.topics[i]));
    }
    if (args->topic.data && seen == 0)
        return fail(ERR_NOT_FOUND, "the name server knows no topic %.*s: mqadmin topicList shows those it knows",
                    BYTES_ARG(args->topic));
    return ERR_OK;
}
