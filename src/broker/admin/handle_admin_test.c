/* handle_admin_test.c - topics, groups, queries, state and settings, asked of a whole broker */
#include "broker/serving_testing.h"
#include "broker/admin/runtime_info.h"
#include "broker/clients/slow_groups.h"
#include "broker/tables/topics.h"

#include "message/msgid.h"
#include "message/record.h"

static struct peer *start(struct serving *s) {
    serving_init(s);
    return serving_start_peer(s);
}

static void topics_live_and_die(void **state) {
    (void)state;
    struct serving s;
    struct peer *peer = start(&s);
    peer_make_topic(peer, "bad.name", 2, "");
    assert_refused(peer, INVALID_PARAMETER,
                   "The specified topic: bad.name, contains illegal characters, allowing only ^[%|a-zA-Z0-9_-]+$");
    peer_make_topic(peer, "TBW102", 2, "");
    assert_refused(peer, INVALID_PARAMETER, "The topic[TBW102] is conflict with system topic.");
    peer_make_topic(peer, "T", 2, "+message.type=MIXED");
    assert_refused(peer, INVALID_PARAMETER, "MIXED message type is not supported.");
    peer_make_topic(peer, "T", 2, "+color=red");
    assert_refused(peer, SYSTEM_ERROR, "unsupported key: color");
    peer_make_topic(peer, "T", 2, "+message.type=NORMAL");
    assert_answer(peer, SUCCESS);
    ASK(peer, GET_TOPIC_CONFIG, topic, "", .topic = BYTES("T"));
    assert_bytes(peer->answer.body,
                 "{\"attributes\":{\"message.type\":\"NORMAL\"},\"order\":false,\"perm\":6,\"readQueueNums\":2,"
                 "\"topicFilterType\":\"SINGLE_TAG\",\"topicName\":\"T\",\"topicSysFlag\":0,\"writeQueueNums\":2}");
    ASK(peer, GET_TOPIC_CONFIG, topic, "", .topic = BYTES("none"));
    assert_refused(peer, TOPIC_NOT_EXIST, "No topic in this broker. topic: none");
    peer_ask(peer, REQUEST_GET_ALL_TOPIC_CONFIG, NULL, NULL, "");
    assert_bytes(peer_json(peer, "topicConfigTable.T.perm"), "6");
    assert_bytes(peer_json(peer, "topicConfigTable.TBW102.perm"), "7");

    peer_put(peer, "T", 1, "", "body");
    EVENTUALLY((ASK(peer, GET_TOPIC_STATS_INFO, topic, "", .topic = BYTES("T")), peer_holds(peer, "\"maxOffset\":1")));
    assert_true(peer_holds(peer,
                           "{{\"brokerName\":\"broker-a\",\"queueId\":0,\"topic\":\"T\"}:{\"lastUpdateTimestamp\":0,"
                           "\"maxOffset\":0,\"minOffset\":0}"));
    ASK(peer, DELETE_TOPIC_IN_BROKER, topic, "", .topic = BYTES("T"));
    assert_answer(peer, SUCCESS);
    ASK(peer, GET_TOPIC_STATS_INFO, topic, "", .topic = BYTES("T"));
    assert_refused(peer, TOPIC_NOT_EXIST, "topic[T] not exist");
    peer_make_topic(peer, "T", 2, "");
    assert_int_equal(peer_put(peer, "T", 1, "", "body"), 0); /* from the start again */
    ASK(peer, DELETE_TOPIC_IN_BROKER, topic, "", .topic = BYTES("SELF_TEST_TOPIC"));
    assert_answer(peer, INVALID_PARAMETER);
    peer_ask(peer, REQUEST_GET_SYSTEM_TOPIC_LIST_FROM_BROKER, NULL, NULL, "");
    assert_true(peer_holds(peer, "\"CHECKPOINT_TOPIC\"") && peer_holds(peer, "\"DefaultCluster_REPLY_TOPIC\""));
    peer_ask(peer, REQUEST_CLEAN_UNUSED_TOPIC, NULL, NULL, "");
    assert_answer(peer, SUCCESS);
    serving_stop(&s, peer);
}

