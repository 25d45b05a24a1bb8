/* producer.h - sends messages.
 * A producer finds the queues of a topic, spreads messages over them, and tries another broker when one fails. */
#ifndef ROCKETMQ_PRODUCER_H
#define ROCKETMQ_PRODUCER_H

#include "rocketmq/client.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct rmq_producer rmq_producer_t;

/* What became of a local transaction. Unknown: the broker asks again later, up to 15 times. */
typedef enum rmq_transaction_state {
    RMQ_TRANSACTION_COMMIT,   /* the message is delivered */
    RMQ_TRANSACTION_ROLLBACK, /* the message is dropped */
    RMQ_TRANSACTION_UNKNOWN
} rmq_transaction_state_t;
/* Asked by a broker that does not know the end of a transaction; runs on a callback thread. The message is valid until
 * it returns. */
typedef rmq_transaction_state_t rmq_transaction_check_fn(void *context, const rmq_message_ext_t *message);

/* Set up by rmq_producer_options_init, then changed by you. Texts are copied by rmq_producer_create. */
typedef struct rmq_producer_options {
    size_t size;                                 /* of the struct; set by rmq_producer_options_init */
    const char *group;                           /* must be set: letters, digits and %|_- */
    int32_t send_timeout_ms;                     /* of a send with all its retries; 3000 */
    int32_t retry_times_when_send_failed;        /* of synchronous sends, besides the first try; 2 */
    int32_t retry_times_when_send_async_failed;  /* of asynchronous ones, when no answer came; 2 */
    bool retry_another_broker_when_not_store_ok; /* also when a broker stored it but not as safely as set; false */
    bool send_latency_fault_enable;              /* slow brokers are left alone for a while; false */
    int32_t compress_over_bytes;                 /* bodies larger than this are compressed; 4096 */
    int32_t max_message_size_bytes;              /* larger bodies are refused; 4 MiB */
    int32_t default_topic_queue_count;           /* of topics made by the first message; 4 */
    const char *create_topic_key;                /* topic whose brokers may create topics; "TBW102" */
    bool message_trace_enable; /* what becomes of each message is told in the client's trace topic; false */
    rmq_transaction_check_fn *check_transaction; /* must be set to send in transactions; NULL */
    void *check_context;
} rmq_producer_options_t;

/* How safely the message is stored; all of them mean that it is stored. */
typedef enum rmq_send_status {
    RMQ_SEND_OK,
    RMQ_SEND_FLUSH_DISK_TIMEOUT,
    RMQ_SEND_FLUSH_SLAVE_TIMEOUT,
    RMQ_SEND_SLAVE_NOT_AVAILABLE
} rmq_send_status_t;

/* What the broker answered. For a batch the two ids are lists separated by commas. */
typedef struct rmq_send_result {
    rmq_send_status_t status;
    const char *msg_id;        /* made by the producer */
    const char *offset_msg_id; /* made by the broker; for rmq_client_view_message */
    rmq_message_queue_t queue;
    int64_t queue_offset; /* number of the (first) message in the queue */
} rmq_send_result_t;

/* Frees a result that a synchronous send gave; NULL is fine. */
RMQ_API void rmq_send_result_destroy(rmq_send_result_t *result);
/* Writes it as the Java client prints a SendResult; returns the uncut length, as snprintf does. */
RMQ_API size_t rmq_send_result_print(const rmq_send_result_t *result, char *out, size_t size);
/* "SEND_OK" and so on. */
RMQ_API const char *rmq_send_status_name(rmq_send_status_t status);

/* Called once for each asynchronous send, on a callback thread. error is RMQ_OK with a result that is valid until
 * the callback returns, else result is NULL, and rmq_last_error and rmq_last_response_code tell about it. */
typedef void rmq_send_callback_fn(void *context, rmq_error_t error, const rmq_send_result_t *result);
/* Chooses among `count` queues; returns an index below count. Runs on the thread that sends. */
typedef size_t rmq_queue_selector_fn(void *context, const rmq_message_queue_t *queues, size_t count,
                                     const rmq_message_t *message);

