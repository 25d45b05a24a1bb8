/* send_result.c - results of sends as users see them. */
#include <stdio.h>
#include <inttypes.h>
#include <stdlib.h>
#include "base/check.h"
#include "rocketmq/producer.h"

void rmq_send_result_destroy(rmq_send_result_t *result) {
    free(result);
}

const char *rmq_send_status_name(rmq_send_status_t status) {
    static const char *const names[] = {[RMQ_SEND_OK] = "SEND_OK",
                                        [RMQ_SEND_FLUSH_DISK_TIMEOUT] = "FLUSH_DISK_TIMEOUT",
                                        [RMQ_SEND_FLUSH_SLAVE_TIMEOUT] = "FLUSH_SLAVE_TIMEOUT",
                                        [RMQ_SEND_SLAVE_NOT_AVAILABLE] = "SLAVE_NOT_AVAILABLE"};
    return (size_t)status < ARRAY_LEN(names) ? names[status] : "UNKNOWN";
}

size_t rmq_send_result_print(const rmq_send_result_t *result, char *out, size_t size) {
    int len = snprintf(out, size,
                       "SendResult [sendStatus=%s, msgId=%s, offsetMsgId=%s, messageQueue=MessageQueue [topic=%s, "
                       "brokerName=%s, queueId=%" PRId32 "], queueOffset=%" PRId64 "]",
                       rmq_send_status_name(result->status), result->msg_id, result->offset_msg_id, result->queue.topic,
                       result->queue.broker_name, result->queue.queue_id, result->queue_offset);
    return len < 0 ? 0 : (size_t)len;
}
