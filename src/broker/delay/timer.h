/* timer.h - messages with a delivery time of their own (TIMER_DELAY_SEC, TIMER_DELAY_MS, TIMER_DELIVER_MS; 5.x).
 *
 * A send stores them in queue 0 of rmq_sys_wheel_timer. The thread `timer` reads that queue and puts each message into
 * the slot of its time (timer_wheel.h, timer_log.h); when the slot is over, it appends the slot's messages to their
 * real topics, oldest first. Those farther away than the roll window are put into a slot before their time and then
 * stored in the timer topic again. A message with TIMER_DEL_UNIQKEY keeps the one that it names in its slot from being
 * delivered.
 *
 * A message is delivered at least once, never before its time by the wall clock, and once when no crash happens; if the
 * clock is set back, what was delivered stays delivered and the rest waits for its time. What is saved (checkpoint,
 * timer log, wheel) is as of one moment and never ahead of the commit log on disk; a start reads on from there.
 * @source shared facts: behaviour 11, store 9 */
#ifndef RMQ_BROKER_TIMER_H
#define RMQ_BROKER_TIMER_H

#include "broker/broker.h"
#include "store/timer_checkpoint.h"

struct timer;
/* Reads the checkpoint and starts the thread, which recovers the rest; *out is NULL when timerWheelEnable=false. */
enum err timer_open(struct broker *broker, struct timer **out) MUST_USE;
void timer_close(struct timer *timer); /* ends the thread, saves */

/* @thread any, all of these */
/* The slot of a message that is to be delivered then: when it is over, the time has come. */
int64_t timer_slot_of(const struct timer *timer, int64_t deliver_ms);
/* Has the slot of that time as many messages as timerCongestNumEachSlot allows? Beyond that, up to twice as many are
 * taken by chance, ever less. Asks no disk. */
bool timer_is_congested(struct timer *timer, int64_t slot_ms);
/* As it was saved last. */
void timer_checkpoint(struct timer *timer, struct timer_checkpoint *out);
struct topic_counts *timer_counts(struct timer *timer); /* of messages that wait, by real topic */

struct timer_facts {
    int64_t behind_ms;       /* age of the oldest slot that is not done */
    int64_t behind_messages; /* stored, not yet in the wheel */
    int64_t waiting;         /* in the wheel */
    double take_tps, deliver_tps;
};
void timer_facts(struct timer *timer, struct timer_facts *out);

#endif
