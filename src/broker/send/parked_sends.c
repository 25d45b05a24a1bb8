/* parked_sends.c - batches in the order of the log, answered by the flushed offset or by their deadline. */
#include "broker/send/parked_sends.h"

#include <stdlib.h>
#include "base/check.h"
#include "wire/response.h"

struct parked_sends {
    struct reactor *reactor;
    struct send_batch *first, *last;
    atomic_bool waiting; /* the flush thread need not wake us otherwise */
    atomic_bool failed;
    struct loop_task look;
    struct loop_timer timer; /* deadline of the first batch */
};

static void look(struct loop_task *task);

void parked_sends_open(struct reactor *reactor) {
    struct parked_sends *parked = calloc(1, sizeof *parked);
    must(parked);
    parked->reactor = reactor;
    parked->look.run = look;
    reactor->parked_sends = parked;
}

static void drop_first(struct parked_sends *parked) {
    struct send_batch *batch = parked->first;
    parked->first = batch->next;
    if (!parked->first) parked->last = NULL;
    send_batch_release(parked->reactor->send_turn, batch);
}

static int64_t sent_end_phys(const struct send_batch *batch, const struct sent *sent) {
    const struct put *last = &batch->puts[sent->put_first + sent->put_count - 1];
    return last->offset_phys + last->size_bytes;
}

/* Batches are in the order of the log, and so are the sents in them. */
static void answer_flushed(struct parked_sends *parked) {
    int64_t flushed_phys = store_flushed_phys(parked->reactor->broker->store);
    while (parked->first) {
        struct send_batch *batch = parked->first;
        for (; batch->answered < batch->sent_count; batch->answered++) {
            if (sent_end_phys(batch, &batch->sents[batch->answered]) > flushed_phys) return;
            send_batch_answer(parked->reactor, batch, batch->answered, RESPONSE_SUCCESS);
        }
        drop_first(parked);
    }
}

static void answer_failed(struct parked_sends *parked) {
    enum err err = store_writable(parked->reactor->broker->store);
    struct bytes remark = bytes_of(err == ERR_OK ? "the store failed" : err_detail(err));
    while (parked->first) {
        struct send_batch *batch = parked->first;
        for (; batch->answered < batch->sent_count; batch->answered++)
            send_batch_answer_error(parked->reactor, batch, batch->answered, RESPONSE_SERVICE_NOT_AVAILABLE, remark);
        drop_first(parked);
    }
}

static void answer_late(struct parked_sends *parked, int64_t now_ms) {
    while (parked->first && parked->first->deadline_ms <= now_ms) {
        struct send_batch *batch = parked->first;
        for (; batch->answered < batch->sent_count; batch->answered++)
            send_batch_answer(parked->reactor, batch, batch->answered, RESPONSE_FLUSH_DISK_TIMEOUT);
        drop_first(parked);
    }
}

static void settled(struct parked_sends *parked) {
    if (!parked->first) atomic_store(&parked->waiting, false);
}

static void look(struct loop_task *task) {
    struct parked_sends *parked = CONTAINER_OF(task, struct parked_sends, look);
    answer_flushed(parked);
    if (atomic_load(&parked->failed)) answer_failed(parked);
    settled(parked);
}

static void deadline(struct loop_timer *timer) {
    struct parked_sends *parked = CONTAINER_OF(timer, struct parked_sends, timer);
    int64_t now_ms = loop_now_ms(parked->reactor->loop);
    answer_flushed(parked);
    answer_late(parked, now_ms);
    settled(parked);
    if (parked->first) loop_timer_start(parked->reactor->loop, timer, parked->first->deadline_ms - now_ms, 0, deadline);
}

void parked_sends_add(struct parked_sends *parked, struct send_batch *batch) {
    struct reactor *reactor = parked->reactor;
    int64_t timeout_ms = reactor->broker->store_config.sync_flush_timeout_ms;
    batch->deadline_ms = loop_now_ms(reactor->loop) + timeout_ms;
    batch->next = NULL;
    if (parked->last)
        parked->last->next = batch;
    else
        loop_timer_start(reactor->loop, &parked->timer, timeout_ms, 0, deadline);
    parked->last = batch;
    if (!parked->first) parked->first = batch;
    /* Either the flush thread sees `waiting`, or we see what it flushed. */
    atomic_store(&parked->waiting, true);
    atomic_thread_fence(memory_order_seq_cst);
    look(&parked->look);
}

void parked_sends_flushed(struct parked_sends *parked) {
    atomic_thread_fence(memory_order_seq_cst);
    if (atomic_load(&parked->waiting)) loop_post(parked->reactor->loop, &parked->look);
}

void parked_sends_failed(struct parked_sends *parked) {
    atomic_store(&parked->failed, true);
    loop_post(parked->reactor->loop, &parked->look);
}

void parked_sends_stop(struct parked_sends *parked) {
    answer_flushed(parked);
    answer_late(parked, INT64_MAX);
    settled(parked);
}

void parked_sends_close(struct parked_sends *parked) {
    if (!parked) return;
    loop_timer_stop(&parked->timer);
    while (parked->first) drop_first(parked);
    free(parked);
}
