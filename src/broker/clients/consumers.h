/* consumers.h - who is connected as a consumer, what the groups subscribe to, and telling members of changes (40).
 * @thread any; LOCK_CLIENTS. @source shared facts: behaviour 7 */
#ifndef RMQ_BROKER_CONSUMERS_H
#define RMQ_BROKER_CONSUMERS_H

#include "broker/clients/client.h"
#include "broker/pull/filter.h"
#include "wire/body_heartbeat.h"

struct consumers;
enum err consumers_open(struct broker *broker, struct consumers **out) MUST_USE;
void consumers_close(struct consumers *consumers);

/* What a pull needs to know of a group that sent heartbeats. */
struct consumer_view {
    bool online; /* the group has a member here: else 24 "group info" */
    bool broadcasting;
    struct filter *filter; /* of the topic, one reference for the caller; NULL = not subscribed */
};
void consumers_view(struct consumers *consumers, struct bytes group, struct bytes topic, struct consumer_view *out);

/* One group of a heartbeat. */
struct consumer_heartbeat {
    struct bytes group;
    enum consume_type type;
    enum message_model model;
    enum consume_from_where from_where;
    const struct subscription *subscriptions; /* copied */
    size_t subscription_count;
    int32_t fingerprint;     /* not 0: heartbeat V2, of its subscriptions */
    bool keep_subscriptions; /* V2 left them out: those we have stay */
    bool notify;             /* tell the members when something changed */
};
/* When the group's members or subscriptions changed, every member is told at once, the newcomer among them, unless the
 * group broadcasts. Returns IS_SUB_CHANGE of V2: the fingerprint is another one than that of the group's last
 * heartbeat, or subscriptions were left out that we do not have: send them all. */
bool consumers_register(struct consumers *consumers, const struct consumer_heartbeat *heartbeat,
                        const struct client *client);
void consumers_unregister(struct consumers *consumers, struct bytes group, struct bytes client_id,
                          struct client_channel channel, bool notify);
void consumers_channel_closed(struct consumers *consumers, struct client_channel channel);
void consumers_expire(struct consumers *consumers, int64_t now_ms); /* silent for 120 s; their channels are closed */

/* Faults of users that no answer shows, counted since the start and logged once while they last: consumers of one group
 * that share a client id, so that each takes the queues of the other; members that subscribe to different things for
 * longer than a change of all of them takes. */
struct consumer_faults {
    int64_t client_id_clashes, differing_subscriptions;
};
struct consumer_faults consumers_faults(struct consumers *consumers);

/* Tells what was held back: realTimeNotifyConsumerChange=false. */
void consumers_send_notices(struct consumers *consumers);

bool consumers_online(struct consumers *consumers, struct bytes group);
/* The connection of a client of the group; false if it is not online. */
bool consumers_find_client(struct consumers *consumers, struct bytes group, struct bytes client_id, struct client *out,
                           struct arena *arena);
/* A copy of the group as it is now, for answers; false if it is not online. Lives in `arena`, but the filters,
 * which consumer_group_release gives back. */
struct consumer_group {
    enum consume_type type;
    enum message_model model;
    enum consume_from_where from_where;
    struct client *clients;
    size_t client_count;
    struct filter **filters;
    size_t filter_count;
};
bool consumers_group(struct consumers *consumers, struct bytes group, struct arena *arena, struct consumer_group *out);
void consumer_group_release(struct consumer_group *group);
/* Names of the groups whose members subscribe to the topic, in the arena. */
void consumers_groups_of_topic(struct consumers *consumers, struct bytes topic, struct arena *arena,
                               struct bytes **groups, size_t *count);

#endif