static void lists_are_made_whole_or_not_at_all(void **state) {
    (void)state;
    struct serving s;
    struct peer *peer = start(&s);
    peer_ask(peer, REQUEST_UPDATE_AND_CREATE_TOPIC_LIST, NULL, NULL,
             "{\"topicConfigList\":[{\"topicName\":\"L1\",\"readQueueNums\":2,\"writeQueueNums\":3,\"attributes\":"
             "{\"+message.type\":\"FIFO\"}},{\"topicName\":\"L2\"}]}");
    assert_answer(peer, SUCCESS);
    ASK(peer, GET_TOPIC_CONFIG, topic, "", .topic = BYTES("L1"));
    assert_bytes(peer->answer.body,
                 "{\"attributes\":{\"message.type\":\"FIFO\"},\"order\":false,\"perm\":6,\"readQueueNums\":2,"
                 "\"topicFilterType\":\"SINGLE_TAG\",\"topicName\":\"L1\",\"topicSysFlag\":0,\"writeQueueNums\":3}");
    peer_ask(peer, REQUEST_UPDATE_AND_CREATE_TOPIC_LIST, NULL, NULL,
             "{\"topicConfigList\":[{\"topicName\":\"L1\",\"attributes\":{\"-message.type\":\"\"}}]}");
    ASK(peer, GET_TOPIC_CONFIG, topic, "", .topic = BYTES("L1"));
    assert_true(peer_holds(peer, "{\"attributes\":{},") && peer_holds(peer, "\"writeQueueNums\":16"));
    peer_ask(peer, REQUEST_UPDATE_AND_CREATE_TOPIC_LIST, NULL, NULL,
             "{\"topicConfigList\":[{\"topicName\":\"L3\"},{\"topicName\":\"L 4\"}]}");
    assert_answer(peer, INVALID_PARAMETER);
    ASK(peer, GET_TOPIC_CONFIG, topic, "", .topic = BYTES("L3"));
    assert_answer(peer, TOPIC_NOT_EXIST);
    peer_ask(peer, REQUEST_UPDATE_AND_CREATE_SUBSCRIPTIONGROUP_LIST, NULL, NULL,
             "{\"groupConfigList\":[{\"groupName\":\"G1\",\"retryMaxTimes\":7},{\"groupName\":\"G2\"}]}");
    assert_answer(peer, SUCCESS);
    ASK(peer, GET_SUBSCRIPTIONGROUP_CONFIG, group, "", .group = BYTES("G1"));
    assert_bytes(peer_json(peer, "retryMaxTimes"), "7");
    peer_ask(peer, REQUEST_UPDATE_AND_CREATE_SUBSCRIPTIONGROUP_LIST, NULL, NULL,
             "{\"groupConfigList\":[{\"groupName\":\"G3\"},{\"groupName\":\"G 4\"}]}");
    assert_answer(peer, INVALID_PARAMETER);
    peer_ask(peer, REQUEST_GET_ALL_SUBSCRIPTIONGROUP_CONFIG, NULL, NULL, "");
    assert_true(peer_holds(peer, "\"G2\"") && !peer_holds(peer, "\"G3\""));
    serving_stop(&s, peer);
}

static void groups_are_kept_from_topics(void **state) {
    (void)state;
    struct serving s;
    struct peer *peer = start(&s);
    ASK(peer, UPDATE_AND_GET_GROUP_FORBIDDEN, update_and_get_group_forbidden, "", .group = BYTES("G"),
        .topic = BYTES("T"), .readable = false);
    assert_bytes(peer->answer.body, "{\"group\":\"G\",\"readable\":false,\"topic\":\"T\"}");
    peer_ask(peer, REQUEST_GET_ALL_SUBSCRIPTIONGROUP_CONFIG, NULL, NULL, "");
    assert_true(peer_holds(peer, "\"forbiddenTable\":{\"G\":{\"T\":1}}"));
    struct hdr_update_and_get_group_forbidden look = {
        .present = HEADER_ALL, .group = BYTES("G"), .topic = BYTES("T"), .readable = true};
    look.has.readable = false;
    peer_ask(peer, REQUEST_UPDATE_AND_GET_GROUP_FORBIDDEN, layout_update_and_get_group_forbidden(), &look, "");
    assert_bytes(peer_json(peer, "readable"), "false");
    ASK(peer, UPDATE_AND_GET_GROUP_FORBIDDEN, update_and_get_group_forbidden, "", .group = BYTES("G"),
        .topic = BYTES("T"), .readable = true);
    assert_bytes(peer_json(peer, "readable"), "true");
    serving_stop(&s, peer);
}

