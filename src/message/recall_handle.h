/* recall_handle.h - what a producer shows to recall a timer message: URL-safe base64 of "v1 TOPIC BROKER TIME KEY".
 * @source common/producer/RecallMessageHandle */
#ifndef RMQ_MESSAGE_RECALL_HANDLE_H
#define RMQ_MESSAGE_RECALL_HANDLE_H

#include "base/arena.h"
#include "base/err.h"

struct recall_handle {
    struct bytes topic, broker_name;
    int64_t deliver_ms; /* -1 = no number */
    struct bytes unique_key;
};
/* In `arena`. */
struct bytes recall_handle_encode(const struct recall_handle *handle, struct arena *arena);
/* ERR_BAD_INPUT: it is none. Texts live in `arena`. */
enum err recall_handle_decode(struct bytes text, struct arena *arena, struct recall_handle *out) MUST_USE;

#endif
