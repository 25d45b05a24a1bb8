/* allocate.c - the two strategies: contiguous shares, and one queue each in turn. */
#include "client/consumer/allocate.h"

#include "base/check.h"

static size_t averagely(const struct message_queue *queues, size_t count, size_t client_count, size_t index,
                        struct message_queue *mine) {
    size_t rest = count % client_count, share = count / client_count + (index < rest);
    size_t start = index < rest ? index * share : index * share + rest;
    for (size_t i = 0; i < share; i++) mine[i] = queues[start + i];
    return share;
}

static size_t by_circle(const struct message_queue *queues, size_t count, size_t client_count, size_t index,
                        struct message_queue *mine) {
    size_t share = 0;
    for (size_t i = index; i < count; i += client_count) mine[share++] = queues[i];
    return share;
}

size_t allocate_queues(rmq_allocate_strategy_t strategy, const struct message_queue *queues, size_t count,
                       const struct bytes *clients, size_t client_count, struct bytes own, struct message_queue *mine) {
    size_t index = 0;
    while (index < client_count && !bytes_equal(clients[index], own)) index++;
    if (index == client_count) return 0;
    if (strategy == RMQ_ALLOCATE_AVERAGELY_BY_CIRCLE) return by_circle(queues, count, client_count, index, mine);
    return averagely(queues, count, client_count, index, mine);
}