struct sending {
    struct peer *peer;
    atomic_bool stop;
};

static void send_on(void *arg) {
    struct sending *sending = arg;
    while (!atomic_load(&sending->stop)) {
        ASK(sending->peer, SEND_MESSAGE, send_message, "body", .producer_group = BYTES("PG"), .topic = BYTES("T"),
            .default_topic = BYTES("TBW102"), .default_topic_queue_nums = 4, .queue_id = 0, .born_timestamp = 1);
        arena_reset(&sending->peer->arena);
    }
}

static void topics_are_deleted_while_they_are_written(void **state) {
    (void)state;
    struct serving s;
    struct peer *peer = start(&s);
    struct sending sending = {.peer = peer_connect(&s)};
    pthread_t sender;
    assert_ok(thread_start(&sender, "sender", send_on, &sending));
    for (int i = 0; i < 60; i++) {
        ASK(peer, DELETE_TOPIC_IN_BROKER, topic, "", .topic = BYTES("T"));
        assert_answer(peer, SUCCESS);
    }
    atomic_store(&sending.stop, true);
    thread_join(sender);
    assert_ok(store_writable(s.t.broker.store));
    ASK(peer, DELETE_TOPIC_IN_BROKER, topic, "", .topic = BYTES("T"));
    peer_make_topic(peer, "T", 2, "");
    for (int i = 0; i < 3; i++) assert_int_equal(peer_put(peer, "T", 0, "", "body"), i);
    struct queue *queue = store_queue(s.t.broker.store, BYTES("T"), 0, false);
    EVENTUALLY(queue_max(queue) == 3);
    struct queue_entry entry;
    for (int i = 0; i < 3; i++) assert_ok(queue_entry_at(s.t.broker.store, queue, i, &entry));
    peer_close(sending.peer);
    serving_stop(&s, peer);
}

static void groups_live_and_die(void **state) {
    (void)state;
    struct serving s;
    struct peer *peer = start(&s);
    s.t.broker.config.auto_create_subscription_group = false;
    ASK(peer, GET_SUBSCRIPTIONGROUP_CONFIG, group, "", .group = BYTES("G"));
    assert_refused(peer, SUBSCRIPTION_GROUP_NOT_EXIST, "No group in this broker");
    peer_ask(peer, REQUEST_UPDATE_AND_CREATE_SUBSCRIPTIONGROUP, NULL, NULL,
             "{\"groupName\":\"G\",\"retryMaxTimes\":2}");
    assert_answer(peer, SUCCESS);
    ASK(peer, GET_SUBSCRIPTIONGROUP_CONFIG, group, "", .group = BYTES("G"));
    assert_bytes(peer_json(peer, "retryMaxTimes"), "2");
    peer_ask(peer, REQUEST_GET_ALL_SUBSCRIPTIONGROUP_CONFIG, NULL, NULL, "");
    assert_bytes(peer_json(peer, "subscriptionGroupTable.G.retryMaxTimes"), "2");
    assert_bytes(peer_json(peer, "subscriptionGroupTable.TOOLS_CONSUMER.retryMaxTimes"), "16");
    peer_make_topic(peer, "T", 2, "");
    ASK(peer, UPDATE_CONSUMER_OFFSET, update_consumer_offset, "", .consumer_group = BYTES("G"), .topic = BYTES("T"),
        .commit_offset = 1);
    ASK(peer, QUERY_TOPIC_CONSUME_BY_WHO, topic, "", .topic = BYTES("T"));
    assert_bytes(peer->answer.body, "{\"groupList\":[\"G\"]}");
    ASK(peer, QUERY_TOPIC_CONSUME_BY_WHO, topic, "", .topic = BYTES("other"));
    assert_bytes(peer->answer.body, "{\"groupList\":[]}");
    ASK(peer, DELETE_SUBSCRIPTIONGROUP, delete_subscriptiongroup, "", .group_name = BYTES("G"), .clean_offset = true);
    assert_answer(peer, SUCCESS);
    ASK(peer, QUERY_TOPIC_CONSUME_BY_WHO, topic, "", .topic = BYTES("T"));
    assert_bytes(peer->answer.body, "{\"groupList\":[]}");
    ASK(peer, GET_SUBSCRIPTIONGROUP_CONFIG, group, "", .group = BYTES("G"));
    assert_answer(peer, SUBSCRIPTION_GROUP_NOT_EXIST);
    serving_stop(&s, peer);
}

