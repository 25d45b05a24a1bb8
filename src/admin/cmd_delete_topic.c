/* cmd_delete_topic.c - deleteTopic: from the masters of a cluster and the name servers. */
#include "admin/admin.h"
#include "admin/cmd.h"

enum err cmd_delete_topic(struct admin *admin, const struct args_delete_topic *args) {
    const struct member *masters;
    size_t count;
    TRY(admin_cluster_members(admin, args->cluster, false, &masters, &count));
    TRY(admin_delete_topic(admin, args->cluster, masters, count, args->topic));
    fprintf(admin->out, "delete topic [%.*s] from cluster [%.*s] success.\n", BYTES_ARG(args->topic),
            BYTES_ARG(args->cluster));
    fprintf(admin->out, "delete topic [%.*s] from NameServer success.\n", BYTES_ARG(args->topic));
    return ERR_OK;
}
