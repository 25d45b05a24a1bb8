/* client_requests.c - each request of a broker and its answer, a section each. */
#include "client/client_requests.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/check.h"
#include "base/log.h"
#include "client/client.h"
#include "client/consumer/offset_store.h"
#include "client/consumer/pull_consumer.h"
#include "client/consumer/push_consumer.h"
#include "client/consumer/rebalance.h"
#include "client/producer/transaction.h"
#include "os/clock.h"
#include "wire/request.h"

static void reply_body(const struct reply_to *to, const struct buf *body) {
    struct outgoing response = {.code = RESPONSE_SUCCESS, .body = buf_bytes(body)};
    remoting_reply(to, &response);
}

static void reply_no_group(struct request *request, struct bytes group) {
    remoting_reply_error(&request->to,
                         fail(ERR_FAILED, "The Consumer Group <%.*s> not exist in this consumer", BYTES_ARG(group)));
}

/* ---- NOTIFY_CONSUMER_IDS_CHANGED ----------------------------------------------------------------------- */

static enum err notify_consumer_ids_changed(struct rmq_client *client, struct request *request) {
    (void)request;
    client_rebalance_soon(client, 0);
    return ERR_OK;
}

/* ---- RESET_CONSUMER_CLIENT_OFFSET ---------------------------------------------------------------------- */

static void reset_queue(struct rmq_push_consumer *consumer, const struct message_queue *mq, int64_t offset) {
    for (struct process_queue *queue = consumer->queues; queue; queue = queue->next) {
        if (!message_queue_equal(&queue->queue, mq)) continue;
        log_info(CLIENT, "offset reset: topic=%.*s broker=%.*s queue=%d offset=%" PRId64, BYTES_ARG(mq->topic),
                 BYTES_ARG(mq->broker_name), mq->queue_id, offset);
        queue->commit_offset = offset;
        rebalance_drop_queue(queue);
        return;
    }
}

/* The body has a map of queues to offsets, or, for clients that say they are C++, a list. */
static void reset_queues(struct rmq_push_consumer *consumer, struct bytes topic, const struct json *table) {
    for (const struct json *n = json_first(table); n; n = n->next) {
        struct message_queue queue = message_queue_decode(n->key_object ? n->key_object : n);
        int64_t offset = n->key_object ? json_i64(n, -1) : json_i64(json_get(n, "offset"), -1);
        if (offset >= 0 && bytes_equal(queue.topic, topic)) reset_queue(consumer, &queue, offset);
    }
}

static enum err reset_consumer_client_offset(struct rmq_client *client, struct request *request) {
    struct hdr_reset_offset header;
    const struct json *root;
    TRY(header_decode(layout_reset_offset(), &request->command, &header));
    TRY(json_parse(request->arena, request->command.body, &root));
    struct rmq_push_consumer *consumer = push_consumer_find(client, header.group);
    if (!consumer || consumer->state != CONSUMER_RUNNING) return ERR_OK;
    reset_queues(consumer, header.topic, json_get(root, "offsetTable"));
    client_rebalance_soon(client, 0);
    return ERR_OK;
}

/* ---- GET_CONSUMER_STATUS_FROM_CLIENT ------------------------------------------------------------------- */

static enum err get_consumer_status_from_client(struct rmq_client *client, struct request *request) {
    struct hdr_get_consumer_status header;
    TRY(header_decode(layout_get_consumer_status(), &request->command, &header));
    struct rmq_push_consumer *consumer = push_consumer_find(client, header.group);
    struct buf body = {0};
    struct json_writer w = {.out = &body};
    json_begin_object(&w);
    json_key_text(&w, "messageQueueTable");
    json_begin_object(&w);
    for (struct process_queue *queue = consumer ? consumer->queues : NULL; queue; queue = queue->next) {
        if (!bytes_equal(queue->queue.topic, header.topic) || queue->commit_offset < 0) continue;
        message_queue_encode_key(&w, &queue->queue);
        json_int(&w, queue->commit_offset);
    }
    json_end_object(&w);
    json_end_object(&w);
    reply_body(&request->to, &body);
    buf_close(&body);
    return ERR_OK;
}

/* ---- GET_CONSUMER_RUNNING_INFO ------------------------------------------------------------------------- */

