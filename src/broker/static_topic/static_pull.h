/* static_pull.h - a pull of a logic queue: which stretch it is for, and the pull of one that another broker has.
 * @thread the reactor's own. @source apache/rocketmq PullMessageProcessor */
#ifndef RMQ_BROKER_STATIC_PULL_H
#define RMQ_BROKER_STATIC_PULL_H

#include "broker/pull/pull.h"
#include "broker/route.h"

/* Finds the stretch that the pull's offset is in: sets its queue id, offset, count, and by what its answer will be
 * translated. ERR_NOT_LEADER. */
enum err static_pull_place(const struct queue_mapping_detail *mapping, struct pull *pull) MUST_USE;
/* Pulls a stretch that is not here from its broker and answers the call, later. */
void static_pull_forward(struct call *call, const struct hdr_pull_message *header, const struct pull *pull);

#endif
