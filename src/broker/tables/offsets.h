/* offsets.h - how far each group has come in each queue: consumerOffset.json, with enableLmq lmqConsumerOffset.json,
 * and in memory what was pulled and reset. A `struct progress` is (topic, group); it is found without a lock and lives
 * until offsets_close. Its values are atomic, one writer needs no lock. Saved each flushConsumerOffsetInterval when
 * something changed.
 * @thread any; new pairs take LOCK_OFFSETS for moments. @source shared facts: behaviour 8, store 6 */
#ifndef RMQ_BROKER_OFFSETS_H
#define RMQ_BROKER_OFFSETS_H

#include "base/arena.h"
#include "base/json.h"
#include "broker/broker.h"
#include "broker/tables/name_table.h"

enum { OFFSET_NONE = -1, OFFSETS_QUEUE_ID_MAX = 65535 };

struct filter;
struct progress_queues;
struct progress {
    struct named named;        /* "topic@group" */
    struct bytes topic, group; /* parts of it */
    _Atomic(struct progress_queues *) queues;
    _Atomic(void *) get_stats;    /* stats.c */
    struct filter *pulled_by;     /* see progress_note_subscription; NULL: everything */
    _Atomic int64_t pulled_by_ms; /* monotonic, 0: never */
};
struct offsets;
enum err offsets_open(struct broker *broker, struct offsets **out) MUST_USE;
void offsets_close(struct offsets *offsets); /* saves */
void offsets_save(void *offsets);            /* writes the file if something changed. Waits for the disk */

/* NULL when there is none and `create` is false, or when the names are too long. */
struct progress *offsets_progress(struct offsets *offsets, struct bytes topic, struct bytes group, bool create);

/* Next offset to consume; OFFSET_NONE when there is none. */
int64_t progress_committed(const struct progress *progress, int32_t queue_id);
/* Lower values are taken too (and logged). Queue ids out of 0..OFFSETS_QUEUE_ID_MAX are passed over. */
void progress_commit(struct offsets *offsets, struct progress *progress, int32_t queue_id, int64_t offset_queue);
/* Where the last pull of the queue ended; for the statistics of consumers. */
int64_t progress_pulled(const struct progress *progress, int32_t queue_id);
void progress_note_pull(struct offsets *offsets, struct progress *progress, int32_t queue_id, int64_t offset_queue);
/* What the last pull that said so wanted (NULL: everything), for groups whose consumers send no subscription with their
 * heartbeats. Shares the filter. progress_subscription gives a reference, or NULL for everything; false when no pull
 * has said so within ten minutes. @source apache/rocketmq ConsumerManager.compensateSubscribeData */
void progress_note_subscription(struct offsets *offsets, struct progress *progress, struct filter *filter);
bool progress_subscription(struct offsets *offsets, struct progress *progress, struct filter **out);
/* A reset made by the server (request 222) that the consumer has not heard of; OFFSET_NONE = none. Commits are to be
 * passed over while one is pending. progress_take_reset also ends it: the pull that took it answers OFFSET_RESET. */
int64_t progress_pending_reset(const struct progress *progress, int32_t queue_id);
int64_t progress_take_reset(struct progress *progress, int32_t queue_id);
void progress_reset(struct offsets *offsets, struct progress *progress, int32_t queue_id, int64_t offset_queue);
/* Each queue with a committed offset, in order of queue ids. */
void progress_each(const struct progress *progress, void (*visit)(int32_t queue_id, int64_t offset_queue, void *arg),
                   void *arg);

/* One pop at a time takes messages from a queue. true: the caller has it, until progress_give. Never waits. */
bool progress_try_take(struct offsets *offsets, struct progress *progress, int32_t queue_id);
void progress_give(struct progress *progress, int32_t queue_id);
/* Messages of the queue that were popped and are neither acknowledged nor back. */
void progress_add_in_flight(struct offsets *offsets, struct progress *progress, int32_t queue_id, int64_t more);
int64_t progress_in_flight(const struct progress *progress, int32_t queue_id);

/* As if the group had never been there. */
void progress_forget(struct offsets *offsets, struct progress *progress);
bool progress_any(const struct progress *progress); /* has it a committed offset? */

/* When the file that was loaded was written, wall clock; 0 when there was none. */
int64_t offsets_loaded_ms(const struct offsets *offsets);

void offsets_each(struct offsets *offsets, void (*visit)(struct progress *progress, void *arg), void *arg);
/* The topics in which a group has offsets, and the groups with offsets in a topic; in the arena, sorted. */
void offsets_topics_of_group(struct offsets *offsets, struct bytes group, struct arena *arena, struct bytes **topics,
                             size_t *count);
void offsets_groups_of_topic(struct offsets *offsets, struct bytes topic, struct arena *arena, struct bytes **groups,
                             size_t *count);
/* Forget all of a topic (request 215) or of a group (207 with cleanOffset). */
void offsets_forget_topic(struct offsets *offsets, struct bytes topic);
void offsets_forget_group(struct offsets *offsets, struct bytes group);
/* dest gets the offsets that src has in that topic. */
void offsets_clone(struct offsets *offsets, struct bytes topic, struct bytes src_group, struct bytes dest_group);
void offsets_write(struct offsets *offsets, struct json_writer *w); /* the whole table: file and answer 43 */

#endif
