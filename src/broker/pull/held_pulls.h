/* held_pulls.h - long polling: the pulls of a reactor that wait for messages, found by queue, by channel, by deadline.
 * No wake-up is lost: a pull is in the table and its queue is watched before the queue's end is looked at once more.
 * @thread the reactor's own, unless said otherwise. @source shared facts: behaviour 6.4 */
#ifndef RMQ_BROKER_HELD_PULLS_H
#define RMQ_BROKER_HELD_PULLS_H

#include "broker/pull/pull.h"

enum { HELD_PULLS_MAX = 100000, HELD_PULL_MAX_MS = 3600000 /* whatever a client asks for */ };

struct held_pulls;
void held_pulls_open(struct reactor *reactor);  /* makes reactor->held_pulls */
void held_pulls_close(struct held_pulls *held); /* drops what is held; NULL is fine */
/* Answers all of them as expired: the broker stops. */
void held_pulls_stop(struct held_pulls *held);

/* Copies the pull, with its filter reference, which must have a queue. false when HELD_PULLS_MAX are held. */
bool held_pulls_add(struct held_pulls *held, const struct pull *pull);
/* `queue` has new messages: its pulls look again, soon. @thread any */
void held_pulls_arrived(struct held_pulls *held, struct queue *queue);
void held_pulls_channel_closed(struct held_pulls *held, uint64_t channel_id);
size_t held_pulls_count(const struct held_pulls *held);

#endif
