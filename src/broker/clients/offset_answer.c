/* offset_answer.c - the answers to requests 30, 31, 29, 14 and 32 */
#include "broker/clients/offset_answer.h"

#include <strings.h>

enum err offset_answer(struct call *call, int64_t offset) {
    struct hdr_offset_result *result = call_reply_fields(call, layout_offset_result());
    result->offset = offset;
    return ERR_OK;
}

enum err offset_answer_earliest_time(struct call *call, struct queue *queue) {
    struct hdr_timestamp_result *result = call_reply_fields(call, layout_timestamp_result());
    result->timestamp = queue ? store_time_at(call->broker->store, queue, queue_min(queue)) : -1;
    return ERR_OK;
}

enum time_boundary offset_boundary(const struct hdr_search_offset_by_timestamp *header) {
    struct bytes type = header->boundary_type;
    return type.len == 5 && strncasecmp(type.data, "upper", 5) == 0 ? BOUNDARY_UPPER : BOUNDARY_LOWER;
}
