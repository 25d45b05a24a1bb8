/* call.h - one request to the master of a broker set, whose route is fetched first when it is not known.
 * @thread the I/O thread */
#ifndef RMQ_CLIENT_CALL_H
#define RMQ_CLIENT_CALL_H

#include "client/outcome.h"
#include "client/routes.h"
#include "remoting/remoting.h"

struct rmq_client;
/* The caller's, with all it points to, until `done` ran. */
struct broker_call {
    struct rmq_client *client;
    struct bytes topic, broker_name; /* topic absent: the route is not fetched */
    struct outgoing request;
    int64_t timeout_ms; /* 0: the client's call timeout */
    /* err as of remoting_call, or ERR_NOT_FOUND when the broker is not known; outcome has it in words (RMQ_OK with any
     * response code). */
    void (*done)(struct broker_call *call, const struct command *response);
    struct outcome outcome;
    struct route_wait wait;
};
void broker_call(struct broker_call *call);
/* Turns an answer that is not SUCCESS into outcome RMQ_BROKER; true when there is a good one. */
bool broker_call_succeeded(struct broker_call *call, const struct command *response);

#endif
