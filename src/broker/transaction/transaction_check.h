/* transaction_check.h - the thread `transaction`: asks producers how transactions ended that they left open (39), gives
 * up those asked about too often or too old, and writes op records now and then.
 *
 * A half message is due when it is older than transactionTimeOut, or than its own CHECK_IMMUNITY_TIME_IN_SECONDS. It is
 * put back with TRANSACTION_CHECK_TIMES one higher, so that those behind it come first next time, and a producer of its
 * group is asked. After transactionCheckMax times, or past fileReservedTime, it goes to TRANS_CHECK_MAX_TIME_TOPIC.
 * Unlike with the Java broker, a half message that is put back because of its immunity was not asked about and does not
 * count as such, and keeps its flag and reconsume times. @source shared facts: behaviour 12, store 8 */
#ifndef RMQ_BROKER_TRANSACTION_CHECK_H
#define RMQ_BROKER_TRANSACTION_CHECK_H

#include "broker/transaction/half_messages.h"

struct transaction_check;
enum err transaction_check_open(struct broker *broker, struct transaction_check **out) MUST_USE; /* starts it */
void transaction_check_close(struct transaction_check *check);                                   /* ends it */

/* What is to be done with a half message now. */
enum half_verdict {
    HALF_YOUNG,  /* nothing, neither with those behind it */
    HALF_IMMUNE, /* put it back, do not ask */
    HALF_ASK,    /* put it back and ask */
    HALF_GIVE_UP
};
enum half_verdict half_judge(const struct broker *broker, const struct record *half, int64_t now_ms);
/* The age before which a half message is not asked about: its own, or transactionTimeOut. */
int64_t half_immunity_ms(const struct broker *broker, const struct record *half);

#endif
