/* server_test.c - the whole name server over a socket: requests recorded from Java brokers and clients get the bodies
 * that the Java name server gave; what is malformed gets an answer and leaves the server alive. */
#include "namesrv/server.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/endian.h"
#include "base/log.h"
#include "base/test.h"
#include "message/compress.h"
#include "os/clock.h"
#include "os/file.h"
#include "wire/command.h"
#include "wire/header.h"
#include "wire/request.h"
#include "wire/response.h"

static char dir[64];
static struct namesrv *namesrv;
static pthread_t thread;
static struct arena arena;

static void quiet(enum log_level level, enum log_topic topic, const char *line, size_t len) {
    (void)level;
    (void)topic;
    (void)line;
    (void)len;
}

static void *serve(void *arg) {
    namesrv_run(arg);
    return NULL;
}

static int set_up(void **state) {
    (void)state;
    struct namesrv_config config;
    struct config_section section = namesrv_config_section(&config);
    char path[96];
    log_set_sink(quiet);
    strcpy(dir, "/tmp/rmq-namesrv.XXXXXX");
    if (mkdtemp(dir) == NULL) return -1;
    namesrv_config_init(&config);
    snprintf(path, sizeof path, "%s/conf/namesrv.conf", dir);
    namesrv_config_finish(&config, path);
    config.listen_port = 0;
    config.bind_address = BYTES("127.0.0.1");
    snprintf(path, sizeof path, "%s/kv/kvConfig.json", dir);
    if (config_set(&section, 1, BYTES("kvConfigPath"), bytes_of(path), NULL) != ERR_OK) return -1;
    if (namesrv_open(&config, &namesrv) != ERR_OK) return -1;
    return pthread_create(&thread, NULL, serve, namesrv);
}

static int tear_down(void **state) {
    (void)state;
    namesrv_stop(namesrv);
    pthread_join(thread, NULL);
    namesrv_close(namesrv);
    arena_close(&arena);
    return file_remove_tree(dir) == ERR_OK ? 0 : -1;
}

