/* handle_topic.c - lists of topics, and topics made and deleted by request. @source shared facts: behaviour 3.4 */
#include "base/log.h"
#include "namesrv/dispatch.h"
#include "namesrv/route_query.h"

static enum err answer_list(struct namesrv_call *call, bool enabled, enum topic_filter filter) {
    struct topic_list list;
    if (!enabled) return namesrv_call_refuse(call, RESPONSE_SYSTEM_ERROR, "disable");
    route_query_topics(call->namesrv->routes, call->request->arena, filter, &list);
    topic_list_encode(&list, &call->body);
    return ERR_OK;
}

enum err namesrv_handle_get_all_topic_list_from_nameserver(struct namesrv_call *call, const struct hdr_none *header) {
    (void)header;
    return answer_list(call, call->namesrv->config.enable_all_topic_list, TOPICS_ALL);
}

enum err namesrv_handle_get_unit_topic_list(struct namesrv_call *call, const struct hdr_none *header) {
    (void)header;
    return answer_list(call, call->namesrv->config.enable_topic_list, TOPICS_UNIT);
}

enum err namesrv_handle_get_has_unit_sub_topic_list(struct namesrv_call *call, const struct hdr_none *header) {
    (void)header;
    return answer_list(call, call->namesrv->config.enable_topic_list, TOPICS_UNIT_SUB);
}

enum err namesrv_handle_get_has_unit_sub_ununit_topic_list(struct namesrv_call *call, const struct hdr_none *header) {
    (void)header;
    return answer_list(call, call->namesrv->config.enable_topic_list, TOPICS_UNIT_SUB_NOT_UNIT);
}

enum err namesrv_handle_get_topics_by_cluster(struct namesrv_call *call,
                                              const struct hdr_get_topics_by_cluster *header) {
    struct topic_list list;
    if (!call->namesrv->config.enable_topic_list) return namesrv_call_refuse(call, RESPONSE_SYSTEM_ERROR, "disable");
    route_query_topics_of_cluster(call->namesrv->routes, call->request->arena, header->cluster, &list);
    topic_list_encode(&list, &call->body);
    return ERR_OK;
}

enum err namesrv_handle_get_system_topic_list_from_ns(struct namesrv_call *call, const struct hdr_none *header) {
    (void)header;
    struct topic_list list;
    route_query_system_topics(call->namesrv->routes, call->request->arena, &list);
    topic_list_encode(&list, &call->body);
    return ERR_OK;
}

enum err namesrv_handle_delete_topic_in_namesrv(struct namesrv_call *call,
                                                const struct hdr_delete_topic_in_namesrv *header) {
    log_info(MAIN, "topic deleted: topic=%.*s cluster=%.*s", BYTES_ARG(header->topic), BYTES_ARG(header->cluster_name));
    route_table_delete_topic(call->namesrv->routes, header->topic, header->cluster_name);
    return ERR_OK;
}

enum err namesrv_handle_register_topic_in_namesrv(struct namesrv_call *call, const struct hdr_topic *header) {
    struct topic_route route;
    TRY(topic_route_decode(call->request->arena, call->request->command.body, &route));
    route_table_register_topic(call->namesrv->routes, header->topic, route.queues, route.queue_count);
    return ERR_OK;
}
