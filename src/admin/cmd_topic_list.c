/* cmd_topic_list.c - topicList: names, or with -c a row for each cluster, topic and consumer group. */
#include "admin/admin.h"
#include "admin/cmd.h"
#include "admin/print.h"

static bool of_a_group(struct bytes topic) {
    return bytes_starts_with(topic, BYTES("%RETRY%")) || bytes_starts_with(topic, BYTES("%DLQ%"));
}

static void print_row(FILE *out, struct bytes cluster, struct bytes topic, struct bytes group) {
    fprintf(out, "%-20.*s  %-64.*s  %-64.*s\n", BYTES_ARG(cluster), BYTES_ARG(topic), BYTES_ARG(group));
}

static enum err print_topic(struct admin *admin, struct bytes topic) {
    struct topic_route route;
    const struct bytes *groups;
    size_t count;
    TRY(admin_route(admin, topic, &route));
    TRY(admin_groups_of_topic(admin, &route, topic, &groups, &count));
    for (size_t i = 0; i < route.broker_count; i++) {
        struct bytes cluster = route.brokers[i].cluster;
        bool shown = false;
        for (size_t k = 0; k < i; k++) shown |= bytes_equal(route.brokers[k].cluster, cluster);
        if (shown) continue;
        if (count == 0) print_row(admin->out, cluster, topic, BYTES(""));
        for (size_t k = 0; k < count; k++) print_row(admin->out, cluster, topic, groups[k]);
    }
    return ERR_OK;
}

enum err cmd_topic_list(struct admin *admin, const struct args_topic_list *args) {
    struct topic_list topics;
    TRY(admin_topics(admin, &topics));
    if (args->cluster_model) fprintf(admin->out, "%-20s  %-48s  %-48s\n", "#Cluster Name", "#Topic", "#Consumer Group");
    for (size_t i = 0; i < topics.count; i++) {
        if (!args->cluster_model) {
            fprintf(admin->out, "%.*s\n", BYTES_ARG(topics.topics[i]));
        } else if (!of_a_group(topics.topics[i])) {
            enum err err = print_topic(admin, topics.topics[i]);
            if (err != ERR_OK) admin_problem(admin, err, "topic %.*s", BYTES_ARG(topics.topics[i]));
        }
    }
    return ERR_OK;
}
