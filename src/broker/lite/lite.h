/* lite.h - lite topics (5.5.0): many short-lived light queues below one parent topic, %LMQ%$parent$lite
 * (message/lmq.h). A message with the property __LITE_TOPIC is in the queue of its topic and in its lite topic.
 * Consumers (clients of a proxy) say which lite topics they want (200071) and pop by client id (200070): what is new in
 * a lite topic becomes an event of one client of each group that wants it, and pops work off events. Messages of a lite
 * topic are handed out in order: nothing more until they are acknowledged or visible again.
 *
 * Subscriptions and events are in memory only, under LOCK_LITE; committed offsets are where all are (offsets.h).
 * @thread any unless said otherwise. @source shared facts: since-5.3.3 section 4; apache/rocketmq broker/lite 5.5.0 */
#ifndef RMQ_BROKER_LITE_H
#define RMQ_BROKER_LITE_H

#include "broker/clients/client.h"
#include "broker/pop/order_infos.h"
#include "broker/tables/groups.h"
#include "broker/tables/topics.h"

struct lite;
enum err lite_open(struct broker *broker, struct lite **out) MUST_USE;
void lite_close(struct lite *lite);
/* What ordered pops of lite topics handed out; in memory only. */
struct order_infos *lite_orders(struct lite *lite);

/* --- subscriptions ----------------------------------------------------------------------------------------- */
enum lite_action { LITE_PARTIAL_ADD, LITE_PARTIAL_REMOVE, LITE_COMPLETE_ADD, LITE_COMPLETE_REMOVE };
enum lite_offset_type { LITE_OFFSET_KEEP, LITE_OFFSET_POLICY, LITE_OFFSET_AT, LITE_OFFSET_TAIL, LITE_OFFSET_TIME };
/* One entry of request 200071. */
struct lite_change {
    enum lite_action action;
    struct bytes client_id, parent;
    struct group *group;
    const struct bytes *names; /* of the light queues */
    size_t count;
    enum lite_offset_type offset_type; /* where a new subscription begins */
    int64_t offset_value;
    struct client_channel channel; /* of the proxy: where the client is told that others took its topics */
};
/* ERR_LITE_QUOTA; ERR_ILLEGAL_OPERATION: a wildcard group takes all lite topics, it cannot add some. */
enum err lite_subscribe(struct lite *lite, const struct lite_change *change) MUST_USE;
/* Forgets clients that were not heard of for liteSubscriptionCheckTimeoutMills. A job of the work threads. */
void lite_forget_silent(void *lite);

/* --- events ------------------------------------------------------------------------------------------------ */
/* New messages in a light queue. @thread dispatch of the store */
void lite_arrived(struct lite *lite, struct queue *queue);
/* Nothing of the lite topic is out any more for that group: what else is there may be popped. */
void lite_set_free(struct lite *lite, struct group *group, struct bytes name);
/* What is out is visible again at that time. */
void lite_set_due(struct lite *lite, struct group *group, struct bytes name, int64_t due_ms);
/* Makes events of all lite topics with messages that the group (or that client of it alone) has not read. */
void lite_dispatch_all(struct lite *lite, struct group *group, struct bytes client_id);
/* Events that their client leaves go to others; clients that had too many get the rest. A job of the work threads. */
void lite_scan(void *lite);

/* Takes the client's next event: the name of a light queue, in the arena. Then one of: lite_rest, nothing is there;
 * lite_put_back, to be popped from `due_ms` on (0: now, and next), unless lite_set_free comes before. */
bool lite_take(struct lite *lite, struct bytes client_id, struct group *group, struct arena *arena, struct bytes *name);
void lite_rest(struct lite *lite, struct bytes client_id, struct group *group, struct bytes name);
void lite_put_back(struct lite *lite, struct bytes client_id, struct group *group, struct bytes name, int64_t due_ms);
/* A pop of the client is held in the line of that name (held_pops.h): events wake it from now on. *due_ms: wall time at
 * which something is visible again, 0: now, INT64_MAX: nothing is out. */
void lite_hold(struct lite *lite, struct bytes line, struct bytes client_id, int64_t *due_ms);
void lite_unhold(struct lite *lite, struct bytes line);
/* The line of a client's pops, in the arena. */
struct bytes lite_line_name(struct arena *arena, struct bytes client_id, struct bytes group);

/* --- life of lite topics ----------------------------------------------------------------------------------- */
/* Messages ever stored in it; 0: there is no such lite topic. */
int64_t lite_max_offset(struct lite *lite, struct bytes name);
/* Deletes those that had no message for longer than their parent says. Waits for the disk. A job of the work threads */
void lite_expire(void *lite);
/* All below a parent, with the offsets of its groups. Waits for the disk. */
enum err lite_delete_all(struct lite *lite, struct bytes parent) MUST_USE;
/* Does the lite topic belong on this broker, of all that have the parent? True while the route is not known: ask for it
 * first. */
bool lite_shards_here(struct lite *lite, struct bytes parent, struct bytes name);
/* Or is it here all the same? */
bool lite_is_here(struct lite *lite, struct bytes parent, struct bytes name);
/* Calls `next` on the reactor when the name servers have told the route of the parent, or could not; with NULL when the
 * broker stops. False when it is known: nothing is called. @thread any */
bool lite_route_then(struct lite *lite, struct bytes parent, struct reactor *reactor,
                     void (*next)(struct reactor *reactor, void *arg), void *arg) MUST_USE;
/* jump hash of String.hashCode. @source shared facts: since-5.3.3 4.2 */
int32_t lite_shard(struct bytes lite, int32_t count);

/* --- views ------------------------------------------------------------------------------------------------- */
struct lite_facts {
    int32_t subscriptions; /* (client, lite topic) pairs */
    size_t clients_with_events;
};
struct lite_facts lite_facts(struct lite *lite);
struct lite_subscriber {
    struct bytes client_id, group; /* "*" for a wildcard group */
};
/* Who wants the lite topic; in the arena. */
struct lite_subscriber *lite_subscribers(struct lite *lite, struct bytes name, struct arena *arena, size_t *count);
/* What a client wants, names of light queues in the arena; false if it is not known. *access_ms: its last pop, -1 */
bool lite_client(struct lite *lite, struct bytes client_id, struct arena *arena, struct bytes **names, size_t *count,
                 int64_t *access_ms);

#endif
