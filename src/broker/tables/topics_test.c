/* topics_test.c - system topics, creation, changes, attributes; files of Java brokers */
#include "broker/broker_testing.h"
#include "broker/tables/groups.h"
#include "broker/tables/topics.h"

static struct topics *reopen(struct testing *t, struct topics *topics) {
    topics_close(topics);
    assert_ok(topics_open(&t->broker, &topics));
    return topics;
}

static void assert_topic(struct topics *topics, const char *name, int32_t queues, int32_t perm) {
    struct topic *topic = topics_find(topics, bytes_of(name));
    if (!topic) fail_msg("no topic %s", name);
    assert_int_equal(atomic_load(&topic->read_queues), queues);
    assert_int_equal(atomic_load(&topic->write_queues), queues);
    assert_int_equal(atomic_load(&topic->perm), perm);
}

static void system_topics_are_there(void **state) {
    (void)state;
    struct testing t;
    struct topics *topics;
    testing_init(&t);
    assert_ok(topics_open(&t.broker, &topics));
    assert_topic(topics, "TBW102", 8, 7);
    assert_topic(topics, "SELF_TEST_TOPIC", 1, 6);
    assert_topic(topics, "BenchmarkTest", 1024, 6);
    assert_topic(topics, "DefaultCluster", 16, 7);
    assert_topic(topics, "broker-a", 1, 7);
    assert_topic(topics, "OFFSET_MOVED_EVENT", 1, 6);
    assert_topic(topics, "SCHEDULE_TOPIC_XXXX", 18, 6);
    assert_topic(topics, "DefaultCluster_REPLY_TOPIC", 1, 6);
    assert_topic(topics, "rmq_sys_REVIVE_LOG_DefaultCluster", 8, 6);
    assert_topic(topics, "rmq_sys_SYNC_BROKER_MEMBER_broker-a", 1, 1);
    assert_topic(topics, "RMQ_SYS_TRANS_HALF_TOPIC", 1, 6);
    assert_null(topics_find(topics, BYTES("RMQ_SYS_TRACE_TOPIC"))); /* only when tracing */
    assert_true(topics_is_system(topics, BYTES("RMQ_SYS_TRACE_TOPIC")));
    assert_true(topics_is_system(topics, BYTES("rmq_sys_anything")));
    assert_false(topics_is_system(topics, BYTES("T")));
    assert_true(topics_find(topics, TOPIC_SCHEDULE)->sends_forbidden);
    assert_false(topics_find(topics, BYTES("BenchmarkTest"))->sends_forbidden);
    topics_close(topics);
    testing_done(&t);
}

#define TEN                 "0123456789"
#define RETRY_OF_LONG_GROUP "%RETRY%" TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN

static void names_are_checked(void **state) {
    (void)state;
    char longest[TOPIC_NAME_MAX + 2];
    memset(longest, 'a', sizeof longest);
    assert_ok(topic_name_check(BYTES("%RETRY%a-b_c|9")));
    assert_ok(topic_name_check(bytes_make(longest, TOPIC_NAME_MAX)));
    assert_err(topic_name_check(bytes_make(longest, TOPIC_NAME_MAX + 1)), ERR_BAD_PARAMETER);
    assert_err(topic_name_check(BYTES(" ")), ERR_BAD_PARAMETER);
    assert_string_equal(err_detail(ERR_BAD_PARAMETER), "The specified topic is blank.");
    assert_err(topic_name_check(BYTES("a.b")), ERR_BAD_PARAMETER);
    assert_err(topic_name_check(BYTES("a\0b")), ERR_BAD_PARAMETER);
    assert_string_equal(err_detail(ERR_BAD_PARAMETER),
                        "The specified topic: a, contains illegal characters, allowing only ^[%|a-zA-Z0-9_-]+$");
    assert_ok(topic_name_check(BYTES(RETRY_OF_LONG_GROUP)));
    assert_err(group_name_check(BYTES("")), ERR_BAD_PARAMETER);
    assert_ok(group_name_check(bytes_make(longest, NEW_GROUP_NAME_MAX)));
    assert_err(group_name_check(bytes_make(longest, NEW_GROUP_NAME_MAX + 1)), ERR_BAD_PARAMETER);
}

