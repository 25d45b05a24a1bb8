/* handle_broker.c - what brokers tell of themselves, and what admins change of them.
 * @source shared facts: behaviour 3.2, protocol 6.5 */
#include "base/hash.h"
#include "base/log.h"
#include "message/compress.h"
#include "namesrv/dispatch.h"

enum { ZLIB_FIRST_BYTE = 0x78, REGISTRATION_MAX_BYTES = 64 << 20 /* inflated */ };

/* The flag `compressed` is wrong in brokers of 5.0 to 5.3.3: the first byte tells. `plain` keeps inflated bytes. */
static enum err decode_registration(const struct request *request, struct buf *plain, struct register_body *out) {
    const struct bytes body = request->command.body;
    *out = (struct register_body){0};
    if (body.len == 0) return ERR_OK;
    if (body.data[0] != ZLIB_FIRST_BYTE) return register_body_decode(request->arena, body, out);
    TRY(zlib_inflate(body, REGISTRATION_MAX_BYTES, plain));
    return register_body_decode_packed(request->arena, buf_bytes(plain), out);
}

static enum err register_decoded(struct namesrv_call *call, const struct hdr_register_broker *header,
                                 const struct register_body *body) {
    struct namesrv *namesrv = call->namesrv;
    const struct bytes zone_name = command_ext(&call->request->command, "__ZONE_NAME");
    const struct registration registration = {
        .broker = {header->cluster_name, header->broker_name, header->broker_addr, header->broker_id},
        .ha_server_address = header->ha_server_addr,
        .zone_name = zone_name.data != NULL ? zone_name : header->zone_name,
        .knows_acting_master = header->has.enable_acting_master,
        .enable_acting_master = header->enable_acting_master,
        .timeout_ms = header->heartbeat_timeout_millis,
        .channel_id = call->request->to.channel_id,
        .body = body,
    };
    struct registration_result result;
    TRY(route_table_register(namesrv->routes, &registration, loop_now_ms(namesrv->loop), &result));
    struct hdr_register_broker_result *fields = namesrv_call_fields(call, layout_register_broker_result());
    fields->ha_server_addr = result.ha_server_address;
    fields->master_addr = result.master_address;
    if (!namesrv->config.return_order_topic_config_to_broker) return ERR_OK;
    const struct kv *items;
    const size_t count = kv_config_list(namesrv->kv, call->request->arena, NAMESPACE_ORDER_TOPIC_CONFIG, &items);
    if (count > 0) kv_table_encode(items, count, &call->body);
    return ERR_OK;
}

enum err namesrv_handle_register_broker(struct namesrv_call *call, const struct hdr_register_broker *header) {
    if (header->body_crc32 != 0 && header->body_crc32 != crc32_java(call->request->command.body))
        return namesrv_call_refuse(call, RESPONSE_SYSTEM_ERROR, "crc32 not match");
    struct buf plain = {0};
    struct register_body body;
    enum err err = decode_registration(call->request, &plain, &body);
    if (err == ERR_OK) err = register_decoded(call, header, &body);
    buf_close(&plain);
    return err;
}

enum err namesrv_handle_unregister_broker(struct namesrv_call *call, const struct hdr_broker_identity *header) {
    route_table_unregister(call->namesrv->routes, &(struct broker_identity){header->cluster_name, header->broker_name,
                                                                            header->broker_addr, header->broker_id});
    return ERR_OK;
}

enum err namesrv_handle_query_data_version(struct namesrv_call *call, const struct hdr_broker_identity *header) {
    struct namesrv *namesrv = call->namesrv;
    struct arena *arena = call->request->arena;
    struct data_version known;
    const struct json *tree = NULL;
    if (call->request->command.body.len > 0) TRY(json_parse(arena, call->request->command.body, &tree));
    const struct data_version theirs = data_version_decode(tree);
    const bool is_known = route_table_data_version(namesrv->routes, header->cluster_name, header->broker_addr, &known);
    route_table_heartbeat(namesrv->routes, header->cluster_name, header->broker_addr, loop_now_ms(namesrv->loop));
    struct hdr_query_data_version_result *result = namesrv_call_fields(call, layout_query_data_version_result());
    result->changed = !is_known || !data_version_equal(&known, &theirs);
    if (is_known) data_version_encode(&(struct json_writer){.out = &call->body}, &known);
    return ERR_OK;
}

enum err namesrv_handle_broker_heartbeat(struct namesrv_call *call, const struct hdr_broker_heartbeat *header) {
    route_table_heartbeat(call->namesrv->routes, header->cluster_name, header->broker_addr,
                          loop_now_ms(call->namesrv->loop));
    return ERR_OK;
}

enum err namesrv_handle_wipe_write_perm_of_broker(struct namesrv_call *call,
                                                  const struct hdr_write_perm_of_broker *header) {
    struct hdr_wipe_write_perm_of_broker_result *result =
        namesrv_call_fields(call, layout_wipe_write_perm_of_broker_result());
    result->wipe_topic_count = route_table_wipe_write_perm(call->namesrv->routes, header->broker_name);
    log_info(MAIN, "write permission wiped: broker=%.*s topics=%d", BYTES_ARG(header->broker_name),
             result->wipe_topic_count);
    return ERR_OK;
}

enum err namesrv_handle_add_write_perm_of_broker(struct namesrv_call *call,
                                                 const struct hdr_write_perm_of_broker *header) {
    struct hdr_add_write_perm_of_broker_result *result =
        namesrv_call_fields(call, layout_add_write_perm_of_broker_result());
    result->add_topic_count = route_table_add_write_perm(call->namesrv->routes, header->broker_name);
    log_info(MAIN, "write permission added: broker=%.*s topics=%d", BYTES_ARG(header->broker_name),
             result->add_topic_count);
    return ERR_OK;
}
