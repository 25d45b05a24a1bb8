/* cmd_delete_kv_config.c - deleteKvConfig: takes a value out of the table of every name server. */
#include "admin/admin.h"
#include "admin/cmd.h"

enum err cmd_delete_kv_config(struct admin *admin, const struct args_delete_kv_config *args) {
    struct hdr_kv_config header = {.present = HEADER_ALL, .namespace = args->namespace, .key = args->key};
    TRY(admin_tell_namesrvs(admin, ADMIN_REQUEST(DELETE_KV_CONFIG, kv_config, &header)));
    fprintf(admin->out, "delete kv config from namespace success.\n");
    return ERR_OK;
}
