/* registration.h - tells the name servers who we are and which topics we have.
 * Keeps one channel to each name server: when it closes they forget us, so we register again soon. Works with those
 * of 4.2.0 to 5.5.0. @source shared facts: protocol 6.5, behaviour 3.2 */
#ifndef RMQ_BROKER_REGISTRATION_H
#define RMQ_BROKER_REGISTRATION_H

#include "base/bytes.h"
#include "broker/broker.h"

struct registration;
enum err registration_open(struct broker *broker, struct registration **out) MUST_USE; /* @thread main */
/* Nothing is said to name servers any more, and nobody waits for them; changes may still be noted. @thread main, loop
 * ended, before the reactors do */
void registration_halt(struct registration *registration);
void registration_close(
    struct registration *registration); /* @thread main, loop destroyed: it may hold a task of ours */

/* Registers everywhere with all topics, then again each registerNameServerPeriod. `done` is called once, when each
 * name server has answered or failed for the first time. @thread main loop */
void registration_start(struct registration *registration, void (*done)(struct broker *broker));
/* Unregisters everywhere; nothing is registered any more. `done` is called when all have answered or failed.
 * @thread main loop */
void registration_stop(struct registration *registration, void (*done)(struct broker *broker));

/* The topic was made, changed or deleted: tell the name servers soon, this topic alone. @thread any */
void registration_topic_changed(struct broker *broker, struct bytes topic);
/* All topics again, soon (permission of the broker changed, many topics changed). @thread any */
void registration_all_changed(struct broker *broker);
/* Runs `next` on the reactor when each name server has answered the registration of what has changed until now, or
 * failed to: whoever is told of a change can find it there. False when there is nothing to wait for. @thread any */
bool registration_then(struct broker *broker, struct reactor *reactor, void (*next)(struct reactor *reactor, void *arg),
                       void *arg) MUST_USE;
/* A channel of the main remoting has closed. @thread main loop */
void registration_channel_closed(struct registration *registration);

#endif