static void progress_of_groups_is_shown(void **state) {
    (void)state;
    struct serving s;
    struct peer *peer = start(&s);
    peer_make_topic(peer, "T", 2, "");
    peer_ask(peer, REQUEST_UPDATE_AND_CREATE_SUBSCRIPTIONGROUP, NULL, NULL, "{\"groupName\":\"G\"}");
    for (int i = 0; i < 3; i++) peer_put(peer, "T", 0, "", "body");
    struct queue *queue = store_queue(s.t.broker.store, BYTES("T"), 0, false);
    EVENTUALLY(queue_max(queue) == 3);
    ASK(peer, UPDATE_CONSUMER_OFFSET, update_consumer_offset, "", .consumer_group = BYTES("G"), .topic = BYTES("T"),
        .commit_offset = 1);
    ASK(peer, GET_CONSUME_STATS, get_consume_stats, "", .consumer_group = BYTES("G"));
    assert_answer(peer, SUCCESS);
    assert_true(peer_holds(peer, "{\"brokerName\":\"broker-a\",\"queueId\":0,\"topic\":\"T\"}:{\"brokerOffset\":3,"
                                 "\"consumerOffset\":1,\"lastTimestamp\":1"));
    assert_true(peer_holds(peer, "{\"brokerName\":\"broker-a\",\"queueId\":1,\"topic\":\"T\"}:{\"brokerOffset\":0,"
                                 "\"consumerOffset\":0,\"lastTimestamp\":0,\"pullOffset\":0}"));
    ASK(peer, GET_CONSUME_STATS, get_consume_stats, "", .consumer_group = BYTES("G"), .topic = BYTES("none"));
    assert_bytes(peer->answer.body, "{\"offsetTable\":{},\"consumeTps\":0.0}");
    ASK(peer, GET_CONSUME_STATS, get_consume_stats, "", .consumer_group = BYTES("G"), .topic_list = BYTES("x; T;"));
    assert_true(peer_holds(peer, "\"consumerOffset\":1"));
    ASK(peer, GET_BROKER_CONSUME_STATS, get_broker_consume_stats, "", .is_order = false);
    assert_bytes(peer_json(peer, "totalDiff"), "2");
    assert_true(peer_holds(peer, "{\"TOOLS_CONSUMER\":[]}"));
    ASK(peer, GET_BROKER_CONSUME_STATS, get_broker_consume_stats, "", .is_order = true);
    assert_bytes(peer_json(peer, "totalDiff"), "0"); /* T is not ordered */
    ASK(peer, VIEW_BROKER_STATS_DATA, view_broker_stats_data, "", .stats_name = BYTES("TOPIC_PUT_NUMS"),
        .stats_key = BYTES("T"));
    assert_bytes(peer_json(peer, "statsMinute.sum"), "3");
    ASK(peer, VIEW_BROKER_STATS_DATA, view_broker_stats_data, "", .stats_name = BYTES("TOPIC_PUT_NUMS"),
        .stats_key = BYTES("none"));
    assert_refused(peer, SYSTEM_ERROR, "The stats <TOPIC_PUT_NUMS> <none> not exist");
    serving_stop(&s, peer);
}

