/* reactor.h - the event loops of the broker with what belongs to each, from making to end. */
#ifndef RMQ_BROKER_REACTOR_H
#define RMQ_BROKER_REACTOR_H

#include "broker/broker.h"

/* Makes broker->reactors; their loops do not run yet. @thread main */
enum err reactors_open(struct broker *broker, size_t count) MUST_USE;
enum err reactors_start(struct broker *broker) MUST_USE; /* each on its own thread */
/* Ends the loops after all that is held or parked has its answer; waits for the threads; closes the channels. */
void reactors_stop(struct broker *broker);
/* Frees them: after reactors_stop, and after the store's threads have ended, which know them. */
void reactors_close(struct broker *broker);

#endif
