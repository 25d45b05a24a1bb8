/* message_find.h - messages by the two kinds of ids. Lists are the caller's. */
#ifndef RMQ_ADMIN_MESSAGE_FIND_H
#define RMQ_ADMIN_MESSAGE_FIND_H

#include "admin/admin.h"

struct message_search {
    struct bytes topic, id;
    struct bytes route_topic; /* whose brokers are asked; absent: the topic's */
    int64_t begin_ms, end_ms; /* stored within; begin -1: since the id was made */
};
/* All with that id of a producer. ERR_RESPONSE with RESPONSE_NO_MESSAGE: none. */
enum err message_find_unique(struct admin *admin, const struct message_search *search,
                             rmq_message_list_t **list) MUST_USE;
/* By where it is stored if the id names a broker of the topic (any broker when the topic is absent), else by the id
 * that a producer made. */
enum err message_find_any(struct admin *admin, const struct message_search *search, rmq_message_list_t **list) MUST_USE;

#endif
