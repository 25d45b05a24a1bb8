/* cmd_get_namesrv_config.c - getNamesrvConfig: the settings of each name server, by name. */
#include "admin/admin.h"
#include "admin/cmd.h"
#include "admin/print.h"

enum err cmd_get_namesrv_config(struct admin *admin, const struct args_get_namesrv_config *args) {
    struct outgoing request = {.code = REQUEST_GET_NAMESRV_CONFIG};
    (void)args;
    for (size_t i = 0; i < admin_namesrv_count(admin); i++) {
        struct command response;
        TRY(admin_ask(admin, admin_namesrv(admin, i), &request, &response));
        fprintf(admin->out, "============%.*s============\n", BYTES_ARG(admin_namesrv(admin, i)));
        TRY(print_props(admin->out, &admin->arena, response.body));
    }
    return ERR_OK;
}
