/* transaction.c - the end of a local transaction on its way to the broker, after a send or when the broker asks. */
#include "client/producer/transaction.h"

#include <stdlib.h>
#include "base/check.h"
#include "base/log.h"
#include "client/message_ext.h"
#include "client/producer/send.h"
#include "client/trace/send_trace.h"
#include "message/msgid.h"
#include "message/properties.h"
#include "wire/request.h"

/* The transaction bits of sysFlag, as END_TRANSACTION carries them. */
static int32_t bits_of(rmq_transaction_state_t state) {
    switch (state) {
    case RMQ_TRANSACTION_COMMIT:
        return SYS_FLAG_COMMIT;
    case RMQ_TRANSACTION_ROLLBACK:
        return SYS_FLAG_ROLLBACK;
    default:
        return 0;
    }
}

/* ---- after a send -------------------------------------------------------------------------------------- */

struct end_call {
    struct waiting_call call;
    struct bytes broker_name;
    struct hdr_end_transaction header;
};

/* Oneway: when it is lost, the broker asks. */
static void end_on_loop(struct job *job) {
    struct end_call *op = CONTAINER_OF(job, struct end_call, call.job);
    struct bytes address = broker_master(op->call.client, op->broker_name);
    struct outgoing request = {
        .code = REQUEST_END_TRANSACTION, .layout = layout_end_transaction(), .fields = &op->header};
    if (address.data) remoting_oneway(op->call.client->remoting, address, &request);
    waiting_call_end(&op->call);
}

static void tell_end(struct rmq_producer *producer, const rmq_send_result_t *result, rmq_transaction_state_t state) {
    struct host host;
    int64_t offset_phys;
    enum err err = msgid_offset_parse(bytes_of(result->offset_msg_id), &host, &offset_phys);
    if (err != ERR_OK) {
        log_warn(CLIENT, "end of a transaction not told, the broker will ask: %s", err_detail(err));
        return;
    }
    struct end_call op = {.broker_name = bytes_of(result->queue.broker_name),
                          .header = {.present = HEADER_ALL,
                                     .producer_group = producer->group,
                                     .tran_state_table_offset = result->queue_offset,
                                     .commit_log_offset = offset_phys,
                                     .commit_or_rollback = bits_of(state),
                                     .msg_id = bytes_of(result->msg_id),
                                     .transaction_id = bytes_of(result->msg_id),
                                     .topic = bytes_of(result->queue.topic)}};
    waiting_call_run(producer->client, &op.call, end_on_loop);
}

static void mark_as_half(const struct rmq_producer *producer, struct send_memory *memory,
                         struct send_content *content) {
    struct buf half = {0};
    properties_without(content->properties, PROPERTY_DELAY, &half);
    properties_append(&half, PROPERTY_TRAN_MSG, BYTES("true"));
    properties_append(&half, PROPERTY_PGROUP, producer->group);
    buf_close(&memory->properties);
    memory->properties = half;
    content->properties = buf_bytes(&half);
    content->msg_id = properties_get(content->properties, PROPERTY_UNIQ_KEY);
    content->sys_flag |= SYS_FLAG_PREPARED;
}

rmq_error_t rmq_producer_send_in_transaction(rmq_producer_t *producer, const rmq_message_t *message,
                                             rmq_transaction_execute_fn *execute, void *context,
                                             rmq_transaction_state_t *state, rmq_send_result_t **result) {
    if (!execute) return report(RMQ_INVALID_ARGUMENT, "nothing to execute");
    if (!producer->options.check_transaction)
        return report(RMQ_WRONG_STATE, "check_transaction of the producer is not set");
    struct send_memory memory;
    struct send_call op = {.send = {.mode = SEND_SYNC}};
    rmq_send_result_t *sent = NULL;
    rmq_error_t error = send_content_of(producer, message, false, &memory, &op.send.content);
    if (error == RMQ_OK) {
        mark_as_half(producer, &memory, &op.send.content);
        error = send_call_run(&op, producer, &sent);
    }
    send_memory_close(&memory);
    if (error != RMQ_OK) return error;
    rmq_transaction_state_t end = RMQ_TRANSACTION_ROLLBACK;
    if (sent->status == RMQ_SEND_OK) end = execute(context, message, sent);
    tell_end(producer, sent, end);
    struct bytes properties = buf_bytes(&message->properties);
    send_trace_transaction(producer, &(struct transaction_end){.topic = bytes_of(message->topic),
                                                               .msg_id = bytes_of(sent->msg_id),
                                                               .tags = properties_get(properties, PROPERTY_TAGS),
                                                               .keys = properties_get(properties, PROPERTY_KEYS),
                                                               .transaction_id = bytes_of(sent->msg_id),
                                                               .state = end});
    if (state) *state = end;
    if (result)
        *result = sent;
    else
        rmq_send_result_destroy(sent);
    return RMQ_OK;
}

