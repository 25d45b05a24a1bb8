/* cmd_add_write_perm.c - addWritePerm: each name server gives the routes of a broker their write permission back. */
#include "admin/admin.h"
#include "admin/cmd.h"

enum err cmd_add_write_perm(struct admin *admin, const struct args_add_write_perm *args) {
    struct hdr_write_perm_of_broker header = {.present = HEADER_ALL, .broker_name = args->broker_name};
    for (size_t i = 0; i < admin_namesrv_count(admin); i++) {
        struct command response;
        struct hdr_add_write_perm_of_broker_result result;
        TRY(admin_ask(admin, admin_namesrv(admin, i),
                      ADMIN_REQUEST(ADD_WRITE_PERM_OF_BROKER, write_perm_of_broker, &header), &response));
        TRY(header_decode(layout_add_write_perm_of_broker_result(), &response, &result));
        fprintf(admin->out, "add write perm of broker[%.*s] in name server[%.*s] OK, %d\n",
                BYTES_ARG(args->broker_name), BYTES_ARG(admin_namesrv(admin, i)), result.add_topic_count);
    }
    return ERR_OK;
}
