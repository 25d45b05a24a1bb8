/* static_pull.c - logic offsets of pulls, and pulls passed on to the broker that has the messages */
#include "broker/static_topic/static_pull.h"

#include <stdlib.h>
#include "base/check.h"
#include "broker/static_topic/forward.h"
#include "broker/static_topic/mappings.h"
#include "wire/request.h"

enum err static_pull_place(const struct queue_mapping_detail *mapping, struct pull *pull) {
    struct place place;
    TRY(place_find(mapping, pull->queue_id, pull->offset_asked, &place));
    const struct mapping_item *item = place.item;
    if (item->end_offset > item->start_offset)
        pull->max_count = (int32_t)MIN(item->end_offset - item->start_offset, pull->max_count);
    pull->mapping = mapping;
    pull->logic_queue = place.queue;
    pull->item = item;
    pull->queue_id = item->queue_id;
    pull->offset_asked = pull->offset_queue = logic_to_physical(item, pull->offset_asked);
    return ERR_OK;
}

/* A pull that another broker answers. */
struct passed_pull {
    struct request *request;
    struct hdr_pull_message header; /* its texts are the request's */
    const struct logic_queue *logic_queue;
    const struct mapping_item *item;
};

static bool tells_offsets(int32_t code) {
    return code == RESPONSE_SUCCESS || code == RESPONSE_PULL_NOT_FOUND || code == RESPONSE_PULL_RETRY_IMMEDIATELY ||
           code == RESPONSE_PULL_OFFSET_MOVED;
}

static void reply(const struct passed_pull *passed, const struct command *response) {
    struct outgoing out = {.code = response->code, .remark = response->remark, .body = response->body};
    struct hdr_pull_result result;
    if (tells_offsets(response->code)) {
        enum err err = header_decode(layout_pull_result(), response, &result);
        if (err != ERR_OK) {
            remoting_reply_error(&passed->request->to, err);
            return;
        }
        logic_queue_translate_pull(passed->logic_queue, passed->item, passed->header.queue_offset, &out.code, &result);
        out.layout = layout_pull_result();
        out.fields = &result;
    }
    remoting_reply(&passed->request->to, &out);
}

static void answered(struct reactor *reactor, enum err err, const struct command *response, void *arg) {
    struct passed_pull *passed = arg;
    if (err == ERR_OK)
        reply(passed, response);
    else if (reactor)
        remoting_reply_error(&passed->request->to, err);
    request_free(passed->request);
    free(passed);
}

void static_pull_forward(struct call *call, const struct hdr_pull_message *header, const struct pull *pull) {
    struct passed_pull *passed = malloc(sizeof *passed);
    must(passed);
    *passed = (struct passed_pull){
        .request = request_detach(call->request), .logic_queue = pull->logic_queue, .item = pull->item};
    must(header_decode(layout_pull_message(), &passed->request->command, &passed->header) == ERR_OK);
    passed->header.queue_id = pull->queue_id;
    passed->header.queue_offset = pull->offset_asked;
    passed->header.max_msg_nums = pull->max_count;
    passed->header.sys_flag = header->sys_flag & ~(PULL_SUSPEND | PULL_COMMIT_OFFSET);
    call->later = true;
    forward_ask(call->reactor, passed->header.topic, pull->item->broker_name, REQUEST_PULL_MESSAGE,
                layout_pull_message(), &passed->header, answered, passed);
}
