/* handle_kv.c - requests about the KV table. @source shared facts: behaviour 3.4 */
#include "namesrv/dispatch.h"

static enum err save_kv(struct namesrv_call *call) {
    struct buf content = {0};
    kv_config_write(call->namesrv->kv, &content);
    return namesrv_call_save(call, call->namesrv->config.kv_config_path, &content);
}

enum err namesrv_handle_put_kv_config(struct namesrv_call *call, const struct hdr_put_kv_config *header) {
    if (!header->namespace.data || !header->key.data) return fail(ERR_FAILED, "namespace or key is null");
    TRY(kv_config_put(call->namesrv->kv, header->namespace, header->key, header->value));
    return save_kv(call);
}

enum err namesrv_handle_delete_kv_config(struct namesrv_call *call, const struct hdr_kv_config *header) {
    kv_config_delete(call->namesrv->kv, header->namespace, header->key);
    return save_kv(call);
}

enum err namesrv_handle_get_kv_config(struct namesrv_call *call, const struct hdr_kv_config *header) {
    const struct bytes value = kv_config_get(call->namesrv->kv, header->namespace, header->key);
    struct hdr_get_kv_config_result *result = namesrv_call_fields(call, layout_get_kv_config_result());
    result->value = value;
    if (value.data != NULL) return ERR_OK;
    return namesrv_call_refuse(call, RESPONSE_QUERY_NOT_FOUND, "No config item, Namespace: %.*s Key: %.*s",
                               BYTES_ARG(header->namespace), BYTES_ARG(header->key));
}

enum err namesrv_handle_get_kvlist_by_namespace(struct namesrv_call *call,
                                                const struct hdr_get_kvlist_by_namespace *header) {
    const struct kv *items;
    const size_t count = kv_config_list(call->namesrv->kv, call->request->arena, header->namespace, &items);
    if (count == 0)
        return namesrv_call_refuse(call, RESPONSE_QUERY_NOT_FOUND, "No config item, Namespace: %.*s",
                                   BYTES_ARG(header->namespace));
    kv_table_encode(items, count, &call->body);
    return ERR_OK;
}
