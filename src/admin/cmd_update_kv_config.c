/* cmd_update_kv_config.c - updateKvConfig: puts a value into the table of every name server. */
#include "admin/admin.h"
#include "admin/cmd.h"

enum err cmd_update_kv_config(struct admin *admin, const struct args_update_kv_config *args) {
    struct hdr_put_kv_config header = {
        .present = HEADER_ALL, .namespace = args->namespace, .key = args->key, .value = args->value};
    TRY(admin_tell_namesrvs(admin, ADMIN_REQUEST(PUT_KV_CONFIG, put_kv_config, &header)));
    fprintf(admin->out, "create or update kv config to namespace success.\n");
    return ERR_OK;
}
