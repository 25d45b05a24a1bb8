/* body_heartbeat.h - HeartbeatData, the body of HEART_BEAT: the groups of a client and what they want.
 * @source shared facts: protocol 2.3, 6.6 */
#ifndef RMQ_WIRE_BODY_HEARTBEAT_H
#define RMQ_WIRE_BODY_HEARTBEAT_H

#include "wire/body_subscription.h"

enum consume_type { CONSUME_ACTIVELY, CONSUME_PASSIVELY, CONSUME_POP };
enum message_model { BROADCASTING, CLUSTERING };
enum consume_from_where { CONSUME_FROM_LAST_OFFSET, CONSUME_FROM_FIRST_OFFSET, CONSUME_FROM_TIMESTAMP };
/* The spelling on the wire. */
const char *consume_type_name(enum consume_type type);
const char *message_model_name(enum message_model model);
const char *consume_from_where_name(enum consume_from_where where);

struct consumer_data {
    struct bytes group;
    enum consume_type type;
    enum message_model model;
    enum consume_from_where from_where;
    bool unit_mode;
    const struct subscription *subscriptions;
    size_t subscription_count;
};
struct heartbeat {
    struct bytes client_id;
    const struct bytes *producer_groups;
    size_t producer_count;
    const struct consumer_data *consumers;
    size_t consumer_count;
    int32_t fingerprint; /* not 0: heartbeat V2, of the subscriptions */
    bool without_sub;    /* V2: subscriptions as before, left out */
};
/* All in `arena` or pointing into `body`. ERR_BAD_INPUT: no JSON object, or no client id. Names of enums that we do not
 * know count as CONSUME_PASSIVELY, CLUSTERING, CONSUME_FROM_LAST_OFFSET (also for its old synonyms). */
enum err heartbeat_decode(struct arena *arena, struct bytes body, struct heartbeat *out) MUST_USE;
void heartbeat_encode(const struct heartbeat *heartbeat, struct buf *out);

#endif