static void sends_make_topics_from_templates(void **state) {
    (void)state;
    struct testing t;
    struct topics *topics;
    struct topic *topic, *again;
    testing_init(&t);
    assert_ok(topics_open(&t.broker, &topics));
    assert_ok(topics_create_by_send(topics, BYTES("T"), TOPIC_TBW102, 4, false, &topic));
    assert_topic(topics, "T", 4, 6);
    assert_ok(topics_create_by_send(topics, BYTES("T"), TOPIC_TBW102, 2, false, &again));
    assert_ptr_equal(topic, again);
    assert_topic(topics, "T", 4, 6);
    assert_ok(topics_create_by_send(topics, BYTES("Many"), TOPIC_TBW102, 100, true, &topic));
    assert_topic(topics, "Many", 8, 6);
    assert_int_equal(atomic_load(&topic->sys_flag), TOPIC_SYS_FLAG_UNIT);
    assert_err(topics_create_by_send(topics, BYTES("U"), BYTES("T"), 4, false, &topic), ERR_NO_TOPIC);
    assert_ok(topics_create_by_send(topics, BYTES("%RETRY%G"), BYTES("T"), 4, false, &topic));
    assert_topic(topics, "%RETRY%G", 1, 6);
    t.broker.config.auto_create_topic_enable = false;
    assert_err(topics_create_by_send(topics, BYTES("V"), TOPIC_TBW102, 4, false, &topic), ERR_NO_TOPIC);
    assert_null(topics_find(topics, BYTES("V")));
    topics_close(topics);
    testing_done(&t);
}

/* Until the next call. */
static const struct attribute_changes *changes(const char *text) {
    static struct attribute_changes parsed;
    assert_ok(attribute_changes_parse(bytes_of(text), &parsed));
    return &parsed;
}

static void changes_survive_a_restart(void **state) {
    (void)state;
    struct testing t;
    struct topics *topics;
    struct topic *topic;
    struct data_version before, after;
    testing_init(&t);
    assert_ok(topics_open(&t.broker, &topics));
    struct topic_change change = {BYTES("T"), 4, 6, 6, 1, true, true, changes("+message.type=FIFO")};
    assert_ok(topics_update(topics, &change));
    topics_data_version(topics, &before);
    change.attributes = NULL;
    assert_ok(topics_update(topics, &change)); /* equal: no change */
    topics_data_version(topics, &after);
    assert_int_equal(before.counter, after.counter);
    topics = reopen(&t, topics);
    topics_data_version(topics, &after);
    assert_int_equal(before.counter, after.counter);
    assert_int_equal(before.timestamp_ms, after.timestamp_ms);
    topic = topics_find(topics, BYTES("T"));
    struct topic_config config = topic_config_of(topic);
    assert_int_equal(config.read_queue_nums, 4);
    assert_int_equal(config.write_queue_nums, 6);
    assert_int_equal(config.sys_flag, 1);
    assert_true(config.order && config.multi_tag);
    assert_bytes(config.attributes, "{\"message.type\":\"FIFO\"}");

    assert_ok(topics_delete(topics, BYTES("T")));
    assert_null(topics_find(topics, BYTES("T")));
    assert_err(topics_delete(topics, BYTES("T")), ERR_NO_TOPIC);
    topics = reopen(&t, topics);
    assert_null(topics_find(topics, BYTES("T")));
    topics_close(topics);
    testing_done(&t);
}

static void a_deleted_topic_comes_back_new(void **state) {
    (void)state;
    struct testing t;
    struct topics *topics;
    struct topic *topic, *again;
    testing_init(&t);
    assert_ok(topics_open(&t.broker, &topics));
    struct topic_change change = {BYTES("T"), 4, 4, 6, 0, false, false, changes("+message.type=FIFO")};
    assert_ok(topics_update(topics, &change));
    topic = topics_find(topics, BYTES("T"));
    assert_ok(topics_delete(topics, BYTES("T")));
    assert_ok(topics_create(topics, BYTES("T"), 1, 6, 0, false, &again));
    assert_ptr_equal(topic, again);
    assert_topic(topics, "T", 1, 6);
    assert_string_equal(atomic_load(&again->attributes), "{}");
    topics_close(topics);
    testing_done(&t);
}

