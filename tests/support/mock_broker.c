/* mock_broker.c - the default answers, the functions of tests, and errands to the thread of the mock. */
#include "support/mock_broker.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/check.h"
#include "net/loop.h"
#include "os/clock.h"
#include "wire/request.h"

enum { CODE_COUNT = 400, CHANNELS_MAX = 64, PEERS_MAX = 4, WAIT_MAX_MS = 10000 };

struct peer {
    char name[64], address[64];
};
struct mock_broker {
    struct loop *loop;
    struct remoting *remoting;
    struct remoting_server *server;
    struct peer peers[PEERS_MAX]; /* the first is this one */
    size_t peer_count;
    uint64_t channels[CHANNELS_MAX]; /* the mock's thread only */
    size_t channel_count;
    int64_t next_offset;

    pthread_mutex_t mutex; /* of the rest */
    struct {
        mock_answer *answer;
        void *arg;
        int count;
    } codes[CODE_COUNT];
    int32_t queue_count;
};

/* ---- default answers ----------------------------------------------------------------------------------- */

static void reply_route(struct mock_broker *mock, struct request *request) {
    struct hdr_get_routeinfo_by_topic header;
    must(header_decode(layout_get_routeinfo_by_topic(), &request->command, &header) == ERR_OK);
    pthread_mutex_lock(&mock->mutex);
    int32_t queue_count = mock->queue_count;
    pthread_mutex_unlock(&mock->mutex);
    struct queue_data queues[PEERS_MAX];
    struct broker_data brokers[PEERS_MAX];
    struct broker_address addresses[PEERS_MAX];
    for (size_t i = 0; i < mock->peer_count; i++) {
        struct bytes name = bytes_of(mock->peers[i].name);
        queues[i] = (struct queue_data){name, queue_count, queue_count, 6, 0};
        addresses[i] = (struct broker_address){MASTER_ID, bytes_of(mock->peers[i].address)};
        brokers[i] = (struct broker_data){
            .cluster = BYTES("c"), .broker_name = name, .addresses = &addresses[i], .address_count = 1};
    }
    struct topic_route route = {
        .queues = queues, .queue_count = mock->peer_count, .brokers = brokers, .broker_count = mock->peer_count};
    struct buf body = {0};
    topic_route_encode(&route, true, &body);
    remoting_reply(&request->to, &(struct outgoing){.body = buf_bytes(&body)});
    buf_close(&body);
}

static void reply_sent(struct mock_broker *mock, struct request *request) {
    struct hdr_send_message_v2 header;
    must(header_decode(layout_send_message_v2(), &request->command, &header) == ERR_OK);
    struct hdr_send_result result = {.present = HEADER_ALL,
                                     .msg_id = BYTES("7F00000100002A9F0000000000000001"),
                                     .queue_id = header.queue_id,
                                     .queue_offset = mock->next_offset++,
                                     .trace_on = true};
    remoting_reply(&request->to, &(struct outgoing){.layout = layout_send_result(), .fields = &result});
}

static void reply_offset(struct request *request, int64_t offset) {
    struct hdr_offset_result result = {.present = HEADER_ALL, .offset = offset};
    remoting_reply(&request->to, &(struct outgoing){.layout = layout_offset_result(), .fields = &result});
}

static void reply_client_id(struct request *request) {
    /* The only consumer is the one that asks; its id came with its heartbeat, which tests that need it look at. */
    remoting_reply(&request->to, &(struct outgoing){.code = RESPONSE_SYSTEM_ERROR, .remark = BYTES("no consumer")});
}

void mock_broker_be_silent(struct mock_broker *mock, struct request *request, void *arg) {
    (void)mock, (void)request, (void)arg;
}

