/* handle_admin_table_test.c - lists, pages and attributes of topics and groups; requests that mean little here. */
#include "broker/serving_testing.h"

static struct peer *start(struct serving *s) {
    serving_init(s);
    return serving_start_peer(s);
}

static void topics_come_in_lists(void **state) {
    (void)state;
    struct serving s;
    struct peer *peer = start(&s);
    peer_ask(peer, REQUEST_UPDATE_AND_CREATE_TOPIC_LIST, NULL, NULL,
             "{\"topicConfigList\":[{\"topicName\":\"A\",\"readQueueNums\":3,\"writeQueueNums\":2,\"perm\":6,"
             "\"attributes\":{\"+message.type\":\"FIFO\"}},{\"topicName\":\"B\"}]}");
    assert_answer(peer, SUCCESS);
    ASK(peer, GET_TOPIC_CONFIG, topic, "", .topic = BYTES("A"));
    assert_bytes(peer->answer.body,
                 "{\"attributes\":{\"message.type\":\"FIFO\"},\"order\":false,\"perm\":6,\"readQueueNums\":3,"
                 "\"topicFilterType\":\"SINGLE_TAG\",\"topicName\":\"A\",\"topicSysFlag\":0,\"writeQueueNums\":2}");
    ASK(peer, GET_TOPIC_CONFIG, topic, "", .topic = BYTES("B"));
    assert_bytes(peer_json(peer, "readQueueNums"), "16");
    static const struct {
        const char *body, *says;
    } bad[] = {
        {"{\"topicConfigList\":[{\"topicName\":\"C\",\"attributes\":{\"+color\":\"x\"}}]}", "unsupported key: color"},
        {"{\"topicConfigList\":[{\"topicName\":\"C\",\"attributes\":{\"message.type\":\"FIFO\"}}]}",
         "only add attribute is supported while creating topic. key: essage.type"},
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        peer_ask(peer, REQUEST_UPDATE_AND_CREATE_TOPIC_LIST, NULL, NULL, bad[i].body);
        assert_refused(peer, SYSTEM_ERROR, bad[i].says);
    }
    peer_ask(peer, REQUEST_UPDATE_AND_CREATE_TOPIC_LIST, NULL, NULL,
             "{\"topicConfigList\":[{\"topicName\":\"C\"},{\"topicName\":\"bad.name\"}]}");
    assert_answer(peer, INVALID_PARAMETER);
    ASK(peer, GET_TOPIC_CONFIG, topic, "", .topic = BYTES("C")); /* names are checked before any is made */
    assert_answer(peer, TOPIC_NOT_EXIST);
    serving_stop(&s, peer);
}

static void groups_have_attributes(void **state) {
    (void)state;
    struct serving s;
    struct peer *peer = start(&s);
    peer_ask(peer, REQUEST_UPDATE_AND_CREATE_SUBSCRIPTIONGROUP_LIST, NULL, NULL,
             "{\"groupConfigList\":[{\"groupName\":\"A\",\"retryMaxTimes\":3,"
             "\"attributes\":{\"+priority.factor\":\"50\"}},{\"groupName\":\"B\"}]}");
    assert_answer(peer, SUCCESS);
    ASK(peer, GET_SUBSCRIPTIONGROUP_CONFIG, group, "", .group = BYTES("A"));
    assert_bytes(peer_json(peer, "retryMaxTimes"), "3");
    assert_true(peer_holds(peer, "\"attributes\":{\"priority.factor\":\"50\"}"));
    static const struct {
        const char *attributes, *says;
    } bad[] = {
        {"{\"+priority.factor\":\"101\"}", "value is not in range(0, 100)"},
        {"{\"+foo\":\"1\"}", "unsupported key: foo"},
        {"{\"foo\":\"1\"}", "wrong format key: oo"},
        {"{\"-lite.sub.model\":\"\"}", "attempt to delete a nonexistent key: lite.sub.model"},
        {"{\"+lite.sub.model\":\"x\"}", "value is not in set: [Shared, Exclusive]"},
        {"{\"+lite.sub.reset.offset.exclusive\":\"maybe\"}", "boolean attribute format is wrong."},
        {"{\"+lite.sub.client.max.event.cnt\":\"5\"}", "value is not in range(10, 9223372036854775807)"},
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        char body[256];
        snprintf(body, sizeof body, "{\"groupName\":\"A\",\"attributes\":%s}", bad[i].attributes);
        peer_ask(peer, REQUEST_UPDATE_AND_CREATE_SUBSCRIPTIONGROUP, NULL, NULL, body);
        assert_refused(peer, SYSTEM_ERROR, bad[i].says);
    }
    peer_ask(peer, REQUEST_UPDATE_AND_CREATE_SUBSCRIPTIONGROUP, NULL, NULL,
             "{\"groupName\":\"A\",\"attributes\":{\"-priority.factor\":\"\",\"+lite.bind.topic\":\"P\"}}");
    assert_answer(peer, SUCCESS);
    /* a change without attributes, as of older tools, leaves them */
    peer_ask(peer, REQUEST_UPDATE_AND_CREATE_SUBSCRIPTIONGROUP, NULL, NULL, "{\"groupName\":\"A\"}");
    ASK(peer, GET_SUBSCRIPTIONGROUP_CONFIG, group, "", .group = BYTES("A"));
    assert_true(peer_holds(peer, "\"attributes\":{\"lite.bind.topic\":\"P\"}"));
    peer_ask(peer, REQUEST_UPDATE_AND_CREATE_SUBSCRIPTIONGROUP, NULL, NULL, "{\"groupName\":\"bad.g\"}");
    assert_refused(peer, INVALID_PARAMETER,
                   "The specified group: bad.g, contains illegal characters, allowing only ^[%|a-zA-Z0-9_-]+$");
    serving_stop(&s, peer);
}

