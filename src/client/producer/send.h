/* send.h - one message (or batch) on its way: finds the route, chooses a queue, sends, tries again elsewhere.
 * @source apache/rocketmq client/.../impl/producer/DefaultMQProducerImpl.java sendDefaultImpl, sendKernelImpl */
#ifndef RMQ_CLIENT_SEND_H
#define RMQ_CLIENT_SEND_H

#include "client/message.h"
#include "client/producer/producer.h"
#include "message/msgid.h"

enum send_mode { SEND_SYNC, SEND_ASYNC, SEND_ONEWAY };
/* What is sent. All views must live until the send ended. */
struct send_content {
    struct bytes topic, body, properties;
    struct bytes msg_id; /* of the result */
    int32_t flag, sys_flag;
    bool batch;
    int32_t reconsume_times, max_reconsume_times; /* for retry topics; max 0: left out */
};
struct send {
    struct job job; /* the I/O thread's, then the callback's */
    struct rmq_producer *producer;
    struct send_content content;
    enum send_mode mode;
    bool fixed_queue;
    struct message_queue queue; /* fixed, or chosen; kept names */
    /* Comes once, on the I/O thread. result is there with outcome RMQ_OK (not with SEND_ONEWAY) and is the receiver's.
     */
    void (*done)(struct send *send);
    struct outcome outcome;
    struct rmq_send_result *result;

    int tries, tries_max;
    int64_t begin_ms, sent_ms, deadline_ms;
    struct route_wait wait;
    bool asked_default;
};
/* Begins; the caller has set all members up to `done`. @thread the I/O thread */
void send_start(struct send *send);

/* A send that the caller waits for. */
struct send_call {
    struct waiting_call call;
    struct send send; /* content, mode and queue are set by the caller */
};
/* Outcome reported; *result (NULL: not wanted) is the caller's. @thread any but the I/O thread */
rmq_error_t send_call_run(struct send_call *op, struct rmq_producer *producer, struct rmq_send_result **result);

/* What send_content_of makes beside the struct: freed by send_memory_close. */
struct send_memory {
    struct buf body, properties;
    char id[MSGID_TEXT_MAX];
};
/* Checks the message, gives it an id, compresses its body. With `copy` nothing of the message is used afterwards but
 * what was copied to `memory`. Outcome reported. @thread any */
rmq_error_t send_content_of(const struct rmq_producer *producer, const struct rmq_message *message, bool copy,
                            struct send_memory *memory, struct send_content *content);
void send_memory_close(struct send_memory *memory);

#endif
