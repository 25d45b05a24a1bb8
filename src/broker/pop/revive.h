/* revive.h - messages that were popped and not acknowledged in time come back: the thread `revive`.
 * It reads the revive topic as the consumer group CID_RMQ_SYS_REVIVE_GROUP and keeps what is out in memory
 * (checkpoints.h). Before a checkpoint's time is over for it, all acks that came before are read. Copies of its
 * messages go to the retry topic together with their acks, in one append: after a crash they do not come a second time.
 *
 * The group's offset is that of the Java broker: the record before the oldest checkpoint that is open. The one in
 * consumerOffset.json is always older than the group offsets beside it, and never ahead of the disk; records behind it
 * are read at the start and move group offsets of a file that a crash left old.
 * A checkpoint that holds the offset up for long is written again at the end. */
#ifndef RMQ_BROKER_REVIVE_H
#define RMQ_BROKER_REVIVE_H

#include "broker/broker.h"

struct revive;
enum err revive_open(struct broker *broker, struct revive **out) MUST_USE; /* reads; waits for the disk */
enum err revive_start(struct revive *revive) MUST_USE;                     /* the thread */
void revive_close(struct revive *revive);                                  /* ends the thread, commits its offsets */
/* Call it before each save of the group offsets, from one thread at a time. @thread work */
void revive_before_save(struct revive *revive);
/* Checkpoints that are open; records of the revive topic not read yet. @thread any */
void revive_counts(const struct revive *revive, int64_t *open, int64_t *behind);

#endif
