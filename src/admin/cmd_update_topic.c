/* cmd_update_topic.c - updateTopic: creates or changes a topic on one broker or on a cluster, and with -o true keeps
 * its queues in the name servers, where the clients of ordered topics find them. */
#include "admin/admin.h"
#include "admin/cmd.h"
#include "admin/topic_print.h"

#define ORDER_NAMESPACE "ORDER_TOPIC_CONFIG"

/* @source apache/rocketmq common/.../sysflag/TopicSysFlag.java */
enum { FLAG_UNIT = 1, FLAG_UNIT_SUB = 2 };

static enum err broker_name_of(struct admin *admin, struct bytes address, struct bytes *name) {
    struct cluster_info info;
    TRY(admin_cluster_info(admin, &info));
    for (size_t i = 0; i < info.broker_count; i++) {
        for (size_t k = 0; k < info.brokers[i].address_count; k++) {
            if (!bytes_equal(info.brokers[i].addresses[k].address, address)) continue;
            *name = info.brokers[i].broker_name;
            return ERR_OK;
        }
    }
    return fail(ERR_NOT_FOUND, "the name server knows no broker at %.*s: mqadmin clusterList shows those it knows",
                BYTES_ARG(address));
}

static enum err put_order(struct admin *admin, struct bytes topic, struct bytes conf) {
    struct hdr_put_kv_config header = {
        .present = HEADER_ALL, .namespace = BYTES(ORDER_NAMESPACE), .key = topic, .value = conf};
    return admin_tell_namesrvs(admin, ADMIN_REQUEST(PUT_KV_CONFIG, put_kv_config, &header));
}

/* What is kept of the topic already; empty if nothing. */
static enum err get_order(struct admin *admin, struct bytes topic, struct bytes *conf) {
    struct hdr_kv_config header = {.present = HEADER_ALL, .namespace = BYTES(ORDER_NAMESPACE), .key = topic};
    struct command response;
    struct hdr_get_kv_config_result result;
    *conf = BYTES("");
    enum err err = admin_ask_namesrv(admin, ADMIN_REQUEST(GET_KV_CONFIG, kv_config, &header), &response);
    if (err == ERR_RESPONSE && admin->response_code == RESPONSE_QUERY_NOT_FOUND) return ERR_OK;
    TRY(err);
    TRY(header_decode(layout_get_kv_config_result(), &response, &result));
    if (result.value.data) *conf = result.value;
    return ERR_OK;
}

/* Of one broker: the others keep what they have. */
static enum err order_on_broker(struct admin *admin, const struct args_update_topic *args) {
    struct bytes name = {0}, old, item;
    struct buf all = {0};
    TRY(broker_name_of(admin, args->broker_addr, &name));
    TRY(get_order(admin, args->topic, &old));
    while (bytes_split(&old, ';', &item)) {
        struct bytes rest = item, broker;
        if (bytes_split(&rest, ':', &broker) && !bytes_equal(broker, name)) buf_printf(&all, "%.*s;", BYTES_ARG(item));
    }
    buf_printf(&all, "%.*s:%d", BYTES_ARG(name), (int)args->write_queues);
    enum err err = put_order(admin, args->topic, buf_bytes(&all));
    buf_close(&all);
    TRY(err);
    fprintf(admin->out, "set broker orderConf. isOrder=true, orderConf=[%.*s:%d]\n", BYTES_ARG(name),
            (int)args->write_queues);
    return ERR_OK;
}

static enum err order_on_cluster(struct admin *admin, const struct args_update_topic *args,
                                 const struct member *members, size_t count) {
    struct buf all = {0};
    for (size_t i = 0; i < count; i++)
        buf_printf(&all, "%s%.*s:%d", i > 0 ? ";" : "", BYTES_ARG(members[i].broker_name), (int)args->write_queues);
    enum err err = put_order(admin, args->topic, buf_bytes(&all));
    if (err == ERR_OK)
        fprintf(admin->out, "set cluster orderConf. isOrder=true, orderConf=[%.*s]\n", BYTES_ARG(buf_bytes(&all)));
    buf_close(&all);
    return err;
}

enum err cmd_update_topic(struct admin *admin, const struct args_update_topic *args) {
    const struct member *members;
    size_t count;
    int sys_flag = (args->unit ? FLAG_UNIT : 0) | (args->unit_sub ? FLAG_UNIT_SUB : 0);
    struct hdr_update_and_create_topic header = {.present = HEADER_ALL,
                                                 .topic = args->topic,
                                                 .default_topic = BYTES("TBW102"),
                                                 .read_queue_nums = (int32_t)args->read_queues,
                                                 .write_queue_nums = (int32_t)args->write_queues,
                                                 .perm = (int32_t)args->perm,
                                                 .topic_filter_type = BYTES("SINGLE_TAG"),
                                                 .topic_sys_flag = sys_flag,
                                                 .order = args->order,
                                                 .attributes = args->attributes};
    header.has.force = false;
    TRY(admin_targets(admin, args->broker_addr, args->cluster, false, &members, &count));
    for (size_t i = 0; i < count; i++) {
        TRY(admin_ask(admin, members[i].address,
                      ADMIN_REQUEST(UPDATE_AND_CREATE_TOPIC, update_and_create_topic, &header), NULL));
        if (args->order && args->broker_addr.data) TRY(order_on_broker(admin, args));
        fprintf(admin->out, "create topic to %.*s success.\n", BYTES_ARG(members[i].address));
    }
    if (args->order && args->cluster.data) TRY(order_on_cluster(admin, args, members, count));
    topic_print(admin->out, &header);
    fputc('\n', admin->out);
    return ERR_OK;
}
