/* message_ext.h - received messages. The records of an answer are copied once, as one block, and taken apart in place:
 * texts get a NUL where the record has a length that is known by then, so that no message needs memory of its own.
 * A block is freed when nobody holds it any more; its messages are handed out one by one. */
#ifndef RMQ_CLIENT_MESSAGE_EXT_H
#define RMQ_CLIENT_MESSAGE_EXT_H

#include <stdatomic.h>
#include "base/buf.h"
#include "message/msgid.h"
#include "message/record.h"
#include "rocketmq/message.h"
#include "wire/body_subscription.h"

struct process_queue;
struct direct_consume;
struct message_block;

struct rmq_message_ext {
    struct record record; /* topic, body and properties of it are not used: see below */
    const char *topic, *body;
    size_t body_len;
    const char *properties; /* name NUL value NUL ... */
    size_t properties_len;
    const char *msg_id;      /* UNIQ_KEY, else offset_id */
    const char *broker_name; /* a kept name */
    char offset_id[MSGID_TEXT_MAX];
    int64_t min_offset, max_offset; /* of the queue when it was pulled; -1: found otherwise */
    struct message_block *block;

    /* While a push consumer has it: */
    struct process_queue *queue; /* NULL: it is consumed directly */
    struct direct_consume *direct;
    struct rmq_message_ext *next;     /* in the list it is in: to be consumed, or consumed */
    bool batch_end;                   /* the last one of a call of the listener */
    bool done;                        /* leaves the process queue when all before it have */
    bool expired;                     /* the listener took too long: already sent back */
    bool failed;                      /* what the listener said */
    int32_t delay_level;              /* with failed */
    int64_t suspend_ms;               /* with failed, orderly */
    int32_t local_reconsume_times;    /* failures that the broker does not know of */
    _Atomic int64_t consume_start_ms; /* 0: not yet given to the listener */
};
struct message_block {
    int refs;
    size_t count, cap;
    struct rmq_message_ext *messages; /* behind this struct */
    struct buf inflated;
    char *records; /* behind the messages */
};

/* Takes apart `body`, records back to back; what cannot be read, and all behind it, is left out with a log line.
 * With a subscription of tags only messages with one of them are kept. retry_topic: messages of that topic get their
 * first topic back; absent for none. The block has one reference; its count may be 0. */
struct message_block *message_block_create(struct bytes body, struct bytes broker_name,
                                           const struct subscription *subscription, struct bytes retry_topic);
/* @thread the one that owns the block */
void message_block_release(struct message_block *block);

#endif
