/* running_info_print.c - a section for each table of the report.
 * @source shared golden outputs: mqadmin consumerStatus.i; apache/rocketmq remoting/.../body/ConsumerRunningInfo.java
 * formatString */
#include "admin/running_info_print.h"

#include <stdlib.h>
#include "admin/print.h"
#include "base/check.h"
#include "wire/body_queue.h"

struct queue_row {
    struct message_queue queue;
    const struct json *info;
};

static int by_queue(const void *a, const void *b) {
    return message_queue_compare(&((const struct queue_row *)a)->queue, &((const struct queue_row *)b)->queue);
}

/* The rows of a table whose keys are queues, sorted. */
static struct queue_row *rows_of(struct arena *arena, const struct json *table, size_t *count) {
    struct queue_row *rows = arena_calloc(arena, table ? table->count : 0, sizeof *rows);
    *count = 0;
    for (const struct json *node = json_first(table); node; node = node->next)
        rows[(*count)++] = (struct queue_row){message_queue_decode(node->key_object), node};
    if (*count > 0) qsort(rows, *count, sizeof *rows, by_queue);
    return rows;
}

static int by_key(const void *a, const void *b) {
    return bytes_compare((*(const struct json *const *)a)->key, (*(const struct json *const *)b)->key);
}

static void print_pairs(FILE *out, struct arena *arena, const struct json *table) {
    const struct json **nodes = arena_calloc(arena, table ? table->count : 0, sizeof *nodes);
    size_t count = 0;
    for (const struct json *node = json_first(table); node; node = node->next) nodes[count++] = node;
    if (count > 0) qsort(nodes, count, sizeof *nodes, by_key);
    for (size_t i = 0; i < count; i++)
        fprintf(out, "%-40.*s: %.*s\n", BYTES_ARG(nodes[i]->key), BYTES_ARG(json_text(nodes[i])));
}

static void print_subscriptions(FILE *out, const struct json *set) {
    int number = 0;
    for (const struct json *node = json_first(set); node; node = node->next)
        fprintf(out, "%03d Topic: %-40.*s ClassFilter: %-8s SubExpression: %.*s\n", ++number,
                BYTES_ARG(json_text(json_get(node, "topic"))),
                print_bool(json_bool(json_get(node, "classFilterMode"), false)),
                BYTES_ARG(json_text(json_get(node, "subString"))));
}

static void print_offsets(FILE *out, struct arena *arena, const struct json *table) {
    static const struct column columns[] = {
        {"#Topic", -64, 2}, {"#Broker Name", -32, 2}, {"#QID", -4, 2}, {"#Consumer Offset", -20, 0}};
    size_t count;
    const struct queue_row *rows = rows_of(arena, table, &count);
    struct table printed = table_begin(out, columns, ARRAY_LEN(columns));
    for (size_t i = 0; i < count; i++) {
        table_text(&printed, rows[i].queue.topic);
        table_text(&printed, rows[i].queue.broker_name);
        table_int(&printed, rows[i].queue.queue_id);
        table_int(&printed, json_i64(json_get(rows[i].info, "commitOffset"), 0));
    }
}

/* Name [a=1, b=2]: the members given, those that end in Timestamp as times. */
static struct bytes members_text(struct arena *arena, const char *name, const struct json *info,
                                 const char *const *keys, size_t count) {
    struct bytes text = arena_printf(arena, "%s [", name);
    for (size_t i = 0; i < count; i++) {
        const struct json *node = json_get(info, keys[i]);
        struct bytes value = json_text(node);
        if (bytes_ends_with(bytes_of(keys[i]), BYTES("Timestamp")))
            value = print_time(arena, json_i64(node, 0), TIME_COMPACT);
        text = arena_printf(arena, "%.*s%s%s=%.*s", BYTES_ARG(text), i > 0 ? ", " : "", keys[i], BYTES_ARG(value));
    }
    return arena_printf(arena, "%.*s]", BYTES_ARG(text));
}

