/* handle_client_test.c - heartbeats, notices, connections and locks, asked of a whole broker */
#include "broker/serving_testing.h"
#include "broker/clients/consumers.h"

#include "os/clock.h"

/* A heartbeat of one consumer group that subscribes to one topic. */
static void beat(struct peer *peer, const char *client, const char *group, const char *topic, int64_t version,
                 const char *more) {
    struct bytes body = arena_printf(
        &peer->arena,
        "{\"clientID\":\"%s\",\"consumerDataSet\":[{\"consumeFromWhere\":\"CONSUME_FROM_FIRST_OFFSET\","
        "\"consumeType\":\"CONSUME_PASSIVELY\",\"groupName\":\"%s\",\"messageModel\":\"CLUSTERING\","
        "\"subscriptionDataSet\":[{\"classFilterMode\":false,\"codeSet\":[2598919],\"expressionType\":\"TAG\","
        "\"subString\":\"TagA\",\"subVersion\":%lld,\"tagsSet\":[\"TagA\"],\"topic\":\"%s\"}],\"unitMode\":false}],"
        "\"producerDataSet\":[{\"groupName\":\"P_%s\"}]%s}",
        client, group, (long long)version, topic, group, more);
    peer_ask(peer, REQUEST_HEART_BEAT, NULL, NULL, body.data);
    assert_answer(peer, SUCCESS);
}

static void assert_told(struct peer *peer, const char *group) {
    struct command told = peer_asked(peer);
    assert_int_equal(told.code, REQUEST_NOTIFY_CONSUMER_IDS_CHANGED);
    assert_true(told.flag & COMMAND_FLAG_ONEWAY);
    assert_bytes(command_ext(&told, "consumerGroup"), group);
}

static void members_hear_of_each_other(void **state) {
    (void)state;
    struct serving s;
    serving_init(&s);
    serving_start(&s);
    struct peer *one = peer_connect(&s), *two = peer_connect(&s), *three = peer_connect(&s);
    ASK(one, GET_CONSUMER_LIST_BY_GROUP, consumer_group, "", .consumer_group = BYTES("G"));
    assert_refused(one, SYSTEM_ERROR, "no consumer for this group, G");
    beat(one, "c1", "G", "T", 1, "");
    assert_bytes(command_ext(&one->answer, "IS_SUPPORT_HEART_BEAT_V2"), "true");
    assert_told(one, "G"); /* the newcomer too */
    beat(one, "c1", "G", "T", 1, "");
    beat(two, "c2", "G", "T", 1, ""); /* maybe on the other loop */
    assert_told(one, "G");
    assert_told(two, "G");
    ASK(two, GET_CONSUMER_LIST_BY_GROUP, consumer_group, "", .consumer_group = BYTES("G"));
    assert_bytes(two->answer.body, "{\"consumerIdList\":[\"c1\",\"c2\"]}");
    beat(three, "c3", "G", "T", 1, "");
    assert_told(one, "G");
    assert_told(two, "G");
    assert_told(three, "G");
    ASK(two, UNREGISTER_CLIENT, unregister_client, "", .client_id = BYTES("c2"), .consumer_group = BYTES("G"));
    assert_told(one, "G");
    peer_close(three); /* no farewell */
    assert_told(one, "G");
    ASK(one, GET_CONSUMER_LIST_BY_GROUP, consumer_group, "", .consumer_group = BYTES("G"));
    assert_bytes(one->answer.body, "{\"consumerIdList\":[\"c1\"]}");
    assert_int_equal(one->asked_count, 0); /* nothing was told twice */
    peer_close(one);
    peer_close(two);
    EVENTUALLY(!consumers_online(s.t.broker.consumers, BYTES("G")));
    serving_done(&s);
}

