/* broker_box.c - the broker on a thread of its own, and blocking sockets. */
#include "support/broker_box.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/check.h"
#include "os/clock.h"
#include "os/file.h"

enum { CALL_TIMEOUT_MS = 20000 };

/* --- broker ------------------------------------------------------------------------------------------------ */
void broker_box_init(struct broker_box *box) {
    memset(box, 0, sizeof *box);
    snprintf(box->root, sizeof box->root, "/tmp/rmq_box_XXXXXX");
    must(mkdtemp(box->root));
    broker_box_set(box, "brokerName=broker-a");
    broker_box_set(box, "brokerIP1=127.0.0.1");
    broker_box_set(box, "listenPort=0");
    broker_box_set(box, "serverSelectorThreads=2");
    broker_box_set(box, "mappedFileSizeCommitLog=16777216");
}

void broker_box_set(struct broker_box *box, const char *setting) {
    must(box->setting_count < BROKER_BOX_SETTINGS_MAX);
    box->settings[box->setting_count++] = setting;
}

static void booted(struct broker *broker) {
    atomic_store(&CONTAINER_OF(broker, struct broker_box, broker)->booted, true);
}

static void *run(void *arg) {
    struct broker *broker = arg;
    must(broker_run(broker, booted) == ERR_OK);
    return NULL;
}

void broker_box_start(struct broker_box *box) {
    struct broker *broker = &box->broker;
    memset(broker, 0, sizeof *broker);
    broker_config_init(&broker->config);
    store_config_init(&broker->store_config);
    broker->store_config.store_path_root_dir = bytes_of(box->root);
    broker->sections[0] =
        (struct config_section){"BrokerConfig", &broker->config, broker_config_keys, broker_config_key_count};
    broker->sections[1] =
        (struct config_section){"MessageStoreConfig", &broker->store_config, store_config_keys, store_config_key_count};
    broker->section_count = 2;
    for (size_t i = 0; i < box->setting_count; i++) {
        struct bytes value = bytes_of(box->settings[i]), key;
        must(bytes_split(&value, '=', &key));
        must(config_set(broker->sections, broker->section_count, key, value, NULL) == ERR_OK);
    }
    must(broker_config_finish(&broker->config) == ERR_OK);
    enum err err = broker_open(broker);
    if (err != ERR_OK) fprintf(stderr, "broker_open: %s\n", err_detail(err));
    must(err == ERR_OK);
    atomic_store(&box->booted, false);
    must(pthread_create(&box->thread, NULL, run, broker) == 0);
    while (!atomic_load(&box->booted)) clock_sleep_ms(1);
}

void broker_box_stop(struct broker_box *box) {
    if (!atomic_exchange(&box->booted, false)) return;
    broker_stop(&box->broker);
    must(pthread_join(box->thread, NULL) == 0);
    broker_close(&box->broker);
}

void broker_box_close(struct broker_box *box) {
    broker_box_stop(box);
    must(file_remove_tree(box->root) == ERR_OK);
}

static void serve(struct broker_box *box, int port_fd) {
    must(prctl(PR_SET_PDEATHSIG, SIGKILL) == 0); /* a test that fails leaves nothing running */
    broker_box_start(box);
    must(write(port_fd, &box->broker.port, sizeof box->broker.port) == (ssize_t)sizeof box->broker.port);
    for (;;) pause();
}

pid_t broker_box_fork(struct broker_box *box, uint16_t *port) {
    int ends[2];
    must(pipe(ends) == 0);
    pid_t child = fork();
    must(child >= 0);
    if (child == 0) serve(box, ends[1]);
    must(read(ends[0], port, sizeof *port) == (ssize_t)sizeof *port);
    close(ends[0]);
    close(ends[1]);
    return child;
}

void broker_box_kill(pid_t child) {
    int status;
    must(kill(child, SIGKILL) == 0);
    must(waitpid(child, &status, 0) == child);
}

/* --- peers ------------------------------------------------------------------------------------------------- */
static void peer_init(struct peer *peer, int fd) {
    int on = 1;
    memset(peer, 0, sizeof *peer);
    must(fd >= 0);
    peer->fd = fd;
    must(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0);
}

void peer_open(struct peer *peer, uint16_t port) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    must(fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof to) == 0);
    peer_init(peer, fd);
}

int peer_listen(uint16_t *port) {
    struct sockaddr_in at = {.sin_family = AF_INET};
    socklen_t len = sizeof at;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    must(fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof at) == 0 && listen(fd, 8) == 0);
    must(getsockname(fd, (struct sockaddr *)&at, &len) == 0);
    *port = ntohs(at.sin_port);
    return fd;
}

void peer_accept(struct peer *peer, int listening_fd) {
    struct pollfd waiting = {.fd = listening_fd, .events = POLLIN};
    must(poll(&waiting, 1, CALL_TIMEOUT_MS) == 1);
    peer_init(peer, accept(listening_fd, NULL, NULL));
}

void peer_close(struct peer *peer) {
    close(peer->fd);
    buf_close(&peer->in);
    arena_close(&peer->arena);
}

void peer_send_bytes(struct peer *peer, struct bytes bytes) {
    while (bytes.len > 0) {
        ssize_t sent = send(peer->fd, bytes.data, bytes.len, MSG_NOSIGNAL);
        must(sent > 0);
        bytes = bytes_skip(bytes, (size_t)sent);
    }
}

