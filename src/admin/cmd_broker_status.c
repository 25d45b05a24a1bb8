/* cmd_broker_status.c - brokerStatus: the counters of one broker, or of all of a cluster, by name. */
#include <stdlib.h>
#include "admin/admin.h"
#include "admin/cmd.h"

static int by_key(const void *a, const void *b) {
    return bytes_compare(((const struct kv *)a)->key, ((const struct kv *)b)->key);
}

enum err cmd_broker_status(struct admin *admin, const struct args_broker_status *args) {
    const struct member *members;
    size_t count;
    TRY(admin_targets(admin, args->broker_addr, args->cluster, true, &members, &count));
    for (size_t i = 0; i < count; i++) {
        const struct kv *items;
        size_t item_count;
        TRY(admin_runtime_info(admin, members[i].address, &items, &item_count));
        struct kv *sorted = arena_calloc(&admin->arena, item_count, sizeof *sorted);
        for (size_t k = 0; k < item_count; k++) sorted[k] = items[k];
        if (item_count > 0) qsort(sorted, item_count, sizeof *sorted, by_key);
        for (size_t k = 0; k < item_count; k++) {
            if (args->cluster.data) fprintf(admin->out, "%-24.*s ", BYTES_ARG(members[i].address));
            fprintf(admin->out, "%-32.*s: %.*s\n", BYTES_ARG(sorted[k].key), BYTES_ARG(sorted[k].value));
        }
    }
    return ERR_OK;
}
