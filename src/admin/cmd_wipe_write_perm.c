/* cmd_wipe_write_perm.c - wipeWritePerm: each name server takes the write permission out of the routes of a broker. */
#include "admin/admin.h"
#include "admin/cmd.h"

enum err cmd_wipe_write_perm(struct admin *admin, const struct args_wipe_write_perm *args) {
    struct hdr_write_perm_of_broker header = {.present = HEADER_ALL, .broker_name = args->broker_name};
    for (size_t i = 0; i < admin_namesrv_count(admin); i++) {
        struct command response;
        struct hdr_wipe_write_perm_of_broker_result result;
        TRY(admin_ask(admin, admin_namesrv(admin, i),
                      ADMIN_REQUEST(WIPE_WRITE_PERM_OF_BROKER, write_perm_of_broker, &header), &response));
        TRY(header_decode(layout_wipe_write_perm_of_broker_result(), &response, &result));
        fprintf(admin->out, "wipe write perm of broker[%.*s] in name server[%.*s] OK, %d\n",
                BYTES_ARG(args->broker_name), BYTES_ARG(admin_namesrv(admin, i)), result.wipe_topic_count);
    }
    return ERR_OK;
}
