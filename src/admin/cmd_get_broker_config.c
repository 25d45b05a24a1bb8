/* cmd_get_broker_config.c - getBrokerConfig: the settings of one broker, or of all of a cluster, by name. */
#include <stdlib.h>
#include "admin/admin.h"
#include "admin/cmd.h"
#include "base/props.h"

static int by_key(const void *a, const void *b) {
    return bytes_compare(((const struct prop *)a)->key, ((const struct prop *)b)->key);
}

enum err cmd_get_broker_config(struct admin *admin, const struct args_get_broker_config *args) {
    const struct member *members;
    size_t count;
    struct outgoing request = {.code = REQUEST_GET_BROKER_CONFIG};
    TRY(admin_targets(admin, args->broker_addr, args->cluster, true, &members, &count));
    for (size_t i = 0; i < count; i++) {
        struct command response;
        struct props props;
        const char *role = !args->cluster.data ? "" : members[i].broker_id == MASTER_ID ? "Master: " : "My Slave: ";
        TRY(admin_ask(admin, members[i].address, &request, &response));
        TRY(props_parse(&admin->arena, response.body, &props));
        if (props.count > 0) qsort(props.items, props.count, sizeof *props.items, by_key);
        fprintf(admin->out, "============%s%.*s============\n", role, BYTES_ARG(members[i].address));
        for (size_t k = 0; k < props.count; k++)
            fprintf(admin->out, "%-50.*s=  %.*s\n", BYTES_ARG(props.items[k].key), BYTES_ARG(props.items[k].value));
        fprintf(admin->out, "\n");
    }
    return ERR_OK;
}
