/* What name servers hear: everything at start, what changed later, all again after they forgot us, and the end. */
#include <unistd.h>
#include <stdio.h>
#include "base/hash.h"
#include "base/test.h"
#include "broker/registration.h"
#include "support/broker_box.h"
#include "wire/body_register.h"

enum { QUIET_MS = 200 };

static struct broker_box box;
static char namesrv[64];
static int listening;

static int start(void **state) {
    (void)state;
    uint16_t port;
    listening = peer_listen(&port);
    snprintf(namesrv, sizeof namesrv, "namesrvAddr=127.0.0.1:%u", port);
    broker_box_init(&box);
    broker_box_set(&box, namesrv);
    return 0;
}

static int stop(void **state) {
    (void)state;
    close(listening);
    broker_box_close(&box);
    return 0;
}

static void *start_broker(void *arg) {
    (void)arg;
    broker_box_start(&box);
    return NULL;
}

/* A registration, checked, and its topics; the answer is the caller's. */
static struct register_body take_registration(struct peer *server, struct arena *arena, struct command *command) {
    struct hdr_register_broker header;
    struct register_body body;
    assert_true(peer_next(server, 10000, command));
    assert_int_equal(command->code, REQUEST_REGISTER_BROKER);
    assert_ok(header_decode(layout_register_broker(), command, &header));
    assert_bytes(header.broker_name, "broker-a");
    assert_bytes(header.cluster_name, "DefaultCluster");
    assert_bytes(header.broker_addr, box.broker.address);
    assert_int_equal(header.broker_id, 0);
    assert_int_equal(header.body_crc32, crc32_java(command->body));
    assert_ok(register_body_decode(arena, command->body, &body));
    return body;
}

static bool has_topic(const struct register_body *body, const char *name) {
    for (size_t i = 0; i < body->topic_count; i++)
        if (bytes_is(body->topics[i].name, name)) return true;
    return false;
}

/* The answer of `client` comes behind that of the name server, which hears of this topic alone. */
static struct register_body answered_when_registered(struct peer *server, struct peer *client, struct arena *arena,
                                                     const char *topic) {
    struct command command, answer;
    struct register_body body = take_registration(server, arena, &command);
    assert_int_equal(body.topic_count, 1);
    assert_true(has_topic(&body, topic));
    assert_false(peer_next(client, QUIET_MS, &answer));
    peer_answer(server, &command, RESPONSE_SUCCESS);
    assert_true(peer_next(client, 10000, &answer));
    assert_int_equal(answer.code, RESPONSE_SUCCESS);
    return body;
}

static void name_server_hears_all(void **state) {
    (void)state;
    struct peer server, producer;
    struct command command;
    struct arena arena = {0};
    pthread_t starting;
    assert_int_equal(pthread_create(&starting, NULL, start_broker, NULL), 0);
    peer_accept(&server, listening);
    struct register_body body = take_registration(&server, &arena, &command);
    assert_true(has_topic(&body, "TBW102") && has_topic(&body, "SELF_TEST_TOPIC") && body.topic_count > 5);
    assert_false(atomic_load(&box.booted)); /* the boot line comes after the first try */
    int64_t version = body.data_version.counter;
    peer_answer(&server, &command, RESPONSE_SUCCESS);
    pthread_join(starting, NULL);

    /* A new topic, alone, under a new version. */
    peer_open(&producer, box.broker.port);
    struct hdr_send_message_v2 send = send_header("NewTopic", NULL);
    peer_send(&producer, REQUEST_SEND_MESSAGE_V2, layout_send_message_v2(), &send, BYTES("m"), 0);
    body = answered_when_registered(&server, &producer, &arena, "NewTopic");
    assert_int_equal(body.topics[0].write_queue_nums, 4);
    assert_true(body.data_version.counter > version);
    version = body.data_version.counter;
    /* One made by an admin, and the retry topic of a new group. */
    struct hdr_update_and_create_topic made = {.present = HEADER_ALL,
                                               .topic = BYTES("Made"),
                                               .default_topic = BYTES("TBW102"),
                                               .read_queue_nums = 1,
                                               .write_queue_nums = 1,
                                               .perm = 6,
                                               .topic_filter_type = BYTES("SINGLE_TAG")};
    made.has.attributes = false;
    peer_send(&producer, REQUEST_UPDATE_AND_CREATE_TOPIC, layout_update_and_create_topic(), &made, BYTES(""), 0);
    (void)answered_when_registered(&server, &producer, &arena, "Made");
    peer_send(&producer, REQUEST_HEART_BEAT, NULL, NULL,
              BYTES("{\"clientID\":\"c\",\"consumerDataSet\":[{\"groupName\":\"G\",\"subscriptionDataSet\":[]}]}"), 0);
    (void)answered_when_registered(&server, &producer, &arena, "%RETRY%G");
    /* The same topic again must not come under the version that the name server has. */
    registration_topic_changed(&box.broker, BYTES("NewTopic"));
    body = take_registration(&server, &arena, &command);
    assert_true(body.data_version.counter > version);
    /* Refused: it has forgotten us. All comes again without waiting for the period. */
    peer_answer(&server, &command, RESPONSE_SYSTEM_ERROR);
    body = take_registration(&server, &arena, &command);
    assert_true(has_topic(&body, "TBW102") && has_topic(&body, "NewTopic"));
    peer_answer(&server, &command, RESPONSE_SUCCESS);

    /* The connection is lost: a new one soon, with all. */
    registration_all_changed(&box.broker);
    body = take_registration(&server, &arena, &command);
    peer_answer(&server, &command, RESPONSE_SUCCESS);
    peer_close(&server);
    peer_accept(&server, listening);
    body = take_registration(&server, &arena, &command);
    assert_true(has_topic(&body, "TBW102") && has_topic(&body, "NewTopic"));
    peer_answer(&server, &command, RESPONSE_SUCCESS);
    peer_close(&producer);

    broker_stop(&box.broker);
    struct hdr_broker_identity identity;
    assert_true(peer_next(&server, 10000, &command));
    assert_int_equal(command.code, REQUEST_UNREGISTER_BROKER);
    assert_ok(header_decode(layout_broker_identity(), &command, &identity));
    assert_bytes(identity.broker_name, "broker-a");
    peer_answer(&server, &command, RESPONSE_SUCCESS);
    broker_box_stop(&box);
    peer_close(&server);
    arena_close(&arena);
}

static void name_server_that_is_not_there_holds_nothing_up(void **state) {
    (void)state;
    struct peer producer;
    uint16_t port;
    int unused = peer_listen(&port);
    close(unused); /* nobody listens there now */
    snprintf(namesrv, sizeof namesrv, "namesrvAddr=127.0.0.1:%u", port);
    broker_box_start(&box);
    peer_open(&producer, box.broker.port);
    peer_send_message(&producer, "Alone", NULL, "m", 0);
    peer_close(&producer);
    broker_box_stop(&box);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(name_server_hears_all),
        cmocka_unit_test(name_server_that_is_not_there_holds_nothing_up),
    };
    return cmocka_run_group_tests_name("registration", tests, start, stop);
}
