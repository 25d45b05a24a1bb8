/* send_trace.h - what a producer tells the message trace. @thread the I/O thread, but where another is named
 * @source apache/rocketmq client/.../trace/hook/SendMessageTraceHookImpl.java, EndTransactionTraceHookImpl.java */
#ifndef RMQ_CLIENT_SEND_TRACE_H
#define RMQ_CLIENT_SEND_TRACE_H

#include "client/producer/send.h"
#include "wire/header.h"

/* The broker answered that the message, or each message of the batch, is stored. */
void send_trace_stored(const struct send *send, rmq_send_status_t status, const struct hdr_send_result *header);

struct transaction_end {
    struct bytes topic, msg_id, tags, keys, transaction_id;
    rmq_transaction_state_t state;
    bool from_check;
};
/* @thread any */
void send_trace_transaction(const struct rmq_producer *producer, const struct transaction_end *end);

#endif
