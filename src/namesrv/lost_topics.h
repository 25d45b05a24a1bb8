/* lost_topics.h - topics that had a route and lost it, and how: the cause that a client without a route is told.
 * Only the newest LOST_TOPICS_MAX are remembered. @thread that of the route table */
#ifndef RMQ_NAMESRV_LOST_TOPICS_H
#define RMQ_NAMESRV_LOST_TOPICS_H

#include "base/buf.h"
#include "base/bytes.h"

enum { LOST_TOPICS_MAX = 4096 };

enum loss {
    LOSS_UNREGISTERED, /* its last broker said farewell, */
    LOSS_DISCONNECTED, /* its connection closed, */
    LOSS_SILENT,       /* it was not heard of in its time, */
    LOSS_UNLISTED,     /* it registered without the topic; */
    LOSS_DELETED       /* or the topic was deleted by request */
};

struct lost_topics;
struct lost_topics *lost_topics_create(void);
void lost_topics_destroy(struct lost_topics *lost);

/* `broker_name`: the last one that had it. */
void lost_topics_add(struct lost_topics *lost, struct bytes topic, struct bytes broker_name, enum loss how);
void lost_topics_found(struct lost_topics *lost, struct bytes topic); /* it has a route again */
/* Appends how and when it was lost, as half a sentence; false when that is not known. */
bool lost_topics_tell(const struct lost_topics *lost, struct bytes topic, struct buf *out);

#endif
