/* body_connection.h - who is connected in a group: ConsumerConnection and ProducerConnection, the answers to
 * GET_CONSUMER_CONNECTION_LIST and GET_PRODUCER_CONNECTION_LIST. @source shared facts: protocol 2.3 */
#ifndef RMQ_WIRE_BODY_CONNECTION_H
#define RMQ_WIRE_BODY_CONNECTION_H

#include "wire/body_subscription.h"

struct connection {
    struct bytes client_id, client_addr, language;
    int32_t version;
};
struct connection_list {
    const struct connection *connections;
    size_t connection_count;
    /* of consumers alone; names as they came, since clients of all versions are told of */
    struct bytes consume_type, message_model, consume_from_where;
    const struct subscription *subscriptions;
    size_t subscription_count;
};
/* Either form. All in `arena` or pointing into `body`. ERR_BAD_INPUT: no JSON object. */
enum err connection_list_decode(struct arena *arena, struct bytes body, struct connection_list *out) MUST_USE;

#endif
