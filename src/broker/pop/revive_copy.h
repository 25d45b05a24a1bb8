/* revive_copy.h - the copy of a message that comes back: the same for its group's retry topic, one try older.
 * @thread revive. @source shared facts: behaviour 10.2, since-5.3.3 section 5 */
#ifndef RMQ_BROKER_REVIVE_COPY_H
#define RMQ_BROKER_REVIVE_COPY_H

#include "broker/pop/checkpoints.h"

/* Where the messages of a checkpoint come back to, made when missing. *topic is NULL when they need not: their topic or
 * group is gone. */
enum err revive_copy_topic(struct broker *broker, const struct checkpoint *checkpoint, struct topic **topic) MUST_USE;
/* The copy of its message i, in `arena`. ERR_NOT_FOUND: the message is gone. Waits for the disk. */
enum err revive_copy_make(struct broker *broker, const struct checkpoint *checkpoint, int32_t i, struct topic *topic,
                          struct arena *arena, struct put *out) MUST_USE;

#endif
