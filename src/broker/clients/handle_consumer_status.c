/* handle_consumer_status.c - request 223: where the consumers of a group are, each asked itself (221).
 * All are asked at the same time; who does not answer is left out. @source shared facts: behaviour 7, protocol 4.3 */
#include "broker/route.h"

#include <stdlib.h>
#include "base/check.h"
#include "base/json.h"
#include "base/log.h"
#include "broker/clients/consumers.h"
#include "broker/tables/state_file.h"
#include "wire/request.h"

enum { STATUS_TIMEOUT_MS = 5000 };

/* One consumer that is asked. Each belongs to the reactor of its connection until it answered. */
struct asked {
    struct gathering *gathering;
    char *client_id;
    struct buf table; /* {{queue}:offset,...}; empty = no answer */
};
struct gathering {
    struct reactor *asker;
    struct reply_to to;
    atomic_size_t pending;
    size_t count;
    struct asked asked[];
};

static void answer_asker(struct reactor *reactor, void *arg) {
    (void)reactor;
    struct gathering *gathering = arg;
    struct buf body = {0};
    struct json_writer w = {.out = &body};
    json_begin_object(&w);
    json_key_text(&w, "consumerTable");
    json_begin_object(&w);
    for (size_t i = 0; i < gathering->count; i++) {
        struct asked *asked = &gathering->asked[i];
        if (asked->table.len > 0) {
            json_key_text(&w, asked->client_id);
            json_raw(&w, buf_bytes(&asked->table));
        }
        buf_close(&asked->table);
        free(asked->client_id);
    }
    json_end_object(&w);
    json_key_text(&w, "messageQueueTable");
    json_begin_object(&w);
    json_end_object(&w);
    json_end_object(&w);
    remoting_reply(&gathering->to, &(struct outgoing){.body = buf_bytes(&body)});
    buf_close(&body);
    free(gathering);
}

static void take_answer(struct asked *asked, const struct command *answer) {
    struct arena arena = {0};
    const struct json *body;
    if (answer->code == RESPONSE_SUCCESS && json_parse(&arena, answer->body, &body) == ERR_OK) {
        const struct json *table = json_get(body, "messageQueueTable");
        if (table) json_write_tree(&(struct json_writer){.out = &asked->table}, table);
    }
    arena_close(&arena);
}

static void consumer_done(void *ctx, enum err err, const struct command *answer) {
    struct asked *asked = ctx;
    struct gathering *gathering = asked->gathering;
    if (err == ERR_OK)
        take_answer(asked, answer);
    else
        log_warn(CLIENT, "consumer did not tell its status: client=%s why=%s", asked->client_id, err_detail(err));
    if (atomic_fetch_sub(&gathering->pending, 1) == 1) reactor_run(gathering->asker, answer_asker, gathering);
}

enum err broker_handle_invoke_broker_to_get_consumer_status(struct call *call,
                                                            const struct hdr_get_consumer_status *header) {
    struct consumer_group group;
    if (!consumers_group(call->broker->consumers, header->group, call->request->arena, &group))
        return fail(ERR_FAILED, "No Any Consumer online in the consumer group: [%.*s]", BYTES_ARG(header->group));
    consumer_group_release(&group);
    bool all = bytes_trim(header->client_addr).len == 0;
    struct gathering *gathering = calloc(1, sizeof *gathering + group.client_count * sizeof gathering->asked[0]);
    must(gathering);
    gathering->asker = call->request->owner;
    gathering->to = call->request->to;
    struct client_channel *channels = arena_calloc(call->request->arena, group.client_count + 1, sizeof *channels);
    for (size_t i = 0; i < group.client_count; i++) {
        if (!all && !bytes_equal(header->client_addr, group.clients[i].client_id)) continue;
        channels[gathering->count] = group.clients[i].channel;
        gathering->asked[gathering->count++] =
            (struct asked){.gathering = gathering, .client_id = bytes_dup(group.clients[i].client_id)};
    }
    call->later = true;
    /* One more than are asked: the last answer may come before the last question is out. */
    atomic_store(&gathering->pending, gathering->count + 1);
    struct hdr_get_consumer_status asks = {.present = HEADER_ALL, .topic = header->topic, .group = header->group};
    struct outgoing question = {
        .code = REQUEST_GET_CONSUMER_STATUS_FROM_CLIENT, .layout = layout_get_consumer_status(), .fields = &asks};
    for (size_t i = 0, count = gathering->count; i < count; i++)
        client_call(channels[i], &question, STATUS_TIMEOUT_MS, consumer_done, &gathering->asked[i]);
    if (atomic_fetch_sub(&gathering->pending, 1) == 1) reactor_run(gathering->asker, answer_asker, gathering);
    return ERR_OK;
}
