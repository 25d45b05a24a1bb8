/* cmd_update_topic_perm.c - updateTopicPerm: asks each broker for the topic and tells it the same with another
 * permission. */
#include "admin/admin.h"
#include "admin/cmd.h"
#include "admin/topic_print.h"

enum err cmd_update_topic_perm(struct admin *admin, const struct args_update_topic_perm *args) {
    const struct member *members;
    size_t count;
    TRY(admin_targets(admin, args->broker_addr, args->cluster, false, &members, &count));
    for (size_t i = 0; i < count; i++) {
        struct topic_config config;
        TRY(admin_topic_config(admin, members[i].address, args->topic, &config));
        struct hdr_update_and_create_topic header = {.present = HEADER_ALL,
                                                     .topic = args->topic,
                                                     .default_topic = BYTES("TBW102"),
                                                     .read_queue_nums = config.read_queue_nums,
                                                     .write_queue_nums = config.write_queue_nums,
                                                     .perm = (int32_t)args->perm,
                                                     .topic_filter_type =
                                                         config.multi_tag ? BYTES("MULTI_TAG") : BYTES("SINGLE_TAG"),
                                                     .topic_sys_flag = config.sys_flag,
                                                     .order = config.order};
        header.has.force = false;
        TRY(admin_ask(admin, members[i].address,
                      ADMIN_REQUEST(UPDATE_AND_CREATE_TOPIC, update_and_create_topic, &header), NULL));
        fprintf(admin->out, "update topic perm from %d to %d in %.*s success.\n", config.perm, header.perm,
                BYTES_ARG(members[i].address));
        if (args->cluster.data) continue;
        topic_print(admin->out, &header);
        fprintf(admin->out, ".\n");
    }
    return ERR_OK;
}