/* --- a plain client ------------------------------------------------------------------------------------- */
static int dial(void) {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(namesrv_port(namesrv)), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const struct timeval limit = {.tv_sec = 10};
    assert_true(fd >= 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static void send_all(int fd, struct bytes data) {
    while (data.len > 0) {
        const ssize_t sent = send(fd, data.data, data.len, MSG_NOSIGNAL);
        assert_true(sent > 0);
        data = bytes_skip(data, (size_t)sent);
    }
}

static void receive_all(int fd, char *out, size_t len) {
    while (len > 0) {
        const ssize_t got = recv(fd, out, len, 0);
        if (got <= 0) fail_msg("no answer");
        out += got;
        len -= (size_t)got;
    }
}

static struct command receive(int fd) {
    char length[4];
    struct command command;
    receive_all(fd, length, sizeof length);
    const size_t len = load_u32be(length);
    char *frame = arena_alloc(&arena, 4 + len);
    memcpy(frame, length, 4);
    receive_all(fd, frame + 4, len);
    assert_ok(command_decode(&arena, bytes_make(frame, 4 + len), &command));
    return command;
}

static struct command ask(int fd, int32_t code, const struct ext_field *ext, size_t ext_count, struct bytes body) {
    struct buf frame = {0};
    const struct command command = {.code = code,
                                    .opaque = 42,
                                    .version = VERSION_OURS,
                                    .language = LANGUAGE_OTHER,
                                    .ext = ext,
                                    .ext_count = ext_count};
    command_encode(&frame, &command, NULL, NULL, body.len);
    buf_append_bytes(&frame, body);
    send_all(fd, buf_bytes(&frame));
    buf_close(&frame);
    const struct command answer = receive(fd);
    assert_int_equal(answer.opaque, 42);
    return answer;
}
#define ASK(fd, code, body, ...)                                                                                       \
    ask(fd, code, (const struct ext_field[]){__VA_ARGS__},                                                             \
        sizeof((const struct ext_field[]){__VA_ARGS__}) / sizeof(struct ext_field), body)
#define EXT(key, value)                                                                                                \
    { BYTES(key), BYTES(value) }

/* --- recorded frames ------------------------------------------------------------------------------------ */
static struct bytes golden_frame(const char *name) {
    const char *root = getenv("RMQ_GOLDEN");
    struct buf frame = {0};
    assert_non_null(root);
    assert_ok(file_read_all(arena_printf(&arena, "%s/wire/%s.bin", root, name).data, 1 << 20, &frame));
    const struct bytes copy = arena_copy(&arena, buf_bytes(&frame));
    buf_close(&frame);
    return copy;
}

static struct command golden(const char *name) {
    struct command command;
    assert_ok(command_decode(&arena, golden_frame(name), &command));
    return command;
}

static struct command replay(int fd, const char *name) {
    send_all(fd, golden_frame(name));
    const struct command answer = receive(fd);
    assert_int_equal(answer.opaque, golden(name).opaque);
    assert_int_equal(answer.flag & COMMAND_FLAG_RESPONSE, COMMAND_FLAG_RESPONSE);
    return answer;
}

/* The answer to a recorded request is the recorded answer: code, body, and remark, which may say more. */
static void replay_same(int fd, const char *request, const char *response) {
    const struct command answer = replay(fd, request), expected = golden(response);
    assert_int_equal(answer.code, expected.code);
    assert_bytes(bytes_make(answer.remark.data, MIN(answer.remark.len, expected.remark.len)),
                 arena_strdup(&arena, expected.remark));
    assert_bytes(answer.body, arena_strdup(&arena, expected.body));
}

static void answers_as_the_java_server_did(void **state) {
    (void)state;
    const int broker = dial(), client = dial();
    replay_same(client, "106-GET_BROKER_CLUSTER_INFO-5.3.3-req-1", "106-GET_BROKER_CLUSTER_INFO-5.3.3-resp-1");
    replay_same(broker, "103-REGISTER_BROKER-5.3.3-req-1", "103-REGISTER_BROKER-5.3.3-resp-1");
    replay_same(client, "105-GET_ROUTEINFO_BY_TOPIC-4.2.0-req-1", "105-GET_ROUTEINFO_BY_TOPIC-4.2.0-resp-1");
    replay_same(client, "105-GET_ROUTEINFO_BY_TOPIC-4.2.0-req-2", "105-GET_ROUTEINFO_BY_TOPIC-4.2.0-resp-2");
    replay_same(client, "105-GET_ROUTEINFO_BY_TOPIC-4.9.8-req-1", "105-GET_ROUTEINFO_BY_TOPIC-4.9.8-resp-1");
    replay_same(client, "105-GET_ROUTEINFO_BY_TOPIC-5.3.3-req-1", "105-GET_ROUTEINFO_BY_TOPIC-5.3.3-resp-1");
    replay_same(client, "105-GET_ROUTEINFO_BY_TOPIC-5.3.3-req-2", "105-GET_ROUTEINFO_BY_TOPIC-5.3.3-resp-2");
    assert_int_equal(replay(client, "105-GET_ROUTEINFO_BY_TOPIC-4.2.0-req-2").code, RESPONSE_TOPIC_NOT_EXIST);
    replay_same(broker, "103-REGISTER_BROKER-5.3.3-req-2", "103-REGISTER_BROKER-5.3.3-resp-2"); /* one new topic: T42 */
    assert_int_equal(replay(client, "105-GET_ROUTEINFO_BY_TOPIC-4.2.0-req-2").code, RESPONSE_SUCCESS);
    close(broker);
    close(client);
}

static void takes_registrations_of_all_ages(void **state) {
    (void)state;
    static const struct {
        const char *request;
        const char *topic;  /* comes with it */
        const char *leaves; /* NULL: the connection closes */
    } rows[] = {
        {"103-REGISTER_BROKER-4.2.0-req-1", "SELF_TEST_TOPIC", "104-UNREGISTER_BROKER-4.2.0-req-1"},
        {"103-REGISTER_BROKER-5.3.3-req-1", "rmq_sys_SYNC_BROKER_MEMBER_broker-a", "104-UNREGISTER_BROKER-5.3.3-req-1"},
        {"103-REGISTER_BROKER-5.3.3-req-3", "rmq_sys_SYNC_BROKER_MEMBER_broker-a", NULL}, /* compressed */
        {"103-REGISTER_BROKER-5.3.3rmq-req-1", "%RETRY%CG42r", NULL},                     /* binary header */
    };
    const int client = dial();
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const int broker = dial();
        const struct ext_field topic = {BYTES("topic"), bytes_of(rows[i].topic)};
        const struct command answer = replay(broker, rows[i].request);
        assert_int_equal(answer.code, RESPONSE_SUCCESS);
        assert_int_equal(answer.serialize, golden(rows[i].request).serialize);
        assert_int_equal(ask(client, REQUEST_GET_ROUTEINFO_BY_TOPIC, &topic, 1, BYTES("")).code, RESPONSE_SUCCESS);
        if (rows[i].leaves != NULL) assert_int_equal(replay(broker, rows[i].leaves).code, RESPONSE_SUCCESS);
        close(broker);
        const int64_t until_ms = clock_monotonic_ms() + 5000;
        while (ask(client, REQUEST_GET_ROUTEINFO_BY_TOPIC, &topic, 1, BYTES("")).code != RESPONSE_TOPIC_NOT_EXIST)
            assert_true(rows[i].leaves == NULL && clock_monotonic_ms() < until_ms);
    }
    close(client);
}

static void keeps_texts_and_tells_brokers(void **state) {
    (void)state;
    const int fd = dial();
    assert_int_equal(ASK(fd, REQUEST_PUT_KV_CONFIG, BYTES(""), EXT("namespace", "ORDER_TOPIC_CONFIG"),
                         EXT("key", "AdmO"), EXT("value", "broker-a:2"))
                         .code,
                     RESPONSE_SUCCESS);
    struct buf file = {0};
    assert_ok(file_read_all(arena_printf(&arena, "%s/kv/kvConfig.json", dir).data, 1 << 20, &file));
    assert_bytes(buf_bytes(&file),
                 "{\n\t\"configTable\":{\n\t\t\"ORDER_TOPIC_CONFIG\":{\n\t\t\t\"AdmO\":\"broker-a:2\"\n\t\t}\n\t}\n}");
    buf_close(&file);
    replay_same(fd, "103-REGISTER_BROKER-4.2.0-req-1", "103-REGISTER_BROKER-4.2.0-resp-1"); /* carries the table */
    struct command answer = ASK(fd, REQUEST_GET_KVLIST_BY_NAMESPACE, BYTES(""), EXT("namespace", "ORDER_TOPIC_CONFIG"));
    assert_bytes(answer.body, "{\"table\":{\"AdmO\":\"broker-a:2\"}}");
    answer = ASK(fd, REQUEST_GET_KV_CONFIG, BYTES(""), EXT("namespace", "ORDER_TOPIC_CONFIG"), EXT("key", "AdmO"));
    assert_bytes(command_ext(&answer, "value"), "broker-a:2");
    answer = ASK(fd, REQUEST_GET_KV_CONFIG, BYTES(""), EXT("namespace", "N"), EXT("key", "k"));
    assert_int_equal(answer.code, RESPONSE_QUERY_NOT_FOUND);
    assert_bytes(answer.remark, "No config item, Namespace: N Key: k");
    answer = ASK(fd, REQUEST_GET_KVLIST_BY_NAMESPACE, BYTES(""), EXT("namespace", "N"));
    assert_int_equal(answer.code, RESPONSE_QUERY_NOT_FOUND);
    assert_int_equal(ASK(fd, REQUEST_DELETE_KV_CONFIG, BYTES(""), EXT("namespace", "N"), EXT("key", "k")).code,
                     RESPONSE_SUCCESS);
    answer = ASK(fd, REQUEST_GET_KV_CONFIG, BYTES(""), EXT("namespace", "N"));
    assert_int_equal(answer.code, RESPONSE_QUERY_NOT_FOUND);
    answer = ASK(fd, REQUEST_PUT_KV_CONFIG, BYTES(""), EXT("namespace", "N"), EXT("value", "v"));
    assert_int_equal(answer.code, RESPONSE_SYSTEM_ERROR);
    assert_bytes(answer.remark, "namespace or key is null");
    answer = ASK(fd, REQUEST_GET_ROUTEINFO_BY_TOPIC, BYTES(""), EXT("ns", "N"));
    assert_int_equal(answer.code, RESPONSE_TOPIC_NOT_EXIST);
    close(fd);
}

static void says_what_it_cannot_save(void **state) {
    (void)state;
    const int fd = dial();
    assert_ok(file_replace(arena_printf(&arena, "%s/kv", dir).data, BYTES("in the way"), false));
    const struct command answer =
        ASK(fd, REQUEST_PUT_KV_CONFIG, BYTES(""), EXT("namespace", "N"), EXT("key", "k"), EXT("value", "v"));
    assert_int_equal(answer.code, RESPONSE_SYSTEM_ERROR);
    assert_non_null(strstr(arena_strdup(&arena, answer.remark), "/kv"));
    close(fd);
}

static void tells_data_versions(void **state) {
    (void)state;
    const int fd = dial();
    struct command answer = replay(fd, "322-QUERY_DATA_VERSION-5.3.3-req-1");
    assert_bytes(command_ext(&answer, "changed"), "true");
    assert_int_equal(answer.body.len, 0);
    assert_int_equal(replay(fd, "103-REGISTER_BROKER-5.3.3-req-1").code, RESPONSE_SUCCESS);
    answer = replay(fd, "322-QUERY_DATA_VERSION-5.3.3-req-1");
    assert_bytes(command_ext(&answer, "changed"), "true");
    assert_bytes(answer.body, "{\"counter\":0,\"stateVersion\":0,\"timestamp\":1795478023247}");
    answer =
        ASK(fd, REQUEST_QUERY_DATA_VERSION, BYTES("{\"counter\":0,\"stateVersion\":0,\"timestamp\":1795478023247}"),
            EXT("brokerId", "0"), EXT("clusterName", "DefaultCluster"), EXT("brokerAddr", "127.0.0.1:20911"),
            EXT("brokerName", "broker-a"));
    assert_bytes(command_ext(&answer, "changed"), "false");
    close(fd);
}

static void answers_administrators(void **state) {
    (void)state;
    const int fd = dial();
    assert_int_equal(replay(fd, "103-REGISTER_BROKER-4.2.0-req-1").code, RESPONSE_SUCCESS);
    struct command answer = ASK(fd, REQUEST_WIPE_WRITE_PERM_OF_BROKER, BYTES(""), EXT("brokerName", "broker-a"));
    assert_bytes(command_ext(&answer, "wipeTopicCount"), "6");
    answer = ASK(fd, REQUEST_ADD_WRITE_PERM_OF_BROKER, BYTES(""), EXT("brokerName", "broker-a"));
    assert_bytes(command_ext(&answer, "addTopicCount"), "6");
    answer = ASK(fd, REQUEST_GET_BROKER_MEMBER_GROUP, BYTES(""), EXT("clusterName", "DefaultCluster"),
                 EXT("brokerName", "broker-a"));
    assert_bytes(answer.body, "{\"brokerMemberGroup\":{\"brokerAddrs\":{0:\"127.0.0.1:20911\"},"
                              "\"brokerName\":\"broker-a\",\"cluster\":\"DefaultCluster\"}}");
    answer = ASK(fd, REQUEST_GET_SYSTEM_TOPIC_LIST_FROM_NS, BYTES(""), EXT("x", "y"));
    assert_bytes(answer.body, "{\"brokerAddr\":\"127.0.0.1:20911\",\"topicList\":[\"DefaultCluster\",\"broker-a\"]}");
    answer =
        ASK(fd, REQUEST_UPDATE_NAMESRV_CONFIG, BYTES("enableAllTopicList=false\nenableTopicList=false"), EXT("x", "y"));
    assert_int_equal(answer.code, RESPONSE_SUCCESS);
    answer = ASK(fd, REQUEST_GET_ALL_TOPIC_LIST_FROM_NAMESERVER, BYTES(""), EXT("x", "y"));
    assert_int_equal(answer.code, RESPONSE_SYSTEM_ERROR);
    assert_bytes(answer.remark, "disable");
    answer = ASK(fd, REQUEST_GET_TOPICS_BY_CLUSTER, BYTES(""), EXT("cluster", "DefaultCluster"));
    assert_bytes(answer.remark, "disable");
    answer = ASK(fd, REQUEST_GET_NAMESRV_CONFIG, BYTES(""), EXT("x", "y"));
    assert_non_null(strstr(arena_strdup(&arena, answer.body), "enableTopicList=false\n"));
    answer = ASK(fd, REQUEST_UPDATE_NAMESRV_CONFIG, BYTES("kvConfigPath=/x"), EXT("x", "y"));
    assert_int_equal(answer.code, RESPONSE_NO_PERMISSION);
    struct buf file = {0};
    assert_ok(file_read_all(arena_printf(&arena, "%s/conf/namesrv.conf", dir).data, 1 << 20, &file));
    buf_append_char(&file, '\0');
    assert_non_null(strstr(file.data, "enableAllTopicList=false\n"));
    buf_close(&file);
    close(fd);
}

#define IDENTITY                                                                                                       \
    EXT("brokerName", "x"), EXT("brokerAddr", "127.0.0.1:1"), EXT("clusterName", "c"), EXT("haServerAddr", ""),        \
        EXT("brokerId", "0")

static void survives_malformed_requests(void **state) {
    (void)state;
    const int fd = dial();
    struct buf bomb = {0}, zeros = {0};
    memset(buf_reserve(&zeros, 80 << 20), 0, 80 << 20); /* more than is taken */
    zeros.len = 80 << 20;
    assert_ok(zlib_deflate(buf_bytes(&zeros), 9, &bomb));
    const struct bytes bodies[] = {BYTES("{"), BYTES("[]"), BYTES("x"), BYTES("x\xda garbage"), buf_bytes(&bomb)};
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        const struct command answer = ASK(fd, REQUEST_REGISTER_BROKER, bodies[i], IDENTITY);
        assert_int_equal(answer.code == RESPONSE_SUCCESS, false);
        assert_true(answer.remark.len > 0);
    }
    struct command answer = ASK(fd, REQUEST_REGISTER_BROKER, BYTES("{}"), IDENTITY, EXT("bodyCrc32", "1"));
    assert_int_equal(answer.code, RESPONSE_SYSTEM_ERROR);
    assert_bytes(answer.remark, "crc32 not match");
    assert_int_equal(ASK(fd, REQUEST_REGISTER_BROKER, BYTES(""), EXT("brokerName", "x")).code, RESPONSE_SYSTEM_ERROR);
    assert_int_equal(ASK(fd, REQUEST_SEND_MESSAGE, BYTES(""), EXT("a", "b")).code, RESPONSE_REQUEST_CODE_NOT_SUPPORTED);
    assert_int_equal(ASK(fd, 987654, BYTES(""), EXT("a", "b")).code, RESPONSE_REQUEST_CODE_NOT_SUPPORTED);
    answer = ASK(fd, REQUEST_GET_BROKER_CLUSTER_INFO, BYTES(""), EXT("a", "b"));
    assert_bytes(answer.body, "{\"brokerAddrTable\":{},\"clusterAddrTable\":{}}"); /* nothing was taken */
    buf_close(&bomb);
    buf_close(&zeros);
    close(fd);
}

#define SERVED(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        SERVED(answers_as_the_java_server_did),
        SERVED(takes_registrations_of_all_ages),
        SERVED(keeps_texts_and_tells_brokers),
        SERVED(says_what_it_cannot_save),
        SERVED(tells_data_versions),
        SERVED(answers_administrators),
        SERVED(survives_malformed_requests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
