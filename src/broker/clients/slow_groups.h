/* slow_groups.h - protects the page cache: groups that read too far behind the end of the log are stopped.
 * Only with disableConsumeIfConsumerReadSlowly. @source shared facts: behaviour 14.2 */
#ifndef RMQ_BROKER_SLOW_GROUPS_H
#define RMQ_BROKER_SLOW_GROUPS_H

#include "broker/broker.h"

/* Sets consumeEnable = false on each group whose next message of some queue lies more than
 * consumerFallbehindThreshold bytes before the end of the log. Waits for the disk. @thread work */
void slow_groups_stop(struct broker *broker);

#endif
