/* cmd_cluster_list.c - clusterList: every broker with its load, or with its messages of today and yesterday.
 * @source apache/rocketmq tools/.../command/cluster/ClusterListSubCommand.java */
#include <inttypes.h>
#include "admin/admin.h"
#include "admin/cmd.h"
#include "admin/print.h"
#include "base/check.h"
#include "os/clock.h"

struct runtime {
    const struct kv *items;
    size_t count;
};

static struct bytes text_of(const struct runtime *runtime, const char *key, const char *otherwise) {
    struct bytes value = admin_kv_get(runtime->items, runtime->count, key);
    return value.data ? value : bytes_of(otherwise);
}

static int64_t number_of(const struct runtime *runtime, const char *key) {
    int64_t number;
    return bytes_to_i64(admin_kv_get(runtime->items, runtime->count, key), &number) ? number : 0;
}

/* The first of several numbers separated by blanks. */
static double rate_of(const struct runtime *runtime, const char *key) {
    struct bytes all = admin_kv_get(runtime->items, runtime->count, key), first = {0};
    double number;
    return bytes_split(&all, ' ', &first) && bytes_to_double(first, &number) ? number : 0;
}

/* Before 5.0 the key had one r less. */
static double out_tps(const struct runtime *runtime) {
    bool is_new = admin_kv_get(runtime->items, runtime->count, "getTransferredTps").data != NULL;
    return rate_of(runtime, is_new ? "getTransferredTps" : "getTransferedTps");
}

static void print_load(struct table *table, const struct runtime *runtime) {
    table_cell(table, "%9.2f(%.*s,%.*sms)", rate_of(runtime, "putTps"),
               BYTES_ARG(text_of(runtime, "sendThreadPoolQueueSize", "N")),
               BYTES_ARG(text_of(runtime, "sendThreadPoolQueueHeadWaitTimeMills", "N")));
    table_cell(table, "%9.2f(%.*s,%.*sms|%.*s,%.*sms)", out_tps(runtime),
               BYTES_ARG(text_of(runtime, "pullThreadPoolQueueSize", "N")),
               BYTES_ARG(text_of(runtime, "pullThreadPoolQueueHeadWaitTimeMills", "N")),
               BYTES_ARG(text_of(runtime, "ackThreadPoolQueueSize", "N")),
               BYTES_ARG(text_of(runtime, "ackThreadPoolQueueHeadWaitTimeMills", "N")));
    table_cell(table, "%" PRId64 "-%" PRId64 "(%.1fw, %.1f, %.1f)", number_of(runtime, "timerReadBehind"),
               number_of(runtime, "timerOffsetBehind"), (double)number_of(runtime, "timerCongestNum") / 10000,
               rate_of(runtime, "timerEnqueueTps"), rate_of(runtime, "timerDequeueTps"));
}

static void print_row(struct table *table, const struct member *member, const struct runtime *runtime) {
    int64_t earliest_ms = number_of(runtime, "earliestMessageTimeStamp");
    table_text(table, member->cluster);
    table_text(table, member->broker_name);
    table_int(table, member->broker_id);
    table_text(table, member->address);
    table_text(table, text_of(runtime, "brokerVersionDesc", ""));
    print_load(table, runtime);
    table_text(table, text_of(runtime, "pageCacheLockTimeMills", ""));
    if (earliest_ms > 0)
        table_cell(table, "%.2f", (double)(clock_wall_ms() - earliest_ms) / 3600000);
    else
        table_text(table, BYTES("-")); /* no messages */
    double space;
    if (bytes_to_double(text_of(runtime, "commitLogDiskRatio", ""), &space) && space >= 0) /* -1: not known */
        table_cell(table, "%.4f", space);
    else
        table_text(table, BYTES("-"));
    table_text(table, text_of(runtime, "brokerActive", "false"));
}

static void print_totals(struct table *table, const struct member *member, const struct runtime *runtime) {
    table_text(table, member->cluster);
    table_text(table, member->broker_name);
    table_int(table, number_of(runtime, "msgPutTotalTodayMorning") - number_of(runtime, "msgPutTotalYesterdayMorning"));
    table_int(table, number_of(runtime, "msgGetTotalTodayMorning") - number_of(runtime, "msgGetTotalYesterdayMorning"));
    table_int(table, number_of(runtime, "msgPutTotalTodayNow") - number_of(runtime, "msgPutTotalTodayMorning"));
    table_int(table, number_of(runtime, "msgGetTotalTodayNow") - number_of(runtime, "msgGetTotalTodayMorning"));
}

static enum err print_cluster(struct admin *admin, const struct args_cluster_list *args, struct bytes cluster,
                              struct table *table) {
    const struct member *members;
    size_t count;
    TRY(admin_cluster_members(admin, cluster, true, &members, &count));
    for (size_t i = 0; i < count; i++) {
        struct runtime runtime;
        if (args->more && members[i].broker_id != MASTER_ID) continue;
        enum err err = admin_runtime_info(admin, members[i].address, &runtime.items, &runtime.count);
        if (err != ERR_OK)
            admin_problem(admin, err, "broker %.*s", BYTES_ARG(members[i].broker_name));
        else if (args->more)
            print_totals(table, &members[i], &runtime);
        else
            print_row(table, &members[i], &runtime);
    }
    return ERR_OK;
}

static enum err print_all(struct admin *admin, const struct args_cluster_list *args) {
    static const struct column columns[] = {
        {"#Cluster Name", -22, 2}, {"#Broker Name", -22, 2}, {"#BID", -4, 2},          {"#Addr", -22, 1},
        {"#Version", -16, 2},      {"#InTPS(LOAD)", 16, 2},  {"#OutTPS(LOAD)", 30, 2}, {"#Timer(Progress)", -22, 2},
        {"#PCWait(ms)", 11, 2},    {"#Hour", -12, 2},        {"#SPACE", -8, 2},        {"#ACTIVATED", 10, 0}};
    static const struct column totals[] = {{"#Cluster Name", -16, 2}, {"#Broker Name", -32, 1},
                                           {"#InTotalYest", 14, 1},   {"#OutTotalYest", 14, 1},
                                           {"#InTotalToday", 14, 1},  {"#OutTotalToday", 14, 0}};
    struct cluster_info info;
    if (args->cluster.data) {
        struct table table = args->more ? table_begin(admin->out, totals, ARRAY_LEN(totals))
                                        : table_begin(admin->out, columns, ARRAY_LEN(columns));
        return print_cluster(admin, args, args->cluster, &table);
    }
    TRY(admin_cluster_info(admin, &info));
    struct table table = args->more ? table_begin(admin->out, totals, ARRAY_LEN(totals))
                                    : table_begin(admin->out, columns, ARRAY_LEN(columns));
    for (size_t i = 0; i < info.cluster_count; i++) TRY(print_cluster(admin, args, info.clusters[i].cluster, &table));
    return ERR_OK;
}

enum err cmd_cluster_list(struct admin *admin, const struct args_cluster_list *args) {
    for (;;) {
        TRY(print_all(admin, args));
        if (args->interval_s == 0) return ERR_OK;
        fputc('\n', admin->out);
        if (fflush(admin->out) != 0) return fail_errno(ERR_IO, "standard output");
        clock_sleep_ms(args->interval_s * 1000);
        arena_reset(&admin->arena); /* nothing of this round is used in the next */
    }
}
