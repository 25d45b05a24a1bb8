/* topic_names.h - which names topics and groups may have, and those that the broker keeps for itself. @thread any */
#ifndef RMQ_BROKER_TOPIC_NAMES_H
#define RMQ_BROKER_TOPIC_NAMES_H

#include <stdbool.h>
#include "base/bytes.h"
#include "base/err.h"

enum { TOPIC_NAME_MAX = 127, GROUP_TOPIC_NAME_MAX = 255, LMQ_NAME_MAX = 255 };

/* Rules for what is new; ERR_BAD_PARAMETER with the remark of the Java broker. @source since-5.3.3 5 */
enum err topic_name_check(struct bytes name) MUST_USE;
enum err group_name_check(struct bytes name) MUST_USE;

/* System topics by name, whether they are there or not. @source shared facts: behaviour 4.1 */
struct topic_system_name {
    const char *name;
    bool sends_forbidden; /* of clients: answer 16 */
};
extern const struct topic_system_name topic_system_names[];
extern const size_t topic_system_name_count;
bool topic_name_forbidden(struct bytes name); /* it is one of those that clients may not send to */

#endif
