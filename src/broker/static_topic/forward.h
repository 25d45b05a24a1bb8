/* forward.h - asks another broker of the cluster, on behalf of a client, for what is there: a stretch of a logic queue.
 * The request says lo=false, so that it is taken as one for the physical queue. */
#ifndef RMQ_BROKER_FORWARD_H
#define RMQ_BROKER_FORWARD_H

#include "broker/broker.h"

/* err ERR_OK with any response code in `response`, which lives during the callback only; else no answer came, see
 * remoting_call. reactor NULL: the broker stops, there is nobody to answer. */
typedef void forward_done(struct reactor *reactor, enum err err, const struct command *response, void *arg);
/* The broker's address is that of its master in the route of `topic`. `layout` and `fields` make the request's header;
 * they and the names live until `done`, which comes on the reactor in a later turn. @thread the reactor's own */
void forward_ask(struct reactor *reactor, struct bytes topic, struct bytes broker_name, int32_t code,
                 const struct header_layout *layout, const void *fields, forward_done *done, void *arg);

#endif
