/* cmd_clean_unused_topic.c - cleanUnusedTopic: has brokers delete the queues of topics that are no more. */
#include "admin/admin.h"
#include "admin/cmd.h"

enum err cmd_clean_unused_topic(struct admin *admin, const struct args_clean_unused_topic *args) {
    struct outgoing request = {.code = REQUEST_CLEAN_UNUSED_TOPIC};
    TRY(admin_ask_members(admin, args->broker_addr, args->cluster, &request));
    fprintf(admin->out, "success\n");
    return ERR_OK;
}
