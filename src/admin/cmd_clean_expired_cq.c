/* cmd_clean_expired_cq.c - cleanExpiredCQ: has brokers delete queue files whose messages are gone. */
#include "admin/admin.h"
#include "admin/cmd.h"

enum err cmd_clean_expired_cq(struct admin *admin, const struct args_clean_expired_cq *args) {
    struct outgoing request = {.code = REQUEST_CLEAN_EXPIRED_CONSUMEQUEUE};
    TRY(admin_ask_members(admin, args->broker_addr, args->cluster, &request));
    fprintf(admin->out, "success\n");
    return ERR_OK;
}
