/* send_check.h - what sends and replies have in common: the checks before the message is looked at, the start of the
 * answer, and the record that the request makes. @thread reactor. @source shared facts: behaviour 5.1 */
#ifndef RMQ_BROKER_SEND_CHECK_H
#define RMQ_BROKER_SEND_CHECK_H

#include "broker/route.h"
#include "broker/tables/topics.h"

/* The answer's header: region and trace switch belong to every answer, refusals too. */
struct hdr_send_result *send_result_begin(struct call *call);
/* Time, load, topic and queue; makes the topic when it may be made by sends. *queue_id is chosen when the request
 * leaves it open. false: the call has been refused. */
bool send_check(struct call *call, const struct hdr_send_message *header, struct topic **topic, int32_t *queue_id);
/* All that the request says of the record, which is not where it is stored. */
struct record send_record(const struct call *call, const struct hdr_send_message *header);

#endif
