/* offset_reset.h - a consumer group moved to a time, or to the end, in all queues of a topic. */
#ifndef RMQ_ADMIN_OFFSET_RESET_H
#define RMQ_ADMIN_OFFSET_RESET_H

#include "admin/admin.h"

struct offset_reset {
    struct bytes topic, group;
    struct bytes cluster; /* whose route is taken; absent: the topic's */
    int64_t time_ms;      /* -1: the end */
    bool force;           /* also forward, past what was not consumed */
};
/* Prints a table of the new offsets. */
enum err offset_reset(struct admin *admin, const struct offset_reset *reset) MUST_USE;

#endif
