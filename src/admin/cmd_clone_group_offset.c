/* cmd_clone_group_offset.c - cloneGroupOffset: writes the offsets of one group for another, queue by queue. */
#include "admin/admin.h"
#include "admin/cmd.h"

enum err cmd_clone_group_offset(struct admin *admin, const struct args_clone_group_offset *args) {
    struct topic_route route;
    size_t written = 0;
    /* A broker gives a group that there is none of the offset 0 in all queues: that is not to be copied. Who has
     * consumed has a retry topic. @source DefaultMQAdminExtImpl.examineConsumeStats */
    TRY(admin_route(admin, admin_retry_topic(admin, args->source), &route));
    TRY(admin_route(admin, args->topic, &route));
    for (size_t i = 0; i < route.broker_count; i++) {
        struct bytes address = broker_data_address(&route.brokers[i], MASTER_ID);
        struct consume_stats_table progress;
        if (!address.data) continue;
        TRY(admin_consume_stats(admin, address, args->source, args->topic, &progress));
        for (size_t k = 0; k < progress.count; k++) {
            struct queue_place place = {progress.queues[k].queue, address};
            TRY(admin_update_offset(admin, &place, args->target, progress.queues[k].consumer_offset));
            written++;
        }
    }
    if (written == 0)
        return fail(ERR_NOT_FOUND, "group %.*s has no offsets in topic %.*s", BYTES_ARG(args->source),
                    BYTES_ARG(args->topic));
    fprintf(admin->out, "clone group offset success. srcGroup[%.*s], destGroup=[%.*s], topic[%.*s]\n",
            BYTES_ARG(args->source), BYTES_ARG(args->target), BYTES_ARG(args->topic));
    return ERR_OK;
}
