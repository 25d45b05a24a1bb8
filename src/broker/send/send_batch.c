/* send_batch.c - batches of a turn: filling, one append, answers. */
#include "broker/send/send_batch.h"

#include <stdlib.h>
#include "base/check.h"
#include "base/log.h"
#include "broker/send/parked_sends.h"
#include "broker/static_topic/logic_queue.h"
#include "broker/stats/stats.h"
#include "message/msgid.h"
#include "wire/response.h"

/* A batch is appended before the end of the turn when it has this much; free batches are kept up to a number. */
enum { BATCH_PUTS_MAX = 1024, BATCH_BYTES_MAX = 8 << 20, FREE_BATCHES_MAX = 4, KEPT_PUTS_MAX = 4096 };

struct send_turn {
    struct reactor *reactor;
    struct send_batch *open; /* takes the messages of this turn; NULL until the first */
    struct send_batch *free_list;
    size_t free_count;
};

static void turn_append(struct send_turn *turn);

static void turn_end(void *arg) {
    struct send_turn *turn = arg;
    if (!turn->open) return;
    if (turn->open->sent_count > 0)
        turn_append(turn);
    else
        arena_reset(&turn->open->arena); /* what refused requests left */
}

void send_turn_open(struct reactor *reactor) {
    struct send_turn *turn = calloc(1, sizeof *turn);
    must(turn);
    turn->reactor = reactor;
    reactor->send_turn = turn;
    loop_on_turn_end(reactor->loop, turn_end, turn);
}

static void batch_destroy(struct send_batch *batch) {
    if (!batch) return;
    arena_close(&batch->arena);
    free(batch->puts);
    free(batch->sents);
    free(batch);
}

void send_turn_close(struct send_turn *turn) {
    if (!turn) return;
    batch_destroy(turn->open);
    while (turn->free_list) {
        struct send_batch *next = turn->free_list->next;
        batch_destroy(turn->free_list);
        turn->free_list = next;
    }
    free(turn);
}

struct send_batch *send_turn_batch(struct send_turn *turn) {
    if (turn->open) return turn->open;
    struct send_batch *batch = turn->free_list;
    if (batch) {
        turn->free_list = batch->next;
        turn->free_count--;
    } else {
        batch = calloc(1, sizeof *batch);
        must(batch);
    }
    turn->open = batch;
    return batch;
}

void send_batch_release(struct send_turn *turn, struct send_batch *batch) {
    if (turn->free_count >= FREE_BATCHES_MAX || batch->put_cap > KEPT_PUTS_MAX) {
        batch_destroy(batch);
        return;
    }
    arena_reset(&batch->arena);
    batch->put_count = batch->sent_count = batch->answered = 0;
    batch->next = turn->free_list;
    turn->free_list = batch;
    turn->free_count++;
}

/* Room for one more in a growing array. */
static void *grow(void *items, size_t count, size_t *cap, size_t item_bytes) {
    if (count < *cap) return items;
    *cap = *cap ? *cap * 2 : 64;
    items = realloc(items, *cap * item_bytes);
    must(items);
    return items;
}

static size_t puts_taken(const struct send_batch *batch) {
    if (batch->sent_count == 0) return 0;
    const struct sent *last = &batch->sents[batch->sent_count - 1];
    return last->put_first + last->put_count;
}

void send_batch_add_put(struct send_batch *batch, const struct put *put) {
    if (batch->put_count > puts_taken(batch)) batch->puts[batch->put_count - 1].with_next = true;
    batch->puts = grow(batch->puts, batch->put_count, &batch->put_cap, sizeof *batch->puts);
    batch->puts[batch->put_count++] = *put;
}

void send_batch_undo(struct send_batch *batch) {
    batch->put_count = puts_taken(batch);
}

void send_batch_add_sent(struct send_turn *turn, const struct sent *sent) {
    struct send_batch *batch = turn->open;
    size_t first = puts_taken(batch);
    must(batch->put_count > first);
    batch->sents = grow(batch->sents, batch->sent_count, &batch->sent_cap, sizeof *batch->sents);
    struct sent *added = &batch->sents[batch->sent_count++];
    *added = *sent;
    added->put_first = (uint32_t)first;
    added->put_count = (uint32_t)(batch->put_count - first);
    if (batch->put_count >= BATCH_PUTS_MAX || batch->arena.total_bytes >= BATCH_BYTES_MAX) turn_append(turn);
}

/* Offset ids of all messages of the request, comma separated. */
static struct bytes message_ids(const struct reactor *reactor, struct send_batch *batch, const struct sent *sent,
                                char one[MSGID_TEXT_MAX]) {
    const struct host *host = &reactor->broker->store_host;
    const struct put *put = &batch->puts[sent->put_first];
    if (sent->put_count == 1) return bytes_make(one, msgid_offset_text(host, put->offset_phys, one));
    char *text = arena_alloc(&batch->arena, (size_t)sent->put_count * MSGID_TEXT_MAX), *at = text;
    for (uint32_t i = 0; i < sent->put_count; i++) {
        if (i > 0) *at++ = ',';
        at += msgid_offset_text(host, put[i].offset_phys, at);
    }
    return bytes_make(text, (size_t)(at - text));
}

static void count_put(struct reactor *reactor, const struct send_batch *batch, const struct sent *sent) {
    struct stats *stats = reactor->broker->stats;
    int64_t bytes = 0;
    uint32_t messages = 0;
    for (uint32_t i = 0; i < sent->put_count; i++) {
        const struct put *put = &batch->puts[sent->put_first + i];
        bytes += put->size_bytes;
        messages += (uint32_t)put_messages(put);
    }
    stats_count_put(stats, sent->topic, messages, bytes);
    stats_count_put_latency(stats, sent->topic, sent->queue_id, loop_now_ms(reactor->loop) - sent->begin_ms);
}

