/* revive_record.h - the records of the revive topic: checkpoints ("ck": these messages are out until then) and
 * acknowledgements ("ack", several at once "bAck"). JSON bodies as the Java broker writes them, so that it goes on
 * with ours and we with its own.
 *
 * It sends them through its timer: a checkpoint comes into the topic 1 s before its messages come back, an ack at that
 * moment. Ours go there at once, with the time of writing as their delivery time. Its revive takes the greatest
 * delivery time it has read for "now" and merges all acks read before it looks at checkpoints, so it never takes ours
 * for due too early. Two members of ours, which it passes over: "it" in an ack, the invisible time of its
 * checkpoint; "no" in the ack of an ordered pop, the offset where its group goes on.
 * @thread any. @source apache/rocketmq PopCheckPoint, AckMsg, BatchAckMsg, PopReviveService 5.3.3, 5.5.0 */
#ifndef RMQ_BROKER_REVIVE_RECORD_H
#define RMQ_BROKER_REVIVE_RECORD_H

#include "broker/broker.h"

enum { POP_MESSAGES_MAX = 32 /* of one pop; bits of a checkpoint */ };

/* The messages that one pop took from one queue. Texts point into the record or are the maker's. */
struct checkpoint_record {
    struct bytes topic, group;
    int32_t queue_id;
    int64_t start_offset;
    int64_t pop_time_ms, invisible_ms;
    uint32_t acked; /* bit i: message i */
    int32_t count;
    int32_t diffs[POP_MESSAGES_MAX]; /* offset of message i behind start_offset */
    bool suspend;                    /* its messages come back as if they had not been tried */
};
struct ack_record {
    struct bytes topic, group;
    int32_t queue_id;
    int64_t start_offset, pop_time_ms; /* of the checkpoint */
    int64_t invisible_ms;              /* of the checkpoint; -1 = not said */
    int64_t next_offset;               /* of an ordered pop; -1 = none */
    int64_t offsets[POP_MESSAGES_MAX];
    int32_t count;
};
enum revive_kind { REVIVE_OTHER, REVIVE_CHECKPOINT, REVIVE_ACK };
struct revive_record {
    enum revive_kind kind;
    bool by_timer; /* the Java broker's: went through its timer */
    int64_t store_time_ms;
    struct checkpoint_record checkpoint;
    struct ack_record ack; /* of more acks than fit, those that fit: such a record is none of a Java broker */
};
/* Takes a stored record apart; texts are in `arena` or in `stored`. Anything that is no revive record, or a damaged
 * one, is REVIVE_OTHER. */
void revive_record_read(struct bytes stored, struct arena *arena, struct revive_record *out);

/* Makes the record for that revive queue, in `arena`. */
void revive_record_put_checkpoint(const struct broker *broker, struct topic *revive, int32_t revive_queue,
                                  const struct checkpoint_record *checkpoint, struct arena *arena, struct put *out);
void revive_record_put_ack(const struct broker *broker, struct topic *revive, int32_t revive_queue,
                           const struct ack_record *ack, struct arena *arena, struct put *out);

#endif