static const char *readable(struct peer *peer, const char *group, const bool *set) {
    struct hdr_update_and_get_group_forbidden header = {.group = bytes_of(group), .topic = BYTES("T")};
    header.has.group = header.has.topic = true;
    header.has.readable = set != NULL;
    if (set) header.readable = *set;
    peer_ask(peer, REQUEST_UPDATE_AND_GET_GROUP_FORBIDDEN, layout_update_and_get_group_forbidden(), &header, "");
    assert_answer(peer, SUCCESS);
    return arena_strdup(&peer->arena, peer_json(peer, "readable"));
}

static void topics_are_forbidden_to_groups(void **state) {
    (void)state;
    struct serving s;
    struct peer *peer = start(&s);
    static const bool no = false, yes = true;
    assert_string_equal(readable(peer, "G", NULL), "true");
    assert_string_equal(readable(peer, "G", &no), "false");
    assert_string_equal(readable(peer, "G", NULL), "false");
    peer_ask(peer, REQUEST_GET_ALL_SUBSCRIPTIONGROUP_CONFIG, NULL, NULL, "");
    assert_true(peer_holds(peer, "\"forbiddenTable\":{\"G\":{\"T\":1}}"));
    assert_string_equal(readable(peer, "G", &yes), "true");
    peer_ask(peer, REQUEST_GET_ALL_SUBSCRIPTIONGROUP_CONFIG, NULL, NULL, "");
    assert_true(peer_holds(peer, "\"forbiddenTable\":{}"));
    serving_stop(&s, peer);
}

/* Pages of two until the total is reached, as 5.3.4 tools read them; the number of rows seen. */
static int read_pages(struct peer *peer, struct bytes *version) {
    int total = 1, seen = 0;
    for (int first = 0; first < total; first += 2) {
        ASK(peer, GET_ALL_TOPIC_CONFIG, get_all_topic_config, "", .topic_seq = first, .max_topic_num = 2,
            .data_version = *version);
        assert_answer(peer, SUCCESS);
        assert_true(bytes_to_i32(command_ext(&peer->answer, "totalTopicNum"), &total));
        const struct json *body;
        assert_ok(json_parse(&peer->arena, peer->answer.body, &body));
        for (const struct json *t = json_first(json_get(body, "topicConfigTable")); t; t = t->next) seen++;
        *version = json_node_copy(&peer->arena, json_get(body, "dataVersion"));
    }
    assert_int_equal(seen, total);
    return total;
}