void mock_broker_answer(struct mock_broker *mock, struct request *request) {
    switch (request->command.code) {
    case REQUEST_GET_ROUTEINFO_BY_TOPIC:
        reply_route(mock, request);
        break;
    case REQUEST_SEND_MESSAGE_V2:
    case REQUEST_SEND_BATCH_MESSAGE:
        reply_sent(mock, request);
        break;
    case REQUEST_QUERY_CONSUMER_OFFSET:
    case REQUEST_GET_MIN_OFFSET:
    case REQUEST_GET_MAX_OFFSET:
        reply_offset(request, 0);
        break;
    case REQUEST_GET_CONSUMER_LIST_BY_GROUP:
        reply_client_id(request);
        break;
    case REQUEST_PULL_MESSAGE:
        break;
    default:
        remoting_reply(&request->to, &(struct outgoing){0});
    }
}

static void note_channel(struct mock_broker *mock, uint64_t id) {
    for (size_t i = 0; i < mock->channel_count; i++) {
        if (mock->channels[i] == id) return;
    }
    if (mock->channel_count < CHANNELS_MAX) mock->channels[mock->channel_count++] = id;
}

static void on_request(struct request *request) {
    struct mock_broker *mock = request->owner;
    int32_t code = request->command.code;
    must(code >= 0 && code < CODE_COUNT);
    note_channel(mock, request->to.channel_id);
    pthread_mutex_lock(&mock->mutex);
    mock_answer *answer = mock->codes[code].answer;
    void *arg = mock->codes[code].arg;
    pthread_mutex_unlock(&mock->mutex);
    if (answer)
        answer(mock, request, arg);
    else
        mock_broker_answer(mock, request);
    pthread_mutex_lock(&mock->mutex);
    mock->codes[code].count++; /* behind the answer: who waited for it finds all done */
    pthread_mutex_unlock(&mock->mutex);
}

/* ---- work on the mock's thread --------------------------------------------------------------------------- */

struct errand {
    struct loop_task task;
    struct mock_broker *mock;
    void (*run)(struct errand *errand);
    int32_t code;
    const struct header_layout *layout;
    const void *fields;
    struct bytes body;
    const struct outgoing *request;
    call_done *answered;
    void *ctx;
    pthread_mutex_t mutex;
    pthread_cond_t done_cond;
    bool done;
};

static void run_errand(struct loop_task *task) {
    struct errand *errand = CONTAINER_OF(task, struct errand, task);
    errand->run(errand);
    pthread_mutex_lock(&errand->mutex);
    errand->done = true;
    pthread_cond_signal(&errand->done_cond);
    pthread_mutex_unlock(&errand->mutex);
}

static void run_and_wait(struct mock_broker *mock, struct errand *errand) {
    errand->mock = mock;
    errand->task.run = run_errand;
    pthread_mutex_init(&errand->mutex, NULL);
    pthread_cond_init(&errand->done_cond, NULL);
    loop_post(mock->loop, &errand->task);
    pthread_mutex_lock(&errand->mutex);
    while (!errand->done) pthread_cond_wait(&errand->done_cond, &errand->mutex);
    pthread_mutex_unlock(&errand->mutex);
    pthread_cond_destroy(&errand->done_cond);
    pthread_mutex_destroy(&errand->mutex);
}

static void listen_on_loop(struct errand *errand) {
    struct mock_broker *mock = errand->mock;
    struct remoting_options options = {.owner = mock, .on_request = on_request, .language = LANGUAGE_OTHER};
    must(remoting_create(mock->loop, &options, &mock->remoting) == ERR_OK);
    must(remoting_listen(mock->loop, &mock->remoting, 1, "127.0.0.1", 0, false, &mock->server) == ERR_OK);
}

static void close_on_loop(struct errand *errand) {
    remoting_server_close(errand->mock->server);
    remoting_destroy(errand->mock->remoting);
}

static void disconnect_on_loop(struct errand *errand) {
    struct mock_broker *mock = errand->mock;
    for (size_t i = 0; i < mock->channel_count; i++) remoting_close_channel(mock->remoting, mock->channels[i]);
    mock->channel_count = 0;
}

