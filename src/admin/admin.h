/* admin.h - what commands ask name servers and brokers, as functions. They stand on the client library, whose thread
 * does the input and output, and wait for each answer. Everything they give lives in the arena of the admin, which
 * dies with the command.
 * Errors: ERR_CONNECT, ERR_CLOSED, ERR_TIMEOUT name the address; ERR_RESPONSE is an answer other than SUCCESS, told as
 * the Java tools do ("CODE: 17  DESC: ..."), with its code in admin->response_code; ERR_BAD_INPUT, an answer that
 * cannot be read. @thread the one that opened it */
#ifndef RMQ_ADMIN_ADMIN_H
#define RMQ_ADMIN_ADMIN_H

#include <stdio.h>
#include "base/arena.h"
#include "base/err.h"
#include "client/message_ext.h"
#include "client/consumer/pull.h"
#include "remoting/remoting.h"
#include "rocketmq/producer.h"
#include "wire/body_broker_stats.h"
#include "wire/body_cluster.h"
#include "wire/body_connection.h"
#include "wire/body_consume_stats.h"
#include "wire/body_kv_table.h"
#include "wire/body_register.h"
#include "wire/body_topic_list.h"
#include "wire/body_topic_route.h"
#include "wire/body_topic_stats.h"
#include "wire/request.h"

#define TOOLS_CONSUMER_GROUP "TOOLS_CONSUMER" /* brokers know it from their start */

