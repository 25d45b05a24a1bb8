/* client.h - a client: the connections to name servers and brokers that producers and consumers share.
 * It runs one thread for all input and output, and a few for callbacks. A process usually needs one; two push
 * consumers of one group in a process need one each. Producers and consumers are made from it and destroyed before it.
 * Calls block the calling thread, never the library's; every one of them ends after its timeout.
 * Callbacks may call the library, but not destroy what calls them. */
#ifndef ROCKETMQ_CLIENT_H
#define ROCKETMQ_CLIENT_H

#include "rocketmq/error.h"
#include "rocketmq/message.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct rmq_client rmq_client_t;

/* Set up by rmq_client_options_init, then changed by you. Texts are copied by rmq_client_create. */
typedef struct rmq_client_options {
    size_t size;               /* of the struct; set by rmq_client_options_init */
    const char *name_servers;  /* "host:port;host:port"; NULL: the environment variable NAMESRV_ADDR */
    const char *instance_name; /* part of the client id; NULL: the process id, so that each process has its own */
    const char *offset_dir;    /* offsets of broadcasting consumers; NULL: $HOME/.rocketmq_offsets */
    const char *trace_topic;   /* where the message trace goes; NULL: "RMQ_SYS_TRACE_TOPIC", see
                                  message_trace_enable of producers and consumers */
    int32_t callback_threads;  /* that run the callbacks of asynchronous sends; 2 */
    int32_t call_timeout_ms;   /* of calls other than sends and pulls; 3000 */
    int32_t poll_name_server_interval_ms;        /* routes are asked for again; 30000 */
    int32_t heartbeat_broker_interval_ms;        /* 30000 */
    int32_t persist_consumer_offset_interval_ms; /* 5000 */
} rmq_client_options_t;

/* Fills in the defaults above. */
RMQ_API void rmq_client_options_init(rmq_client_options_t *options);
/* Creates a client and starts its threads; nothing is sent yet. The caller destroys it.
 * Errors: RMQ_INVALID_ARGUMENT (no or malformed name servers), RMQ_INTERNAL. Threads: any. */
RMQ_API rmq_error_t rmq_client_create(const rmq_client_options_t *options, rmq_client_t **client);
/* Closes the connections, ends the threads, frees it. Its producers and consumers must be destroyed before.
 * Calls still waiting on other threads must have returned. NULL is fine. Threads: not from a callback. */
RMQ_API void rmq_client_destroy(rmq_client_t *client);
/* The id under which brokers know this client; valid as long as the client. */
RMQ_API const char *rmq_client_id(const rmq_client_t *client);

/* ---- asking and changing brokers. Threads: any ------------------------------------------------------------------- */

/* Queues, or messages, that the caller destroys. */
typedef struct rmq_queue_list {
    size_t count;
    rmq_message_queue_t *queues;
} rmq_queue_list_t;
typedef struct rmq_message_list {
    size_t count;
    const rmq_message_ext_t **messages;
} rmq_message_list_t;
RMQ_API void rmq_queue_list_destroy(rmq_queue_list_t *list);     /* NULL is fine */
RMQ_API void rmq_message_list_destroy(rmq_message_list_t *list); /* NULL is fine */

/* The queues of a topic that can be sent to, or received from, in the order all clients see them.
 * Errors: RMQ_NO_ROUTE, RMQ_NO_NAME_SERVER. */
RMQ_API rmq_error_t rmq_client_publish_queues(rmq_client_t *client, const char *topic, rmq_queue_list_t **list);
RMQ_API rmq_error_t rmq_client_subscribe_queues(rmq_client_t *client, const char *topic, rmq_queue_list_t **list);
/* Creates or changes a topic with that many queues on every master that has `key_topic` (NULL: "TBW102", which
 * brokers have that may create topics). Errors: RMQ_NO_ROUTE (no broker has key_topic), RMQ_BROKER, and those of
 * connections, if no broker created it. */
RMQ_API rmq_error_t rmq_client_create_topic(rmq_client_t *client, const char *key_topic, const char *topic,
                                            int32_t queue_count);
/* The first offset of a queue, the one behind its last message, and the first at or after a time in ms since 1970.
 * Errors: RMQ_NO_BROKER, RMQ_BROKER, and those of connections. */
RMQ_API rmq_error_t rmq_client_min_offset(rmq_client_t *client, const rmq_message_queue_t *queue, int64_t *offset);
RMQ_API rmq_error_t rmq_client_max_offset(rmq_client_t *client, const rmq_message_queue_t *queue, int64_t *offset);
RMQ_API rmq_error_t rmq_client_search_offset(rmq_client_t *client, const rmq_message_queue_t *queue, int64_t time_ms,
                                             int64_t *offset);
/* When the oldest message of the queue was stored, in ms since 1970. Errors: as above. */
RMQ_API rmq_error_t rmq_client_earliest_store_time(rmq_client_t *client, const rmq_message_queue_t *queue,
                                                   int64_t *time_ms);
/* The messages of `topic` with `key` (or with that id of a producer) stored within the times given, at most max_count
 * from each broker. Errors: RMQ_NOT_FOUND, RMQ_NO_ROUTE, and those of connections if no broker answered. */
RMQ_API rmq_error_t rmq_client_query_message(rmq_client_t *client, const char *topic, const char *key,
                                             int32_t max_count, int64_t begin_time_ms, int64_t end_time_ms,
                                             rmq_message_list_t **list);
/* The message with that offset id; the list has one. With a topic given `msg_id` may also be a producer's id.
 * Errors: RMQ_INVALID_ARGUMENT (no id), RMQ_NOT_FOUND, RMQ_BROKER, and those of connections. */
RMQ_API rmq_error_t rmq_client_view_message(rmq_client_t *client, const char *topic, const char *msg_id,
                                            rmq_message_list_t **list);

#ifdef __cplusplus
}
#endif

#endif
