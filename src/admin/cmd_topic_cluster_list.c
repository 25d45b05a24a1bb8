/* cmd_topic_cluster_list.c - topicClusterList: the clusters of a topic's brokers, each once. */
#include "admin/admin.h"
#include "admin/cmd.h"

enum err cmd_topic_cluster_list(struct admin *admin, const struct args_topic_cluster_list *args) {
    struct topic_route route;
    TRY(admin_route(admin, args->topic, &route));
    for (size_t i = 0; i < route.broker_count; i++) {
        bool shown = false;
        for (size_t k = 0; k < i; k++) shown |= bytes_equal(route.brokers[k].cluster, route.brokers[i].cluster);
        if (!shown) fprintf(admin->out, "%.*s\n", BYTES_ARG(route.brokers[i].cluster));
    }
    return ERR_OK;
}
