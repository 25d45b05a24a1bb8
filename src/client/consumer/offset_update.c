/* offset_update.c - the request that stores an offset. */
#include "client/consumer/offset_update.h"

#include "base/log.h"
#include "wire/request.h"

static void on_answer(void *ctx, enum err err, const struct command *response) {
    if (err != ERR_OK)
        log_warn(CLIENT, "offset not stored, what was consumed last will come again: %s", err_detail(err));
    else if (response->code != RESPONSE_SUCCESS)
        log_warn(CLIENT, "offset not stored, what was consumed last will come again: code=%d remark=%.*s",
                 response->code, BYTES_ARG(response->remark));
    answers_wait_end(ctx);
}

bool offset_update(struct rmq_client *client, struct bytes group, const struct message_queue *queue, int64_t offset,
                   struct answers_wait *wait) {
    struct bytes address = broker_master(client, queue->broker_name);
    if (!address.data) return false;
    struct hdr_update_consumer_offset header = {.present = HEADER_ALL,
                                                .consumer_group = group,
                                                .topic = queue->topic,
                                                .queue_id = queue->queue_id,
                                                .commit_offset = offset};
    struct outgoing request = {
        .code = REQUEST_UPDATE_CONSUMER_OFFSET, .layout = layout_update_consumer_offset(), .fields = &header};
    if (wait) {
        answers_wait_add(wait);
        remoting_call(client->remoting, address, &request, client->options.call_timeout_ms, on_answer, wait);
    } else {
        remoting_oneway(client->remoting, address, &request);
    }
    return true;
}
