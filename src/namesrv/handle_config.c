/* handle_config.c - reading and changing the settings from far. @source shared facts: protocol 4.4 */
#include "base/log.h"
#include "namesrv/dispatch.h"

enum err namesrv_handle_get_namesrv_config(struct namesrv_call *call, const struct hdr_none *header) {
    (void)header;
    const struct config_section section = namesrv_config_section(&call->namesrv->config);
    config_print(&section, 1, 0, &call->body);
    return ERR_OK;
}

enum err namesrv_handle_update_namesrv_config(struct namesrv_call *call, const struct hdr_none *header) {
    (void)header;
    struct namesrv *namesrv = call->namesrv;
    struct props props;
    TRY(props_parse(call->request->arena, call->request->command.body, &props));
    TRY(namesrv_config_update(&namesrv->config, &props));
    for (size_t i = 0; i < props.count; i++)
        log_info(MAIN, "configuration changed: %.*s=%.*s", BYTES_ARG(props.items[i].key),
                 BYTES_ARG(props.items[i].value));
    struct buf content = {0};
    const struct config_section section = namesrv_config_section(&namesrv->config);
    config_print(&section, 1, 0, &content);
    return namesrv_call_save(call, namesrv->config.config_store_path, &content);
}
