/* filter_data.h - the SQL92 conditions that consumer groups subscribed with: config/consumerFilter.json.
 * Pulls are filtered by what the heartbeats say; this table is the memory of it that a Java broker needs when it takes
 * the store over. A condition whose group is gone, or does not want the topic any more, is dead; it is forgotten after
 * 24 hours. A damaged file is begun anew. @thread any; LOCK_FILTER_DATA.
 * @source shared facts: behaviour 6.5, store 6 */
#ifndef RMQ_BROKER_FILTER_DATA_H
#define RMQ_BROKER_FILTER_DATA_H

#include "base/json.h"
#include "broker/broker.h"
#include "wire/body_subscription.h"

struct filter_data;
enum err filter_data_open(struct broker *broker, struct filter_data **out) MUST_USE;
void filter_data_close(struct filter_data *data); /* saves */
void filter_data_save(struct filter_data *data);  /* if something changed. Waits for the disk */

/* All that a group wants now. */
void filter_data_register(struct filter_data *data, struct bytes group, const struct subscription *subscriptions,
                          size_t count);
void filter_data_unregister(struct filter_data *data, struct bytes group); /* it has no member any more */

/* The condition of the group for the topic, as it is in the file; false when there is none. */
bool filter_data_write(struct filter_data *data, struct bytes group, struct bytes topic, struct json_writer *w);

/* Positions in the Java broker's Bloom filter of a group's condition for a topic. */
enum { BLOOM_BITS = 112, BLOOM_POSITIONS = 3 };
void filter_data_bloom(struct bytes group, struct bytes topic, int32_t positions[BLOOM_POSITIONS]);

#endif