static void subscriptions_follow_heartbeats(void **state) {
    (void)state;
    struct serving s;
    struct consumer_view view;
    serving_init(&s);
    serving_start(&s);
    struct peer *one = peer_connect(&s);
    beat(one, "c1", "G", "T", 5, "");
    assert_told(one, "G");
    consumers_view(s.t.broker.consumers, BYTES("G"), BYTES("T"), &view);
    assert_true(view.online && !view.broadcasting);
    assert_int_equal(view.filter->subscription.version_ms, 5);
    assert_true(filter_match_tags(view.filter, 2598919));
    filter_release(view.filter);
    beat(one, "c1", "G", "T", 4, ""); /* older: passed over */
    beat(one, "c1", "G", "T", 6, ""); /* newer: no notice */
    consumers_view(s.t.broker.consumers, BYTES("G"), BYTES("T"), &view);
    assert_int_equal(view.filter->subscription.version_ms, 6);
    filter_release(view.filter);
    assert_int_equal(one->asked_count, 0);
    beat(one, "c1", "G", "U", 7, ""); /* another topic: T is gone */
    assert_told(one, "G");
    consumers_view(s.t.broker.consumers, BYTES("G"), BYTES("T"), &view);
    assert_true(view.online);
    assert_null(view.filter);
    ASK(one, QUERY_SUBSCRIPTION_BY_CONSUMER, query_subscription_by_consumer, "", .group = BYTES("G"),
        .topic = BYTES("U"));
    assert_bytes(peer_json(one, "subscriptionData.subString"), "TagA");
    assert_bytes(peer_json(one, "topic"), "U");
    consumers_view(s.t.broker.consumers, BYTES("H"), BYTES("T"), &view);
    assert_false(view.online);
    peer_close(one);
    serving_done(&s);
}

static void pull_as(struct peer *peer, const char *expression) {
    ASK(peer, PULL_MESSAGE, pull_message, "", .consumer_group = BYTES("Puller"), .topic = BYTES("T"), .max_msg_nums = 1,
        .sys_flag = 4, .subscription = bytes_of(expression), .expression_type = BYTES("TAG"));
    ASK(peer, QUERY_SUBSCRIPTION_BY_CONSUMER, query_subscription_by_consumer, "", .group = BYTES("Puller"),
        .topic = BYTES("T"));
    assert_answer(peer, SUCCESS);
}

static void pulls_say_what_a_group_without_heartbeats_wants(void **state) {
    (void)state;
    struct serving s;
    serving_init(&s);
    serving_start(&s);
    struct peer *one = peer_connect(&s);
    peer_put(one, "T", 0, "TAGS\001a\002", "m");
    ASK(one, QUERY_SUBSCRIPTION_BY_CONSUMER, query_subscription_by_consumer, "", .group = BYTES("Puller"),
        .topic = BYTES("T"));
    assert_null(peer_json(one, "subscriptionData").data);
    pull_as(one, "a || b");
    assert_bytes(peer_json(one, "subscriptionData.subString"), "a || b");
    pull_as(one, "*");
    assert_bytes(peer_json(one, "subscriptionData.subString"), "*");
    peer_close(one);
    serving_done(&s);
}

static void second_form_of_heartbeats(void **state) {
    (void)state;
    struct serving s;
    struct consumer_view view;
    serving_init(&s);
    serving_start(&s);
    struct peer *one = peer_connect(&s);
    beat(one, "c1", "G", "T", 5, ",\"heartbeatFingerprint\":77,\"withoutSub\":true");
    assert_bytes(command_ext(&one->answer, "IS_SUB_CHANGE"), "true"); /* we have no subscriptions: send them */
    assert_told(one, "G");
    beat(one, "c1", "G", "T", 5, ",\"heartbeatFingerprint\":77,\"withoutSub\":false");
    assert_bytes(command_ext(&one->answer, "IS_SUB_CHANGE"), "false");
    assert_told(one, "G");
    beat(one, "c1", "G", "U", 5, ",\"heartbeatFingerprint\":77,\"withoutSub\":true");
    assert_bytes(command_ext(&one->answer, "IS_SUB_CHANGE"), "false");
    consumers_view(s.t.broker.consumers, BYTES("G"), BYTES("T"), &view);
    assert_non_null(view.filter); /* stays */
    filter_release(view.filter);
    beat(one, "c1", "G", "T", 5, ",\"heartbeatFingerprint\":78,\"withoutSub\":true");
    assert_bytes(command_ext(&one->answer, "IS_SUB_CHANGE"), "true");
    assert_int_equal(one->asked_count, 0);
    peer_close(one);
    serving_done(&s);
}

static void assert_faults(struct serving *s, int64_t clashes, int64_t differing) {
    struct consumer_faults faults = consumers_faults(s->t.broker.consumers);
    assert_int_equal(faults.client_id_clashes, clashes);
    assert_int_equal(faults.differing_subscriptions, differing);
}

