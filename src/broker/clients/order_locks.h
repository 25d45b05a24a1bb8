/* order_locks.h - which client owns a queue of an ordered consumer group. An owner that does not renew for 60 s loses
 * it.
 * @thread any; LOCK_ORDER_LOCKS. @source shared facts: behaviour 9 */
#ifndef RMQ_BROKER_ORDER_LOCKS_H
#define RMQ_BROKER_ORDER_LOCKS_H

#include "broker/broker.h"
#include "wire/body_queue.h"

enum { ORDER_LOCK_LIFE_MS = 60000 };

struct order_locks;
enum err order_locks_open(struct broker *broker, struct order_locks **out) MUST_USE;
void order_locks_close(struct order_locks *locks);

/* Takes or renews; false when another client owns it. */
bool order_locks_take(struct order_locks *locks, struct bytes group, struct bytes client_id,
                      const struct message_queue *queue);
/* Nothing happens when the client does not own it. */
void order_locks_give(struct order_locks *locks, struct bytes group, struct bytes client_id,
                      const struct message_queue *queue);
/* Does any client of the group own a queue now? The group consumes in order then. */
bool order_locks_held(struct order_locks *locks, struct bytes group);
void order_locks_expire(struct order_locks *locks); /* forgets those long over */

#endif