static void groups_far_behind_are_stopped(void **state) {
    (void)state;
    struct serving s;
    struct peer *peer = start(&s);
    peer_make_topic(peer, "T", 2, "");
    peer_ask(peer, REQUEST_UPDATE_AND_CREATE_SUBSCRIPTIONGROUP, NULL, NULL, "{\"groupName\":\"Near\"}");
    peer_ask(peer, REQUEST_UPDATE_AND_CREATE_SUBSCRIPTIONGROUP, NULL, NULL, "{\"groupName\":\"Far\"}");
    for (int i = 0; i < 20; i++) peer_put(peer, "T", 0, "", "a body of some bytes");
    struct queue *queue = store_queue(s.t.broker.store, BYTES("T"), 0, false);
    EVENTUALLY(queue_max(queue) == 20);
    ASK(peer, UPDATE_CONSUMER_OFFSET, update_consumer_offset, "", .consumer_group = BYTES("Near"), .topic = BYTES("T"),
        .commit_offset = 18);
    ASK(peer, UPDATE_CONSUMER_OFFSET, update_consumer_offset, "", .consumer_group = BYTES("Far"), .topic = BYTES("T"),
        .commit_offset = 1);
    s.t.broker.config.consumer_fallbehind_threshold_bytes = 1000;
    slow_groups_stop(&s.t.broker); /* not asked for */
    ASK(peer, GET_SUBSCRIPTIONGROUP_CONFIG, group, "", .group = BYTES("Far"));
    assert_bytes(peer_json(peer, "consumeEnable"), "true");
    s.t.broker.config.disable_consume_if_consumer_read_slowly = true;
    slow_groups_stop(&s.t.broker);
    ASK(peer, GET_SUBSCRIPTIONGROUP_CONFIG, group, "", .group = BYTES("Far"));
    assert_bytes(peer_json(peer, "consumeEnable"), "false");
    ASK(peer, GET_SUBSCRIPTIONGROUP_CONFIG, group, "", .group = BYTES("Near"));
    assert_bytes(peer_json(peer, "consumeEnable"), "true");
    serving_stop(&s, peer);
}

static void messages_are_found(void **state) {
    (void)state;
    struct serving s;
    struct peer *peer = start(&s);
    struct record record;
    peer_make_topic(peer, "T", 2, "");
    peer_put(peer, "T", 0, "KEYS\001k1 k2\002TAGS\001a\002", "first");
    peer_put(peer, "T", 0, "KEYS\001k2\002", "second");
    struct bytes msg_id = command_ext(&peer->answer, "msgId");
    EVENTUALLY((ASK(peer, QUERY_MESSAGE, query_message, "", .topic = BYTES("T"), .key = BYTES("k2"), .max_num = 10,
                    .end_timestamp = INT64_MAX),
                peer->answer.code == RESPONSE_SUCCESS && peer->answer.body.len > 350));
    assert_ok(record_decode(peer->answer.body, RECORD_CHECK_BODY_CRC, &record));
    assert_bytes(record.body, "first");
    assert_ok(record_decode(bytes_skip(peer->answer.body, record.size_bytes), RECORD_CHECK_BODY_CRC, &record));
    assert_bytes(record.body, "second");
    ASK(peer, QUERY_MESSAGE, query_message, "", .topic = BYTES("T"), .key = BYTES("k2"), .max_num = 1,
        .end_timestamp = INT64_MAX);
    assert_ok(record_decode(peer->answer.body, RECORD_CHECK_BODY_CRC, &record));
    assert_int_equal(record.size_bytes, peer->answer.body.len);
    assert_bytes(record.body, "second"); /* the newest, when they are too many */
    ASK(peer, QUERY_MESSAGE, query_message, "", .topic = BYTES("T"), .key = BYTES("k3"), .max_num = 10,
        .end_timestamp = INT64_MAX);
    assert_refused(peer, QUERY_NOT_FOUND, "can not find message, maybe time range not correct");
    assert_bytes(command_ext(&peer->answer, "indexLastUpdatePhyoffset"), "0");
    ASK(peer, QUERY_MESSAGE, query_message, "", .topic = BYTES("T"), .key = BYTES("a"), .max_num = 10,
        .end_timestamp = INT64_MAX, .index_type = BYTES("T"));
    assert_ok(record_decode(peer->answer.body, RECORD_CHECK_BODY_CRC, &record));
    assert_bytes(record.body, "first");
    ASK(peer, QUERY_MESSAGE, query_message, "", .topic = BYTES("T"), .key = BYTES("a"), .max_num = 10,
        .end_timestamp = INT64_MAX, .index_type = BYTES("K"));
    assert_answer(peer, QUERY_NOT_FOUND);

    struct host host;
    int64_t offset;
    assert_ok(msgid_offset_parse(msg_id, &host, &offset));
    ASK(peer, VIEW_MESSAGE_BY_ID, view_message_by_id, "", .offset = offset);
    assert_answer(peer, SUCCESS);
    assert_ok(record_decode(peer->answer.body, RECORD_CHECK_BODY_CRC, &record));
    assert_bytes(record.body, "second");
    ASK(peer, VIEW_MESSAGE_BY_ID, view_message_by_id, "", .offset = offset + 1);
    assert_answer(peer, SYSTEM_ERROR);

    ASK(peer, QUERY_CONSUME_QUEUE, query_consume_queue, "", .topic = BYTES("T"), .index = 1, .count = 5,
        .consumer_group = BYTES("G"));
    assert_bytes(peer_json(peer, "maxQueueIndex"), "2");
    assert_bytes(peer_json(peer, "filterData"), "G@T is not online!");
    ASK(peer, QUERY_CONSUME_QUEUE, query_consume_queue, "", .topic = BYTES("T"), .index = 2, .count = 5);
    assert_refused(peer, SUCCESS, "Index 2 of 0@T is not exist!");
    ASK(peer, QUERY_CONSUME_QUEUE, query_consume_queue, "", .topic = BYTES("T"), .queue_id = 9, .count = 5);
    assert_refused(peer, SYSTEM_ERROR, "9@T is not exist!");
    serving_stop(&s, peer);
}