static void two_with_one_id_are_noticed(void **state) {
    (void)state;
    struct serving s;
    serving_init(&s);
    serving_start(&s);
    struct peer *one = peer_connect(&s), *two = peer_connect(&s), *three = peer_connect(&s);
    struct peer *in_turn[] = {one, two, two, two}; /* as if it had connected again */
    for (size_t i = 0; i < ARRAY_LEN(in_turn); i++, clock_shift_monotonic_ms(5)) beat(in_turn[i], "c", "G", "T", 1, "");
    assert_faults(&s, 0, 0);
    beat(three, "other", "G", "T", 1, "");
    clock_shift_monotonic_ms(5);
    for (int i = 0; i < 3; i++) {
        beat(one, "c", "G", "T", 1, "");
        assert_faults(&s, 1, 0);
        clock_shift_monotonic_ms(5);
        beat(two, "c", "G", "T", 1, "");
        beat(three, "other", "G", "T", 1, "");
        clock_shift_monotonic_ms(5);
    }
    assert_faults(&s, 1, 0);
    peer_ask(one, REQUEST_GET_BROKER_RUNTIME_INFO, NULL, NULL, "");
    assert_bytes(peer_json(one, "table.clientIdClashes"), "1");
    assert_bytes(peer_json(one, "table.differingSubscriptions"), "0");
    peer_close(one);
    peer_close(two);
    peer_close(three);
    serving_done(&s);
}

static void differing_subscriptions_are_noticed(void **state) {
    (void)state;
    struct serving s;
    serving_init(&s);
    serving_start(&s);
    struct peer *one = peer_connect(&s), *two = peer_connect(&s);
    beat(one, "c1", "G", "T", 1, "");
    beat(two, "c2", "G", "U", 1, "");
    assert_faults(&s, 0, 0); /* maybe c1 is about to change too */
    clock_shift_monotonic_ms(30000);
    beat(one, "c1", "G", "T", 1, "");
    assert_faults(&s, 0, 0);
    clock_shift_monotonic_ms(15000);
    for (int i = 0; i < 3; i++) {
        beat(two, "c2", "G", "U", 1, "");
        beat(one, "c1", "G", "T", 1, "");
        assert_faults(&s, 0, 1);
        one->asked_count = two->asked_count = 0;
    }
    beat(two, "c2", "G", "T", 2, ""); /* they agree again */
    beat(one, "c1", "G", "U", 3, "");
    clock_shift_monotonic_ms(60000);
    beat(two, "c2", "G", "T", 3, "");
    assert_faults(&s, 0, 2);
    peer_close(one);
    peer_close(two);
    serving_done(&s);
}

static void connections_are_listed(void **state) {
    (void)state;
    struct serving s;
    serving_init(&s);
    serving_start(&s);
    struct peer *one = peer_connect(&s), *admin = peer_connect(&s);
    beat(one, "c1", "G", "T", 5, "");
    ASK(admin, GET_CONSUMER_CONNECTION_LIST, consumer_group, "", .consumer_group = BYTES("G"));
    assert_answer(admin, SUCCESS);
    assert_bytes(peer_json(admin, "consumeType"), "CONSUME_PASSIVELY");
    assert_bytes(peer_json(admin, "consumeFromWhere"), "CONSUME_FROM_FIRST_OFFSET");
    assert_bytes(peer_json(admin, "messageModel"), "CLUSTERING");
    assert_bytes(peer_json(admin, "subscriptionTable.T.subString"), "TagA");
    ASK(admin, GET_CONSUMER_CONNECTION_LIST, consumer_group, "", .consumer_group = BYTES("H"));
    assert_refused(admin, CONSUMER_NOT_ONLINE, "the consumer group[H] not online");
    ASK(admin, GET_PRODUCER_CONNECTION_LIST, producer_group, "", .producer_group = BYTES("P_G"));
    assert_answer(admin, SUCCESS);
    ASK(admin, GET_PRODUCER_CONNECTION_LIST, producer_group, "", .producer_group = BYTES("P_H"));
    assert_refused(admin, SYSTEM_ERROR, "the producer group[P_H] not exist");
    peer_ask(admin, REQUEST_GET_ALL_PRODUCER_INFO, NULL, NULL, "");
    assert_answer(admin, SUCCESS);
    const struct json *all;
    assert_ok(json_parse(&admin->arena, admin->answer.body, &all));
    const struct json *first = json_first(json_get(json_get(all, "data"), "P_G"));
    assert_bytes(json_text(json_get(first, "clientId")), "c1");
    assert_true(llabs(json_i64(json_get(first, "lastUpdateTimestamp"), 0) - clock_wall_ms()) < 10000);
    ASK(one, UNREGISTER_CLIENT, unregister_client, "", .client_id = BYTES("c1"), .producer_group = BYTES("P_G"));
    ASK(admin, GET_PRODUCER_CONNECTION_LIST, producer_group, "", .producer_group = BYTES("P_G"));
    assert_answer(admin, SYSTEM_ERROR);
    peer_close(one);
    peer_close(admin);
    serving_done(&s);
}

