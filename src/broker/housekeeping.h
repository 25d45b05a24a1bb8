/* housekeeping.h - what the broker's tables need now and then: saving, expiry of silent clients, sampling. */
#ifndef RMQ_BROKER_HOUSEKEEPING_H
#define RMQ_BROKER_HOUSEKEEPING_H

#include "broker/broker.h"

/* Starts the periodic jobs on broker->work. */
void housekeeping_start(struct broker *broker);

#endif
