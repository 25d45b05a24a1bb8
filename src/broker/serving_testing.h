/* serving_testing.h - a whole broker in the test's process, and clients that talk to it over plain sockets. */
#ifndef RMQ_BROKER_SERVING_TESTING_H
#define RMQ_BROKER_SERVING_TESTING_H

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>
#include "broker/broker_testing.h"
#include "base/endian.h"
#include "base/log.h"
#include "os/thread.h"
#include "wire/request.h"
#include "wire/response.h"

struct serving {
    struct testing t;
    pthread_t thread;
};

static inline void serving_booted(struct broker *broker) {
    (void)broker;
}

static inline void serving_thread(void *arg) {
    struct serving *s = arg;
    must(broker_run(&s->t.broker, serving_booted) == ERR_OK);
}

/* Settings may be changed between the two. */
static inline void serving_init(struct serving *s) {
    testing_init(&s->t);
    struct broker *broker = &s->t.broker;
    broker->sections[0] =
        (struct config_section){"BrokerConfig", &broker->config, broker_config_keys, broker_config_key_count};
    broker->sections[1] =
        (struct config_section){"MessageStoreConfig", &broker->store_config, store_config_keys, store_config_key_count};
    broker->section_count = 2;
    broker->config.listen_port = 0;
    broker->config.bind_address = BYTES("127.0.0.1");
    broker->config.broker_ip1 = BYTES("127.0.0.1");
    broker->config.broker_ip2 = BYTES("127.0.0.1");
    broker->config.server_selector_threads = 2;
    broker->store_config.mapped_file_size_commit_log = 1024 * 1024;
    broker->store_config.prealloc_ahead_bytes = 64 * 1024;
    broker->store_config.max_hash_slot_num = 100;
    broker->store_config.max_index_num = 1000;
    log_set_level(LOG_ERROR);
}

static inline void serving_start(struct serving *s) {
    assert_ok(broker_open(&s->t.broker));
    assert_ok(thread_start(&s->thread, "main", serving_thread, s));
}

static inline void serving_done(struct serving *s) {
    broker_stop(&s->t.broker);
    thread_join(s->thread);
    broker_close(&s->t.broker);
    testing_done(&s->t);
}

/* One connection, and what came on it last. */
struct peer {
    int fd;
    int32_t opaque;
    struct arena arena;      /* of the commands */
    struct command answer;   /* to the last peer_ask */
    struct command asked[8]; /* requests of the broker that came meanwhile */
    size_t asked_count;
};