static void silent_clients_are_dropped(void **state) {
    (void)state;
    struct serving s;
    char byte;
    serving_init(&s);
    serving_start(&s);
    struct peer *one = peer_connect(&s);
    beat(one, "c1", "G", "T", 5, "");
    assert_told(one, "G");
    consumers_expire(s.t.broker.consumers, clock_monotonic_ms() + 119000);
    assert_true(consumers_online(s.t.broker.consumers, BYTES("G")));
    consumers_expire(s.t.broker.consumers, clock_monotonic_ms() + 121000);
    assert_false(consumers_online(s.t.broker.consumers, BYTES("G")));
    assert_int_equal(recv(one->fd, &byte, 1, 0), 0); /* its connection too */
    peer_close(one);
    serving_done(&s);
}

static void notices_can_be_held_back(void **state) {
    (void)state;
    struct serving s;
    serving_init(&s);
    s.t.broker.config.real_time_notify_consumer_change = false;
    serving_start(&s);
    struct peer *one = peer_connect(&s), *two = peer_connect(&s);
    beat(one, "c1", "G", "T", 1, "");
    beat(two, "c2", "G", "T", 1, "");
    beat(one, "c1", "G", "T", 1, "");
    assert_int_equal(one->asked_count, 0);
    consumers_send_notices(s.t.broker.consumers); /* both changes in one */
    assert_told(one, "G");
    assert_told(two, "G");
    consumers_send_notices(s.t.broker.consumers);
    beat(one, "c1", "G", "T", 1, "");
    assert_int_equal(one->asked_count, 0);
    peer_close(one);
    peer_close(two);
    serving_done(&s);
}

static void groups_need_not_be_told(void **state) {
    (void)state;
    struct serving s;
    serving_init(&s);
    serving_start(&s);
    struct peer *one = peer_connect(&s);
    peer_ask(one, REQUEST_UPDATE_AND_CREATE_SUBSCRIPTIONGROUP, NULL, NULL,
             "{\"groupName\":\"G\",\"notifyConsumerIdsChangedEnable\":false}");
    beat(one, "c1", "G", "T", 1, "");
    beat(one, "c1", "G", "U", 2, "");
    assert_int_equal(one->asked_count, 0);
    assert_true(consumers_online(s.t.broker.consumers, BYTES("G")));
    s.t.broker.config.reject_pull_consumer_enable = true;
    peer_ask(one, REQUEST_HEART_BEAT, NULL, NULL,
             "{\"clientID\":\"c\",\"consumerDataSet\":[{\"groupName\":\"H\",\"consumeType\":\"CONSUME_ACTIVELY\"}]}");
    assert_false(consumers_online(s.t.broker.consumers, BYTES("H")));
    s.t.broker.config.auto_create_subscription_group = false;
    beat(one, "c1", "I", "T", 1, ""); /* no such group: passed over */
    assert_false(consumers_online(s.t.broker.consumers, BYTES("I")));
    peer_close(one);
    serving_done(&s);
}