static void encode_queue(struct json_writer *w, const struct process_queue *queue) {
    int64_t min = queue->count > 0 ? process_queue_at(queue, 0)->record.offset_queue : 0;
    int64_t max = queue->count > 0 ? process_queue_at(queue, queue->count - 1)->record.offset_queue : 0;
    int64_t lock_age_ms = loop_now_ms(queue->consumer->client->loop) - queue->lock_ms;
    message_queue_encode_key(w, &queue->queue);
    json_begin_object(w);
    json_member_int(w, "cachedMsgCount", (int64_t)queue->count);
    json_member_int(w, "cachedMsgMaxOffset", max);
    json_member_int(w, "cachedMsgMinOffset", min);
    json_member_int(w, "cachedMsgSizeInMiB", (int64_t)(queue->size_bytes >> 20));
    json_member_int(w, "commitOffset", queue->commit_offset);
    json_member_bool(w, "droped", atomic_load(&queue->dropped));
    json_member_int(w, "lastConsumeTimestamp", queue->last_consume_ms);
    json_member_int(w, "lastLockTimestamp", clock_wall_ms() - lock_age_ms);
    json_member_int(w, "lastPullTimestamp", queue->last_pull_ms);
    json_member_bool(w, "locked", queue->locked);
    json_member_int(w, "transactionMsgCount", 0);
    json_member_int(w, "transactionMsgMaxOffset", 0);
    json_member_int(w, "transactionMsgMinOffset", 0);
    json_member_int(w, "tryUnlockTimes", 0);
    json_end_object(w);
}

static void encode_rates(struct json_writer *w, const struct subscribed *subscribed) {
    struct consume_rates rates = consume_stats_rates(&subscribed->stats);
    json_key(w, subscribed->data.topic);
    json_begin_object(w);
    json_member_int(w, "consumeFailedMsgs", rates.consume_failed_msgs);
    json_member_real(w, "consumeFailedTPS", rates.consume_failed_tps);
    json_member_real(w, "consumeOKTPS", rates.consume_ok_tps);
    json_member_real(w, "consumeRT", rates.consume_rt);
    json_member_real(w, "pullRT", rates.pull_rt);
    json_member_real(w, "pullTPS", rates.pull_tps);
    json_end_object(w);
}

static void encode_properties(struct json_writer *w, const struct rmq_client *client,
                              const struct rmq_push_consumer *consumer) {
    struct buf servers = {0};
    for (size_t i = 0; i < client->routes.name_server_count; i++)
        buf_printf(&servers, "%s;", client->routes.name_servers[i]);
    char threads[16], start[32];
    snprintf(threads, sizeof threads, "%d", consumer->options.consume_thread_count);
    snprintf(start, sizeof start, "%" PRId64, consumer->start_ms);
    json_key_text(w, "properties");
    json_begin_object(w);
    json_member(w, "PROP_CONSUMEORDERLY", consumer->options.orderly ? BYTES("true") : BYTES("false"));
    json_member(w, "PROP_CONSUMER_START_TIMESTAMP", bytes_of(start));
    json_member(w, "PROP_CONSUME_TYPE", BYTES("CONSUME_PASSIVELY"));
    json_member(w, "PROP_CLIENT_VERSION", BYTES("V5_3_3"));
    json_member(w, "PROP_NAMESERVER_ADDR", buf_bytes(&servers));
    json_member(w, "PROP_THREADPOOL_CORE_SIZE", bytes_of(threads));
    json_member(w, "messageModel", push_consumer_is_clustering(consumer) ? BYTES("CLUSTERING") : BYTES("BROADCASTING"));
    json_end_object(w);
    buf_close(&servers);
}

