/* retry.h - messages that a consumer group could not handle: stored again for it in %RETRY%group, later each time, and
 * in %DLQ%group when it was too often. @thread work: waits for the disk. @source shared facts: behaviour 5.3, store 7
 */
#ifndef RMQ_BROKER_RETRY_H
#define RMQ_BROKER_RETRY_H

#include "broker/tables/groups.h"
#include "broker/tables/topics.h"

enum { RETRY_FIRST_LEVEL = 3 }; /* delay level of the first retry: 10 s */

struct retry {
    struct group *group;
    struct topic *topic;   /* %RETRY%group */
    int64_t offset_phys;   /* of the message */
    int32_t delay_level;   /* -1: give up; 0: by the number of tries */
    int32_t reconsume_max; /* tries after which it is given up */
};
/* The retry topic of a group, made when missing. */
enum err retry_topic(struct broker *broker, struct group *group, bool unit_mode, struct arena *arena,
                     struct topic **out) MUST_USE;
/* ERR_FAILED "look message by offset failed, N" when there is none at that offset; errors of store_append. */
enum err retry_append(struct broker *broker, const struct retry *retry, struct arena *arena) MUST_USE;

#endif
