/* delivery.c - a batch of records, one append */
#include "broker/delay/delivery.h"

#include <stdlib.h>
#include "base/check.h"
#include "broker/send/lmq_put.h"
#include "broker/send/message_place.h"
#include "broker/stats/stats.h"

struct delivery *delivery_create(void) {
    struct delivery *delivery = calloc(1, sizeof *delivery);
    must(delivery);
    return delivery;
}

void delivery_destroy(struct delivery *delivery) {
    if (!delivery) return;
    arena_close(&delivery->arena);
    free(delivery);
}

bool delivery_place(struct bytes properties, struct bytes *topic, int32_t *queue_id) {
    *topic = properties_get(properties, PROPERTY_REAL_TOPIC);
    return topic->data && bytes_to_i32(properties_get(properties, PROPERTY_REAL_QID), queue_id) && *queue_id >= 0 &&
           !bytes_equal(*topic, TOPIC_HALF);
}

bool delivery_add(struct delivery *delivery, struct broker *broker, struct record *record) {
    struct queue *queue = store_queue(broker->store, record->topic, record->queue_id, true);
    struct put *put = &delivery->puts[delivery->count];
    if (!queue || lmq_put(broker, record, queue, &delivery->arena, put) != ERR_OK) return false;
    delivery->topics[delivery->count++] = topics_find(broker->topics, record->topic);
    delivery->bytes += put->size_bytes;
    return true;
}

void delivery_empty(struct delivery *delivery) {
    delivery->count = 0;
    delivery->bytes = 0;
    arena_reset(&delivery->arena);
}

enum err delivery_append(struct delivery *delivery, struct broker *broker, int64_t *end_phys) {
    enum err err = ERR_OK;
    if (delivery->count > 0) err = store_append(broker->store, delivery->puts, delivery->count, end_phys);
    for (size_t i = 0; err == ERR_OK && i < delivery->count; i++)
        if (delivery->topics[i]) stats_count_put(broker->stats, delivery->topics[i], 1, delivery->puts[i].size_bytes);
    delivery_empty(delivery);
    return err;
}
