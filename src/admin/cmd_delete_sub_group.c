/* cmd_delete_sub_group.c - deleteSubGroup: from one broker, or from the masters of a cluster together with the retry
 * and dead letter topics of the group. */
#include "admin/admin.h"
#include "admin/cmd.h"

static enum err delete_group(struct admin *admin, const struct args_delete_sub_group *args, struct bytes address) {
    struct hdr_delete_subscriptiongroup header = {
        .present = HEADER_ALL, .group_name = args->group, .clean_offset = args->offsets};
    return admin_ask(admin, address, ADMIN_REQUEST(DELETE_SUBSCRIPTIONGROUP, delete_subscriptiongroup, &header), NULL);
}

enum err cmd_delete_sub_group(struct admin *admin, const struct args_delete_sub_group *args) {
    const struct member *masters;
    size_t count;
    TRY(admin_targets(admin, args->broker_addr, args->cluster, false, &masters, &count));
    for (size_t i = 0; i < count; i++) {
        TRY(delete_group(admin, args, masters[i].address));
        fprintf(admin->out, "delete subscription group [%.*s] from broker [%.*s]", BYTES_ARG(args->group),
                BYTES_ARG(masters[i].address));
        if (args->cluster.data) fprintf(admin->out, " in cluster [%.*s]", BYTES_ARG(args->cluster));
        fprintf(admin->out, " success.\n");
    }
    if (!args->cluster.data) return ERR_OK;
    static const char *const prefixes[] = {"%RETRY%", "%DLQ%"};
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
        struct bytes topic = arena_printf(&admin->arena, "%s%.*s", prefixes[i], BYTES_ARG(args->group));
        TRY(admin_delete_topic(admin, args->cluster, masters, count, topic));
    }
    return ERR_OK;
}
