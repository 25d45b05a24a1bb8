/* consumer.h - receives messages: a push consumer calls a listener for them, a pull consumer asks for them. */
#ifndef ROCKETMQ_CONSUMER_H
#define ROCKETMQ_CONSUMER_H

#include "rocketmq/client.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- push consumer ---------------------------------------------------------------------------------------------- */

/* Clustering: each message goes to one consumer of the group. Broadcasting: to each of them. */
typedef enum rmq_message_model { RMQ_BROADCASTING, RMQ_CLUSTERING } rmq_message_model_t;
/* Where a group begins in a queue in which it has no offset yet. */
typedef enum rmq_consume_from_where {
    RMQ_CONSUME_FROM_LAST_OFFSET,
    RMQ_CONSUME_FROM_FIRST_OFFSET,
    RMQ_CONSUME_FROM_TIMESTAMP
} rmq_consume_from_where_t;
/* How the queues of a topic are shared by the consumers of a group; all of a group must use the same. */
typedef enum rmq_allocate_strategy { RMQ_ALLOCATE_AVERAGELY, RMQ_ALLOCATE_AVERAGELY_BY_CIRCLE } rmq_allocate_strategy_t;

typedef enum rmq_consume_status {
    RMQ_CONSUME_SUCCESS, /* done with them */
    RMQ_RECONSUME_LATER  /* concurrently: sent back, they come again later, after 16 times into the dead letters;
                            orderly: the queue rests a moment, then the same messages come again */
} rmq_consume_status_t;
/* About one call of the listener, which may change the members marked so. */
typedef struct rmq_consume_context {
    rmq_message_queue_t queue;
    int32_t thread_number; /* of the consumer thread, from 1 */
    int32_t delay_level;   /* change it: when failed messages come again: 0 the broker chooses, -1 never (dead
                              letters), 1 to 18 by the broker's table */
    size_t ack_count;      /* change it: with success, only the first so many succeeded; all at first */
    int64_t suspend_ms;    /* change it: orderly: how long the queue rests, 10 to 30000 */
} rmq_consume_context_t;
/* Consumes `count` messages of one queue, on a consumer thread. They are valid until it returns. */
typedef rmq_consume_status_t rmq_message_listener_fn(void *context, const rmq_message_ext_t *const *messages,
                                                     size_t count, rmq_consume_context_t *consume);

/* Set up by rmq_push_consumer_options_init, then changed by you. Texts are copied by rmq_push_consumer_create. */
typedef struct rmq_push_consumer_options {
    size_t size;                       /* of the struct; set by rmq_push_consumer_options_init */
    const char *group;                 /* must be set: letters, digits and %|_- */
    rmq_message_listener_fn *listener; /* must be set */
    void *listener_context;
    bool orderly; /* each queue is consumed by one thread at a time, in its order; false: concurrently */
    rmq_message_model_t message_model;           /* RMQ_CLUSTERING */
    rmq_consume_from_where_t consume_from_where; /* RMQ_CONSUME_FROM_LAST_OFFSET */
    int64_t consume_time_ms; /* for RMQ_CONSUME_FROM_TIMESTAMP, since 1970; half an hour before the start */
    rmq_allocate_strategy_t allocate_strategy; /* RMQ_ALLOCATE_AVERAGELY */
    int32_t consume_thread_count;              /* 20 */
    int32_t consume_message_batch_max_size;    /* messages a call of the listener, 1 to 1024; 1 */
    int32_t pull_batch_size;                   /* messages asked for at once, 1 to 1024; 32 */
    int32_t pull_interval_ms;                  /* pause between two pulls of a queue; 0 */
    int32_t pull_threshold_for_queue;          /* messages waiting in a queue before pulling pauses; 1000 */
    int32_t pull_threshold_size_mib_for_queue; /* the same in MiB; 100 */
    int32_t consume_concurrently_max_span;     /* most difference of offsets waiting in a queue; 2000 */
    int32_t max_reconsume_times;               /* -1: 16 concurrently, without end orderly */
    int32_t suspend_current_queue_time_ms;     /* orderly, after a failure; 1000 */
    int32_t consume_timeout_minutes;           /* concurrently: a call running longer gets its message sent back; 15 */
    bool message_trace_enable; /* each call of the listener is told in the client's trace topic; false */
} rmq_push_consumer_options_t;

typedef struct rmq_push_consumer rmq_push_consumer_t;

/* Fills in the defaults above. */
RMQ_API void rmq_push_consumer_options_init(rmq_push_consumer_options_t *options);
/* Creates a consumer that does nothing yet. The caller destroys it, before the client.
 * Errors: RMQ_INVALID_ARGUMENT (group, listener, a number out of its range), RMQ_WRONG_STATE (the client has a consumer
 * of that group), RMQ_IO (the offsets of a broadcasting consumer cannot be read), RMQ_INTERNAL. */
RMQ_API rmq_error_t rmq_push_consumer_create(rmq_client_t *client, const rmq_push_consumer_options_t *options,
                                             rmq_push_consumer_t **consumer);
/* Receives messages of `topic` with tags like "TagA || TagB"; NULL or "*" for all. Before or after the start; an
 * earlier subscription to the topic is replaced. Errors: RMQ_INVALID_ARGUMENT. Threads: any. */
