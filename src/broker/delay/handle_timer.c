/* handle_timer.c - requests 60 and 61, by which slaves follow the timer */
#include "broker/route.h"

#include "base/json.h"
#include "broker/delay/timer.h"
#include "broker/tables/topic_counts.h"

enum err broker_handle_get_timer_check_point(struct call *call, const struct hdr_none *header) {
    struct timer_checkpoint checkpoint;
    char *body = arena_alloc(call->request->arena, TIMER_CHECKPOINT_BYTES);
    (void)header;
    if (!call->broker->timer) return fail(ERR_FAILED, "The checkpoint is null: timerWheelEnable=false");
    timer_checkpoint(call->broker->timer, &checkpoint);
    timer_checkpoint_encode(&checkpoint, body);
    call->reply.body = bytes_make(body, TIMER_CHECKPOINT_BYTES);
    return ERR_OK;
}

enum err broker_handle_get_timer_metrics(struct call *call, const struct hdr_none *header) {
    (void)header;
    if (!call->broker->timer) return fail(ERR_FAILED, "The timer message store is null: timerWheelEnable=false");
    topic_counts_write(timer_counts(call->broker->timer), &(struct json_writer){.out = &call->body});
    return ERR_OK;
}
