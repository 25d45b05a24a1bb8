/* half_messages.h - half messages that wait for the end of their transaction.
 * They lie in RMQ_SYS_TRANS_HALF_TOPIC. That one is finished is written to RMQ_SYS_TRANS_OP_HALF_TOPIC: a record with
 * its queue offset each, several at a time. What is below the consumer offset of the group CID_RMQ_SYS_TRANS is
 * finished, or was put back: appended again behind all others, under the same key.
 *
 * An end is done once: the second commit of the same half message stores nothing, also after it was put back, as long
 * as the half message is not below that offset. A crash forgets ends whose op record was not written yet: the producer
 * is asked again. @thread any; LOCK_HALF_MESSAGES. @source shared facts: behaviour 12, store 8 */
#ifndef RMQ_BROKER_HALF_MESSAGES_H
#define RMQ_BROKER_HALF_MESSAGES_H

#include "broker/send/message_place.h"

#define TOPIC_OP_HALF              BYTES("RMQ_SYS_TRANS_OP_HALF_TOPIC")
#define GROUP_TRANSACTIONS         BYTES("CID_RMQ_SYS_TRANS")
#define TOPIC_TRANS_CHECK_MAX_TIME BYTES("TRANS_CHECK_MAX_TIME_TOPIC")

struct half_messages;
/* Reads op records and half messages from the group's offsets on. Waits for the disk. */
enum err half_messages_open(struct broker *broker, struct half_messages **out) MUST_USE;
void half_messages_close(struct half_messages *halves); /* writes what op records are due */

/* Ends the transaction of `half`, a record of the half topic: stores `message` (what a commit makes of it; NULL for a
 * rollback) and notes the end. *ended is false when that was done before: nothing is stored then. Errors of
 * store_append: the transaction is still open. */
enum err half_messages_end(struct half_messages *halves, const struct record *half, struct put *message,
                           bool *ended) MUST_USE;
/* The record that puts `half` (of the half topic, or given up) back, in `arena`; check_times < 0 leaves it as it is. */
enum err half_messages_encode_back(struct half_messages *halves, const struct record *half, int32_t check_times,
                                   struct arena *arena, struct put *back) MUST_USE;
/* Appends it. *moved is false when the transaction has ended meanwhile. */
enum err half_messages_put_back(struct half_messages *halves, const struct record *half, struct put *back,
                                bool *moved) MUST_USE;

/* For the check of what is left: its range, and whether one is finished. */
struct queue *half_messages_queue(const struct half_messages *halves);
int64_t half_messages_first(struct half_messages *halves);
bool half_messages_finished(struct half_messages *halves, int64_t offset_queue);
/* All below `offset_queue` are finished or were put back: moves the group's offsets. Waits for the disk. */
enum err half_messages_pass(struct half_messages *halves, int64_t offset_queue) MUST_USE;
/* Writes op records for all ends that have none. */
enum err half_messages_write_ops(struct half_messages *halves) MUST_USE;

#endif
