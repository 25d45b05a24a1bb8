/* lite_test.c - lite topics, asked of a whole broker: subscriptions, pops, acknowledgements, their end */
#include <errno.h>
#include "broker/serving_testing.h"
#include "broker/lite/lite.h"
#include "message/lmq.h"
#include "message/properties.h"
#include "os/clock.h"
#include "os/file.h"

static struct peer *start_with(struct serving *s, void (*change)(struct broker_config *config)) {
    serving_init(s);
    s->t.broker.store_config.enable_lmq = s->t.broker.store_config.enable_multi_dispatch = true;
    if (change) change(&s->t.broker.config);
    struct peer *peer = serving_start_peer(s);
    peer_make_topic(peer, "P", 4, "+message.type=LITE,+lite.topic.expiration=1");
    assert_answer(peer, SUCCESS);
    peer_ask(peer, REQUEST_UPDATE_AND_CREATE_SUBSCRIPTIONGROUP, NULL, NULL,
             "{\"groupName\":\"G\",\"attributes\":{\"+lite.bind.topic\":\"P\"}}");
    assert_answer(peer, SUCCESS);
    return peer;
}

static struct peer *start(struct serving *s) {
    return start_with(s, NULL);
}

static void send_lite(struct peer *peer, const char *lite, const char *body) {
    char properties[128];
    snprintf(properties, sizeof properties, "__LITE_TOPIC\1%s\2", lite);
    (void)peer_put(peer, "P", 0, properties, body);
}

static void subscribe(struct peer *peer, const char *action, const char *client, const char *group, const char *lites) {
    char body[512];
    snprintf(body, sizeof body,
             "{\"subscriptionSet\":[{\"action\":\"%s\",\"clientId\":\"%s\",\"group\":\"%s\",\"topic\":\"P\","
             "\"liteTopicSet\":[%s],\"version\":1}]}",
             action, client, group, lites);
    peer_ask(peer, REQUEST_LITE_SUBSCRIPTION_CTL, NULL, NULL, body);
}

/* Pops up to 32 messages; holds for up to hold_ms. */
static void pop(struct peer *peer, const char *client, const char *group, int64_t invisible_ms, int64_t hold_ms) {
    ASK(peer, POP_LITE_MESSAGE, pop_lite_message, "", .client_id = bytes_of(client), .consumer_group = bytes_of(group),
        .topic = BYTES("P"), .max_msg_num = 32, .invisible_time = invisible_ms, .poll_time = hold_ms);
}

/* Bodies of the messages popped, in order, with blanks between. */
static const char *bodies(struct peer *peer) {
    struct buf out = {0};
    struct record record;
    for (struct bytes rest = peer->answer.body; rest.len > 0; rest = bytes_skip(rest, record.size_bytes)) {
        assert_ok(record_decode(rest, RECORD_CHECK_BODY_CRC, &record));
        if (out.len > 0) buf_append_char(&out, ' ');
        buf_append_bytes(&out, record.body);
    }
    const char *text = arena_strdup(&peer->arena, buf_bytes(&out));
    buf_close(&out);
    return text;
}

static int64_t pop_time(struct peer *peer) {
    int64_t out = 0;
    assert_true(bytes_to_i64(command_ext(&peer->answer, "popTime"), &out));
    return out;
}

static void ack(struct peer *peer, const char *group, const char *lite, int64_t offset, int64_t popped_ms) {
    char receipt[96];
    snprintf(receipt, sizeof receipt, "0 %lld 60000 999 0 broker-a 0 %lld", (long long)popped_ms, (long long)offset);
    ASK(peer, ACK_MESSAGE, ack_message, "", .consumer_group = bytes_of(group), .topic = BYTES("P"),
        .lite_topic = bytes_of(lite), .extra_info = bytes_of(receipt), .offset = offset);
}

static void shards_are_those_of_java(void **state) {
    (void)state;
    assert_int_equal(lite_shard(BYTES("b"), 8), 5);
    assert_int_equal(lite_shard(BYTES("abc"), 16), 8);
    assert_int_equal(lite_shard(BYTES("zzzz"), 8), 6);
    assert_int_equal(lite_shard(BYTES("anything"), 1), 0);
}

