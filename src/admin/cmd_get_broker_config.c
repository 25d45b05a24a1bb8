/* cmd_get_broker_config.c - getBrokerConfig: the settings of one broker, or of all of a cluster, by name. */
#include "admin/admin.h"
#include "admin/cmd.h"
#include "admin/print.h"

enum err cmd_get_broker_config(struct admin *admin, const struct args_get_broker_config *args) {
    const struct member *members;
    size_t count;
    struct outgoing request = {.code = REQUEST_GET_BROKER_CONFIG};
    TRY(admin_targets(admin, args->broker_addr, args->cluster, true, &members, &count));
    for (size_t i = 0; i < count; i++) {
        struct command response;
        const char *role = !args->cluster.data ? "" : members[i].broker_id == MASTER_ID ? "Master: " : "My Slave: ";
        TRY(admin_ask(admin, members[i].address, &request, &response));
        fprintf(admin->out, "============%s%.*s============\n", role, BYTES_ARG(members[i].address));
        TRY(print_props(admin->out, &admin->arena, response.body));
        fprintf(admin->out, "\n");
    }
    return ERR_OK;
}
