/* call.h - one request to the master of a broker set, whose route is fetched first when it is not known; and waiting
 * for the answers of several.
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

/* Somebody who waits until all of several calls have ended, well or not; lives in the memory of what comes then. */
struct answers_wait {
    void (*done)(struct answers_wait *wait); /* set by who waits; may come inside the function that makes the calls */
    int pending;
};
/* For the functions that call: begin, add for each call, end for each that ended, and once when all were made. */
void answers_wait_begin(struct answers_wait *wait);
void answers_wait_add(struct answers_wait *wait);
void answers_wait_end(struct answers_wait *wait);

#endif