static void print_details(FILE *out, struct arena *arena, const struct json *table, bool pop) {
    static const struct column columns[] = {
        {"#Topic", -64, 2}, {"#Broker Name", -32, 2}, {"#QID", -4, 2}, {"#ProcessQueueInfo", -20, 0}};
    static const char *const pull_keys[] = {"commitOffset",
                                            "cachedMsgMinOffset",
                                            "cachedMsgMaxOffset",
                                            "cachedMsgCount",
                                            "cachedMsgSizeInMiB",
                                            "transactionMsgMinOffset",
                                            "transactionMsgMaxOffset",
                                            "transactionMsgCount",
                                            "locked",
                                            "tryUnlockTimes",
                                            "lastLockTimestamp",
                                            "droped",
                                            "lastPullTimestamp",
                                            "lastConsumeTimestamp"};
    static const char *const pop_keys[] = {"waitAckCount", "droped", "lastPopTimestamp"};
    size_t count;
    const struct queue_row *rows = rows_of(arena, table, &count);
    struct table printed = table_begin(out, columns, ARRAY_LEN(columns));
    for (size_t i = 0; i < count; i++) {
        table_text(&printed, rows[i].queue.topic);
        table_text(&printed, rows[i].queue.broker_name);
        table_int(&printed, rows[i].queue.queue_id);
        table_text(&printed,
                   pop ? members_text(arena, "PopProcessQueueInfo", rows[i].info, pop_keys, ARRAY_LEN(pop_keys))
                       : members_text(arena, "ProcessQueueInfo", rows[i].info, pull_keys, ARRAY_LEN(pull_keys)));
    }
}

static void print_rates(FILE *out, const struct json *table) {
    static const struct column columns[] = {{"#Topic", -64, 2},
                                            {"#Pull RT", 14, 1},
                                            {"#Pull TPS", 14, 1},
                                            {"#Consume RT", 14, 1},
                                            {"#ConsumeOK TPS", 14, 1},
                                            {"#ConsumeFailed TPS", 18, 1},
                                            {"#ConsumeFailedMsgsInHour", 25, 0}};
    static const char *const keys[] = {"pullRT", "pullTPS", "consumeRT", "consumeOKTPS", "consumeFailedTPS"};
    struct table printed = table_begin(out, columns, ARRAY_LEN(columns));
    for (const struct json *node = json_first(table); node; node = node->next) {
        table_text(&printed, node->key);
        for (size_t i = 0; i < ARRAY_LEN(keys); i++)
            table_cell(&printed, "%.2f", json_double(json_get(node, keys[i]), 0));
        table_int(&printed, json_i64(json_get(node, "consumeFailedMsgs"), 0));
    }
}

void running_info_print(FILE *out, struct arena *arena, const struct json *info) {
    fprintf(out, "#Consumer Properties#\n");
    print_pairs(out, arena, json_get(info, "properties"));
    fprintf(out, "\n\n#Consumer Subscription#\n");
    print_subscriptions(out, json_get(info, "subscriptionSet"));
    fprintf(out, "\n\n#Consumer Offset#\n");
    print_offsets(out, arena, json_get(info, "mqTable"));
    fprintf(out, "\n\n#Consumer MQ Detail#\n");
    print_details(out, arena, json_get(info, "mqTable"), false);
    fprintf(out, "\n\n#Consumer Pop Detail#\n");
    print_details(out, arena, json_get(info, "mqPopTable"), true);
    fprintf(out, "\n\n#Consumer RT&TPS#\n");
    print_rates(out, json_get(info, "statusTable"));
    fprintf(out, "\n\n#User Consume Info#\n");
    print_pairs(out, arena, json_get(info, "userConsumerInfo"));
    struct bytes jstack = json_text(json_get(info, "jstack"));
    if (jstack.len > 0) fprintf(out, "\n\n#Consumer jstack#\n%.*s\n", BYTES_ARG(jstack));
}
