/* pull.h - PULL_MESSAGE: the request, and what its answer says. */
#ifndef RMQ_CLIENT_PULL_H
#define RMQ_CLIENT_PULL_H

#include "client/message_ext.h"
#include "client/outcome.h"
#include "remoting/remoting.h"
#include "rocketmq/consumer.h"
#include "wire/body_queue.h"

/* @source shared facts: protocol 4.1, request 11 */
enum pull_flag { PULL_COMMIT_OFFSET = 1, PULL_SUSPEND = 2, PULL_SUBSCRIPTION = 4 };

struct pull_request {
    struct bytes group;
    struct message_queue queue;
    int64_t offset, commit_offset, suspend_ms;
    int32_t max_count, flags;
    const struct subscription *subscription;
};
/* Calls that address; flags are cut down to what a slave allows. */
void pull_send(struct remoting *remoting, struct bytes address, bool is_slave, const struct pull_request *request,
               int64_t timeout_ms, call_done *done, void *ctx);

struct pull_answer {
    rmq_pull_status_t status;
    int64_t next_begin_offset, min_offset, max_offset, suggest_broker_id;
    struct message_block *block; /* NULL unless RMQ_PULL_FOUND; the receiver's */
};
/* Any other answer is RMQ_BROKER in the outcome; returns outcome->error. retry_topic: see message_block_create. */
rmq_error_t pull_read(const struct command *response, struct bytes broker_name, const struct subscription *subscription,
                      struct bytes retry_topic, struct pull_answer *out, struct outcome *outcome);

#endif
