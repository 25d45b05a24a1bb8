/* Request and reply over messages: replies are pushed to the client that asked, and stored. */
#include <stdio.h>
#include "base/test.h"
#include "message/msgid.h"
#include "message/properties.h"
#include "support/broker_box.h"

#define REPLY_TOPIC "DefaultCluster_REPLY_TOPIC"

enum { SOON_MS = 5000 };

static struct broker_box box;
static struct peer requester, replier;

static int start(void **state) {
    (void)state;
    broker_box_init(&box);
    broker_box_start(&box);
    peer_open(&requester, box.broker.port);
    peer_open(&replier, box.broker.port);
    return 0;
}

static int stop(void **state) {
    (void)state;
    peer_close(&requester);
    peer_close(&replier);
    broker_box_close(&box);
    return 0;
}

static void come_online(void) {
    struct command answer;
    peer_call(&requester, REQUEST_HEART_BEAT, NULL, NULL,
              BYTES("{\"clientID\":\"asks\",\"producerDataSet\":[{\"groupName\":\"pg\"}],\"consumerDataSet\":[]}"),
              &answer);
    assert_int_equal(answer.code, RESPONSE_SUCCESS);
}

static void send_reply(const char *topic, const char *properties) {
    struct hdr_send_message_v2 header = send_header(topic, properties);
    header.flag = 7;
    peer_send(&replier, REQUEST_SEND_REPLY_MESSAGE_V2, layout_send_message_v2(), &header, BYTES("reply"), 0);
}

static struct hdr_send_result next_answer(int32_t code, const char *remark) {
    struct command answer;
    struct hdr_send_result result;
    assert_true(peer_next(&replier, SOON_MS, &answer));
    assert_int_equal(answer.code, code);
    if (remark) assert_bytes(answer.remark, remark);
    assert_bytes(command_ext(&answer, "MSG_REGION"), "DefaultRegion");
    memset(&result, 0, sizeof result);
    if (code == RESPONSE_SUCCESS) assert_ok(header_decode(layout_send_result(), &answer, &result));
    return result;
}

static int64_t stored(void) {
    struct queue *queue = store_queue(box.broker.store, BYTES(REPLY_TOPIC), 0, false);
    return queue ? queue_next(queue) : 0;
}

static void take_push(struct command *push, struct hdr_push_reply_message_to_client *header) {
    assert_true(peer_next(&requester, SOON_MS, push));
    assert_int_equal(push->code, REQUEST_PUSH_REPLY_MESSAGE_TO_CLIENT);
    assert_ok(header_decode(layout_push_reply_message_to_client(), push, header));
}

static void a_reply_reaches_the_client_that_asked(void **state) {
    (void)state;
    struct command push;
    struct hdr_push_reply_message_to_client header;
    struct host host;
    int64_t offset_phys;
    come_online();
    send_reply(REPLY_TOPIC, "REPLY_TO_CLIENT\001asks\002CORRELATION_ID\00142\002");
    take_push(&push, &header);
    assert_bytes(push.body, "reply");
    assert_bytes(header.topic, REPLY_TOPIC);
    assert_bytes(header.producer_group, "PG");
    assert_int_equal(header.flag, 7);
    assert_bytes(header.store_host, box.broker.address);
    assert_true(bytes_starts_with(header.born_host, BYTES("127.0.0.1:")));
    assert_bytes(properties_get(header.properties, PROPERTY_CORRELATION_ID), "42");
    assert_non_null(properties_get(header.properties, PROPERTY_PUSH_REPLY_TIME).data);
    peer_answer(&requester, &push, RESPONSE_SUCCESS);
    struct hdr_send_result result = next_answer(RESPONSE_SUCCESS, NULL);
    assert_ok(msgid_offset_parse(result.msg_id, &host, &offset_phys));
    assert_int_equal(result.queue_offset, 0);
    assert_int_equal(stored(), 1);
}

static void a_reply_that_the_client_refuses_fails(void **state) {
    (void)state;
    struct command push;
    struct hdr_push_reply_message_to_client header;
    come_online();
    send_reply(REPLY_TOPIC, "REPLY_TO_CLIENT\001asks\002");
    take_push(&push, &header);
    peer_answer(&requester, &push, RESPONSE_SYSTEM_ERROR);
    next_answer(RESPONSE_SYSTEM_ERROR, "push reply message to asksfail.");
}

static void a_client_that_goes_meanwhile_fails_the_reply(void **state) {
    (void)state;
    struct command push;
    struct hdr_push_reply_message_to_client header;
    come_online();
    send_reply(REPLY_TOPIC, "REPLY_TO_CLIENT\001asks\002");
    take_push(&push, &header);
    peer_close(&requester);
    next_answer(RESPONSE_SYSTEM_ERROR, "push reply message to asksfail.");
    peer_open(&requester, box.broker.port);
}

static void nobody_to_push_to_is_an_error_but_the_reply_is_stored(void **state) {
    (void)state;
    send_reply(REPLY_TOPIC, "REPLY_TO_CLIENT\001nobody\002");
    next_answer(RESPONSE_SYSTEM_ERROR, "push reply message fail, channel of <nobody> not found.");
    send_reply(REPLY_TOPIC, "CORRELATION_ID\00142\002");
    next_answer(RESPONSE_SYSTEM_ERROR, "reply message properties[REPLY_TO_CLIENT] is null");
    assert_int_equal(stored(), 2);
}

static void replies_need_not_be_stored(void **state) {
    (void)state;
    struct command push;
    struct hdr_push_reply_message_to_client header;
    box.broker.config.store_reply_message_enable = false;
    come_online();
    send_reply(REPLY_TOPIC, "REPLY_TO_CLIENT\001asks\002");
    take_push(&push, &header);
    peer_answer(&requester, &push, RESPONSE_SUCCESS);
    struct hdr_send_result result = next_answer(RESPONSE_SUCCESS, NULL);
    assert_bytes(result.msg_id, "0");
    assert_int_equal(result.queue_offset, 0);
    assert_int_equal(stored(), 0);
}

static void a_reply_is_checked_as_a_send(void **state) {
    (void)state;
    send_reply("SCHEDULE_TOPIC_XXXX", "REPLY_TO_CLIENT\001asks\002");
    next_answer(RESPONSE_NO_PERMISSION, "Sending message to topic[SCHEDULE_TOPIC_XXXX] is forbidden.");
    send_reply("bad topic", "REPLY_TO_CLIENT\001asks\002");
    next_answer(RESPONSE_INVALID_PARAMETER, NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_reply_reaches_the_client_that_asked, start, stop),
        cmocka_unit_test_setup_teardown(a_reply_that_the_client_refuses_fails, start, stop),
        cmocka_unit_test_setup_teardown(a_client_that_goes_meanwhile_fails_the_reply, start, stop),
        cmocka_unit_test_setup_teardown(nobody_to_push_to_is_an_error_but_the_reply_is_stored, start, stop),
        cmocka_unit_test_setup_teardown(replies_need_not_be_stored, start, stop),
        cmocka_unit_test_setup_teardown(a_reply_is_checked_as_a_send, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
