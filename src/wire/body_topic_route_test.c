/* body_topic_route_test.c - TopicRouteData, ClusterInfo, BrokerMemberGroup, KVTable, TopicList: as recorded, both ways.
 */
#include "wire/body_topic_route.h"

#include <stdio.h>
#include <stdlib.h>
#include "base/test.h"
#include "wire/body_cluster.h"
#include "wire/body_kv_table.h"
#include "wire/body_topic_list.h"
#include "wire/command.h"

static struct arena arena;
static struct buf out;

static int tear_down(void **state) {
    (void)state;
    arena_close(&arena);
    buf_close(&out);
    return 0;
}

/* The body of a recorded answer. */
static struct bytes golden_body(const char *name) {
    static char frame[65536];
    const char *root = getenv("RMQ_GOLDEN");
    struct command command;
    assert_non_null(root);
    FILE *file = fopen(arena_printf(&arena, "%s/wire/%s.bin", root, name).data, "rb");
    assert_non_null(file);
    const size_t len = fread(frame, 1, sizeof frame, file);
    fclose(file);
    assert_ok(command_decode(&arena, bytes_make(frame, len), &command));
    return command.body;
}

static void recorded_routes_come_back_byte_by_byte(void **state) {
    (void)state;
    static const struct {
        const char *name;
        bool strict;
    } rows[] = {{"105-GET_ROUTEINFO_BY_TOPIC-4.2.0-resp-1", false},
                {"105-GET_ROUTEINFO_BY_TOPIC-4.9.8-resp-1", true},
                {"105-GET_ROUTEINFO_BY_TOPIC-5.3.3-resp-2", true}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct topic_route route;
        const struct bytes body = golden_body(rows[i].name);
        assert_ok(topic_route_decode(&arena, body, &route));
        assert_int_equal(route.queues[0].perm, 7);
        assert_int_equal(route.queues[0].write_queue_nums, 8);
        assert_bytes(broker_data_address(&route.brokers[0], MASTER_ID), "127.0.0.1:20911");
        assert_null(broker_data_address(&route.brokers[0], 1).data);
        buf_clear(&out);
        topic_route_encode(&route, rows[i].strict, &out);
        assert_true(bytes_equal(buf_bytes(&out), body));
    }
}

static void all_members_come_back(void **state) {
    (void)state;
    static const char text[] =
        "{\"brokerDatas\":[{\"brokerAddrs\":{0:\"h:1\",2:\"h:3\"},\"brokerName\":\"标\",\"cluster\":\"c\","
        "\"enableActingMaster\":true,\"zoneName\":\"z\"}],\"filterServerTable\":{\"h:1\":[\"f:1\",\"f:2\"]},"
        "\"orderTopicConf\":\"a:8\",\"queueDatas\":[{\"brokerName\":\"标\",\"perm\":6,\"readQueueNums\":4,"
        "\"topicSysFlag\":3,\"writeQueueNums\":5}],\"topicQueueMappingByBroker\":{\"标\":{\"currIdMap\":{\"0\":0}}}}";
    struct topic_route route;
    assert_ok(topic_route_decode(&arena, bytes_of(text), &route));
    topic_route_encode(&route, false, &out);
    assert_bytes(buf_bytes(&out), text);
    buf_clear(&out);
    topic_route_encode(&route, true, &out);
    assert_non_null(
        strstr(arena_strdup(&arena, buf_bytes(&out)), "{\"0\":\"h:1\",\"2\":\"h:3\"},\"brokerName\":\"\\u6807\""));
}

static void other_spellings_are_read(void **state) {
    (void)state;
    struct topic_route route;
    assert_ok(
        topic_route_decode(&arena,
                           BYTES("{'brokerDatas':[{'brokerAddrs':{'7':'h:7','0':'h:0','x':'h:9'}}],"
                                 "'queueDatas':[{'brokerName':'a','topicSynFlag':'1'}],'filterServerTable':null}"),
                           &route));
    assert_int_equal(route.brokers[0].address_count, 2);
    assert_int_equal(route.brokers[0].addresses[0].broker_id, 0); /* by rising id */
    assert_int_equal(route.queues[0].topic_sys_flag, 1);
    assert_ok(topic_route_decode(&arena, BYTES("{}"), &route));
    assert_int_equal(route.queue_count + route.broker_count + route.filter_count, 0);
    assert_err(topic_route_decode(&arena, BYTES("[]"), &route), ERR_BAD_INPUT);
    assert_err(topic_route_decode(&arena, BYTES(""), &route), ERR_BAD_INPUT);
}

static void clusters_come_back(void **state) {
    (void)state;
    static const char text[] =
        "{\"brokerAddrTable\":{\"a\":{\"brokerAddrs\":{0:\"h:1\"},\"brokerName\":\"a\",\"cluster\":\"c\","
        "\"enableActingMaster\":false}},\"clusterAddrTable\":{\"c\":[\"a\",\"b\"]}}";
    struct cluster_info info;
    assert_ok(cluster_info_decode(&arena, bytes_of(text), &info));
    assert_bytes(info.clusters[0].broker_names[1], "b");
    cluster_info_encode(&info, &out);
    assert_bytes(buf_bytes(&out), text);
    assert_err(cluster_info_decode(&arena, BYTES("7"), &info), ERR_BAD_INPUT);
}

static void member_groups_come_back(void **state) {
    (void)state;
    static const char text[] =
        "{\"brokerMemberGroup\":{\"brokerAddrs\":{0:\"h:1\",1:\"h:2\"},\"brokerName\":\"a\",\"cluster\":\"c\"}}";
    struct broker_data group;
    assert_ok(broker_member_group_decode(&arena, bytes_of(text), &group));
    broker_member_group_encode(&group, &out);
    assert_bytes(buf_bytes(&out), text);
}

static void tables_and_lists_come_back(void **state) {
    (void)state;
    const struct kv *items;
    size_t count;
    struct topic_list list;
    assert_ok(kv_table_decode(&arena, BYTES("{\"table\":{\"a\":\"1\",\"n\":2,\"o\":{},\"z\":null}}"), &items, &count));
    assert_int_equal(count, 2);
    kv_table_encode(items, count, &out);
    assert_bytes(buf_bytes(&out), "{\"table\":{\"a\":\"1\",\"n\":\"2\"}}");
    buf_clear(&out);
    assert_ok(topic_list_decode(&arena, BYTES("{\"brokerAddr\":\"h:1\",\"topicList\":[\"A\",\"B\"]}"), &list));
    topic_list_encode(&list, &out);
    assert_bytes(buf_bytes(&out), "{\"brokerAddr\":\"h:1\",\"topicList\":[\"A\",\"B\"]}");
    assert_ok(topic_list_decode(&arena, BYTES("{}"), &list));
    assert_int_equal(list.count, 0);
    assert_err(topic_list_decode(&arena, BYTES("null"), &list), ERR_BAD_INPUT);
    assert_err(kv_table_decode(&arena, BYTES("["), &items, &count), ERR_BAD_INPUT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(recorded_routes_come_back_byte_by_byte, tear_down),
        cmocka_unit_test_teardown(all_members_come_back, tear_down),
        cmocka_unit_test_teardown(other_spellings_are_read, tear_down),
        cmocka_unit_test_teardown(clusters_come_back, tear_down),
        cmocka_unit_test_teardown(member_groups_come_back, tear_down),
        cmocka_unit_test_teardown(tables_and_lists_come_back, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