/* ---- when the broker asks ------------------------------------------------------------------------------ */

struct check {
    struct job job;
    struct rmq_producer *producer;
    struct message_block *block;
    uint64_t channel_id; /* the answer goes where the question came from */
    int64_t tran_state_table_offset, commit_log_offset;
    char *transaction_id;
    rmq_transaction_state_t state;
};

static void tell_checked(struct job *job) {
    struct check *check = CONTAINER_OF(job, struct check, job);
    struct rmq_producer *producer = check->producer;
    const struct rmq_message_ext *message = &check->block->messages[0];
    struct hdr_end_transaction header = {.present = HEADER_ALL,
                                         .producer_group = producer->group,
                                         .tran_state_table_offset = check->tran_state_table_offset,
                                         .commit_log_offset = check->commit_log_offset,
                                         .commit_or_rollback = bits_of(check->state),
                                         .from_transaction_check = true,
                                         .msg_id = bytes_of(message->msg_id),
                                         .transaction_id = bytes_of(check->transaction_id),
                                         .topic = bytes_of(message->topic)};
    struct outgoing request = {.code = REQUEST_END_TRANSACTION, .layout = layout_end_transaction(), .fields = &header};
    remoting_oneway_channel(producer->client->remoting, check->channel_id, &request);
    send_trace_transaction(producer, &(struct transaction_end){.topic = header.topic,
                                                               .msg_id = header.msg_id,
                                                               .tags = bytes_of(rmq_message_ext_tag(message)),
                                                               .keys = bytes_of(rmq_message_ext_keys(message)),
                                                               .transaction_id = header.transaction_id,
                                                               .state = check->state,
                                                               .from_check = true});
    message_block_release(check->block);
    free(check->transaction_id);
    free(check);
    producer_send_over(producer);
}

static void ask_user(struct job *job) {
    struct check *check = CONTAINER_OF(job, struct check, job);
    const struct rmq_producer_options *options = &check->producer->options;
    check->state = options->check_transaction(options->check_context, &check->block->messages[0]);
    check->job.run = tell_checked;
    client_post(check->producer->client, &check->job);
}

static struct rmq_producer *find_producer(struct rmq_client *client, const struct rmq_message_ext *message) {
    const char *group = rmq_message_ext_property(message, PROPERTY_PGROUP.data);
    for (struct rmq_producer *producer = client->producers; group && producer; producer = producer->next) {
        if (bytes_is(producer->group, group) && producer->options.check_transaction) return producer;
    }
    return NULL;
}

enum err transaction_check(struct rmq_client *client, struct request *request) {
    struct hdr_check_transaction_state header;
    TRY(header_decode(layout_check_transaction_state(), &request->command, &header));
    struct message_block *block = message_block_create(request->command.body, BYTES(""), NULL, (struct bytes){0});
    struct rmq_producer *producer = block->count == 1 ? find_producer(client, &block->messages[0]) : NULL;
    if (!producer) {
        message_block_release(block);
        return fail(ERR_NOT_FOUND, "no producer here can tell the end of that transaction");
    }
    struct check *check = calloc(1, sizeof *check);
    must(check);
    *check = (struct check){.job = {.run = ask_user},
                            .producer = producer,
                            .block = block,
                            .channel_id = request->to.channel_id,
                            .tran_state_table_offset = header.tran_state_table_offset,
                            .commit_log_offset = header.commit_log_offset,
                            .transaction_id = header.transaction_id.data ? bytes_dup(header.transaction_id) : NULL};
    producer->sends++;
    job_pool_put(&client->callbacks, &check->job);
    return ERR_OK;
}
