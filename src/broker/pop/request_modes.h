/* request_modes.h - whether the clients of a group pull a topic or pop from it: config/messageRequestMode.json.
 * @thread any; LOCK_REQUEST_MODES for moments
 * @source shared facts: behaviour 10.3; apache/rocketmq MessageRequestModeManager 5.3.3 */
#ifndef RMQ_BROKER_REQUEST_MODES_H
#define RMQ_BROKER_REQUEST_MODES_H

#include "base/json.h"
#include "broker/broker.h"

struct request_mode {
    bool pop;
    int32_t share_queue_num; /* of a popping client: how many other clients' queues it pops from too */
};
struct request_modes;
enum err request_modes_open(struct broker *broker, struct request_modes **out) MUST_USE; /* loads */
void request_modes_close(struct request_modes *modes);                                   /* saves */

/* Also writes the file: waits for the disk. */
void request_modes_set(struct request_modes *modes, struct bytes topic, struct bytes group,
                       const struct request_mode *mode);
/* The group's own, or what the settings say for those without one. */
struct request_mode request_modes_get(struct request_modes *modes, struct bytes topic, struct bytes group);
void request_modes_write(struct request_modes *modes, struct json_writer *w); /* file and answer 402 */

#endif