static void messages_come_in_order_and_one_batch_at_a_time(void **state) {
    (void)state;
    struct serving s;
    struct peer *peer = start(&s);
    send_lite(peer, "x", "x0");
    send_lite(peer, "x", "x1");
    send_lite(peer, "y", "y0");
    EVENTUALLY(lite_max_offset(s.t.broker.lite, BYTES("%LMQ%$P$y")) == 1);
    subscribe(peer, "COMPLETE_ADD", "c", "G", "\"x\",\"z\"");
    assert_answer(peer, SUCCESS);
    pop(peer, "c", "G", 60000, 0);
    assert_answer(peer, SUCCESS);
    assert_bytes(peer->answer.remark, "FOUND");
    assert_string_equal(bodies(peer), "x0 x1");
    assert_bytes(command_ext(&peer->answer, "orderCountInfo"), "0;0");
    assert_bytes(command_ext(&peer->answer, "reviveQid"), "999");
    assert_null(command_ext(&peer->answer, "startOffsetInfo").data);
    int64_t popped_ms = pop_time(peer);
    send_lite(peer, "x", "x2");
    EVENTUALLY(lite_max_offset(s.t.broker.lite, BYTES("%LMQ%$P$x")) == 3);
    pop(peer, "c", "G", 60000, 50); /* the first two are out */
    assert_answer(peer, POLLING_TIMEOUT);
    ack(peer, "G", "x", 0, popped_ms);
    assert_answer(peer, SUCCESS);
    pop(peer, "c", "G", 60000, 0);
    assert_answer(peer, POLLING_TIMEOUT);
    ack(peer, "G", "x", 1, popped_ms);
    assert_answer(peer, SUCCESS);
    pop(peer, "c", "G", 60000, 5000);
    assert_answer(peer, SUCCESS);
    assert_string_equal(bodies(peer), "x2");
    ASK(peer, QUERY_CONSUMER_OFFSET, query_consumer_offset, "", .consumer_group = BYTES("G"),
        .topic = BYTES("%LMQ%$P$x"));
    assert_bytes(command_ext(&peer->answer, "offset"), "2");
    serving_stop(&s, peer);
}

/* A pop that waits gets what comes, and what comes back. */
static void pops_are_held(void **state) {
    (void)state;
    struct serving s;
    struct peer *peer = start(&s), *other = peer_connect(&s);
    subscribe(peer, "PARTIAL_ADD", "c", "G", "\"x\"");
    assert_answer(peer, SUCCESS);
    struct hdr_pop_lite_message header = {.present = HEADER_ALL,
                                          .client_id = BYTES("c"),
                                          .consumer_group = BYTES("G"),
                                          .topic = BYTES("P"),
                                          .max_msg_num = 32,
                                          .invisible_time = 300,
                                          .poll_time = 20000};
    struct command request = {.code = REQUEST_POP_LITE_MESSAGE, .opaque = 7, .version = VERSION_OURS};
    peer_send(peer, &request, layout_pop_lite_message(), &header);
    send_lite(other, "x", "x0");
    peer->answer = peer_read(peer);
    assert_string_equal(bodies(peer), "x0");
    pop(peer, "c", "G", 60000, 20000); /* nobody acknowledged it: visible again after 300 ms */
    assert_answer(peer, SUCCESS);
    assert_string_equal(bodies(peer), "x0");
    assert_bytes(command_ext(&peer->answer, "orderCountInfo"), "1");
    int64_t popped_ms = pop_time(peer);
    char receipt[96];
    snprintf(receipt, sizeof receipt, "0 %lld 60000 999 0 broker-a 0 0", (long long)popped_ms);
    ASK(peer, CHANGE_MESSAGE_INVISIBLETIME, change_message_invisibletime, "", .consumer_group = BYTES("G"),
        .topic = BYTES("P"), .lite_topic = BYTES("x"), .extra_info = bytes_of(receipt), .invisible_time = 200,
        .suspend = true);
    assert_answer(peer, SUCCESS);
    assert_int_equal(pop_time(peer), popped_ms);
    pop(peer, "c", "G", 60000, 20000);
    assert_string_equal(bodies(peer), "x0");
    assert_bytes(command_ext(&peer->answer, "orderCountInfo"), "1"); /* suspended: not counted */
    peer_close(other);
    serving_stop(&s, peer);
}