struct admin {
    rmq_client_t *client;
    struct arena arena;
    FILE *out;             /* where commands print */
    int64_t timeout_ms;    /* of each request; a command may change it */
    int32_t response_code; /* of the last answer */
    int problems;          /* see admin_problem */
};
/* name_servers: absent takes NAMESRV_ADDR. ERR_BAD_CONFIG when there is none, or it is malformed. */
enum err admin_open(struct admin *admin, struct bytes name_servers, FILE *out) MUST_USE;
void admin_close(struct admin *admin);
/* A part of the command failed and the rest goes on: tells it on stderr, and the command will not have succeeded. */
void admin_problem(struct admin *admin, enum err err, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* ---- requests ------------------------------------------------------------------------------------------ */

/* A request with the header that headers.def names so: ADMIN_REQUEST(GET_TOPIC_STATS_INFO, topic, &header). */
#define ADMIN_REQUEST(name, layout_name, header)                                                                       \
    (&(struct outgoing){.code = REQUEST_##name, .layout = layout_##layout_name(), .fields = (header)})

/* Whatever the answer is. */
enum err admin_call(struct admin *admin, struct bytes address, const struct outgoing *request,
                    struct command *response) MUST_USE;
/* ERR_RESPONSE unless it is SUCCESS. `response` may be NULL. */
enum err admin_ask(struct admin *admin, struct bytes address, const struct outgoing *request,
                   struct command *response) MUST_USE;
/* The same to the first name server that answers, and to each of them (the first failure ends it). */
enum err admin_ask_namesrv(struct admin *admin, const struct outgoing *request, struct command *response) MUST_USE;
enum err admin_tell_namesrvs(struct admin *admin, const struct outgoing *request) MUST_USE;
size_t admin_namesrv_count(const struct admin *admin);
struct bytes admin_namesrv(const struct admin *admin, size_t i);
/* Keeps a failed call of the client library as an error of ours. ERR_OK for RMQ_OK. */
enum err admin_err(struct admin *admin, rmq_error_t error) MUST_USE;

/* A producer of a group of its own, with a message trace or without; the caller destroys it. */
enum err admin_producer(struct admin *admin, bool trace, rmq_producer_t **producer) MUST_USE;

/* ---- name servers -------------------------------------------------------------------------------------- */

enum err admin_route(struct admin *admin, struct bytes topic, struct topic_route *out) MUST_USE;
/* Of the topic, or of `cluster` when that is given: -c of several commands. */
enum err admin_route_or(struct admin *admin, struct bytes cluster, struct bytes topic,
                        struct topic_route *out) MUST_USE;
/* The master's address, else that of another member; absent when it has none. */
struct bytes admin_address_of(const struct broker_data *broker);
/* Sorted by name. */
enum err admin_topics(struct admin *admin, struct topic_list *out) MUST_USE;
/* Clusters and their brokers sorted by name. */
enum err admin_cluster_info(struct admin *admin, struct cluster_info *out) MUST_USE;

struct member { /* of a broker set */
    struct bytes cluster, broker_name, address;
    int64_t broker_id;
};
/* The masters of a cluster (absent: of all), or all brokers, by name and id. ERR_NOT_FOUND names the clusters there
 * are. */
enum err admin_cluster_members(struct admin *admin, struct bytes cluster, bool slaves, const struct member **out,
                               size_t *count) MUST_USE;
/* What -b and -c mean: that one address (whose name is not known then), or admin_cluster_members. */
enum err admin_targets(struct admin *admin, struct bytes broker_addr, struct bytes cluster, bool slaves,
                       const struct member **out, size_t *count) MUST_USE;

/* Asks that broker, or every master of the cluster, or, without both, of all clusters. */
enum err admin_ask_members(struct admin *admin, struct bytes broker_addr, struct bytes cluster,
                           const struct outgoing *request) MUST_USE;

/* ---- brokers ------------------------------------------------------------------------------------------- */

enum err admin_runtime_info(struct admin *admin, struct bytes address, const struct kv **items, size_t *count) MUST_USE;
struct bytes admin_kv_get(const struct kv *items, size_t count, const char *key); /* absent if missing */
/* The settings of a topic as the broker has them; ERR_NO_TOPIC when it has no such topic. */
enum err admin_topic_config(struct admin *admin, struct bytes address, struct bytes topic,
                            struct topic_config *out) MUST_USE;
/* Deletes a topic on the brokers given, then in every name server. A topic that is not there is no error. */
enum err admin_delete_topic(struct admin *admin, struct bytes cluster, const struct member *brokers, size_t count,
                            struct bytes topic) MUST_USE;
enum err admin_topic_stats(struct admin *admin, struct bytes address, struct bytes topic,
                           struct topic_stats *out) MUST_USE;
/* topic absent: all of the group. */
enum err admin_consume_stats(struct admin *admin, struct bytes address, struct bytes group, struct bytes topic,
                             struct consume_stats_table *out) MUST_USE;
struct bytes admin_retry_topic(struct admin *admin, struct bytes group); /* "%RETRY%group" */
/* Over all brokers of the route of the group's retry topic (or of `cluster`), sorted by queue. ERR_NOT_ONLINE: none
 * has anything of the group. */
enum err admin_group_progress(struct admin *admin, struct bytes cluster, struct bytes group, struct bytes topic,
                              struct consume_stats_table *out) MUST_USE;
enum err admin_consumer_connection(struct admin *admin, struct bytes address, struct bytes group,
                                   struct connection_list *out) MUST_USE;
/* Of the first broker of the group's retry topic that knows it. */
enum err admin_group_connection(struct admin *admin, struct bytes group, struct connection_list *out) MUST_USE;
/* The groups that consume a topic, sorted. */
enum err admin_groups_of_topic(struct admin *admin, const struct topic_route *route, struct bytes topic,
                               const struct bytes **groups, size_t *count) MUST_USE;
/* A counter; all zero when the broker has none of that name and key. */
enum err admin_broker_stats(struct admin *admin, struct bytes address, struct bytes name, struct bytes key,
                            struct broker_stats *out) MUST_USE;

/* ---- queues -------------------------------------------------------------------------------------------- */

/* A queue and where it is. */
struct queue_place {
    struct message_queue queue;
    struct bytes address;
};
/* The queues of a topic that can be read, sorted. */
enum err admin_queues(struct admin *admin, const struct topic_route *route, struct bytes topic,
                      const struct queue_place **out, size_t *count) MUST_USE;
/* One of them. ERR_NOT_FOUND says what there is. */
enum err admin_find_queue(struct admin *admin, struct bytes route_topic, struct bytes topic, struct bytes broker_name,
                          int32_t queue_id, struct queue_place *out) MUST_USE;
enum err admin_min_offset(struct admin *admin, const struct queue_place *place, int64_t *offset) MUST_USE;
enum err admin_max_offset(struct admin *admin, const struct queue_place *place, int64_t *offset) MUST_USE;
/* The first at or after that time; time_ms -1: behind the last. */
enum err admin_search_offset(struct admin *admin, const struct queue_place *place, int64_t time_ms,
                             int64_t *offset) MUST_USE;
enum err admin_update_offset(struct admin *admin, const struct queue_place *place, struct bytes group,
                             int64_t offset) MUST_USE;
/* Up to 32 messages from `offset` on, without moving any offset. out->block is the caller's. */
enum err admin_pull(struct admin *admin, const struct queue_place *place, struct bytes group,
                    const struct subscription *subscription, int64_t offset, struct pull_answer *out) MUST_USE;

#endif