static inline struct peer *peer_connect(struct serving *s) {
    struct peer *peer = calloc(1, sizeof *peer);
    must(peer);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(s->t.broker.port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    peer->fd = socket(AF_INET, SOCK_STREAM, 0);
    struct timeval limit = {.tv_sec = 10};
    setsockopt(peer->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    assert_int_equal(connect(peer->fd, (struct sockaddr *)&to, sizeof to), 0);
    peer->opaque = 100;
    return peer;
}

static inline void peer_close(struct peer *peer) {
    close(peer->fd);
    arena_close(&peer->arena);
    free(peer);
}

/* Starts what serving_init has made, with a first peer; and ends both. */
static inline struct peer *serving_start_peer(struct serving *s) {
    serving_start(s);
    return peer_connect(s);
}

static inline void serving_stop(struct serving *s, struct peer *peer) {
    peer_close(peer);
    serving_done(s);
}

static inline void peer_read_all(struct peer *peer, char *out, size_t len) {
    for (size_t at = 0; at < len;) {
        ssize_t n = recv(peer->fd, out + at, len - at, 0);
        if (n <= 0) fail_msg("the broker sent nothing or closed");
        at += (size_t)n;
    }
}

static inline struct command peer_read(struct peer *peer) {
    char length[4];
    struct command command;
    peer_read_all(peer, length, sizeof length);
    size_t rest = load_u32be(length);
    char *frame = arena_alloc(&peer->arena, 4 + rest);
    memcpy(frame, length, 4);
    peer_read_all(peer, frame + 4, rest);
    assert_ok(command_decode(&peer->arena, bytes_make(frame, 4 + rest), &command));
    return command;
}

static inline void peer_send(struct peer *peer, const struct command *command, const struct header_layout *layout,
                             const void *fields) {
    struct buf out = {0};
    command_encode(&out, command, layout, fields, command->body.len);
    buf_append_bytes(&out, command->body);
    assert_int_equal(send(peer->fd, out.data, out.len, MSG_NOSIGNAL), (ssize_t)out.len);
    buf_close(&out);
}

/* Sends a request and waits for its answer, which is returned and stays in peer->answer. */
static inline const struct command *peer_ask(struct peer *peer, int32_t code, const struct header_layout *layout,
                                             const void *fields, const char *body) {
    struct command request = {.code = code,
                              .opaque = peer->opaque++,
                              .version = VERSION_OURS,
                              .language = LANGUAGE_JAVA,
                              .body = bytes_of(body)};
    peer_send(peer, &request, layout, fields);
    for (;;) {
        struct command command = peer_read(peer);
        if (command.flag & COMMAND_FLAG_RESPONSE) {
            assert_int_equal(command.opaque, request.opaque);
            peer->answer = command;
            return &peer->answer;
        }
        must(peer->asked_count < ARRAY_LEN(peer->asked));
        peer->asked[peer->asked_count++] = command;
    }
}

/* The next request that the broker sends, waiting for it. */
static inline struct command peer_asked(struct peer *peer) {
    if (peer->asked_count == 0) return peer_read(peer);
    struct command first = peer->asked[0];
    memmove(&peer->asked[0], &peer->asked[1], --peer->asked_count * sizeof first);
    return first;
}

static inline void peer_answer(struct peer *peer, const struct command *request, int32_t code, const char *body) {
    struct command answer = {.code = code,
                             .opaque = request->opaque,
                             .version = VERSION_OURS,
                             .flag = COMMAND_FLAG_RESPONSE,
                             .body = bytes_of(body)};
    peer_send(peer, &answer, NULL, NULL);
}

#define ASK(peer, NAME, header, body, ...)                                                                             \
    peer_ask(peer, REQUEST_##NAME, layout_##header(), &(struct hdr_##header){.present = HEADER_ALL, __VA_ARGS__}, body)
#define assert_answer(peer, expected)                                                                                  \
    do {                                                                                                               \
        const struct command *answer_ = &(peer)->answer;                                                               \
        if (answer_->code != RESPONSE_##expected)                                                                      \
            fail_msg("%s, not " #expected ": %.*s", response_name(answer_->code), BYTES_ARG(answer_->remark));         \
    } while (0)
#define assert_refused(peer, expected, text)                                                                           \
    do {                                                                                                               \
        assert_answer(peer, expected);                                                                                 \
        assert_bytes((peer)->answer.remark, text);                                                                     \
    } while (0)
/* A scalar of the answer's JSON body: "a" or "a.b". */
static inline struct bytes peer_json(struct peer *peer, const char *path) {
    const struct json *node;
    struct bytes rest = bytes_of(path), name;
    assert_ok(json_parse(&peer->arena, peer->answer.body, &node));
    while (bytes_split(&rest, '.', &name)) node = json_get(node, arena_strdup(&peer->arena, name));
    return json_text(node);
}

/* Is that somewhere in the answer's body? */
static inline bool peer_holds(struct peer *peer, const char *text) {
    return memmem(peer->answer.body.data, peer->answer.body.len, text, strlen(text)) != NULL;
}

/* Its answer is the caller's to look at. */
static inline void peer_make_topic(struct peer *peer, const char *name, int32_t queue_count, const char *attributes) {
    ASK(peer, UPDATE_AND_CREATE_TOPIC, update_and_create_topic, "", .topic = bytes_of(name),
        .default_topic = BYTES("TBW102"), .read_queue_nums = queue_count, .write_queue_nums = queue_count, .perm = 6,
        .topic_filter_type = BYTES("SINGLE_TAG"), .attributes = bytes_of(attributes));
}

/* For what happens behind an answer: within 5 s. */
#define EVENTUALLY(condition)                                                                                          \
    do {                                                                                                               \
        int tries_ = 500;                                                                                              \
        while (!(condition) && tries_-- > 0) usleep(10000);                                                            \
        assert_true(condition);                                                                                        \
    } while (0)

/* Stores a message and returns its offset in the queue. */
static inline int64_t peer_put(struct peer *peer, const char *topic, int32_t queue_id, const char *properties,
                               const char *body) {
    ASK(peer, SEND_MESSAGE, send_message, body, .producer_group = BYTES("PG"), .topic = bytes_of(topic),
        .default_topic = BYTES("TBW102"), .default_topic_queue_nums = 4, .queue_id = queue_id, .born_timestamp = 1,
        .properties = bytes_of(properties));
    assert_answer(peer, SUCCESS);
    int64_t offset = -1;
    assert_true(bytes_to_i64(command_ext(&peer->answer, "queueOffset"), &offset));
    return offset;
}

#endif
