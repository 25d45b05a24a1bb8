/* cmd_topic_route.c - topicRoute: as JSON in the form of the Java tool, or as a table. */
#include "admin/admin.h"
#include "admin/cmd.h"
#include "admin/print.h"

/* ---- JSON as fastjson's pretty form: tabs, keys by name, numbers as keys bare -------------------------- */

static void print_broker(FILE *out, const struct broker_data *broker, bool last) {
    fprintf(out, "\t\t{\n\t\t\t\"brokerAddrs\":{");
    for (size_t i = 0; i < broker->address_count; i++)
        fprintf(out, "%s%lld:\"%.*s\"", i > 0 ? "," : "", (long long)broker->addresses[i].broker_id,
                BYTES_ARG(broker->addresses[i].address));
    fprintf(out, "\n\t\t\t},\n\t\t\t\"brokerName\":\"%.*s\",\n\t\t\t\"cluster\":\"%.*s\"",
            BYTES_ARG(broker->broker_name), BYTES_ARG(broker->cluster));
    fprintf(out, ",\n\t\t\t\"enableActingMaster\":%s", print_bool(broker->enable_acting_master));
    if (broker->zone_name.data) fprintf(out, ",\n\t\t\t\"zoneName\":\"%.*s\"", BYTES_ARG(broker->zone_name));
    fprintf(out, "\n\t\t}%s\n", last ? "" : ",");
}

static void print_queue(FILE *out, const struct queue_data *queue, bool last) {
    fprintf(out, "\t\t{\n\t\t\t\"brokerName\":\"%.*s\",\n\t\t\t\"perm\":%d,\n\t\t\t\"readQueueNums\":%d",
            BYTES_ARG(queue->broker_name), queue->perm, queue->read_queue_nums);
    fprintf(out, ",\n\t\t\t\"topicSysFlag\":%d,\n\t\t\t\"writeQueueNums\":%d\n\t\t}%s\n", queue->topic_sys_flag,
            queue->write_queue_nums, last ? "" : ",");
}

static void print_filters(FILE *out, const struct topic_route *route) {
    fprintf(out, "\t\"filterServerTable\":{");
    for (size_t i = 0; i < route->filter_count; i++) {
        fprintf(out, "%s\"%.*s\":[", i > 0 ? "," : "", BYTES_ARG(route->filters[i].broker_address));
        for (size_t k = 0; k < route->filters[i].server_count; k++)
            fprintf(out, "%s\"%.*s\"", k > 0 ? "," : "", BYTES_ARG(route->filters[i].servers[k]));
        fputc(']', out);
    }
    fprintf(out, "},\n");
}

/* Of a static topic: which of its queues each broker takes messages for. */
static void print_mappings(FILE *out, const struct topic_route *route) {
    if (route->mapping_count == 0) return;
    fprintf(out, ",\n\t\"topicQueueMappingByBroker\":{");
    for (size_t i = 0; i < route->mapping_count; i++)
        fprintf(out, "%s\n\t\t\"%.*s\":%.*s", i > 0 ? "," : "", BYTES_ARG(route->mappings[i].broker_name),
                BYTES_ARG(route->mappings[i].info));
    fprintf(out, "\n\t}");
}

static void print_json(FILE *out, const struct topic_route *route) {
    fprintf(out, "{\n\t\"brokerDatas\":[\n");
    for (size_t i = 0; i < route->broker_count; i++)
        print_broker(out, &route->brokers[i], i + 1 == route->broker_count);
    fprintf(out, "\t],\n");
    print_filters(out, route);
    if (route->order_topic_conf.data)
        fprintf(out, "\t\"orderTopicConf\":\"%.*s\",\n", BYTES_ARG(route->order_topic_conf));
    fprintf(out, "\t\"queueDatas\":[\n");
    for (size_t i = 0; i < route->queue_count; i++) print_queue(out, &route->queues[i], i + 1 == route->queue_count);
    fprintf(out, "\t]");
    print_mappings(out, route);
    fprintf(out, "\n}\n");
}

/* ---- table --------------------------------------------------------------------------------------------- */

static struct bytes addresses_text(struct arena *arena, const struct broker_data *broker) {
    struct bytes text = BYTES("{");
    for (size_t i = 0; i < broker->address_count; i++)
        text = arena_printf(arena, "%.*s%s%lld=%.*s", BYTES_ARG(text), i > 0 ? ", " : "",
                            (long long)broker->addresses[i].broker_id, BYTES_ARG(broker->addresses[i].address));
    return arena_printf(arena, "%.*s}", BYTES_ARG(text));
}

static void print_list(struct admin *admin, const struct topic_route *route) {
    static const struct column columns[] = {{"#ClusterName", -45, 1}, {"#BrokerName", -32, 1}, {"#BrokerAddrs", -50, 1},
                                            {"#ReadQueue", -10, 1},   {"#WriteQueue", -11, 1}, {"#Perm", -5, 0}};
    enum { COLUMNS = sizeof columns / sizeof *columns, RULE = 158 };
    struct table table = table_begin(admin->out, columns, COLUMNS);
    int64_t read = 0, write = 0;
    for (size_t i = 0; i < route->broker_count; i++) {
        const struct broker_data *broker = &route->brokers[i];
        for (size_t k = 0; k < route->queue_count; k++) {
            const struct queue_data *queue = &route->queues[k];
            if (!bytes_equal(queue->broker_name, broker->broker_name)) continue;
            table_text(&table, broker->cluster);
            table_text(&table, broker->broker_name);
            table_text(&table, addresses_text(&admin->arena, broker));
            table_int(&table, queue->read_queue_nums);
            table_int(&table, queue->write_queue_nums);
            table_int(&table, queue->perm);
            read += queue->read_queue_nums;
            write += queue->write_queue_nums;
        }
    }
    for (int i = 0; i < RULE; i++) fputc('-', admin->out);
    fputc('\n', admin->out);
    table_text(&table, BYTES("Total:"));
    table_int(&table, (int64_t)route->queue_count);
    table_text(&table, BYTES(""));
    table_int(&table, read);
    table_int(&table, write);
    table_text(&table, BYTES(""));
}

enum err cmd_topic_route(struct admin *admin, const struct args_topic_route *args) {
    struct topic_route route;
    TRY(admin_route(admin, args->topic, &route));
    if (args->list)
        print_list(admin, &route);
    else
        print_json(admin->out, &route);
    return ERR_OK;
}
