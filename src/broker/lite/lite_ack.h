/* lite_ack.h - what clients do with messages of lite topics: requests 200051 and 200053 with a liteTopic.
 * @thread reactor. @source apache/rocketmq AckMessageProcessor.ackLite, ChangeInvisibleTimeProcessor, 5.5.0 */
#ifndef RMQ_BROKER_LITE_ACK_H
#define RMQ_BROKER_LITE_ACK_H

#include "broker/route.h"

enum err lite_ack(struct call *call, const struct hdr_ack_message *header) MUST_USE;
enum err lite_put_off(struct call *call, const struct hdr_change_message_invisibletime *header) MUST_USE;

#endif