static void the_broker_tells_of_itself(void **state) {
    (void)state;
    static const char *const keys[] = {
        "brokerActive",
        "brokerVersionDesc",
        "brokerVersion",
        "msgPutTotalYesterdayMorning",
        "msgPutTotalTodayMorning",
        "msgPutTotalTodayNow",
        "msgGetTotalYesterdayMorning",
        "msgGetTotalTodayMorning",
        "msgGetTotalTodayNow",
        "dispatchBehindBytes",
        "pageCacheLockTimeMills",
        "earliestMessageTimeStamp",
        "startAcceptSendRequestTimeStamp",
        "timerReadBehind",
        "timerOffsetBehind",
        "timerCongestNum",
        "timerEnqueueTps",
        "timerDequeueTps",
        "remainTransientStoreBufferNumbs",
        "remainHowManyDataToFlush",
        "commitLogDirCapacity",
        "sendThreadPoolQueueSize",
        "sendThreadPoolQueueCapacity",
        "sendThreadPoolQueueHeadWaitTimeMills",
        "pullThreadPoolQueueSize",
        "pullThreadPoolQueueCapacity",
        "pullThreadPoolQueueHeadWaitTimeMills",
        "litePullThreadPoolQueueSize",
        "litePullThreadPoolQueueCapacity",
        "litePullThreadPoolQueueHeadWaitTimeMills",
        "queryThreadPoolQueueSize",
        "queryThreadPoolQueueCapacity",
        "queryThreadPoolQueueHeadWaitTimeMills",
        "ackThreadPoolQueueSize",
        "ackThreadPoolQueueCapacity",
        "ackThreadPoolQueueHeadWaitTimeMills",
        "EndTransactionQueueSize",
        "EndTransactionThreadPoolQueueCapacity",
        "bootTimestamp",
        "runtime",
        "putMessageEntireTimeMax",
        "putMessageTimesTotal",
        "putMessageFailedTimes",
        "putMessageSizeTotal",
        "putMessageAverageSize",
        "putMessageDistributeTime",
        "putLatency99",
        "putLatency999",
        "dispatchMaxBuffer",
        "getMessageEntireTimeMax",
        "putTps",
        "getFoundTps",
        "getMissTps",
        "getTotalTps",
        "getTransferredTps",
        "getTransferedTps",
        "commitLogMinOffset",
        "commitLogMaxOffset",
        "commitLogDiskRatio",
        "consumeQueueDiskRatio",
    };
    struct serving s;
    struct peer *peer = start(&s);
    char path[128];
    peer_ask(peer, REQUEST_GET_BROKER_RUNTIME_INFO, NULL, NULL, "");
    assert_answer(peer, SUCCESS);
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        snprintf(path, sizeof path, "table.%s", keys[i]);
        if (!peer_json(peer, path).data) fail_msg("no %s", keys[i]);
    }
    snprintf(path, sizeof path, "table.commitLogDiskRatio_%s/commitlog", s.t.root);
    assert_non_null(peer_json(peer, path).data);
    peer_ask(peer, REQUEST_GET_ALL_DELAY_OFFSET, NULL, NULL, "");
    assert_answer(peer, SUCCESS);
    assert_true(peer_holds(peer, "\"offsetTable\":{"));
    peer_ask(peer, REQUEST_GET_BROKER_HA_STATUS, NULL, NULL, "");
    assert_bytes(peer->answer.body,
                 "{\"haClientRuntimeInfo\":{\"lastReadTimestamp\":0,\"lastWriteTimestamp\":0,\"masterFlushOffset\":0,"
                 "\"maxOffset\":0,\"transferredByteInSecond\":0},\"haConnectionInfo\":[],\"inSyncSlaveNums\":0,"
                 "\"master\":true,\"masterCommitLogMaxOffset\":0}");
    peer_ask(peer, REQUEST_RESET_MASTER_FLUSH_OFFSET, NULL, NULL, "");
    assert_answer(peer, SUCCESS);
    peer_ask(peer, REQUEST_AUTH_CREATE_USER, NULL, NULL, "");
    assert_refused(peer, REQUEST_CODE_NOT_SUPPORTED,
                   " request type 3001 not supported: this broker has no access control, keep it from strangers by the "
                   "network");
    peer_ask(peer, REQUEST_GET_BROKER_EPOCH_CACHE, NULL, NULL, "");
    assert_refused(peer, SYSTEM_ERROR, "this request only for controllerMode ");
    peer_ask(peer, REQUEST_CLEAN_EXPIRED_CONSUMEQUEUE, NULL, NULL, "");
    assert_answer(peer, SUCCESS);
    peer_ask(peer, REQUEST_DELETE_EXPIRED_COMMITLOG, NULL, NULL, "");
    assert_answer(peer, SUCCESS);
    serving_stop(&s, peer);
}

