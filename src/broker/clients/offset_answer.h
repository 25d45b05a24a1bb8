/* offset_answer.h - what answers about offsets have in common, whether of a queue or of a static topic's. */
#ifndef RMQ_BROKER_OFFSET_ANSWER_H
#define RMQ_BROKER_OFFSET_ANSWER_H

#include "broker/route.h"

enum err offset_answer(struct call *call, int64_t offset);
/* When the first message of the queue (NULL: there is none) was stored. May wait for the disk. */
enum err offset_answer_earliest_time(struct call *call, struct queue *queue);
enum time_boundary offset_boundary(const struct hdr_search_offset_by_timestamp *header); /* that a search wants */

#endif
