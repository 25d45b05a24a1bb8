/* handle_relay_test.c - questions that consumers answer, asked of a whole broker */
#include "broker/serving_testing.h"

#include "message/record.h"
#include "os/clock.h"

/* A consumer that is online, broadcasting so that no notices come. */
static struct peer *consumer(struct serving *s, const char *client) {
    struct peer *peer = peer_connect(s);
    struct bytes body = arena_printf(
        &peer->arena,
        "{\"clientID\":\"%s\",\"consumerDataSet\":[{\"groupName\":\"G\",\"messageModel\":\"BROADCASTING\"}]}", client);
    peer_ask(peer, REQUEST_HEART_BEAT, NULL, NULL, body.data);
    return peer;
}

/* Sends without waiting: the answer needs the consumer's first. */
static void send_ask(struct peer *peer, int32_t code, const struct header_layout *layout, const void *fields) {
    struct command request = {.code = code, .opaque = peer->opaque++, .version = VERSION_OURS};
    peer_send(peer, &request, layout, fields);
}

static void questions_reach_the_consumer(void **state) {
    (void)state;
    struct serving s;
    serving_init(&s);
    serving_start(&s);
    struct peer *admin = peer_connect(&s), *one = consumer(&s, "c1"), *two = consumer(&s, "c2");
    const struct hdr_get_consumer_running_info asks = {
        .present = HEADER_ALL, .consumer_group = BYTES("G"), .client_id = BYTES("c2"), .jstack_enable = true};
    for (int round = 0; round < 2; round++) { /* c1 and c2 are on different loops, the admin on one of them */
        struct peer *asked = round ? two : one;
        struct hdr_get_consumer_running_info header = asks;
        header.client_id = round ? BYTES("c2") : BYTES("c1");
        send_ask(admin, REQUEST_GET_CONSUMER_RUNNING_INFO, layout_get_consumer_running_info(), &header);
        struct command question = peer_asked(asked);
        assert_int_equal(question.code, REQUEST_GET_CONSUMER_RUNNING_INFO);
        assert_bytes(command_ext(&question, "jstackEnable"), "true");
        peer_answer(asked, &question, RESPONSE_SUCCESS, "{\"properties\":{}}");
        struct command answer = peer_read(admin);
        assert_int_equal(answer.code, RESPONSE_SUCCESS);
        assert_int_equal(answer.opaque, 100 + round);
        assert_bytes(answer.body, "{\"properties\":{}}");
    }
    ASK(admin, GET_CONSUMER_RUNNING_INFO, get_consumer_running_info, "", .consumer_group = BYTES("G"),
        .client_id = BYTES("c3"));
    assert_refused(admin, SYSTEM_ERROR, "The Consumer <G> <c3> not online");

    send_ask(admin, REQUEST_GET_CONSUMER_RUNNING_INFO, layout_get_consumer_running_info(), &asks);
    peer_asked(two);
    peer_close(two); /* instead of answering */
    struct command answer = peer_read(admin);
    assert_int_equal(answer.code, RESPONSE_SYSTEM_ERROR);
    peer_close(one);
    peer_close(admin);
    serving_done(&s);
}

static void messages_are_consumed_directly(void **state) {
    (void)state;
    struct serving s;
    struct record record;
    serving_init(&s);
    serving_start(&s);
    struct peer *admin = peer_connect(&s), *one = consumer(&s, "c1");
    peer_put(admin, "T", 0, "TAGS\001a\002", "hello");
    const struct hdr_consume_message_directly asks = {.present = HEADER_ALL,
                                                      .consumer_group = BYTES("G"),
                                                      .client_id = BYTES("c1"),
                                                      .msg_id = command_ext(&admin->answer, "msgId"),
                                                      .topic = BYTES("T")};
    send_ask(admin, REQUEST_CONSUME_MESSAGE_DIRECTLY, layout_consume_message_directly(), &asks);
    struct command question = peer_asked(one);
    assert_int_equal(question.code, REQUEST_CONSUME_MESSAGE_DIRECTLY);
    assert_bytes(command_ext(&question, "brokerName"), "broker-a");
    assert_bytes(command_ext(&question, "topicSysFlag"), "0");
    assert_ok(record_decode(question.body, RECORD_CHECK_BODY_CRC, &record));
    assert_bytes(record.body, "hello");
    peer_answer(one, &question, RESPONSE_SUCCESS, "{\"consumeResult\":\"CR_SUCCESS\"}");
    struct command answer = peer_read(admin);
    assert_bytes(answer.body, "{\"consumeResult\":\"CR_SUCCESS\"}");
    ASK(admin, CONSUME_MESSAGE_DIRECTLY, consume_message_directly, "", .consumer_group = BYTES("G"),
        .client_id = BYTES("c1"), .msg_id = BYTES("7F00000100002A9F00000000000FFFFF"));
    assert_refused(admin, SYSTEM_ERROR, "can not find message by the offset, 1048575");
    ASK(admin, CONSUME_MESSAGE_DIRECTLY, consume_message_directly, "", .consumer_group = BYTES("G"),
        .client_id = BYTES("c1"), .msg_id = BYTES("no id"));
    assert_answer(admin, SYSTEM_ERROR);
    peer_close(one);
    peer_close(admin);
    serving_done(&s);
}

static void status_is_gathered(void **state) {
    (void)state;
    struct serving s;
    serving_init(&s);
    serving_start(&s);
    struct peer *admin = peer_connect(&s), *one = consumer(&s, "c1"), *two = consumer(&s, "c2");
    struct hdr_get_consumer_status asks = {.present = HEADER_ALL, .topic = BYTES("T"), .group = BYTES("G")};
    send_ask(admin, REQUEST_INVOKE_BROKER_TO_GET_CONSUMER_STATUS, layout_get_consumer_status(), &asks);
    struct command first = peer_asked(one), second = peer_asked(two);
    assert_int_equal(first.code, REQUEST_GET_CONSUMER_STATUS_FROM_CLIENT);
    assert_bytes(command_ext(&second, "topic"), "T");
    peer_answer(two, &second, RESPONSE_SYSTEM_ERROR, "");
    peer_answer(one, &first, RESPONSE_SUCCESS,
                "{\"messageQueueTable\":{{\"brokerName\":\"b\",\"queueId\":0,\"topic\":\"T\"}:5}}");
    assert_bytes(peer_read(admin).body,
                 "{\"consumerTable\":{\"c1\":{{\"brokerName\":\"b\",\"queueId\":0,\"topic\":\"T\"}:5}},"
                 "\"messageQueueTable\":{}}");
    asks.client_addr = BYTES("c2"); /* one of them */
    send_ask(admin, REQUEST_INVOKE_BROKER_TO_GET_CONSUMER_STATUS, layout_get_consumer_status(), &asks);
    second = peer_asked(two);
    peer_answer(two, &second, RESPONSE_SUCCESS, "{}");
    assert_bytes(peer_read(admin).body, "{\"consumerTable\":{},\"messageQueueTable\":{}}");
    ASK(admin, INVOKE_BROKER_TO_GET_CONSUMER_STATUS, get_consumer_status, "", .topic = BYTES("T"), .group = BYTES("H"));
    assert_refused(admin, SYSTEM_ERROR, "No Any Consumer online in the consumer group: [H]");
    peer_close(one);
    peer_close(two);
    peer_close(admin);
    serving_done(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(questions_reach_the_consumer),
        cmocka_unit_test(messages_are_consumed_directly),
        cmocka_unit_test(status_is_gathered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
