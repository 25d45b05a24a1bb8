/* cmd_consumer_status.c - consumerStatus: asks each client of a group about itself through the broker, keeps the
 * reports as files, and sees whether all subscribe alike and share out the queues; or shows the report of one. */
#include <stdlib.h>
#include "admin/admin.h"
#include "admin/cmd.h"
#include "admin/print.h"
#include "admin/running_info_print.h"
#include "base/check.h"
#include "os/clock.h"
#include "os/file.h"

struct report {
    struct bytes client_id;
    const struct json *info;
};

static enum err ask(struct admin *admin, const struct args_consumer_status *args, struct bytes address,
                    struct bytes client_id, const struct json **info) {
    struct hdr_get_consumer_running_info header = {
        .present = HEADER_ALL, .consumer_group = args->group, .client_id = client_id, .jstack_enable = args->jstack};
    struct command response;
    TRY(admin_ask(admin, address, ADMIN_REQUEST(GET_CONSUMER_RUNNING_INFO, get_consumer_running_info, &header),
                  &response));
    return json_parse(&admin->arena, response.body, info);
}

/* The broker given, or the first of the group that knows its clients. */
static enum err find_clients(struct admin *admin, const struct args_consumer_status *args, struct bytes *address,
                             struct connection_list *clients) {
    *address = args->broker_addr;
    if (args->broker_addr.data) return admin_consumer_connection(admin, *address, args->group, clients);
    struct topic_route route;
    TRY(admin_route(admin, admin_retry_topic(admin, args->group), &route));
    enum err err = fail(ERR_NOT_FOUND, "no broker has the retry topic of group %.*s now", BYTES_ARG(args->group));
    for (size_t i = 0; i < route.broker_count; i++) {
        *address = admin_address_of(&route.brokers[i]);
        if (!address->data) continue;
        err = admin_consumer_connection(admin, *address, args->group, clients);
        if (err == ERR_OK) return ERR_OK;
    }
    return err;
}

/* In a folder named by the time, here; the id is the client's: nothing in it may lead elsewhere. */
static enum err keep_report(struct admin *admin, const struct report *report, const char *dir, const char **path) {
    char *name = arena_strdup(&admin->arena, report->client_id);
    for (char *at = name; *at; at++)
        if (*at == '/' || (*at == '.' && at == name)) *at = '_';
    *path = arena_printf(&admin->arena, "%s/%s", dir, name).data;
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    must(out);
    running_info_print(out, &admin->arena, report->info);
    must(fclose(out) == 0);
    enum err err = file_make_dirs(dir);
    if (err == ERR_OK) err = file_replace(*path, bytes_make(text, len), false);
    free(text);
    return err;
}

static bool has_subscription(const struct json *info, const struct json *wanted) {
    for (const struct json *node = json_first(json_get(info, "subscriptionSet")); node; node = node->next)
        if (bytes_equal(json_text(json_get(node, "topic")), json_text(json_get(wanted, "topic"))) &&
            bytes_equal(json_text(json_get(node, "subString")), json_text(json_get(wanted, "subString"))))
            return true;
    return false;
}

static bool subscribe_alike(const struct report *a, const struct report *b) {
    const struct json *mine = json_get(a->info, "subscriptionSet"), *theirs = json_get(b->info, "subscriptionSet");
    if ((mine ? mine->count : 0) != (theirs ? theirs->count : 0)) return false;
    for (const struct json *node = json_first(mine); node; node = node->next)
        if (!has_subscription(b->info, node)) return false;
    return true;
}

static bool share_a_queue(const struct report *a, const struct report *b) {
    for (const struct json *x = json_first(json_get(a->info, "mqTable")); x; x = x->next) {
        struct message_queue queue = message_queue_decode(x->key_object);
        for (const struct json *y = json_first(json_get(b->info, "mqTable")); y; y = y->next) {
            struct message_queue other = message_queue_decode(y->key_object);
            if (message_queue_equal(&queue, &other)) return true;
        }
    }
    return false;
}

static void print_verdicts(FILE *out, const struct report *reports, size_t count, bool broadcasting) {
    bool alike = true, shared_out = true;
    for (size_t i = 0; i < count; i++) {
        alike &= subscribe_alike(&reports[0], &reports[i]);
        for (size_t k = 0; k < i && !broadcasting; k++) shared_out &= !share_a_queue(&reports[i], &reports[k]);
    }
    fprintf(out, "\n\n%s\n",
            alike ? "Same subscription in the same group of consumer"
                  : "WARN: Different subscription in the same group of consumer!!!");
    fprintf(out, "\n%s\n", shared_out ? "Rebalance OK" : "Rebalance Failed");
}

static enum err show_all(struct admin *admin, const struct args_consumer_status *args, struct bytes address,
                         const struct connection_list *clients) {
    static const struct column columns[] = {
        {"#Index", -10, 1}, {"#ClientId", -40, 1}, {"#Version", -20, 1}, {"#ConsumerRunningInfoFile", 0, 0}};
    const char *dir = arena_printf(&admin->arena, "%lld", (long long)clock_wall_ms()).data;
    struct report *reports = arena_calloc(&admin->arena, clients->connection_count, sizeof *reports);
    size_t count = 0;
    struct table table = table_begin(admin->out, columns, ARRAY_LEN(columns));
    for (size_t i = 0; i < clients->connection_count; i++) {
        const struct connection *client = &clients->connections[i];
        struct report report = {.client_id = client->client_id};
        const char *path;
        enum err err = ask(admin, args, address, client->client_id, &report.info);
        if (err == ERR_OK) err = keep_report(admin, &report, dir, &path);
        if (err != ERR_OK) {
            admin_problem(admin, err, "client %.*s", BYTES_ARG(client->client_id));
            continue;
        }
        reports[count++] = report;
        table_int(&table, (int64_t)i + 1);
        table_text(&table, client->client_id);
        table_text(&table, print_version(&admin->arena, client->version));
        table_text(&table, bytes_of(path));
    }
    if (count > 0) print_verdicts(admin->out, reports, count, bytes_is(clients->message_model, "BROADCASTING"));
    return ERR_OK;
}

enum err cmd_consumer_status(struct admin *admin, const struct args_consumer_status *args) {
    struct bytes address;
    struct connection_list clients;
    const struct json *info;
    TRY(find_clients(admin, args, &address, &clients));
    if (!args->client_id.data) return show_all(admin, args, address, &clients);
    TRY(ask(admin, args, address, args->client_id, &info));
    running_info_print(admin->out, &admin->arena, info);
    return ERR_OK;
}
