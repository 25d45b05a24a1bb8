/* order_infos.h - what ordered pops hand out and wait for: config/consumerOrderInfo.json.
 * A queue of a group that was popped in order gives nothing more until all of those messages are acknowledged or
 * visible again. Saved by housekeeping when it changed; a table without a file lives in memory only.
 * @thread any; LOCK_ORDER_INFOS for moments. @source apache/rocketmq ConsumerOrderInfoManager 5.3.3 */
#ifndef RMQ_BROKER_ORDER_INFOS_H
#define RMQ_BROKER_ORDER_INFOS_H

#include "broker/pop/revive_record.h"
#include "broker/tables/offsets.h"

struct order_infos;
/* `file`: "consumerOrderInfo.json", or NULL for none. Loads it. */
enum err order_infos_open(struct broker *broker, const char *file, struct order_infos **out) MUST_USE;
void order_infos_close(struct order_infos *infos); /* saves */
void order_infos_save(void *infos);                /* writes the file if something changed. Waits for the disk */

/* One queue of a group. */
struct order_key {
    struct bytes topic, group;
    int32_t queue_id;
};
/* Must a pop wait? Not when it repeats the attempt that got the messages. *free_ms: wall time at which the next of
 * them is visible again. invisible_ms is taken for a queue of which none is known. */
bool order_infos_blocked(struct order_infos *infos, const struct order_key *key, struct bytes attempt_id,
                         int64_t invisible_ms, int64_t *free_ms);

struct order_pop {
    struct bytes attempt_id; /* absent = none */
    int64_t pop_time_ms, invisible_ms;
    const int64_t *offsets;
    int32_t count; /* 1 .. POP_MESSAGES_MAX */
};
/* These messages are handed out. counts[i]: how often message i was before, 0 for a new one. */
void order_infos_popped(struct order_infos *infos, const struct order_key *key, const struct order_pop *pop,
                        int32_t counts[POP_MESSAGES_MAX]);

enum { ORDER_ACK_ILLEGAL = -1, ORDER_ACK_STALE = -2 };
/* Commits and returns the offset where the group goes on now. ORDER_ACK_STALE: of another pop, nothing changed;
 * ORDER_ACK_ILLEGAL: that message was not handed out. While a reset is pending nothing is committed. */
int64_t order_infos_ack(struct order_infos *infos, struct progress *progress, const struct order_key *key,
                        int64_t offset_queue, int64_t pop_time_ms);
/* The message is visible again at that time, not before; passed over when it is of another pop. */
void order_infos_set_visible(struct order_infos *infos, const struct order_key *key, int64_t offset_queue,
                             int64_t pop_time_ms, int64_t visible_ms);
/* All messages of that pop are visible again at that time, not before, and none of them counts as handed out. */
void order_infos_suspend(struct order_infos *infos, const struct order_key *key, int64_t pop_time_ms,
                         int64_t visible_ms);
/* Its offset was reset: nothing is waited for. */
void order_infos_clear(struct order_infos *infos, const struct order_key *key);
size_t order_infos_count(struct order_infos *infos);

#endif
