/* offset_store.c - offsets on brokers and in the local file, and where a new group begins. */
#include "client/consumer/offset_store.h"

#include <stdio.h>
#include <stdlib.h>
#include "base/check.h"
#include "base/json.h"
#include "base/log.h"
#include "client/consumer/offset_update.h"
#include "client/consumer/push_consumer.h"
#include "os/file.h"
#include "wire/request.h"

enum { OFFSET_FILE_MAX_BYTES = 16 << 20 };

/* ---- the local file ------------------------------------------------------------------------------------ */

static struct local_offset *find_local(struct rmq_push_consumer *consumer, const struct message_queue *queue) {
    for (size_t i = 0; i < consumer->local.count; i++) {
        if (message_queue_equal(&consumer->local.items[i].queue, queue)) return &consumer->local.items[i];
    }
    return NULL;
}

static void set_local(struct rmq_push_consumer *consumer, const struct message_queue *queue, int64_t offset) {
    struct local_offset *found = find_local(consumer, queue);
    if (!found) {
        consumer->local.items =
            realloc(consumer->local.items, (consumer->local.count + 1) * sizeof *consumer->local.items);
        must(consumer->local.items);
        found = &consumer->local.items[consumer->local.count++];
        found->queue = *queue;
    }
    found->offset = offset;
}

static char *text_of(struct bytes a, const char *b) {
    struct buf text = {0};
    buf_append_bytes(&text, a);
    buf_append(&text, b, strlen(b) + 1);
    return text.data;
}

static void read_offsets(struct rmq_push_consumer *consumer, const struct json *root) {
    for (const struct json *n = json_first(json_get(root, "offsetTable")); n; n = n->next) {
        if (!n->key_object) continue;
        struct message_queue queue = message_queue_decode(n->key_object);
        queue.topic = names_keep(&consumer->client->names, queue.topic);
        queue.broker_name = names_keep(&consumer->client->names, queue.broker_name);
        int64_t offset = json_i64(n, -1);
        if (offset >= 0) set_local(consumer, &queue, offset);
    }
}

struct load_call {
    struct waiting_call call;
    struct rmq_push_consumer *consumer;
    const struct json *root;
};

static void load_on_loop(struct job *job) { /* names are the I/O thread's */
    struct load_call *op = CONTAINER_OF(job, struct load_call, call.job);
    read_offsets(op->consumer, op->root);
    waiting_call_end(&op->call);
}

static enum err load_file(struct rmq_push_consumer *consumer, const char *path, struct arena *arena, struct buf *text) {
    buf_clear(text);
    enum err err = file_read_all(path, OFFSET_FILE_MAX_BYTES, text);
    if (err == ERR_NOT_FOUND) return ERR_OK;
    if (err != ERR_OK) return err;
    struct load_call op = {.consumer = consumer};
    err = json_parse(arena, buf_bytes(text), &op.root);
    if (err != ERR_OK) return fail(ERR_CORRUPT, "%s is damaged, remove it to begin anew", path);
    waiting_call_run(consumer->client, &op.call, load_on_loop);
    return ERR_OK;
}

enum err offset_store_load(struct rmq_push_consumer *consumer) {
    if (push_consumer_is_clustering(consumer)) return ERR_OK;
    struct buf name = {0};
    buf_printf(&name, "%s/%.*s", consumer->client->offset_dir, BYTES_ARG(consumer->group));
    consumer->local.dir = text_of(buf_bytes(&name), "");
    consumer->local.path = text_of(buf_bytes(&name), "/offsets.json");
    buf_close(&name);

    struct arena arena = {0};
    struct buf text = {0};
    char *bak = text_of(bytes_of(consumer->local.path), ".bak");
    enum err err = load_file(consumer, consumer->local.path, &arena, &text);
    if (err != ERR_OK) {
        log_warn(CLIENT, "offsets not read, trying the former file: %s", err_detail(err));
        err = load_file(consumer, bak, &arena, &text);
    }
    free(bak);
    buf_close(&text);
    arena_close(&arena);
    return err;
}

void offset_store_close(struct rmq_push_consumer *consumer) {
    free(consumer->local.items);
    free(consumer->local.dir);
    free(consumer->local.path);
    buf_close(&consumer->local.text);
}

static void encode(struct rmq_push_consumer *consumer, struct buf *out) {
    struct json_writer w = {.out = out};
    json_begin_object(&w);
    json_key_text(&w, "offsetTable");
    json_begin_object(&w);
    for (size_t i = 0; i < consumer->local.count; i++) {
        message_queue_encode_key(&w, &consumer->local.items[i].queue);
        json_int(&w, consumer->local.items[i].offset);
    }
    json_end_object(&w);
    json_end_object(&w);
}

static void write_file(struct rmq_push_consumer *consumer) {
    enum err err = file_make_dirs(consumer->local.dir);
    if (err == ERR_OK) err = file_replace(consumer->local.path, buf_bytes(&consumer->local.text), true);
    if (err != ERR_OK) log_error(CLIENT, "offsets not saved: %s", err_detail(err));
}

static void on_written(struct job *job) {
    struct rmq_push_consumer *consumer = CONTAINER_OF(job, struct rmq_push_consumer, local.write);
    consumer->local.writing = false;
    offset_store_save(consumer); /* what changed meanwhile */
    push_consumer_release(consumer);
}

static void write_on_callback_thread(struct job *job) {
    struct rmq_push_consumer *consumer = CONTAINER_OF(job, struct rmq_push_consumer, local.write);
    write_file(consumer);
    consumer->local.write.run = on_written;
    client_post(consumer->client, &consumer->local.write);
}

