/* pop_source.h - the topics a pop takes from: its own, and the retry topics of its group.
 * @thread any unless said otherwise. @source shared facts: behaviour 10.1 */
#ifndef RMQ_BROKER_POP_SOURCE_H
#define RMQ_BROKER_POP_SOURCE_H

#include "broker/pop/pop_names.h"
#include "broker/tables/offsets.h"
#include "broker/tables/topics.h"

enum init_mode { INIT_MIN = 0, INIT_MAX = 1 };

struct pop_source {
    struct topic *topic;
    struct progress *progress; /* of the group in it */
    enum retry_kind kind;
};
/* That kind of source for a group's progress in a topic; false when there is no such retry topic. */
bool pop_source_find(const struct broker *broker, const struct progress *progress, enum retry_kind kind,
                     struct pop_source *out);
/* The kinds of retry topic that messages are popped from as the settings are; returns how many, 1 or 2. */
size_t pop_source_retry_kinds(const struct broker *broker, enum retry_kind out[2]);
/* Where pops of the group go on in that queue; no offset is changed. init_mode: for a group that is new to it. */
int64_t pop_offset(const struct broker *broker, const struct progress *progress, struct queue *queue,
                   int32_t init_mode);
/* The line of the group and topic watches all that may get messages for it: the topic's queues, or one of them, and,
 * unless `order`, the retry topics. true: something of it is new, look once more. @thread the reactor's own */
bool pop_source_watch(struct reactor *reactor, struct topic *topic, struct progress *progress, int32_t queue_id,
                      bool order);

#endif
