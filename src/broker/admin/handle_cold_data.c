/* handle_cold_data.c - what an admin may say and ask about reads from the disk. @source shared facts: behaviour 17 */
#include "broker/route.h"

#include "base/props.h"
#include "broker/pull/cold_control.h"

/* Lines group=bytes; those that are no numbers are passed over. */
enum err broker_handle_update_cold_data_flow_ctr_config(struct call *call, const struct hdr_none *header) {
    (void)header;
    struct props props;
    TRY(props_parse(call->request->arena, call->request->command.body, &props));
    for (size_t i = 0; i < props.count; i++) {
        int64_t threshold;
        if (bytes_to_i64(props.items[i].value, &threshold))
            cold_control_set_threshold(call->broker->cold_control, props.items[i].key, threshold);
    }
    return ERR_OK;
}

/* The body is the name of the group. */
enum err broker_handle_remove_cold_data_flow_ctr_config(struct call *call, const struct hdr_none *header) {
    (void)header;
    cold_control_unset_threshold(call->broker->cold_control, call->request->command.body);
    return ERR_OK;
}

enum err broker_handle_get_cold_data_flow_ctr_info(struct call *call, const struct hdr_none *header) {
    (void)header;
    cold_control_write(call->broker->cold_control, &(struct json_writer){.out = &call->body});
    return ERR_OK;
}

/* The number is one of madvise: 0 MADV_NORMAL, 1 MADV_RANDOM. */
enum err broker_handle_set_commitlog_read_mode(struct call *call, const struct hdr_set_commitlog_read_mode *header) {
    int32_t mode = header->read_ahead_mode;
    if (mode != 0 && mode != 1) return fail(ERR_BAD_PARAMETER, "set commitlog readahead mode param value error");
    store_set_read_ahead(call->broker->store, mode == 0);
    return call_refuse(call, RESPONSE_SUCCESS, "set commitlog readahead mode success, mode: %d", mode);
}