static void refusals(void **state) {
    (void)state;
    struct serving s;
    struct peer *peer = start(&s);
    peer_ask(peer, REQUEST_LITE_SUBSCRIPTION_CTL, NULL, NULL, "");
    assert_refused(peer, ILLEGAL_OPERATION, "Request body is null.");
    peer_ask(peer, REQUEST_LITE_SUBSCRIPTION_CTL, NULL, NULL, "{\"subscriptionSet\":[]}");
    assert_refused(peer, ILLEGAL_OPERATION, "LiteSubscriptionCtlRequestBody is empty.");
    subscribe(peer, "PARTIAL_ADD", "", "G", "\"x\"");
    assert_answer(peer, SUCCESS);
    peer_ask(peer, REQUEST_UPDATE_AND_CREATE_SUBSCRIPTIONGROUP, NULL, NULL,
             "{\"groupName\":\"W\",\"attributes\":{\"+lite.bind.topic\":\"P\",\"+lite.sub.wildcard\":\"true\"}}");
    subscribe(peer, "PARTIAL_ADD", "c", "W", "\"x\"");
    assert_refused(peer, ILLEGAL_OPERATION, "subscribe lite operation is not supported for this group");
    s.t.broker.config.max_lite_subscription_count = 1;
    subscribe(peer, "PARTIAL_ADD", "c", "G", "\"x\"");
    assert_answer(peer, SUCCESS);
    subscribe(peer, "PARTIAL_ADD", "c", "G", "\"y\"");
    assert_answer(peer, LITE_SUBSCRIPTION_QUOTA_EXCEEDED);
    (void)peer_put(peer, "Plain", 0, "", "");
    ASK(peer, POP_LITE_MESSAGE, pop_lite_message, "", .client_id = BYTES("c"), .consumer_group = BYTES("G"),
        .topic = BYTES("Plain"), .max_msg_num = 1);
    assert_refused(peer, INVALID_PARAMETER, "the topic [Plain] message type not match");
    pop(peer, "c", "Other", 1000, 0);
    assert_refused(peer, INVALID_PARAMETER, "subscription bind topic not match, Other");
    ack(peer, "Other", "x", 0, 1);
    assert_refused(peer, INVALID_PARAMETER, "group type or bind topic not match.");
    ack(peer, "G", "x", 5, 1);
    assert_refused(peer, NO_MESSAGE, "ack offset illegal.");
    ASK(peer, ACK_MESSAGE, ack_message, "", .consumer_group = BYTES("G"), .topic = BYTES("Nowhere"),
        .extra_info = BYTES("x"), .lite_topic = BYTES("x"));
    assert_answer(peer, TOPIC_NOT_EXIST);
    ASK(peer, ACK_MESSAGE, ack_message, "", .consumer_group = BYTES("G"), .topic = BYTES("P"), .lite_topic = BYTES("x"),
        .extra_info = BYTES("x"), .queue_id = 4);
    assert_answer(peer, MESSAGE_ILLEGAL);
    ASK(peer, CHANGE_MESSAGE_INVISIBLETIME, change_message_invisibletime, "", .consumer_group = BYTES("G"),
        .topic = BYTES("Nowhere"), .extra_info = BYTES("x"), .lite_topic = BYTES("x"));
    assert_answer(peer, TOPIC_NOT_EXIST);
    serving_stop(&s, peer);
}

