/* handle_route.c - what clients ask: where are the queues of a topic, which brokers are there.
 * @source shared facts: behaviour 3.4, protocol 2.2 */
#include "namesrv/dispatch.h"
#include "namesrv/route_query.h"

static bool is_warming_up(const struct namesrv *namesrv) {
    return namesrv->config.need_wait_for_service &&
           loop_now_ms(namesrv->loop) - namesrv->started_ms < namesrv->config.wait_seconds_for_service * INT64_C(1000);
}

static enum err refuse_no_route(struct namesrv_call *call, struct bytes topic) {
    struct buf cause = {0};
    route_query_no_route_cause(call->namesrv->routes, topic, &cause);
    const enum err err =
        namesrv_call_refuse(call, RESPONSE_TOPIC_NOT_EXIST,
                            "No topic route info in name server for the topic: %.*s\n"
                            "See https://rocketmq.apache.org/docs/bestPractice/06FAQ for further details.\n"
                            "Cause: %.*s.",
                            BYTES_ARG(topic), BYTES_ARG(buf_bytes(&cause)));
    buf_close(&cause);
    return err;
}

enum err namesrv_handle_get_routeinfo_by_topic(struct namesrv_call *call,
                                               const struct hdr_get_routeinfo_by_topic *header) {
    struct namesrv *namesrv = call->namesrv;
    const struct command *command = &call->request->command;
    struct arena *arena = call->request->arena;
    struct topic_route route;
    if (is_warming_up(namesrv)) return namesrv_call_refuse(call, RESPONSE_SYSTEM_ERROR, "name server not ready");
    if (!route_query_topic(namesrv->routes, arena, header->topic, &route)) return refuse_no_route(call, header->topic);
    if (namesrv->config.order_message_enable)
        route.order_topic_conf = kv_config_get(namesrv->kv, NAMESPACE_ORDER_TOPIC_CONFIG, header->topic);
    const struct bytes zone_name = command_ext(command, "__ZONE_NAME");
    if (bytes_to_bool(command_ext(command, "__ZONE_MODE")) && zone_name.len > 0)
        route_query_keep_zone(arena, &route, zone_name);
    const bool strict = command->version >= VERSION_4_9_4 || header->accept_standard_json_only;
    topic_route_encode(&route, strict, &call->body);
    return ERR_OK;
}

enum err namesrv_handle_get_broker_cluster_info(struct namesrv_call *call, const struct hdr_none *header) {
    (void)header;
    struct cluster_info info;
    route_query_cluster_info(call->namesrv->routes, call->request->arena, &info);
    cluster_info_encode(&info, &call->body);
    return ERR_OK;
}

enum err namesrv_handle_get_broker_member_group(struct namesrv_call *call,
                                                const struct hdr_get_broker_member_group *header) {
    const struct broker_data group =
        route_query_member_group(call->namesrv->routes, header->cluster_name, header->broker_name);
    broker_member_group_encode(&group, &call->body);
    return ERR_OK;
}