static enum err get_consumer_running_info(struct rmq_client *client, struct request *request) {
    struct hdr_get_consumer_running_info header;
    TRY(header_decode(layout_get_consumer_running_info(), &request->command, &header));
    struct rmq_push_consumer *consumer = push_consumer_find(client, header.consumer_group);
    if (!consumer) {
        reply_no_group(request, header.consumer_group);
        return ERR_OK;
    }
    struct buf body = {0};
    struct json_writer w = {.out = &body};
    json_begin_object(&w);
    json_key_text(&w, "mqPopTable");
    json_begin_object(&w);
    json_end_object(&w);
    json_key_text(&w, "mqTable");
    json_begin_object(&w);
    for (const struct process_queue *queue = consumer->queues; queue; queue = queue->next) encode_queue(&w, queue);
    json_end_object(&w);
    encode_properties(&w, client, consumer);
    json_key_text(&w, "statusTable");
    json_begin_object(&w);
    for (const struct subscribed *s = consumer->subscriptions; s; s = s->next) encode_rates(&w, s);
    json_end_object(&w);
    json_key_text(&w, "subscriptionSet");
    json_begin_array(&w);
    for (const struct subscribed *s = consumer->subscriptions; s; s = s->next) subscription_encode(&w, &s->data);
    json_end_array(&w);
    json_key_text(&w, "userConsumerInfo");
    json_begin_object(&w);
    json_end_object(&w);
    json_end_object(&w);
    reply_body(&request->to, &body);
    buf_close(&body);
    return ERR_OK;
}

/* ---- CONSUME_MESSAGE_DIRECTLY -------------------------------------------------------------------------- */

static enum err consume_message_directly(struct rmq_client *client, struct request *request) {
    struct hdr_consume_message_directly header;
    TRY(header_decode(layout_consume_message_directly(), &request->command, &header));
    struct rmq_push_consumer *consumer = push_consumer_find(client, header.consumer_group);
    if (!consumer || consumer->state != CONSUMER_RUNNING) {
        reply_no_group(request, header.consumer_group);
        return ERR_OK;
    }
    struct bytes broker_name = names_keep(&client->names, header.broker_name);
    struct message_block *block = message_block_create(request->command.body, broker_name, NULL, consumer->retry_topic);
    if (block->count != 1) {
        message_block_release(block);
        return fail(ERR_BAD_INPUT, "the body is not one message");
    }
    struct direct_consume *direct = calloc(1, sizeof *direct);
    must(direct);
    direct->block = block;
    direct->to = request->to;
    direct->begin_ms = loop_now_ms(client->loop);
    direct->queue = (struct message_queue){names_keep(&client->names, bytes_of(block->messages[0].topic)), broker_name,
                                           block->messages[0].record.queue_id};
    consume_submit_direct(consumer, direct);
    return ERR_OK;
}

void client_direct_consumed(struct rmq_push_consumer *consumer, struct rmq_message_ext *message) {
    struct direct_consume *direct = message->direct;
    struct buf body = {0};
    struct json_writer w = {.out = &body};
    json_begin_object(&w);
    json_member_bool(&w, "autoCommit", true);
    json_member(&w, "consumeResult", message->failed ? BYTES("CR_LATER") : BYTES("CR_SUCCESS"));
    json_member_bool(&w, "order", consumer->options.orderly);
    json_member_int(&w, "spentTimeMills", loop_now_ms(consumer->client->loop) - direct->begin_ms);
    json_end_object(&w);
    reply_body(&direct->to, &body);
    buf_close(&body);
    struct message_block *block = direct->block;
    free(direct);
    consume_release(message);
    message_block_release(block);
}

/* ---- which is which ------------------------------------------------------------------------------------ */

static enum err handle(struct rmq_client *client, struct request *request) {
    switch (request->command.code) {
    case REQUEST_CHECK_TRANSACTION_STATE:
        return transaction_check(client, request);
    case REQUEST_NOTIFY_CONSUMER_IDS_CHANGED:
        return notify_consumer_ids_changed(client, request);
    case REQUEST_RESET_CONSUMER_CLIENT_OFFSET:
        return reset_consumer_client_offset(client, request);
    case REQUEST_GET_CONSUMER_STATUS_FROM_CLIENT:
        return get_consumer_status_from_client(client, request);
    case REQUEST_GET_CONSUMER_RUNNING_INFO:
        return get_consumer_running_info(client, request);
    case REQUEST_CONSUME_MESSAGE_DIRECTLY:
        return consume_message_directly(client, request);
    default:
        return fail(ERR_NOT_SUPPORTED, "request type %d not supported", request->command.code);
    }
}

void client_on_request(struct request *request) {
    enum err err = handle(request->owner, request);
    if (err == ERR_OK) return;
    log_every_ms(10000, WARN, CLIENT, "request of a broker not served: code=%d error=%s", request->command.code,
                 err_detail(err));
    remoting_reply_error(&request->to, err);
}