static void change_exclusive(struct peer *peer) {
    peer_ask(peer, REQUEST_UPDATE_AND_CREATE_SUBSCRIPTIONGROUP, NULL, NULL,
             "{\"groupName\":\"E\",\"attributes\":{\"+lite.bind.topic\":\"P\",\"+lite.sub.model\":\"Exclusive\","
             "\"+lite.sub.reset.offset.exclusive\":\"true\"}}");
    assert_answer(peer, SUCCESS);
}

/* The newest client of an exclusive group takes the lite topic over, from its start; the other is told. */
static void exclusive_groups_have_one_reader(void **state) {
    (void)state;
    struct serving s;
    struct peer *peer = start(&s), *second = peer_connect(&s);
    change_exclusive(peer);
    send_lite(peer, "x", "x0");
    subscribe(peer, "PARTIAL_ADD", "first", "E", "\"x\"");
    pop(peer, "first", "E", 60000, 5000);
    assert_string_equal(bodies(peer), "x0");
    ack(peer, "E", "x", 0, pop_time(peer));
    assert_answer(peer, SUCCESS);
    subscribe(second, "PARTIAL_ADD", "second", "E", "\"x\"");
    assert_answer(second, SUCCESS);
    struct command told = peer_asked(peer);
    assert_int_equal(told.code, REQUEST_NOTIFY_UNSUBSCRIBE_LITE);
    assert_bytes(command_ext(&told, "liteTopic"), "x");
    assert_bytes(command_ext(&told, "clientId"), "first");
    pop(second, "second", "E", 60000, 5000);
    assert_string_equal(bodies(second), "x0");
    peer_close(second);
    serving_stop(&s, peer);
}

/* Clients of a wildcard group share all lite topics of the parent, those of before and new ones. */
static void wildcard_groups_get_all(void **state) {
    (void)state;
    struct serving s;
    struct peer *peer = start(&s);
    peer_ask(peer, REQUEST_UPDATE_AND_CREATE_SUBSCRIPTIONGROUP, NULL, NULL,
             "{\"groupName\":\"W\",\"attributes\":{\"+lite.bind.topic\":\"P\",\"+lite.sub.wildcard\":\"true\"}}");
    send_lite(peer, "old", "old0");
    EVENTUALLY(lite_max_offset(s.t.broker.lite, BYTES("%LMQ%$P$old")) == 1);
    subscribe(peer, "COMPLETE_ADD", "c", "W", "");
    pop(peer, "c", "W", 60000, 5000);
    assert_string_equal(bodies(peer), "old0");
    send_lite(peer, "new", "new0");
    pop(peer, "c", "W", 60000, 5000);
    assert_string_equal(bodies(peer), "new0");
    ASK(peer, GET_LITE_TOPIC_INFO, get_lite_topic_info, "", .parent_topic = BYTES("P"), .lite_topic = BYTES("new"));
    static const char all[] = "\"subscriber\":[{\"clientId\":\"*\",\"group\":\"W\"}]";
    assert_non_null(memmem(peer->answer.body.data, peer->answer.body.len, all, strlen(all)));
    assert_int_equal(lite_facts(s.t.broker.lite).subscriptions, 1);
    serving_stop(&s, peer);
}

static void few_events(struct broker_config *config) {
    config->max_client_event_count = 2;
    config->lite_event_full_dispatch_delay_ms = 100;
    config->lite_event_check_interval_ms = 100;
}

/* More lite topics with news than a client has events: it gets all in the end. */
static void too_many_events_come_later(void **state) {
    (void)state;
    struct serving s;
    struct peer *peer = start_with(&s, few_events);
    enum { LITES = 9 };
    char lite[16], list[128] = "";
    for (int i = 0; i < LITES; i++) snprintf(list + strlen(list), 16, "%s\"l%d\"", i > 0 ? "," : "", i);
    subscribe(peer, "COMPLETE_ADD", "c", "G", list);
    for (int i = 0; i < LITES; i++) {
        snprintf(lite, sizeof lite, "l%d", i);
        send_lite(peer, lite, lite);
    }
    unsigned seen = 0;
    for (int tries = 0; seen != (1u << LITES) - 1 && tries < 100; tries++) {
        pop(peer, "c", "G", 60000, 1000);
        const char *text = bodies(peer);
        for (int i = 0; i < LITES; i++) {
            snprintf(lite, sizeof lite, "l%d", i);
            if (strstr(text, lite)) seen |= 1u << i;
        }
    }
    assert_int_equal(seen, (1u << LITES) - 1);
    serving_stop(&s, peer);
}

