/* handle_lock.c - the queue locks of ordered consumers. @source shared facts: behaviour 9 */
#include "broker/route.h"

#include "broker/clients/order_locks.h"
#include "wire/body_lock.h"

enum err broker_handle_lock_batch_mq(struct call *call, const struct hdr_none *header) {
    (void)header;
    struct arena *arena = call->request->arena;
    struct lock_batch batch;
    TRY(lock_batch_decode(arena, call->request->command.body, &batch));
    struct message_queue *taken = arena_calloc(arena, batch.count + 1, sizeof *taken);
    size_t count = 0;
    for (size_t i = 0; i < batch.count; i++)
        if (order_locks_take(call->broker->order_locks, batch.consumer_group, batch.client_id, &batch.queues[i]))
            taken[count++] = batch.queues[i];
    lock_result_encode(taken, count, &call->body);
    return ERR_OK;
}

enum err broker_handle_unlock_batch_mq(struct call *call, const struct hdr_none *header) {
    (void)header;
    struct lock_batch batch;
    TRY(lock_batch_decode(call->request->arena, call->request->command.body, &batch));
    for (size_t i = 0; i < batch.count; i++)
        order_locks_give(call->broker->order_locks, batch.consumer_group, batch.client_id, &batch.queues[i]);
    return ERR_OK;
}
