/* registration.h - tells the name servers who we are and which topics we have.
 * Keeps one channel to each name server: when it closes they forget us. Works with those of 4.2.0 to 5.5.0.
 * @source shared facts: protocol 6.5, behaviour 3.2 */
#ifndef RMQ_BROKER_REGISTRATION_H
#define RMQ_BROKER_REGISTRATION_H

#include "base/bytes.h"
#include "broker/broker.h"

struct registration;

enum err registration_open(struct broker *broker, struct registration **out) MUST_USE; /* @thread main */
void registration_close(struct registration *registration);                            /* @thread main, loop ended */

/* The topic was made, changed or deleted: tell the name servers soon, this topic alone. @thread any */
void registration_topic_changed(struct broker *broker, struct bytes topic);
/* All topics again, soon (permission of the broker changed, many topics changed). @thread any */
void registration_all_changed(struct broker *broker);

#endif