static void short_life(struct broker_config *config) {
    config->lite_subscription_check_interval_ms = 100;
    config->lite_subscription_check_timeout_ms = 300;
}

static void they_end(void **state) {
    (void)state;
    struct serving s;
    struct peer *peer = start_with(&s, short_life);
    struct lite *lite = s.t.broker.lite;
    send_lite(peer, "x", "x0");
    subscribe(peer, "COMPLETE_ADD", "c", "G", "\"x\"");
    pop(peer, "c", "G", 60000, 5000);
    ack(peer, "G", "x", 0, pop_time(peer));
    EVENTUALLY(lite_facts(lite).subscriptions == 0); /* not heard of for 300 ms */
    lite_expire(lite);                               /* too young */
    assert_int_equal(lite_max_offset(lite, BYTES("%LMQ%$P$x")), 1);
    (void)peer_put(peer, "P", 0, "", "a message of the parent stays");
    ASK(peer, DELETE_TOPIC_IN_BROKER, topic, "", .topic = BYTES("P"));
    assert_answer(peer, SUCCESS);
    assert_int_equal(lite_max_offset(lite, BYTES("%LMQ%$P$x")), 0);
    assert_int_equal(store_lmq_count(s.t.broker.store), 0);
    const struct progress *progress = offsets_progress(s.t.broker.offsets, BYTES("%LMQ%$P$x"), BYTES("G"), false);
    assert_int_equal(progress_committed(progress, 0), OFFSET_NONE);
    serving_stop(&s, peer);
}

static int nothing_is_resident(enum file_call call, const char *path) {
    (void)path;
    return call == FILE_RESIDENT ? EAGAIN : 0;
}

/* However often a lite topic is brought in, it is gone again before the pop looks: it gets a copy. */
static void memory_too_short_for_messages_costs_copies(void **state) {
    (void)state;
    enum { FILLER_BYTES = 500 << 10, FILLERS = 20 /* more than is taken for warm */ };
    struct serving s;
    char *filler = calloc(1, FILLER_BYTES + 1);
    memset(filler, 'f', FILLER_BYTES);
    file_set_fault(nothing_is_resident);
    struct peer *peer = start(&s);
    send_lite(peer, "x", "x0");
    send_lite(peer, "y", "y0");
    send_lite(peer, "y", "y1");
    for (int i = 0; i < FILLERS; i++) (void)peer_put(peer, "P", 0, "", filler);
    EVENTUALLY(queue_max(store_queue(s.t.broker.store, BYTES("P"), 0, true)) == FILLERS + 3);
    subscribe(peer, "COMPLETE_ADD", "c", "G", "\"x\",\"y\"");
    for (int i = 0; i < 2; i++) {
        pop(peer, "c", "G", 60000, 5000);
        assert_answer(peer, SUCCESS);
        assert_true(strcmp(bodies(peer), "x0") == 0 || strcmp(bodies(peer), "y0 y1") == 0);
    }
    pop(peer, "c", "G", 60000, 0);
    assert_answer(peer, POLLING_TIMEOUT);
    serving_stop(&s, peer);
    file_set_fault(NULL);
    free(filler);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shards_are_those_of_java),
        cmocka_unit_test(messages_come_in_order_and_one_batch_at_a_time),
        cmocka_unit_test(pops_are_held),
        cmocka_unit_test(refusals),
        cmocka_unit_test(exclusive_groups_have_one_reader),
        cmocka_unit_test(wildcard_groups_get_all),
        cmocka_unit_test(too_many_events_come_later),
        cmocka_unit_test(they_end),
        cmocka_unit_test(memory_too_short_for_messages_costs_copies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