static void send_command(struct peer *peer, const struct command *command, const struct header_layout *layout,
                         const void *fields, struct bytes body) {
    struct buf out = {0};
    command_encode(&out, command, layout, fields, body.len);
    buf_append_bytes(&out, body);
    peer_send_bytes(peer, buf_bytes(&out));
    buf_close(&out);
}

int32_t peer_send(struct peer *peer, int32_t code, const struct header_layout *layout, const void *fields,
                  struct bytes body, int32_t flag) {
    struct command command = {.code = code, .opaque = ++peer->opaque, .flag = flag, .version = VERSION_OURS};
    send_command(peer, &command, layout, fields, body);
    return peer->opaque;
}

void peer_answer(struct peer *peer, const struct command *request, int32_t code) {
    struct command command = {
        .code = code, .opaque = request->opaque, .flag = COMMAND_FLAG_RESPONSE, .version = VERSION_OURS};
    send_command(peer, &command, NULL, NULL, (struct bytes){NULL, 0});
}

/* 1: bytes came; 0: none in that time; -1: closed. */
static int receive(struct peer *peer, int64_t timeout_ms) {
    struct pollfd waiting = {.fd = peer->fd, .events = POLLIN};
    if (poll(&waiting, 1, (int)timeout_ms) != 1) return 0;
    char *room = buf_reserve(&peer->in, 65536);
    ssize_t got = recv(peer->fd, room, 65536, 0);
    if (got <= 0) return -1;
    peer->in.len += (size_t)got;
    return 1;
}

bool peer_next(struct peer *peer, int64_t timeout_ms, struct command *out) {
    int64_t until_ms = clock_monotonic_ms() + timeout_ms;
    buf_consume(&peer->in, peer->taken);
    peer->taken = 0;
    arena_reset(&peer->arena);
    for (;;) {
        size_t len, need;
        must(frame_cut(buf_bytes(&peer->in), FRAME_MAX_DEFAULT, &len, &need) == ERR_OK);
        if (len > 0) {
            must(command_decode(&peer->arena, bytes_make(peer->in.data, len), out) == ERR_OK);
            peer->taken = len;
            return true;
        }
        int64_t left_ms = until_ms - clock_monotonic_ms();
        if (receive(peer, left_ms > 0 ? left_ms : 0) != 1) return false;
    }
}

bool peer_closed(struct peer *peer, int64_t timeout_ms) {
    int64_t until_ms = clock_monotonic_ms() + timeout_ms;
    for (;;) {
        int64_t left_ms = until_ms - clock_monotonic_ms();
        int got = receive(peer, left_ms > 0 ? left_ms : 0);
        if (got <= 0) return got < 0;
    }
}

void peer_call(struct peer *peer, int32_t code, const struct header_layout *layout, const void *fields,
               struct bytes body, struct command *out) {
    int32_t opaque = peer_send(peer, code, layout, fields, body, 0);
    do must(peer_next(peer, CALL_TIMEOUT_MS, out));
    while (!(out->flag & COMMAND_FLAG_RESPONSE) || out->opaque != opaque);
}

/* --- requests ---------------------------------------------------------------------------------------------- */
struct hdr_send_message_v2 send_header(const char *topic, const char *properties) {
    struct hdr_send_message_v2 header = {
        .present = HEADER_ALL,
        .producer_group = BYTES("PG"),
        .topic = bytes_of(topic),
        .default_topic = BYTES("TBW102"),
        .default_topic_queue_nums = 4,
        .born_timestamp = clock_wall_ms(),
        .properties = bytes_of(properties),
    };
    header.has.max_reconsume_times = header.has.broker_name = false;
    return header;
}

struct hdr_send_result peer_send_message(struct peer *peer, const char *topic, const char *properties, const char *body,
                                         int32_t code) {
    struct hdr_send_message_v2 header = send_header(topic, properties);
    struct hdr_send_result result;
    struct command answer;
    peer_call(peer, REQUEST_SEND_MESSAGE_V2, layout_send_message_v2(), &header, bytes_of(body), &answer);
    if (answer.code != code) fprintf(stderr, "answer %d: %.*s\n", answer.code, BYTES_ARG(answer.remark));
    must(answer.code == code);
    memset(&result, 0, sizeof result);
    if (code == RESPONSE_SUCCESS) must(header_decode(layout_send_result(), &answer, &result) == ERR_OK);
    return result;
}

struct hdr_pull_message pull_header(const char *group, const char *topic, int32_t queue_id, int64_t offset) {
    struct hdr_pull_message header = {
        .present = HEADER_ALL,
        .consumer_group = bytes_of(group),
        .topic = bytes_of(topic),
        .queue_id = queue_id,
        .queue_offset = offset,
        .max_msg_nums = 32,
        .sys_flag = 4,
        .subscription = BYTES("*"),
        .expression_type = BYTES("TAG"),
    };
    header.has.request_source = false;
    return header;
}

size_t pull_records(struct bytes body, struct record *out, size_t max) {
    size_t count = 0;
    while (body.len > 0) {
        must(count < max && record_decode(body, RECORD_CHECK_BODY_CRC, &out[count]) == ERR_OK);
        body = bytes_skip(body, out[count++].size_bytes);
    }
    return count;
}
