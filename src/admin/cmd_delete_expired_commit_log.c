/* cmd_delete_expired_commit_log.c - deleteExpiredCommitLog: has brokers delete message files older than the broker
 * keeps them. */
#include "admin/admin.h"
#include "admin/cmd.h"

enum err cmd_delete_expired_commit_log(struct admin *admin, const struct args_delete_expired_commit_log *args) {
    struct outgoing request = {.code = REQUEST_DELETE_EXPIRED_COMMITLOG};
    TRY(admin_ask_members(admin, args->broker_addr, args->cluster, &request));
    fprintf(admin->out, "success\n");
    return ERR_OK;
}
