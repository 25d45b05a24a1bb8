/* body_topic_list.h - TopicList: {"brokerAddr":"...","topicList":[...]}. @source shared facts: protocol 2.3 */
#ifndef RMQ_WIRE_BODY_TOPIC_LIST_H
#define RMQ_WIRE_BODY_TOPIC_LIST_H

#include "base/json.h"

struct topic_list {
    struct bytes broker_addr; /* absent = none */
    const struct bytes *topics;
    size_t count;
};
void topic_list_encode(const struct topic_list *list, struct buf *out);
/* All in `arena` or pointing into `body`. ERR_BAD_INPUT: no JSON object. */
enum err topic_list_decode(struct arena *arena, struct bytes body, struct topic_list *out) MUST_USE;

#endif
