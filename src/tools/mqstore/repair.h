/* repair.h - makes queues and index again from the log.
 * What was there is kept in <root>/before-repair-TIME, which may be deleted. Places of the log without a readable
 * record become records that no queue leads to, so that what is behind them is not cut off. Queues that the log has no
 * record of stay as they are, for they only have their numbers left; so do those whose topic was deleted and made
 * again, which cannot be told apart in the log. */
#ifndef RMQ_TOOLS_MQSTORE_REPAIR_H
#define RMQ_TOOLS_MQSTORE_REPAIR_H

#include "tools/mqstore/show.h"

/* words[0]: the broker's settings, which say how long delays are; NULL: queues of delayed messages that are there stay
 * as they are. The broker must have stopped. Exit status 0 when the store verifies in the end. */
int repair_run(const struct mqstore_args *args);

#endif