static void attributes_follow_their_rules(void **state) {
    (void)state;
    static const struct {
        const char *change, *says;
    } bad[] = {
        {"+color=red", "unsupported key: color"},
        {"+queue.type=SimpleCQ", "attempt to update an unchangeable attribute. key: queue.type"},
        {"-cleanup.policy", "attempt to delete a nonexistent key: cleanup.policy"},
        {"message.type=FIFO", "add/alter attribute format is wrong: message.type"},
        {"message.type", "delete attribute format is wrong: message.type"},
        {"+message.type=FIFO,-message.type", "alter duplication key. key: message.type"},
        {"+message.type=LOUD",
         "value is not in set: [UNSPECIFIED, MIXED, TRANSACTION, PRIORITY, FIFO, DELAY, LITE, NORMAL]"},
        {"x+message.type=FIFO", "wrong format key: +message.type"},
        {"+=x", "kv string format wrong."},
        {"+reserve.time=x", "no number: \"x\""},
        {"+lite.topic.expiration=43201", "value is not in range(-1, 43200)"},
    };
    struct testing t;
    struct topics *topics;
    testing_init(&t);
    assert_ok(topics_open(&t.broker, &topics));
    struct topic_change change = {BYTES("T"), 4, 4, 6, 0, false, false, changes("-message.type")};
    assert_err(topics_update(topics, &change), ERR_FAILED);
    assert_string_equal(err_detail(ERR_FAILED),
                        "only add attribute is supported while creating topic. key: message.type");
    change.attributes = changes("+message.type=FIFO,+queue.type=SimpleCQ");
    assert_ok(topics_update(topics, &change));
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct attribute_changes parsed;
        enum err err = attribute_changes_parse(bytes_of(bad[i].change), &parsed);
        change.attributes = &parsed;
        if (err == ERR_OK) err = topics_update(topics, &change);
        assert_err(err, ERR_FAILED);
        assert_string_equal(err_detail(ERR_FAILED), bad[i].says);
    }
    change.attributes = changes("-message.type");
    assert_ok(topics_update(topics, &change));
    assert_string_equal(atomic_load(&topics_find(topics, BYTES("T"))->attributes), "{\"queue.type\":\"SimpleCQ\"}");
    topics_close(topics);
    testing_done(&t);
}

static void recorded(const char *store) {
    struct testing t;
    struct topics *topics;
    struct buf out = {0};
    testing_init(&t);
    testing_unpack(&t, store);
    struct buf before = testing_read(&t, "topics.json");
    assert_ok(topics_open(&t.broker, &topics));
    topics_write(topics, &(struct json_writer){.out = &out});
    assert_json_kept(buf_bytes(&before), buf_bytes(&out), "topicConfigTable");
    assert_json_kept(buf_bytes(&before), buf_bytes(&out), "dataVersion");
    topics_close(topics);
    buf_close(&before);
    buf_close(&out);
    testing_done(&t);
}

static void keeps_what_java_5_wrote(void **state) {
    (void)state;
    recorded("v533-clean");
    recorded("v533-options");
}

static void keeps_what_java_4_wrote(void **state) {
    (void)state;
    recorded("v420-clean");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(system_topics_are_there),          cmocka_unit_test(names_are_checked),
        cmocka_unit_test(sends_make_topics_from_templates), cmocka_unit_test(changes_survive_a_restart),
        cmocka_unit_test(a_deleted_topic_comes_back_new),   cmocka_unit_test(attributes_follow_their_rules),
        cmocka_unit_test(keeps_what_java_5_wrote),          cmocka_unit_test(keeps_what_java_4_wrote),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
