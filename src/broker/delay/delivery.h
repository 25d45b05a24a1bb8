/* delivery.h - messages whose time has come, on their way to where they belong: encoded one by one, appended together.
 * @thread one at a time */
#ifndef RMQ_BROKER_DELIVERY_H
#define RMQ_BROKER_DELIVERY_H

#include "broker/broker.h"
#include "broker/tables/topics.h"

enum { DELIVERY_MAX = 256, DELIVERY_BYTES_MAX = 4 << 20 };

struct delivery {
    struct arena arena; /* records; callers may use it too until the append */
    struct put puts[DELIVERY_MAX];
    struct topic *topics[DELIVERY_MAX]; /* for the statistics; NULL when the topic is gone */
    size_t count;
    int64_t bytes;
};
struct delivery *delivery_create(void);
void delivery_destroy(struct delivery *delivery); /* NULL is fine */

static inline bool delivery_full(const struct delivery *delivery) {
    return delivery->count == DELIVERY_MAX || delivery->bytes >= DELIVERY_BYTES_MAX;
}
/* The real topic and queue that a stored message names; false when it names none that can be. */
bool delivery_place(struct bytes properties, struct bytes *topic, int32_t *queue_id);
/* Adds `record`, to be stored in the topic and queue that it names. false: that is impossible, nothing was added. */
bool delivery_add(struct delivery *delivery, struct broker *broker, struct record *record);
void delivery_empty(struct delivery *delivery);
/* Appends and counts them; empties `delivery` in any case. *end_phys moves when something was appended. */
enum err delivery_append(struct delivery *delivery, struct broker *broker, int64_t *end_phys) MUST_USE;

#endif
