/* message_read.h - reading a queue from one offset to another, message by message, without moving offsets of groups. */
#ifndef RMQ_ADMIN_MESSAGE_READ_H
#define RMQ_ADMIN_MESSAGE_READ_H

#include "admin/admin.h"

struct message_reading {
    struct admin *admin;
    const struct queue_place *place;
    struct bytes group;
    const struct subscription *subscription;
    int64_t begin, end; /* offsets; the one at `end` is not read */
    int64_t count_max;  /* ends after so many messages; 0: no limit */
    /* Of each message; an error ends the reading. */
    enum err (*each)(const rmq_message_ext_t *message, void *arg);
    void *arg;
    /* Filled: */
    rmq_pull_status_t status; /* of the last answer */
    int64_t next;             /* where it ended */
    int64_t count;            /* messages given to `each` */
};
/* Goes on where the broker says to when it has no message at an offset. */
enum err message_read(struct message_reading *reading) MUST_USE;
/* Which offsets the times -b and -e of a command mean in a queue; absent ones are its ends. */
enum err message_read_range(struct admin *admin, const struct queue_place *place, struct bytes begin, struct bytes end,
                            int64_t *first, int64_t *last) MUST_USE;

#endif