/* Fills in the defaults above. */
RMQ_API void rmq_producer_options_init(rmq_producer_options_t *options);
/* Creates a producer and starts it. The caller destroys it, before the client.
 * Errors: RMQ_INVALID_ARGUMENT (group, a negative number), RMQ_WRONG_STATE (the client has a producer of that group),
 * RMQ_INTERNAL. */
RMQ_API rmq_error_t rmq_producer_create(rmq_client_t *client, const rmq_producer_options_t *options,
                                        rmq_producer_t **producer);
/* Waits for the sends under way and their callbacks, tells the brokers, frees it. NULL is fine.
 * Threads: not from a callback; no other call on it may be running. */
RMQ_API void rmq_producer_destroy(rmq_producer_t *producer);

/* Sends and waits for the answer. *result gets it (may be NULL if not wanted) and is destroyed by the caller.
 * The message is borrowed and not changed. Errors: RMQ_MESSAGE_ILLEGAL (nothing was sent), RMQ_NO_ROUTE,
 * RMQ_NO_NAME_SERVER, RMQ_NO_BROKER, RMQ_CONNECT, RMQ_CLOSED and RMQ_TIMEOUT (it may be stored all the same),
 * RMQ_BROKER (refused). Threads: any, this holds for all sends. */
RMQ_API rmq_error_t rmq_producer_send(rmq_producer_t *producer, const rmq_message_t *message,
                                      rmq_send_result_t **result);
/* The same to one queue; not retried. */
RMQ_API rmq_error_t rmq_producer_send_to_queue(rmq_producer_t *producer, const rmq_message_t *message,
                                               const rmq_message_queue_t *queue, rmq_send_result_t **result);
/* The same to the queue that `select` chooses of all queues of the topic; for order by key. Not retried. */
RMQ_API rmq_error_t rmq_producer_send_selected(rmq_producer_t *producer, const rmq_message_t *message,
                                               rmq_queue_selector_fn *select, void *context,
                                               rmq_send_result_t **result);
/* Sends up to 4 MiB of messages of one topic as one request; none may be delayed or go to a retry topic. */
RMQ_API rmq_error_t rmq_producer_send_batch(rmq_producer_t *producer, const rmq_message_t *const *messages,
                                            size_t count, rmq_send_result_t **result);
/* Executes the local transaction once the broker holds the message; runs on the thread that sends. */
typedef rmq_transaction_state_t rmq_transaction_execute_fn(void *context, const rmq_message_t *message,
                                                           const rmq_send_result_t *result);
/* Sends a message that is delivered only when the local transaction commits: the broker holds it, `execute` runs, and
 * what it returns is told to the broker and to *state. If it is not stored as safely as the broker's settings want,
 * execute does not run and the message is rolled back. A delay level is not heeded. *state and *result may be NULL.
 * Errors: as rmq_producer_send: then execute did not run. RMQ_WRONG_STATE: check_transaction is not set. */
RMQ_API rmq_error_t rmq_producer_send_in_transaction(rmq_producer_t *producer, const rmq_message_t *message,
                                                     rmq_transaction_execute_fn *execute, void *context,
                                                     rmq_transaction_state_t *state, rmq_send_result_t **result);
/* Sends without waiting; `callback` hears of the end. The message is copied. queue: NULL for any.
 * Errors: RMQ_MESSAGE_ILLEGAL, RMQ_INVALID_ARGUMENT, RMQ_BUSY (65535 are under way already): then the callback is
 * not called. */
RMQ_API rmq_error_t rmq_producer_send_async(rmq_producer_t *producer, const rmq_message_t *message,
                                            const rmq_message_queue_t *queue, rmq_send_callback_fn *callback,
                                            void *context);
/* Sends without any answer: it may be lost unseen. Returns when it is on its way to the connection.
 * Errors: RMQ_MESSAGE_ILLEGAL, RMQ_NO_ROUTE, RMQ_NO_NAME_SERVER, RMQ_NO_BROKER. */
RMQ_API rmq_error_t rmq_producer_send_oneway(rmq_producer_t *producer, const rmq_message_t *message,
                                             const rmq_message_queue_t *queue);

#ifdef __cplusplus
}
#endif

#endif
