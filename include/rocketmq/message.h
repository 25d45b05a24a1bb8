/* message.h - messages to send, messages that were received, and the queues they go to and come from.
 * All texts are UTF-8 and NUL-terminated; bodies are any bytes, given with their length. */
#ifndef ROCKETMQ_MESSAGE_H
#define ROCKETMQ_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "rocketmq/error.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One queue of a topic on one broker set. A view: the two texts belong to whoever gave it. */
typedef struct rmq_message_queue {
    const char *topic;
    const char *broker_name;
    int32_t queue_id;
} rmq_message_queue_t;

/* ---- a message to send ------------------------------------------------------------------------------------------ */

/* A message to send. It may be used again and changed after each send. Threads: one at a time. */
typedef struct rmq_message rmq_message_t;

/* Makes a message for `topic` with a copy of `body`; body may be NULL when size is 0 (but an empty body is refused
 * when sent). `tag` and `keys` may be NULL; several keys are separated by blanks. The caller destroys it.
 * Returns NULL if topic is NULL. */
RMQ_API rmq_message_t *rmq_message_create(const char *topic, const char *tag, const char *keys, const void *body,
                                          size_t size);
/* Frees the message; NULL is fine. */
RMQ_API void rmq_message_destroy(rmq_message_t *message);
/* Replaces the body by a copy of `size` bytes. */
RMQ_API void rmq_message_set_body(rmq_message_t *message, const void *body, size_t size);
/* Sets the tag by which consumers select; NULL removes it.
 * Errors: as rmq_message_set_property. */
RMQ_API rmq_error_t rmq_message_set_tag(rmq_message_t *message, const char *tag);
/* Sets the keys by which the message can be found, separated by blanks; NULL removes them.
 * Errors: as rmq_message_set_property. */
RMQ_API rmq_error_t rmq_message_set_keys(rmq_message_t *message, const char *keys);
/* Sets a property of your own, or removes it if value is NULL or empty.
 * Errors: RMQ_INVALID_ARGUMENT if the name is empty, or name or value holds a byte 1 or 2. */
RMQ_API rmq_error_t rmq_message_set_property(rmq_message_t *message, const char *name, const char *value);
/* Delivers the message later: level 1 to 18 of the broker's table (by default 1s 5s 10s 30s 1m 2m 3m 4m 5m 6m 7m 8m
 * 9m 10m 20m 30m 1h 2h); 0 = at once. Not for batches. Errors: RMQ_INVALID_ARGUMENT if it is negative. */
RMQ_API rmq_error_t rmq_message_set_delay_level(rmq_message_t *message, int32_t level);
/* A number carried along untouched, 0 at first. */
RMQ_API void rmq_message_set_flag(rmq_message_t *message, int32_t flag);
/* Whether the broker answers only when the message is stored as its settings say (true at first). */
RMQ_API void rmq_message_set_wait_store(rmq_message_t *message, bool wait);
/* The topic; valid as long as the message. */
RMQ_API const char *rmq_message_topic(const rmq_message_t *message);

/* ---- a message that was received -------------------------------------------------------------------------------- */

/* A received message. It belongs to the library: all it gives is valid until the listener returns, or until the
 * result that holds it is destroyed. It is never changed. Threads: any number may read. */
typedef struct rmq_message_ext rmq_message_ext_t;

/* The topic; for a retried message that of the first delivery. */
RMQ_API const char *rmq_message_ext_topic(const rmq_message_ext_t *message);
/* The body, uncompressed, with a NUL behind it that does not count; *size gets its length in bytes. */
RMQ_API const void *rmq_message_ext_body(const rmq_message_ext_t *message, size_t *size);
/* The tag, or NULL. */
RMQ_API const char *rmq_message_ext_tag(const rmq_message_ext_t *message);
/* The keys separated by blanks, or NULL. */
RMQ_API const char *rmq_message_ext_keys(const rmq_message_ext_t *message);
/* The property of that name, or NULL. */
RMQ_API const char *rmq_message_ext_property(const rmq_message_ext_t *message, const char *name);
/* Walks all properties: pass 0 first, then what it returned; 0 at the end. */
RMQ_API size_t rmq_message_ext_next_property(const rmq_message_ext_t *message, size_t position, const char **name,
                                             const char **value);
/* The id that the producer gave it, or the offset id if it has none. */
RMQ_API const char *rmq_message_ext_msg_id(const rmq_message_ext_t *message);
/* The id by which rmq_client_view_message finds it: where it is stored. */
RMQ_API const char *rmq_message_ext_offset_msg_id(const rmq_message_ext_t *message);
/* The broker set it came from; "" if it was found by id. */
RMQ_API const char *rmq_message_ext_broker_name(const rmq_message_ext_t *message);
RMQ_API int32_t rmq_message_ext_queue_id(const rmq_message_ext_t *message);
/* Its number in the queue, and its byte position in the broker's commit log. */
RMQ_API int64_t rmq_message_ext_queue_offset(const rmq_message_ext_t *message);
RMQ_API int64_t rmq_message_ext_commit_log_offset(const rmq_message_ext_t *message);
/* When the producer sent and the broker stored it, in ms since 1970 UTC, by their clocks. */
RMQ_API int64_t rmq_message_ext_born_time_ms(const rmq_message_ext_t *message);
RMQ_API int64_t rmq_message_ext_store_time_ms(const rmq_message_ext_t *message);
/* How often consuming it failed before. */
RMQ_API int32_t rmq_message_ext_reconsume_times(const rmq_message_ext_t *message);
RMQ_API int32_t rmq_message_ext_flag(const rmq_message_ext_t *message);
/* Bytes the stored record has in all. */
RMQ_API int32_t rmq_message_ext_store_size(const rmq_message_ext_t *message);
/* Writes all about it (but the body) into `out` as the Java client prints a MessageExt, cut at size - 1 bytes and
 * NUL-terminated. Returns the length it has uncut, as snprintf does. */
RMQ_API size_t rmq_message_ext_print(const rmq_message_ext_t *message, char *out, size_t size);

#ifdef __cplusplus
}
#endif

#endif
