/* send_check.h - what sends and replies have in common: the checks before the message is looked at, the start of the
 * answer, and the record that the request makes. @thread reactor. @source shared facts: behaviour 5.1 */
#ifndef RMQ_BROKER_SEND_CHECK_H
#define RMQ_BROKER_SEND_CHECK_H

#include "broker/route.h"
#include "broker/tables/topics.h"

/* The answer's header: region and trace switch belong to every answer, refusals too. */
struct hdr_send_result *send_result_begin(struct call *call);
/* Where a send goes by its topic and queue id; the id is chosen when the request leaves it open. */
struct send_target {
    struct topic *topic;
    int32_t queue_id;       /* the queue it is stored in */
    int32_t queue_id_asked; /* as it is answered: in a static topic that of the logic queue */
    const struct mapping_item
        *item; /* of a static topic's queue the stretch, in whose numbers not to answer; or NULL */
};
/* Time, load, topic and queue; makes the topic when it may be made by sends. false: the call has been refused. */
bool send_check(struct call *call, const struct hdr_send_message *header, struct send_target *target);
/* All that the request says of the record, which is not where it is stored. */
struct record send_record(const struct call *call, const struct hdr_send_message *header);

#endif
