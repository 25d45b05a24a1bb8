/* message_again.h - a stored message once more: to one consumer, or sent anew. */
#ifndef RMQ_ADMIN_MESSAGE_AGAIN_H
#define RMQ_ADMIN_MESSAGE_AGAIN_H

#include "admin/admin.h"

/* Has that consumer consume the message now, outside of its queue, and prints what came of it. ERR_FAILED: the client
 * pulls by itself. */
enum err message_again_consume(struct admin *admin, const rmq_message_ext_t *message, struct bytes group,
                               struct bytes client_id) MUST_USE;
/* Sends a copy to the same topic with the same tag, keys and own properties, and prints the result. */
enum err message_again_send(struct admin *admin, const rmq_message_ext_t *message) MUST_USE;

#endif