static void settings_are_read_and_changed(void **state) {
    (void)state;
    struct serving s;
    struct peer *peer = start(&s);
    peer_ask(peer, REQUEST_GET_BROKER_CONFIG, NULL, NULL, "");
    assert_true(peer_holds(peer, "brokerName=broker-a\n") && peer_holds(peer, "\nshortPollingTimeMills=1000\n"));
    assert_true(peer_holds(peer, "\nclientCallbackExecutorThreads=") && peer_holds(peer, "\nuseTLS=false\n"));
    assert_non_null(memmem(command_ext(&peer->answer, "version").data, 40, "\"counter\":0", 11));
    peer_ask(peer, REQUEST_UPDATE_BROKER_CONFIG, NULL, NULL, "shortPollingTimeMills=300\nbrokerPermission=4\n");
    assert_answer(peer, SUCCESS);
    peer_ask(peer, REQUEST_GET_BROKER_CONFIG, NULL, NULL, "");
    assert_true(peer_holds(peer, "\nshortPollingTimeMills=300\n"));
    assert_non_null(memmem(command_ext(&peer->answer, "version").data, 40, "\"counter\":1", 11));
    peer_ask(peer, REQUEST_UPDATE_BROKER_CONFIG, NULL, NULL, "brokerConfigPath=/x\n");
    assert_refused(peer, NO_PERMISSION, "Can not update config in black list.");
    serving_stop(&s, peer);
}

static void sizes_are_readable(void **state) {
    (void)state;
    struct arena arena = {0};
    assert_bytes(human_size(&arena, 0), "0 B");
    assert_bytes(human_size(&arena, 1023), "1023 B");
    assert_bytes(human_size(&arena, 1536), "1.5 KiB");
    assert_bytes(human_size(&arena, 270582939648), "252.0 GiB");
    arena_close(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(topics_live_and_die),
        cmocka_unit_test(lists_are_made_whole_or_not_at_all),
        cmocka_unit_test(groups_are_kept_from_topics),
        cmocka_unit_test(topics_are_deleted_while_they_are_written),
        cmocka_unit_test(groups_live_and_die),
        cmocka_unit_test(progress_of_groups_is_shown),
        cmocka_unit_test(groups_far_behind_are_stopped),
        cmocka_unit_test(messages_are_found),
        cmocka_unit_test(the_broker_tells_of_itself),
        cmocka_unit_test(settings_are_read_and_changed),
        cmocka_unit_test(sizes_are_readable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
