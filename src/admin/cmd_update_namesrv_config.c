/* cmd_update_namesrv_config.c - updateNamesrvConfig: changes a setting of each name server. */
#include "admin/admin.h"
#include "admin/cmd.h"
#include "base/props.h"

enum err cmd_update_namesrv_config(struct admin *admin, const struct args_update_namesrv_config *args) {
    struct buf body = {0};
    props_append(&body, args->key, args->value);
    struct outgoing request = {.code = REQUEST_UPDATE_NAMESRV_CONFIG, .body = buf_bytes(&body)};
    enum err err = admin_tell_namesrvs(admin, &request);
    buf_close(&body);
    TRY(err);
    fprintf(admin->out, "update name server config success![");
    for (size_t i = 0; i < admin_namesrv_count(admin); i++)
        fprintf(admin->out, "%s%.*s", i > 0 ? ", " : "", BYTES_ARG(admin_namesrv(admin, i)));
    fprintf(admin->out, "]\n%.*s : %.*s\n", BYTES_ARG(args->key), BYTES_ARG(args->value));
    return ERR_OK;
}
