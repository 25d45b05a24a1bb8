/* cold_control.h - how much each group reads from the disk, and which are held back for it. Only with
 * coldDataFlowControlEnable; counts are those of the present 5 s. Thresholds that an admin set for single groups
 * (requests 2001 and 2002) are kept in memory, as the Java broker does.
 * @thread any. @source apache/rocketmq ColdDataCgCtrService, 5.5.0; shared facts: behaviour 17 */
#ifndef RMQ_BROKER_COLD_CONTROL_H
#define RMQ_BROKER_COLD_CONTROL_H

#include "base/json.h"
#include "broker/broker.h"

enum { COLD_CONTROL_PERIOD_MS = 5000 };

struct cold_control;
enum err cold_control_open(struct broker *broker, struct cold_control **out) MUST_USE;
void cold_control_close(struct cold_control *control);

/* The group got that much from the disk. */
void cold_control_count(struct cold_control *control, struct bytes group, int64_t bytes);
/* Has the group had too much already, or all together while it reads from the disk? Groups of the system never have. */
bool cold_control_exceeded(struct cold_control *control, struct bytes group);
void cold_control_set_threshold(struct cold_control *control, struct bytes group, int64_t bytes);
void cold_control_unset_threshold(struct cold_control *control, struct bytes group);
/* The body of answer 2003. */
void cold_control_write(struct cold_control *control, struct json_writer *w);
/* Begins the next period; groups that have read nothing cold for a minute are forgotten. A job of the work threads. */
void cold_control_next(void *control);

#endif