static void tell_on_loop(struct errand *errand) {
    struct mock_broker *mock = errand->mock;
    struct outgoing request = {
        .code = errand->code, .layout = errand->layout, .fields = errand->fields, .body = errand->body};
    for (size_t i = 0; i < mock->channel_count; i++)
        remoting_oneway_channel(mock->remoting, mock->channels[i], &request);
}

static void ask_on_loop(struct errand *errand) {
    enum { TIMEOUT_MS = 5000 };
    struct mock_broker *mock = errand->mock;
    must(mock->channel_count > 0);
    remoting_call_channel(mock->remoting, mock->channels[mock->channel_count - 1], errand->request, TIMEOUT_MS,
                          errand->answered, errand->ctx);
}

/* ---- what tests call ----------------------------------------------------------------------------------- */

struct mock_broker *mock_broker_start(const char *broker_name) {
    struct mock_broker *mock = calloc(1, sizeof *mock);
    must(mock);
    pthread_mutex_init(&mock->mutex, NULL);
    mock->queue_count = 4;
    must(loop_create("mock", &mock->loop) == ERR_OK);
    must(loop_start_thread(mock->loop) == ERR_OK);
    run_and_wait(mock, &(struct errand){.run = listen_on_loop});
    char address[64];
    snprintf(address, sizeof address, "127.0.0.1:%u", remoting_server_port(mock->server));
    mock_broker_add_peer(mock, broker_name, address);
    return mock;
}

void mock_broker_stop(struct mock_broker *mock) {
    run_and_wait(mock, &(struct errand){.run = close_on_loop});
    loop_stop(mock->loop);
    loop_join(mock->loop);
    loop_destroy(mock->loop);
    pthread_mutex_destroy(&mock->mutex);
    free(mock);
}

const char *mock_broker_address(const struct mock_broker *mock) {
    return mock->peers[0].address;
}

void mock_broker_add_peer(struct mock_broker *mock, const char *broker_name, const char *address) {
    must(mock->peer_count < PEERS_MAX);
    struct peer *peer = &mock->peers[mock->peer_count++];
    snprintf(peer->name, sizeof peer->name, "%s", broker_name);
    snprintf(peer->address, sizeof peer->address, "%s", address);
}

void mock_broker_set_queues(struct mock_broker *mock, int32_t queue_count) {
    pthread_mutex_lock(&mock->mutex);
    mock->queue_count = queue_count;
    pthread_mutex_unlock(&mock->mutex);
}

void mock_broker_on(struct mock_broker *mock, int32_t code, mock_answer *answer, void *arg) {
    must(code >= 0 && code < CODE_COUNT);
    pthread_mutex_lock(&mock->mutex);
    mock->codes[code].answer = answer;
    mock->codes[code].arg = arg;
    pthread_mutex_unlock(&mock->mutex);
}

int mock_broker_count(struct mock_broker *mock, int32_t code) {
    pthread_mutex_lock(&mock->mutex);
    int count = mock->codes[code].count;
    pthread_mutex_unlock(&mock->mutex);
    return count;
}

bool mock_broker_wait(struct mock_broker *mock, int32_t code, int count) {
    for (int64_t end_ms = clock_monotonic_ms() + WAIT_MAX_MS; clock_monotonic_ms() < end_ms; clock_sleep_ms(2)) {
        if (mock_broker_count(mock, code) >= count) return true;
    }
    return false;
}

void mock_broker_disconnect(struct mock_broker *mock) {
    run_and_wait(mock, &(struct errand){.run = disconnect_on_loop});
}

void mock_broker_tell(struct mock_broker *mock, int32_t code, const struct header_layout *layout, const void *fields,
                      struct bytes body) {
    run_and_wait(mock,
                 &(struct errand){.run = tell_on_loop, .code = code, .layout = layout, .fields = fields, .body = body});
}

void mock_broker_ask(struct mock_broker *mock, const struct outgoing *request, call_done *done, void *ctx) {
    run_and_wait(mock, &(struct errand){.run = ask_on_loop, .request = request, .answered = done, .ctx = ctx});
}