static void filters_are_checked(void **state) {
    (void)state;
    struct serving s;
    serving_init(&s);
    s.t.broker.config.enable_property_filter = false;
    serving_start(&s);
    struct peer *one = peer_connect(&s);
    peer_ask(
        one, REQUEST_CHECK_CLIENT_CONFIG, NULL, NULL,
        "{\"clientId\":\"c\",\"group\":\"G\",\"subscriptionData\":{\"expressionType\":\"TAG\",\"subString\":\"a\"}}");
    assert_answer(one, SUCCESS);
    peer_ask(one, REQUEST_CHECK_CLIENT_CONFIG, NULL, NULL,
             "{\"subscriptionData\":{\"expressionType\":\"SQL92\",\"subString\":\"a = 1\"}}");
    assert_refused(one, SYSTEM_ERROR, "The broker does not support consumer to filter message by SQL92");
    s.t.broker.config.enable_property_filter = true;
    peer_ask(one, REQUEST_CHECK_CLIENT_CONFIG, NULL, NULL,
             "{\"subscriptionData\":{\"expressionType\":\"SQL92\",\"subString\":\"a = 1\"}}");
    assert_answer(one, SUCCESS);
    peer_ask(one, REQUEST_CHECK_CLIENT_CONFIG, NULL, NULL,
             "{\"subscriptionData\":{\"expressionType\":\"SQL92\",\"subString\":\"a = = 1\"}}");
    assert_answer(one, SUBSCRIPTION_PARSE_FAILED);
    peer_ask(one, REQUEST_CHECK_CLIENT_CONFIG, NULL, NULL, "no json");
    assert_answer(one, SYSTEM_ERROR);
    peer_ask(one, REQUEST_HEART_BEAT, NULL, NULL, "[]");
    assert_answer(one, SYSTEM_ERROR);
    peer_close(one);
    serving_done(&s);
}

static void locks_go_to_one_client(void **state) {
    (void)state;
    static const char c1[] =
        "{\"clientId\":\"c1\",\"consumerGroup\":\"G\",\"mqSet\":[{\"brokerName\":\"b\",\"queueId\":0,"
        "\"topic\":\"T\"},{\"brokerName\":\"b\",\"queueId\":1,\"topic\":\"T\"}]}";
    static const char c2[] =
        "{\"clientId\":\"c2\",\"consumerGroup\":\"G\",\"mqSet\":[{\"brokerName\":\"b\",\"queueId\":1,"
        "\"topic\":\"T\"},{\"brokerName\":\"b\",\"queueId\":2,\"topic\":\"T\"}]}";
    struct serving s;
    serving_init(&s);
    serving_start(&s);
    struct peer *one = peer_connect(&s), *two = peer_connect(&s);
    peer_ask(one, REQUEST_LOCK_BATCH_MQ, NULL, NULL, c1);
    assert_bytes(one->answer.body, "{\"lockOKMQSet\":[{\"brokerName\":\"b\",\"queueId\":0,\"topic\":\"T\"},"
                                   "{\"brokerName\":\"b\",\"queueId\":1,\"topic\":\"T\"}]}");
    peer_ask(two, REQUEST_LOCK_BATCH_MQ, NULL, NULL, c2);
    assert_bytes(two->answer.body, "{\"lockOKMQSet\":[{\"brokerName\":\"b\",\"queueId\":2,\"topic\":\"T\"}]}");
    peer_ask(one, REQUEST_UNLOCK_BATCH_MQ, NULL, NULL, c1);
    assert_answer(one, SUCCESS);
    peer_ask(two, REQUEST_LOCK_BATCH_MQ, NULL, NULL, c2);
    assert_bytes(two->answer.body, "{\"lockOKMQSet\":[{\"brokerName\":\"b\",\"queueId\":1,\"topic\":\"T\"},"
                                   "{\"brokerName\":\"b\",\"queueId\":2,\"topic\":\"T\"}]}");
    peer_close(one);
    peer_close(two);
    serving_done(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_hear_of_each_other),
        cmocka_unit_test(subscriptions_follow_heartbeats),
        cmocka_unit_test(pulls_say_what_a_group_without_heartbeats_wants),
        cmocka_unit_test(second_form_of_heartbeats),
        cmocka_unit_test(two_with_one_id_are_noticed),
        cmocka_unit_test(differing_subscriptions_are_noticed),
        cmocka_unit_test(connections_are_listed),
        cmocka_unit_test(silent_clients_are_dropped),
        cmocka_unit_test(notices_can_be_held_back),
        cmocka_unit_test(groups_need_not_be_told),
        cmocka_unit_test(filters_are_checked),
        cmocka_unit_test(locks_go_to_one_client),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