RMQ_API rmq_error_t rmq_push_consumer_subscribe(rmq_push_consumer_t *consumer, const char *topic, const char *tags);
/* The same by an SQL92 condition on properties, like "a > 5 AND b IS NOT NULL", which brokers must have enabled. */
RMQ_API rmq_error_t rmq_push_consumer_subscribe_sql(rmq_push_consumer_t *consumer, const char *topic,
                                                    const char *condition);
/* Receives no more of `topic`. Threads: any. */
RMQ_API rmq_error_t rmq_push_consumer_unsubscribe(rmq_push_consumer_t *consumer, const char *topic);
/* Starts receiving: fetches routes, sends heartbeats, takes its share of the queues. Returns when the first round is
 * done; what fails in it is tried again every second. Errors: RMQ_WRONG_STATE (started, or nothing subscribed),
 * RMQ_BROKER (a broker refuses the condition), RMQ_INTERNAL. */
RMQ_API rmq_error_t rmq_push_consumer_start(rmq_push_consumer_t *consumer);
/* Pauses and resumes pulling; what is here already is still consumed. Threads: any. */
RMQ_API void rmq_push_consumer_suspend(rmq_push_consumer_t *consumer);
RMQ_API void rmq_push_consumer_resume(rmq_push_consumer_t *consumer);
/* Waits for running calls of the listener, stores the offsets and waits until the brokers have them (at most
 * call_timeout_ms of the client), gives back the queues, frees it. NULL is fine.
 * Threads: not from the listener; no other call on it may be running. */
RMQ_API void rmq_push_consumer_destroy(rmq_push_consumer_t *consumer);

/* ---- pull consumer ---------------------------------------------------------------------------------------------- */

typedef struct rmq_pull_consumer rmq_pull_consumer_t;

typedef enum rmq_pull_status {
    RMQ_PULL_FOUND,          /* messages */
    RMQ_PULL_NO_NEW_MSG,     /* at the end of the queue */
    RMQ_PULL_NO_MATCHED_MSG, /* messages, but none with these tags: go on at next_begin_offset */
    RMQ_PULL_OFFSET_ILLEGAL  /* before the first or behind the last: go on at next_begin_offset */
} rmq_pull_status_t;
/* "FOUND" and so on. */
RMQ_API const char *rmq_pull_status_name(rmq_pull_status_t status);

typedef struct rmq_pull_result {
    rmq_pull_status_t status;
    int64_t next_begin_offset, min_offset, max_offset;
    size_t count;
    const rmq_message_ext_t **messages; /* valid until the result is destroyed */
} rmq_pull_result_t;
RMQ_API void rmq_pull_result_destroy(rmq_pull_result_t *result); /* NULL is fine */

/* Creates a pull consumer of `group` (clustering) and starts it. Offsets updated with it are stored every
 * persist_consumer_offset_interval_ms and when it is destroyed. The caller destroys it, before the client.
 * Errors: RMQ_INVALID_ARGUMENT, RMQ_WRONG_STATE (the client has a consumer of that group), RMQ_INTERNAL. */
RMQ_API rmq_error_t rmq_pull_consumer_create(rmq_client_t *client, const char *group, rmq_pull_consumer_t **consumer);
/* Stores the offsets and waits until the brokers have them (at most call_timeout_ms of the client), tells the brokers,
 * frees it. NULL is fine. Threads: no other call on it may be running. */
RMQ_API void rmq_pull_consumer_destroy(rmq_pull_consumer_t *consumer);
/* Asks for up to max_count messages from `offset` on with these tags (NULL or "*": all); answered at once.
 * *result is destroyed by the caller. Errors: RMQ_INVALID_ARGUMENT, RMQ_NO_BROKER, RMQ_BROKER, and those of
 * connections. Threads: any, this holds for all calls on a pull consumer. */
RMQ_API rmq_error_t rmq_pull_consumer_pull(rmq_pull_consumer_t *consumer, const rmq_message_queue_t *queue,
                                           const char *tags, int64_t offset, int32_t max_count,
                                           rmq_pull_result_t **result);
/* The same, but where there is no new message the broker waits up to 20 s for one. */
RMQ_API rmq_error_t rmq_pull_consumer_pull_block_if_not_found(rmq_pull_consumer_t *consumer,
                                                              const rmq_message_queue_t *queue, const char *tags,
                                                              int64_t offset, int32_t max_count,
                                                              rmq_pull_result_t **result);
/* The group's offset in the queue as the broker has it (from_store) or as last updated here; -1: none yet.
 * Errors: RMQ_NO_BROKER, RMQ_BROKER, and those of connections. */
RMQ_API rmq_error_t rmq_pull_consumer_fetch_offset(rmq_pull_consumer_t *consumer, const rmq_message_queue_t *queue,
                                                   bool from_store, int64_t *offset);
/* Notes the group's offset in the queue; it is stored within persist_consumer_offset_interval_ms. */
RMQ_API rmq_error_t rmq_pull_consumer_update_offset(rmq_pull_consumer_t *consumer, const rmq_message_queue_t *queue,
                                                    int64_t offset);

#ifdef __cplusplus
}
#endif

#endif