static void saved(struct rmq_push_consumer *consumer) {
    struct waiting_call *waiter = consumer->local.waiter;
    consumer->local.waiter = NULL;
    if (waiter) waiting_call_end(waiter);
}

void offset_store_save(struct rmq_push_consumer *consumer) {
    if (consumer->local.writing) return;
    struct buf text = {0};
    if (consumer->local.count > 0) encode(consumer, &text);
    if (bytes_equal(buf_bytes(&text), buf_bytes(&consumer->local.text))) {
        buf_close(&text);
        saved(consumer);
        return;
    }
    buf_close(&consumer->local.text);
    consumer->local.text = text;
    consumer->local.writing = true;
    push_consumer_hold(consumer);
    consumer->local.write.run = write_on_callback_thread;
    job_pool_put(&consumer->client->callbacks, &consumer->local.write);
}

/* ---- storing ------------------------------------------------------------------------------------------- */

void offset_store_persist(struct process_queue *queue, struct answers_wait *wait) {
    struct rmq_push_consumer *consumer = queue->consumer;
    if (queue->commit_offset < 0) return;
    if (!push_consumer_is_clustering(consumer)) {
        set_local(consumer, &queue->queue, queue->commit_offset);
        return;
    }
    /* a master that is not known is told at the next round, when it is back */
    offset_update(consumer->client, consumer->group, &queue->queue, queue->commit_offset, wait);
}

/* ---- where to begin ------------------------------------------------------------------------------------ */

static void end(struct pull_from_where *op, int64_t offset) {
    op->done(op, offset);
}

static void on_offset(struct broker_call *call, const struct command *response) {
    struct pull_from_where *op = CONTAINER_OF(call, struct pull_from_where, call);
    struct hdr_offset_result header = {.offset = -1};
    if (broker_call_succeeded(call, response)) {
        enum err err = header_decode(layout_offset_result(), response, &header);
        if (outcome_err(&call->outcome, err) != RMQ_OK) header.offset = -1;
    }
    end(op, header.offset);
}

static void call_broker(struct pull_from_where *op, int32_t code, const struct header_layout *layout,
                        void (*done)(struct broker_call *call, const struct command *response)) {
    op->call = (struct broker_call){.client = op->consumer->client,
                                    .topic = op->queue.topic,
                                    .broker_name = op->queue.broker_name,
                                    .request = {.code = code, .layout = layout, .fields = &op->header},
                                    .done = done};
    broker_call(&op->call);
}

static void ask_max(struct pull_from_where *op) {
    op->header.max = (struct hdr_get_max_offset){
        .present = HEADER_ALL, .topic = op->queue.topic, .queue_id = op->queue.queue_id, .committed = true};
    call_broker(op, REQUEST_GET_MAX_OFFSET, layout_get_max_offset(), on_offset);
}

static void ask_time(struct pull_from_where *op) {
    op->header.search = (struct hdr_search_offset_by_timestamp){.present = HEADER_ALL,
                                                                .topic = op->queue.topic,
                                                                .queue_id = op->queue.queue_id,
                                                                .timestamp = op->consumer->options.consume_time_ms};
    call_broker(op, REQUEST_SEARCH_OFFSET_BY_TIMESTAMP, layout_search_offset_by_timestamp(), on_offset);
}

/* The group has no offset in the queue yet. */
static void begin_anew(struct pull_from_where *op) {
    bool is_retry = bytes_starts_with(op->queue.topic, BYTES(RETRY_TOPIC_PREFIX));
    rmq_consume_from_where_t where = op->consumer->options.consume_from_where;
    if (where == RMQ_CONSUME_FROM_FIRST_OFFSET || (where == RMQ_CONSUME_FROM_LAST_OFFSET && is_retry))
        end(op, 0);
    else if (where == RMQ_CONSUME_FROM_TIMESTAMP && !is_retry)
        ask_time(op);
    else
        ask_max(op);
}

static void on_stored_offset(struct broker_call *call, const struct command *response) {
    struct pull_from_where *op = CONTAINER_OF(call, struct pull_from_where, call);
    if (call->outcome.error == RMQ_OK && response->code == RESPONSE_QUERY_NOT_FOUND) {
        begin_anew(op);
        return;
    }
    struct hdr_offset_result header = {.offset = -1};
    if (broker_call_succeeded(call, response) && header_decode(layout_offset_result(), response, &header) != ERR_OK)
        header.offset = -1;
    op->stored = header.offset;
    end(op, header.offset);
}

void offset_store_pull_from_where(struct pull_from_where *op, struct rmq_push_consumer *consumer,
                                  const struct message_queue *queue,
                                  void (*done)(struct pull_from_where *op, int64_t offset)) {
    op->consumer = consumer;
    op->queue = *queue;
    op->done = done;
    op->stored = -1;
    if (push_consumer_is_clustering(consumer)) {
        op->header.query = (struct hdr_query_consumer_offset){.present = HEADER_ALL,
                                                              .consumer_group = consumer->group,
                                                              .topic = queue->topic,
                                                              .queue_id = queue->queue_id};
        op->header.query.has.set_zero_if_not_found = false;
        call_broker(op, REQUEST_QUERY_CONSUMER_OFFSET, layout_query_consumer_offset(), on_stored_offset);
        return;
    }
    const struct local_offset *local = find_local(consumer, queue);
    if (local)
        end(op, op->stored = local->offset);
    else
        begin_anew(op);
}
