/* pop_check.h - the checks that all requests about pops share, in the Java broker's order.
 * @thread any. @source shared facts: behaviour 10 */
#ifndef RMQ_BROKER_POP_CHECK_H
#define RMQ_BROKER_POP_CHECK_H

#include "broker/pull/filter.h"
#include "broker/route.h"
#include "broker/tables/groups.h"
#include "broker/tables/offsets.h"
#include "broker/tables/topics.h"

struct pop_check {
    struct bytes topic_name, group_name;
    int32_t queue_id; /* below 0: any */
    /* results */
    struct topic *topic;
    struct group *group;
    struct progress *progress;
};
/* false: refused. `what` is what the broker must allow: "pop message". */
bool pop_check(struct call *call, struct pop_check *check, const char *what);
/* Of a request that was held: what may have changed meanwhile. false: refused, `to` has its answer. */
bool pop_check_again(const struct reply_to *to, const struct topic *topic, const struct group *group);
/* The condition of a request, one reference for the caller; NULL: all messages. false: refused, it is none. */
bool pop_check_filter(struct call *call, struct bytes topic, struct bytes expression, struct bytes type,
                      struct filter **out);

#endif
