/* cmd_query_msg_trace_by_id.c - queryMsgTraceById: who sent a message and who consumed it, as their clients told. */
#include <string.h>
#include "admin/admin.h"
#include "admin/cmd.h"
#include "admin/print.h"
#include "base/check.h"
#include "client/query.h"
#include "message/trace.h"

/* A record about the message, and the address it came from. */
struct told {
    struct trace_record record;
    struct bytes client_host;
};
struct told_list {
    struct told *items;
    size_t count;
};

static struct bytes host_of(struct admin *admin, const rmq_message_ext_t *message) {
    char text[64];
    const char *port = strrchr(host_text(&message->record.born_host, text), ':');
    return arena_copy(&admin->arena, bytes_make(text, port ? (size_t)(port - text) : strlen(text)));
}

static size_t read_records(struct admin *admin, const rmq_message_ext_t *message, struct bytes id, struct told *out) {
    size_t count = 0;
    struct trace_record record;
    struct bytes host = host_of(admin, message), rest = bytes_make(message->body, message->body_len);
    while (trace_next(&rest, &record)) {
        if (!bytes_equal(record.msg_id, id)) continue;
        if (out) out[count] = (struct told){record, host};
        count++;
    }
    return count;
}

static struct told_list read_all(struct admin *admin, const rmq_message_list_t *messages, struct bytes id) {
    struct told_list list = {0};
    for (size_t i = 0; i < messages->count; i++) list.count += read_records(admin, messages->messages[i], id, NULL);
    struct told *at = list.items = arena_calloc(&admin->arena, list.count + 1, sizeof *list.items);
    for (size_t i = 0; i < messages->count; i++) at += read_records(admin, messages->messages[i], id, at);
    return list;
}

/* Older clients name the group only in the record of the begin. */
static struct bytes group_of(const struct told_list *list, const struct trace_record *record) {
    for (size_t i = 0; !record->group.data && i < list->count; i++) {
        const struct trace_record *begin = &list->items[i].record;
        if (begin->type == TRACE_SUB_BEFORE && bytes_equal(begin->request_id, record->request_id)) return begin->group;
    }
    return record->group;
}

static void print_row(struct admin *admin, struct table *table, const char *type, struct bytes group,
                      const struct told *told) {
    table_text(table, bytes_of(type));
    table_text(table, group);
    table_text(table, told->client_host);
    table_text(table, print_time(&admin->arena, told->record.time_ms, TIME_SECONDS));
    table_cell(table, "%dms", told->record.cost_ms);
    table_text(table, told->record.success ? BYTES("success") : BYTES("failed"));
}

static void print_sends(struct admin *admin, const struct told_list *list) {
    static const struct column columns[] = {{"#Type", -10, 1},     {"#ProducerGroup", -20, 1}, {"#ClientHost", -20, 1},
                                            {"#SendTime", -20, 1}, {"#CostTimes", -10, 1},     {"#Status", -10, 0}};
    for (size_t i = 0; i < list->count; i++) {
        const struct told *told = &list->items[i];
        if (told->record.type != TRACE_PUB) continue;
        struct table table = table_begin(admin->out, columns, ARRAY_LEN(columns));
        print_row(admin, &table, "Pub", told->record.group, told);
        fputc('\n', admin->out);
    }
}

/* A table for each group, in the order in which they come first. */
static void print_consumptions(struct admin *admin, const struct told_list *list) {
    static const struct column columns[] = {{"#Type", -10, 1},       {"#ConsumerGroup", -20, 1},
                                            {"#ClientHost", -20, 1}, {"#ConsumerTime", -20, 1},
                                            {"#CostTimes", -10, 1},  {"#Status", -10, 0}};
    bool *printed = arena_calloc(&admin->arena, list->count + 1, sizeof *printed);
    for (size_t i = 0; i < list->count; i++) {
        if (list->items[i].record.type != TRACE_SUB_AFTER || printed[i]) continue;
        struct bytes group = group_of(list, &list->items[i].record);
        struct table table = table_begin(admin->out, columns, ARRAY_LEN(columns));
        for (size_t k = i; k < list->count; k++) {
            const struct told *told = &list->items[k];
            if (told->record.type != TRACE_SUB_AFTER || !bytes_equal(group_of(list, &told->record), group)) continue;
            print_row(admin, &table, "Sub", group, told);
            printed[k] = true;
        }
        fputc('\n', admin->out);
    }
}

enum err cmd_query_msg_trace_by_id(struct admin *admin, const struct args_query_msg_trace_by_id *args) {
    struct bytes topic = args->trace_topic.data ? args->trace_topic : BYTES(TRACE_TOPIC);
    struct hdr_query_message query = {.present = HEADER_ALL,
                                      .topic = topic,
                                      .key = args->id,
                                      .max_num = (int32_t)args->count,
                                      .begin_timestamp = args->begin_ms,
                                      .end_timestamp = args->end_ms};
    rmq_message_list_t *messages;
    TRY(admin_err(admin, client_query(admin->client, topic, &query, &messages)));
    struct told_list list = read_all(admin, messages, args->id);
    print_sends(admin, &list);
    print_consumptions(admin, &list);
    rmq_message_list_destroy(messages);
    return ERR_OK;
}
