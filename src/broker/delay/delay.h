/* delay.h - delay levels: messages wait in queue level-1 of SCHEDULE_TOPIC_XXXX and go to their real topic when due.
 * The thread `delay` reads these queues in order and appends; how far it came is config/delayOffset.json. A message is
 * delivered at least once and never early; after a crash those of the last seconds may come again.
 * @source shared facts: behaviour 5.2 and 11, store 7 */
#ifndef RMQ_BROKER_DELAY_H
#define RMQ_BROKER_DELAY_H

#include "base/json.h"
#include "broker/broker.h"

struct delay;
enum err delay_open(struct broker *broker, struct delay **out) MUST_USE; /* loads, starts the thread */
void delay_close(struct delay *delay);                                   /* ends the thread, saves */

/* @thread any */
int32_t delay_level_count(const struct delay *delay); /* levels are 1 .. this */
/* Queue offset of the next message to deliver; -1 when the level has no progress yet. @thread any */
int64_t delay_offset(const struct delay *delay, int32_t level);
/* The table of offsets: file, and answer of request 45. @thread any */
void delay_write(void *delay, struct json_writer *w);

#endif