void send_batch_answer(struct reactor *reactor, struct send_batch *batch, size_t index, int32_t code) {
    const struct sent *sent = &batch->sents[index];
    const struct broker_config *config = &reactor->broker->config;
    if (sent->reply) {
        remoting_reply(&sent->to, sent->reply);
        return;
    }
    count_put(reactor, batch, sent);
    if (sent->to.oneway) return;
    char one[MSGID_TEXT_MAX];
    int64_t offset_queue = batch->puts[sent->put_first].offset_queue;
    struct hdr_send_result result = {
        .present = HEADER_ALL,
        .msg_id = message_ids(reactor, batch, sent, one),
        .queue_id = sent->queue_id,
        .queue_offset = sent->item ? logic_from_physical_within(sent->item, offset_queue) : offset_queue,
        .transaction_id = sent->unique_key,
        .recall_handle = sent->recall_handle,
        .batch_uniq_id = sent->batch_id,
        .msg_region = config->region_id,
        .trace_on = config->trace_on,
    };
    remoting_reply(&sent->to, &(struct outgoing){.code = code, .layout = layout_send_result(), .fields = &result});
}

void send_batch_answer_error(struct reactor *reactor, struct send_batch *batch, size_t index, int32_t code,
                             struct bytes remark) {
    const struct broker_config *config = &reactor->broker->config;
    struct hdr_send_result result = {.msg_region = config->region_id, .trace_on = config->trace_on};
    result.has.msg_region = result.has.trace_on = true;
    remoting_reply(
        &batch->sents[index].to,
        &(struct outgoing){.code = code, .remark = remark, .layout = layout_send_result(), .fields = &result});
}

/* The remark of a failed append: the Java broker's, which clients know, and the cause. */
static struct bytes append_remark(struct reactor *reactor, struct arena *arena, enum err err) {
    const struct broker *broker = reactor->broker;
    const char *cause = err_detail(err);
    if (err == ERR_TOO_BIG)
        return arena_printf(arena,
                            "the message is illegal, maybe msg body or properties length not matched. msg body length "
                            "limit %dB, msg properties length limit 32KB. cause: %s",
                            broker->store_config.max_message_size, cause);
    if (response_of(err) != RESPONSE_SERVICE_NOT_AVAILABLE) return arena_printf(arena, "%s", cause);
    struct store_facts facts;
    char *kept = arena_strdup(arena, bytes_of(cause)); /* before the next fail() of this thread */
    store_facts(broker->store, &facts);
    return arena_printf(arena,
                        "service not available now. It may be caused by one of the following reasons: the broker's "
                        "disk is full [CL: %5.2f CQ: %5.2f INDEX: %5.2f], messages are put to the slave, message "
                        "store has been shut down, etc. cause: %s",
                        facts.log_disk_ratio, facts.queue_disk_ratio, facts.queue_disk_ratio, kept);
}

static void batch_refuse(struct reactor *reactor, struct send_batch *batch, size_t first, size_t count, enum err err) {
    struct bytes remark = append_remark(reactor, &batch->arena, err);
    log_every_ms(1000, WARN, STORE, "append failed: requests=%zu cause=%.*s", count, BYTES_ARG(remark));
    for (size_t i = first; i < first + count; i++) send_batch_answer_error(reactor, batch, i, response_of(err), remark);
}

/* Sents [first, first + count) are in the log: answers those that need not wait for the disk. The others stay, moved
 * to the front of the batch, which then is parked. */
static void batch_stored(struct reactor *reactor, struct send_batch *batch, size_t first, size_t count, size_t *kept) {
    bool sync = store_is_sync_flush(reactor->broker->store);
    for (size_t i = first; i < first + count; i++) {
        if (sync && batch->sents[i].wait_flushed)
            batch->sents[(*kept)++] = batch->sents[i];
        else
            send_batch_answer(reactor, batch, i, RESPONSE_SUCCESS);
    }
}

/* One request alone is too big for the log, or a queue of it is being deleted: the others of the turn must not suffer.
 */
static void batch_append_singly(struct reactor *reactor, struct send_batch *batch, size_t *kept) {
    size_t count = batch->sent_count;
    for (size_t i = 0; i < count; i++) {
        struct sent *sent = &batch->sents[i];
        enum err err =
            store_append(reactor->broker->store, &batch->puts[sent->put_first], sent->put_count, &batch->end_phys);
        if (err == ERR_OK)
            batch_stored(reactor, batch, i, 1, kept);
        else
            batch_refuse(reactor, batch, i, 1, err);
    }
}

static void turn_append(struct send_turn *turn) {
    struct reactor *reactor = turn->reactor;
    struct send_batch *batch = turn->open;
    size_t kept = 0;
    turn->open = NULL;
    enum err err = store_append(reactor->broker->store, batch->puts, batch->put_count, &batch->end_phys);
    if (err == ERR_OK)
        batch_stored(reactor, batch, 0, batch->sent_count, &kept);
    else if ((err == ERR_TOO_BIG || err == ERR_NO_TOPIC) && batch->sent_count > 1)
        batch_append_singly(reactor, batch, &kept);
    else
        batch_refuse(reactor, batch, 0, batch->sent_count, err);
    batch->sent_count = kept;
    if (kept > 0)
        parked_sends_add(reactor->parked_sends, batch);
    else
        send_batch_release(turn, batch);
}
