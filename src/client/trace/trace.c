/* trace.c - batches of trace records: filled by any thread, sent by the I/O thread. */
#include "client/trace/trace.h"

#include <stdlib.h>
#include "base/check.h"
#include "base/log.h"
#include "client/client.h"
#include "client/message.h"
#include "client/producer/producer.h"
#include "client/producer/send.h"
#include "message/properties.h"

enum {
    LINGER_MS = 100,            /* records wait so long for others */
    FULL_BODY_BYTES = 100000,   /* a batch with more is sent; the Java client sends at 118,000 */
    FULL_KEYS_BYTES = 8 * 1024, /* properties have room for 32 KiB */
    MOST_KEYS_BYTES = 24 * 1024,
    BATCHES_MAX = 16 /* that wait, and that are being sent */
};

struct trace_batch {
    struct trace_batch *next;
    struct trace *trace;
    struct rmq_message message; /* its topic is the trace's */
    struct buf keys;            /* separated by blanks */
    struct send send;
    struct send_memory memory;
};

static void on_news(struct loop_task *task);

void trace_open(struct trace *trace, struct rmq_client *client, const char *topic) {
    trace->client = client;
    trace->topic = bytes_dup(bytes_of(topic ? topic : TRACE_TOPIC));
    lock_init(&trace->lock, LOCK_CLIENT);
    trace->news.run = on_news;
}

static void batch_free(struct trace_batch *batch) {
    buf_close(&batch->message.body);
    buf_close(&batch->message.properties);
    buf_close(&batch->keys);
    send_memory_close(&batch->memory);
    rmq_send_result_destroy(batch->send.result);
    free(batch);
}

void trace_close(struct trace *trace) {
    while (trace->first) {
        struct trace_batch *batch = trace->first;
        trace->first = batch->next;
        batch_free(batch);
    }
    free(trace->topic);
    lock_close(&trace->lock);
}

bool trace_wants(const struct trace *trace, struct bytes topic) {
    return !bytes_is(topic, trace->topic);
}

/* ---- filling ------------------------------------------------------------------------------------------- */

static bool is_full(const struct trace_batch *batch) {
    return batch->message.body.len >= FULL_BODY_BYTES || batch->keys.len >= FULL_KEYS_BYTES;
}

static bool has_key(struct bytes keys, struct bytes key) {
    for (struct bytes one; bytes_split(&keys, ' ', &one);)
        if (bytes_equal(one, key)) return true;
    return false;
}

static void add_keys(struct trace_batch *batch, struct bytes keys) {
    for (struct bytes key; bytes_split(&keys, ' ', &key);) {
        if (key.len == 0 || batch->keys.len + key.len >= MOST_KEYS_BYTES || has_key(buf_bytes(&batch->keys), key))
            continue;
        if (batch->keys.len > 0) buf_append_char(&batch->keys, ' ');
        buf_append_bytes(&batch->keys, key);
    }
}

static struct trace_batch *batch_append(struct trace *trace) {
    struct trace_batch *batch = calloc(1, sizeof *batch);
    must(batch);
    batch->trace = trace;
    batch->message.topic = trace->topic;
    if (trace->first)
        trace->last->next = batch;
    else
        trace->first = batch;
    trace->last = batch;
    return batch;
}

static size_t waiting(const struct trace *trace) {
    size_t count = 0;
    for (const struct trace_batch *batch = trace->first; batch; batch = batch->next) count++;
    return count;
}

void trace_add(struct trace *trace, const struct trace_record *record) {
    lock_take(&trace->lock);
    struct trace_batch *batch = trace->first ? trace->last : NULL;
    bool news = !batch || is_full(batch), dropped = news && waiting(trace) >= BATCHES_MAX;
    if (news && !dropped) batch = batch_append(trace);
    if (!dropped) {
        trace_append(&batch->message.body, record);
        add_keys(batch, record->msg_id);
        add_keys(batch, record->keys);
    }
    lock_give(&trace->lock);
    if (news) loop_post(trace->client->loop, &trace->news);
    if (dropped)
        log_every_ms(1000, WARN, CLIENT, "message trace dropped, it comes faster than it can be sent: topic=%s",
                     trace->topic);
}

/* ---- sending: the I/O thread --------------------------------------------------------------------------- */

static void send_waiting(struct trace *trace);

static void end_flush(struct trace *trace) {
    if (!trace->flushed || trace->sending > 0) return;
    struct waiting_call *flushed = trace->flushed;
    trace->flushed = NULL;
    waiting_call_end(flushed);
}

static void on_sent(struct send *send) {
    struct trace_batch *batch = CONTAINER_OF(send, struct trace_batch, send);
    struct trace *trace = batch->trace;
    if (send->outcome.error != RMQ_OK)
        log_every_ms(1000, WARN, CLIENT, "message trace not sent, it is lost: topic=%s error=%s", trace->topic,
                     send->outcome.detail);
    batch_free(batch);
    trace->sending--;
    if (trace->flushed || trace->sending == BATCHES_MAX - 1) send_waiting(trace);
    end_flush(trace);
}

static void send_batch(struct trace_batch *batch) {
    struct trace *trace = batch->trace;
    struct rmq_producer *producer = trace->client->inner_producer;
    message_set_property(&batch->message, PROPERTY_KEYS, buf_bytes(&batch->keys));
    trace->sending++;
    batch->send = (struct send){.producer = producer, .mode = SEND_SYNC, .done = on_sent};
    must(send_content_of(producer, &batch->message, false, &batch->memory, &batch->send.content) == RMQ_OK);
    send_start(&batch->send);
}

static struct trace_batch *take_first(struct trace *trace) {
    lock_take(&trace->lock);
    struct trace_batch *batch = trace->first;
    if (batch) trace->first = batch->next;
    lock_give(&trace->lock);
    return batch;
}

static void send_waiting(struct trace *trace) {
    struct trace_batch *batch;
    while (trace->sending < BATCHES_MAX && (batch = take_first(trace))) send_batch(batch);
}

static void on_linger(struct loop_timer *timer) {
    struct trace *trace = CONTAINER_OF(timer, struct trace, linger);
    trace->lingering = false;
    send_waiting(trace);
}

/* A new batch: it waits a moment, those before it are full. */
static void on_news(struct loop_task *task) {
    struct trace *trace = CONTAINER_OF(task, struct trace, news);
    if (trace->lingering) return;
    trace->lingering = true;
    loop_timer_start(trace->client->loop, &trace->linger, LINGER_MS, 0, on_linger);
}

static void flush_on_loop(struct job *job) {
    struct waiting_call *call = CONTAINER_OF(job, struct waiting_call, job);
    struct trace *trace = &call->client->trace;
    trace->flushed = call;
    send_waiting(trace);
    end_flush(trace);
}

void trace_flush(struct trace *trace) {
    struct waiting_call call;
    waiting_call_run(trace->client, &call, flush_on_loop);
}
