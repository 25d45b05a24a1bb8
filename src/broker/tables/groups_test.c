/* groups_test.c - groups made by use and by admins; files of Java brokers */
#include "broker/broker_testing.h"
#include "broker/tables/groups.h"

static enum err update(struct groups *groups, const char *text) {
    struct arena arena = {0};
    const struct json *json;
    assert_ok(json_parse(&arena, bytes_of(text), &json));
    enum err err = groups_update(groups, json);
    arena_close(&arena);
    return err;
}

static void use_makes_groups(void **state) {
    (void)state;
    struct testing t;
    struct groups *groups;
    testing_init(&t);
    assert_ok(groups_open(&t.broker, &groups));
    assert_non_null(groups_find(groups, BYTES("TOOLS_CONSUMER")));
    assert_null(groups_find(groups, BYTES("G")));
    struct group *group = groups_find_or_create(groups, BYTES("G"));
    assert_non_null(group);
    assert_ptr_equal(group, groups_find_or_create(groups, BYTES("G")));
    assert_true(atomic_load(&group->consume_enable));
    assert_int_equal(atomic_load(&group->retry_max_times), 16);
    assert_int_equal(atomic_load(&group->retry_queue_nums), 1);
    assert_null(groups_find_or_create(groups, BYTES("not legal")));
    t.broker.config.auto_create_subscription_group = false;
    assert_null(groups_find_or_create(groups, BYTES("H")));
    assert_non_null(groups_find_or_create(groups, BYTES("CID_RMQ_SYS_x")));
    groups_close(groups);
    testing_done(&t);
}

static void changes_survive_a_restart(void **state) {
    (void)state;
    struct testing t;
    struct groups *groups;
    struct buf out = {0};
    testing_init(&t);
    assert_ok(groups_open(&t.broker, &groups));
    assert_ok(update(
        groups,
        "{\"groupName\":\"G\",\"consumeEnable\":false,\"retryMaxTimes\":3,\"attributes\":{\"+priority.factor\":\"7\"},"
        "\"groupRetryPolicy\":{\"type\":\"EXPONENTIAL\"}}"));
    assert_err(update(groups, "{}"), ERR_BAD_PARAMETER);
    assert_err(update(groups, "{\"groupName\":\"a b\"}"), ERR_BAD_PARAMETER);
    groups_close(groups);
    assert_ok(groups_open(&t.broker, &groups));
    struct group *group = groups_find(groups, BYTES("G"));
    assert_false(atomic_load(&group->consume_enable));
    group_write(&(struct json_writer){.out = &out}, group);
    assert_bytes(buf_bytes(&out),
                 "{\"attributes\":{\"priority.factor\":\"7\"},\"brokerId\":0,\"consumeBroadcastEnable\":true,"
                 "\"consumeEnable\":false,"
                 "\"consumeFromMinEnable\":true,\"consumeMessageOrderly\":false,\"consumeTimeoutMinute\":15,"
                 "\"groupName\":\"G\",\"groupRetryPolicy\":{\"type\":\"EXPONENTIAL\"},\"groupSysFlag\":0,"
                 "\"notifyConsumerIdsChangedEnable\":true,\"retryMaxTimes\":3,\"retryQueueNums\":1,"
                 "\"whichBrokerWhenConsumeSlowly\":1}");
    buf_close(&out);
    assert_ok(groups_delete(groups, BYTES("G")));
    assert_err(groups_delete(groups, BYTES("G")), ERR_NO_GROUP);
    groups_close(groups);
    assert_ok(groups_open(&t.broker, &groups));
    assert_null(groups_find(groups, BYTES("G")));
    groups_close(groups);
    testing_done(&t);
}

static void forbidden_topics_are_kept(void **state) {
    (void)state;
    static const char file[] = "{\"dataVersion\":{\"counter\":5},\"forbiddenTable\":{\"G\":{\"T\":1,\"U\":0}},"
                               "\"subscriptionGroupTable\":{\"G\":{\"groupName\":\"G\"}}}";
    struct testing t;
    struct groups *groups;
    struct buf out = {0};
    testing_init(&t);
    testing_write(&t, "subscriptionGroup.json", file);
    assert_ok(groups_open(&t.broker, &groups));
    const struct group *group = groups_find(groups, BYTES("G"));
    assert_true(group_forbidden(group, BYTES("T")));
    assert_false(group_forbidden(group, BYTES("U")));
    assert_false(group_forbidden(group, BYTES("V")));
    groups_write(groups, &(struct json_writer){.out = &out});
    assert_json_kept(bytes_of(file), buf_bytes(&out), "forbiddenTable");
    assert_json_kept(bytes_of(file), buf_bytes(&out), "dataVersion");
    buf_close(&out);
    assert_ok(groups_forbid(groups, BYTES("G"), BYTES("T"), false));
    assert_ok(groups_forbid(groups, BYTES("G"), BYTES("V"), true));
    assert_ok(groups_forbid(groups, BYTES("new"), BYTES("W"), true));
    assert_err(groups_forbid(groups, BYTES("a b"), BYTES("W"), true), ERR_NO_GROUP);
    groups_close(groups);
    assert_ok(groups_open(&t.broker, &groups));
    assert_false(group_forbidden(groups_find(groups, BYTES("G")), BYTES("T")));
    assert_true(group_forbidden(groups_find(groups, BYTES("G")), BYTES("V")));
    assert_true(group_forbidden(groups_find(groups, BYTES("new")), BYTES("W")));
    groups_close(groups);
    testing_done(&t);
}

static void recorded(const char *store) {
    struct testing t;
    struct groups *groups;
    struct buf out = {0};
    testing_init(&t);
    testing_unpack(&t, store);
    struct buf before = testing_read(&t, "subscriptionGroup.json");
    assert_ok(groups_open(&t.broker, &groups));
    groups_write(groups, &(struct json_writer){.out = &out});
    assert_json_kept(buf_bytes(&before), buf_bytes(&out), "subscriptionGroupTable");
    assert_json_kept(buf_bytes(&before), buf_bytes(&out), "dataVersion");
    groups_close(groups);
    buf_close(&before);
    buf_close(&out);
    testing_done(&t);
}

static void keeps_what_java_wrote(void **state) {
    (void)state;
    recorded("v533-clean");
    recorded("v533-options");
    recorded("v420-clean");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(use_makes_groups),
        cmocka_unit_test(changes_survive_a_restart),
        cmocka_unit_test(forbidden_topics_are_kept),
        cmocka_unit_test(keeps_what_java_wrote),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