static void tables_come_in_pages(void **state) {
    (void)state;
    struct serving s;
    struct peer *peer = start(&s);
    struct bytes version = BYTES("");
    int total = read_pages(peer, &version);
    assert_true(total > 8);
    peer_put(peer, "New", 0, "", "body");
    /* the table has changed: the page is the first one again */
    ASK(peer, GET_ALL_TOPIC_CONFIG, get_all_topic_config, "", .topic_seq = 4, .max_topic_num = 1,
        .data_version = version);
    assert_true(peer_holds(peer, "\"topicConfigTable\":{\"BenchmarkTest\":{"));
    assert_int_equal(read_pages(peer, &version), total + 1);
    peer_ask(peer, REQUEST_GET_ALL_TOPIC_CONFIG, NULL, NULL, "");
    assert_true(peer_holds(peer, "\"New\":{") && peer_holds(peer, "\"TBW102\":{"));
    ASK(peer, GET_ALL_SUBSCRIPTIONGROUP_CONFIG, get_all_subscriptiongroup_config, "", .max_group_num = 1);
    assert_bytes(command_ext(&peer->answer, "totalGroupNum"), "8");
    assert_true(peer_holds(peer, "\"subscriptionGroupTable\":{\"CID_ONS-HTTP-PROXY\":{") &&
                !peer_holds(peer, "TOOLS_CONSUMER"));
    s.t.broker.config.enable_split_metadata = false;
    ASK(peer, GET_ALL_SUBSCRIPTIONGROUP_CONFIG, get_all_subscriptiongroup_config, "", .max_group_num = 1);
    assert_true(peer_holds(peer, "TOOLS_CONSUMER"));
    serving_stop(&s, peer);
}

static void other_kinds_of_brokers(void **state) {
    (void)state;
    struct serving s;
    struct peer *peer = start(&s);
    ASK(peer, CHECK_ROCKSDB_CQ_WRITE_PROGRESS, check_rocksdb_cq_write_progress, "", .topic = BYTES("T"));
    assert_bytes(peer->answer.body,
                 "{\"checkResult\":\"It is not CombineConsumeQueueStore, no need check\",\"checkStatus\":0}");
    ASK(peer, EXPORT_ROCKSDB_CONFIG_TO_JSON, export_rocksdb_config_to_json, "",
        .config_type = BYTES("Topics;subscriptionGroups;"));
    assert_refused(peer, SUCCESS, "export done.");
    ASK(peer, EXPORT_ROCKSDB_CONFIG_TO_JSON, export_rocksdb_config_to_json, "", .config_type = BYTES("zzz"));
    assert_refused(peer, SYSTEM_ERROR, "Unknown config type: zzz");
    ASK(peer, NOTIFY_MIN_BROKER_ID_CHANGE, notify_min_broker_id_change, "", .min_broker_id = 0);
    assert_answer(peer, SUCCESS);
    ASK(peer, SWITCH_TIMER_ENGINE, switch_timer_engine, "", .engine = BYTES("F"));
    assert_refused(peer, SUCCESS, "switch timer engine success");
    ASK(peer, SWITCH_TIMER_ENGINE, switch_timer_engine, "", .engine = BYTES("R"));
    assert_refused(peer, INVALID_PARAMETER, "timerRocksDBEnable must be configured true when broker start");
    serving_stop(&s, peer);
}

static void cold_reads_have_thresholds(void **state) {
    (void)state;
    struct serving s;
    struct peer *peer = start(&s);
    peer_ask(peer, REQUEST_UPDATE_COLD_DATA_FLOW_CTR_CONFIG, NULL, NULL, "G=1000\nH=x\n");
    assert_answer(peer, SUCCESS);
    peer_ask(peer, REQUEST_GET_COLD_DATA_FLOW_CTR_INFO, NULL, NULL, "");
    assert_bytes(peer->answer.body, "{\"runtimeTable\":{},\"configTable\":{\"G\":1000},\"cgColdReadThreshold\":3145728,"
                                    "\"globalColdReadThreshold\":104857600,\"globalAcc\":0}");
    peer_ask(peer, REQUEST_REMOVE_COLD_DATA_FLOW_CTR_CONFIG, NULL, NULL, "G");
    peer_ask(peer, REQUEST_GET_COLD_DATA_FLOW_CTR_INFO, NULL, NULL, "");
    assert_true(peer_holds(peer, "\"configTable\":{}"));
    ASK(peer, SET_COMMITLOG_READ_MODE, set_commitlog_read_mode, "", .read_ahead_mode = 1);
    assert_refused(peer, SUCCESS, "set commitlog readahead mode success, mode: 1");
    peer_ask(peer, REQUEST_GET_BROKER_CONFIG, NULL, NULL, "");
    assert_true(peer_holds(peer, "\ndataReadAheadEnable=false\n"));
    ASK(peer, SET_COMMITLOG_READ_MODE, set_commitlog_read_mode, "", .read_ahead_mode = 5);
    assert_refused(peer, INVALID_PARAMETER, "set commitlog readahead mode param value error");
    serving_stop(&s, peer);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(topics_come_in_lists),           cmocka_unit_test(groups_have_attributes),
        cmocka_unit_test(topics_are_forbidden_to_groups), cmocka_unit_test(tables_come_in_pages),
        cmocka_unit_test(other_kinds_of_brokers),         cmocka_unit_test(cold_reads_have_thresholds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
