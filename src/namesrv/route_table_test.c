/* route_table_test.c - the rules of registering and leaving, on the tables alone. */
#include "namesrv/route_table.h"

#include <stdio.h>
#include "base/log.h"
#include "base/test.h"
#include "namesrv/route_query.h"

static struct namesrv_config config;
static struct route_table *table;
static struct arena arena;

/* The last notice of a new lowest id. */
static struct {
    int count;
    int64_t lowest_id;
    char offline[64], ha[64];
} notice;

static void keep_notice(void *ctx, const struct min_broker_change *change) {
    (void)ctx;
    notice.count++;
    notice.lowest_id = change->broker->addresses[0].broker_id;
    snprintf(notice.offline, sizeof notice.offline, "%.*s", BYTES_ARG(change->offline_address));
    snprintf(notice.ha, sizeof notice.ha, "%.*s", BYTES_ARG(change->ha_server_address));
}

static void quiet(enum log_level level, enum log_topic topic, const char *line, size_t len) {
    (void)level;
    (void)topic;
    (void)line;
    (void)len;
}

static int set_up(void **state) {
    (void)state;
    log_set_sink(quiet);
    namesrv_config_init(&config);
    memset(&notice, 0, sizeof notice);
    table = route_table_create(&(struct route_table_options){.config = &config, .min_broker_changed = keep_notice});
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    route_table_destroy(table);
    arena_close(&arena);
    return 0;
}

struct comes {
    const char *cluster, *broker, *address, *zone;
    int64_t id, counter, state_version, now_ms, timeout_ms;
    uint64_t channel;
    bool knows_acting, acting;
    const char *topics[8]; /* with 4 queues, perm 6 */
    int32_t perm, sys_flag;
    const char *mapping; /* of the first topic */
    const char *filter_server;
};

/* A broker comes: cluster "c", broker "a", address "a:ID" and two topics where nothing else is said. */
static enum err come(struct comes c, struct registration_result *result) {
    struct registration_result unused;
    struct topic_config topics[8];
    size_t count = 0;
    if (c.topics[0] == NULL) {
        c.topics[0] = "T1";
        c.topics[1] = "T2";
    }
    for (; c.topics[count] != NULL; count++)
        topics[count] = (struct topic_config){.name = bytes_of(c.topics[count]),
                                              .read_queue_nums = 4,
                                              .write_queue_nums = 4,
                                              .perm = c.perm != 0 ? c.perm : 6,
                                              .sys_flag = c.sys_flag};
    const char *broker = c.broker != NULL ? c.broker : "a";
    const struct bytes address =
        c.address != NULL ? bytes_of(c.address) : arena_printf(&arena, "%s:%d", broker, (int)c.id);
    const struct bytes filter_server = bytes_of(c.filter_server);
    const struct topic_mapping mapping = {bytes_of(c.topics[0]), bytes_of(c.mapping)};
    const struct register_body body = {.data_version = {c.state_version, 1, c.counter},
                                       .topics = topics,
                                       .topic_count = count,
                                       .has_filter_servers = true,
                                       .filter_servers = &filter_server,
                                       .filter_server_count = c.filter_server != NULL,
                                       .mappings = &mapping,
                                       .mapping_count = c.mapping != NULL};
    const struct registration registration = {
        .broker = {bytes_of(c.cluster != NULL ? c.cluster : "c"), bytes_of(broker), address, c.id},
        .ha_server_address = arena_printf(&arena, "ha-%s:%d", broker, (int)c.id),
        .zone_name = bytes_of(c.zone),
        .knows_acting_master = c.knows_acting,
        .enable_acting_master = c.acting,
        .timeout_ms = c.timeout_ms,
        .channel_id = c.channel,
        .body = &body,
    };
    return route_table_register(table, &registration, c.now_ms, result != NULL ? result : &unused);
}

static void leave(const char *broker, int64_t id) {
    const struct bytes address = arena_printf(&arena, "%s:%d", broker, (int)id);
    route_table_unregister(table, &(struct broker_identity){BYTES("c"), bytes_of(broker), address, id});
}

/* The route of a topic as text: "a[0=a:0,1=a:1]rRwW/PERM" for each broker. */
static const char *route_of(const char *topic) {
    static char text[1024];
    struct topic_route route;
    size_t len = 0;
    if (!route_query_topic(table, &arena, bytes_of(topic), &route)) return "none";
    for (size_t i = 0; i < route.queue_count; i++) {
        const struct broker_data *broker = &route.brokers[i];
        assert_true(bytes_equal(broker->broker_name, route.queues[i].broker_name));
        len += (size_t)snprintf(text + len, sizeof text - len, "%.*s[", BYTES_ARG(broker->broker_name));
        for (size_t k = 0; k < broker->address_count; k++)
            len += (size_t)snprintf(text + len, sizeof text - len, "%s%d=%.*s", k > 0 ? "," : "",
                                    (int)broker->addresses[k].broker_id, BYTES_ARG(broker->addresses[k].address));
        len += (size_t)snprintf(text + len, sizeof text - len, "]r%dw%d/%d", route.queues[i].read_queue_nums,
                                route.queues[i].write_queue_nums, route.queues[i].perm);
    }
    return text;
}

static void a_master_brings_its_topics(void **state) {
    (void)state;
    assert_string_equal(route_of("T1"), "none");
    assert_ok(come((struct comes){0}, NULL));
    assert_string_equal(route_of("T1"), "a[0=a:0]r4w4/6");
    assert_ok(come((struct comes){.broker = "b", .topics = {"T1", "T3"}}, NULL));
    assert_string_equal(route_of("T1"), "a[0=a:0]r4w4/6b[0=b:0]r4w4/6");
    assert_string_equal(route_of("T3"), "b[0=b:0]r4w4/6");
}

static void topics_change_with_the_data_version_alone(void **state) {
    (void)state;
    assert_ok(come((struct comes){.counter = 1}, NULL));
    assert_ok(come((struct comes){.counter = 1, .perm = 4, .topics = {"T1", "T2", "T3"}}, NULL));
    assert_string_equal(route_of("T1"), "a[0=a:0]r4w4/6");
    assert_string_equal(route_of("T3"), "a[0=a:0]r4w4/4"); /* was missing */
    assert_ok(come((struct comes){.counter = 2, .perm = 4, .topics = {"T1"}}, NULL));
    assert_string_equal(route_of("T1"), "a[0=a:0]r4w4/4");
    assert_string_equal(route_of("T2"), "a[0=a:0]r4w4/6"); /* not named: stays */
}

static void topics_not_named_go_when_told_so(void **state) {
    (void)state;
    config.delete_topic_with_broker_registration = true;
    assert_ok(come((struct comes){.counter = 1, .topics = {"T1", "T2", "T3"}}, NULL));
    assert_ok(come((struct comes){.broker = "b", .topics = {"T1", "T2"}}, NULL));
    assert_ok(come((struct comes){.counter = 2, .topics = {"T1", "T4"}}, NULL));
    assert_string_equal(route_of("T2"), "b[0=b:0]r4w4/6");
    assert_string_equal(route_of("T3"), "none");
    assert_string_equal(route_of("T4"), "a[0=a:0]r4w4/6");
}

static void a_stranger_with_one_topic_is_refused(void **state) {
    (void)state;
    assert_err(come((struct comes){.topics = {"T1"}}, NULL), ERR_FAILED);
    assert_string_equal(err_detail(ERR_FAILED), "register broker failed");
    assert_string_equal(route_of("T1"), "none");
    assert_int_equal(route_query_member_group(table, BYTES("c"), BYTES("a")).address_count, 0);
    assert_ok(come((struct comes){.topics = {"T1", "T2"}}, NULL));
    assert_ok(come((struct comes){.counter = 1, .topics = {"T3"}}, NULL));
    assert_string_equal(route_of("T3"), "a[0=a:0]r4w4/6");
    assert_err(come((struct comes){.id = 1, .address = "a:0", .topics = {"T1"}}, NULL), ERR_FAILED);
    assert_string_equal(route_of("T1"), "a[0=a:0]r4w4/6");
}

static void a_slave_hears_of_its_master(void **state) {
    (void)state;
    struct registration_result result;
    assert_ok(come((struct comes){.id = 1}, &result));
    assert_null(result.master_address.data);
    assert_string_equal(route_of("T1"), "none"); /* a slave of before 5.0 brings no topics */
    assert_ok(come((struct comes){0}, &result));
    assert_null(result.master_address.data);
    assert_ok(come((struct comes){.id = 1}, &result));
    assert_bytes(result.master_address, "a:0");
    assert_bytes(result.ha_server_address, "ha-a:0");
    assert_string_equal(route_of("T1"), "a[0=a:0,1=a:1]r4w4/6");
}

static void a_changed_role_drops_the_former_id(void **state) {
    (void)state;
    assert_ok(come((struct comes){0}, NULL));
    assert_ok(come((struct comes){.id = 2, .address = "a:2"}, NULL));
    leave("a", 0);
    assert_ok(come((struct comes){.id = 0, .address = "a:2", .counter = 1}, NULL));
    assert_string_equal(route_of("T1"), "a[0=a:2]r4w4/6");
}

static void an_older_state_does_not_take_the_id(void **state) {
    (void)state;
    struct registration_result result;
    assert_ok(come((struct comes){.state_version = 5}, NULL));
    assert_ok(come((struct comes){.address = "a:other", .state_version = 4}, &result));
    assert_string_equal(route_of("T1"), "a[0=a:0]r4w4/6");
    assert_ok(come((struct comes){.address = "a:other", .state_version = 5}, &result));
    assert_string_equal(route_of("T1"), "a[0=a:other]r4w4/6");
}

static void the_last_address_takes_the_topics_along(void **state) {
    (void)state;
    assert_ok(come((struct comes){0}, NULL));
    assert_ok(come((struct comes){.id = 1}, NULL));
    assert_ok(come((struct comes){.broker = "b"}, NULL));
    leave("a", 0);
    assert_string_equal(route_of("T1"), "a[1=a:1]r4w4/6b[0=b:0]r4w4/6"); /* reads go on at the slave */
    leave("a", 1);
    assert_string_equal(route_of("T1"), "b[0=b:0]r4w4/6");
    leave("b", 0);
    leave("b", 0);
    assert_string_equal(route_of("T1"), "none");
    struct cluster_info info;
    route_query_cluster_info(table, &arena, &info);
    assert_int_equal(info.cluster_count, 0);
}

static void a_closed_channel_takes_its_brokers_along(void **state) {
    (void)state;
    assert_ok(come((struct comes){.channel = 7}, NULL));
    assert_ok(come((struct comes){.broker = "b", .channel = 8}, NULL));
    assert_ok(come((struct comes){.broker = "d", .channel = 7}, NULL));
    route_table_channel_closed(table, 7);
    assert_string_equal(route_of("T1"), "b[0=b:0]r4w4/6");
    assert_ok(come((struct comes){.broker = "b", .channel = 9}, NULL)); /* came again over another */
    route_table_channel_closed(table, 8);
    assert_string_equal(route_of("T1"), "b[0=b:0]r4w4/6");
}

static void silent_brokers_expire(void **state) {
    (void)state;
    const uint64_t *channels;
    struct data_version version;
    assert_ok(come((struct comes){.now_ms = 1000, .channel = 7}, NULL));
    assert_ok(
        come((struct comes){.broker = "b", .now_ms = 1000, .timeout_ms = 10000, .channel = 8, .counter = 3}, NULL));
    assert_int_equal(route_table_expire(table, 11000, &arena, &channels), 0);
    route_table_heartbeat(table, BYTES("c"), BYTES("b:0"), 5000);
    assert_int_equal(route_table_expire(table, 15000, &arena, &channels), 0);
    assert_true(route_table_data_version(table, BYTES("c"), BYTES("b:0"), &version));
    assert_int_equal(version.counter, 3);
    assert_int_equal(route_table_expire(table, 15001, &arena, &channels), 1);
    assert_int_equal(channels[0], 8);
    assert_false(route_table_data_version(table, BYTES("c"), BYTES("b:0"), &version));
    assert_string_equal(route_of("T1"), "a[0=a:0]r4w4/6");
    assert_int_equal(route_table_expire(table, 1000 + BROKER_TIMEOUT_MS, &arena, &channels), 0);
    assert_int_equal(route_table_expire(table, 1001 + BROKER_TIMEOUT_MS, &arena, &channels), 1);
    assert_string_equal(route_of("T1"), "none");
}

static void a_slave_acts_as_master(void **state) {
    (void)state;
    config.support_acting_master = true;
    assert_ok(come((struct comes){.knows_acting = true, .acting = true}, NULL));
    assert_ok(come((struct comes){.id = 2, .knows_acting = true, .acting = true}, NULL));
    assert_ok(come((struct comes){.id = 1, .knows_acting = true, .acting = true}, NULL));
    assert_string_equal(route_of("T1"), "a[0=a:0,1=a:1,2=a:2]r4w4/6");
    leave("a", 0);
    assert_string_equal(route_of("T1"), "a[0=a:1,2=a:2]r4w4/4");
    config.support_acting_master = false;
    assert_string_equal(route_of("T1"), "a[1=a:1,2=a:2]r4w4/4");
    /* what the lowest slave registers now has no write permission either */
    assert_ok(come((struct comes){.id = 1, .counter = 9, .knows_acting = true, .acting = true}, NULL));
    assert_string_equal(route_of("T1"), "a[1=a:1,2=a:2]r4w4/4");
}

static void not_every_slave_acts_as_master(void **state) {
    (void)state;
    config.support_acting_master = true;
    assert_ok(come(
        (struct comes){.knows_acting = true, .acting = true, .topics = {"T1", "rmq_sys_SYNC_BROKER_MEMBER_a"}}, NULL));
    assert_ok(come((struct comes){.id = 1, .knows_acting = true, .acting = true}, NULL));
    assert_ok(come((struct comes){.broker = "b", .perm = 4}, NULL)); /* does not want it */
    assert_ok(come((struct comes){.broker = "b", .id = 1, .knows_acting = true}, NULL));
    leave("a", 0);
    leave("b", 0);
    assert_string_equal(route_of("rmq_sys_SYNC_BROKER_MEMBER_a"), "a[1=a:1]r4w4/4");
    assert_string_equal(route_of("T1"), "a[0=a:1]r4w4/4b[1=b:1]r4w4/4");
    route_table_add_write_perm(table, BYTES("a")); /* writable again */
    assert_string_equal(route_of("T1"), "a[1=a:1]r4w4/6b[1=b:1]r4w4/4");
}

static void a_new_lowest_id_is_told(void **state) {
    (void)state;
    assert_ok(come((struct comes){.id = 1}, NULL));
    assert_ok(come((struct comes){0}, NULL));
    assert_int_equal(notice.count, 0);
    config.notify_min_broker_id_changed = true;
    leave("a", 0);
    assert_int_equal(notice.count, 1);
    assert_int_equal(notice.lowest_id, 1);
    assert_string_equal(notice.offline, "a:0");
    assert_ok(come((struct comes){0}, NULL));
    assert_int_equal(notice.count, 2);
    assert_int_equal(notice.lowest_id, 0);
    assert_string_equal(notice.offline, "");
    assert_string_equal(notice.ha, "ha-a:0");
    leave("a", 1);
    leave("a", 0);
    assert_int_equal(notice.count, 2); /* not the lowest; nobody left */
}

static void write_permission_is_wiped_and_added(void **state) {
    (void)state;
    assert_ok(come((struct comes){.topics = {"T1", "T2", "T3"}}, NULL));
    assert_ok(come((struct comes){.broker = "b"}, NULL));
    assert_int_equal(route_table_wipe_write_perm(table, BYTES("a")), 3);
    assert_string_equal(route_of("T1"), "a[0=a:0]r4w4/4b[0=b:0]r4w4/6");
    assert_int_equal(route_table_add_write_perm(table, BYTES("a")), 3);
    assert_string_equal(route_of("T1"), "a[0=a:0]r4w4/6b[0=b:0]r4w4/6");
    assert_int_equal(route_table_wipe_write_perm(table, BYTES("missing")), 0);
}

static void topics_come_and_go_by_request(void **state) {
    (void)state;
    assert_ok(come((struct comes){0}, NULL));
    assert_ok(come((struct comes){.broker = "b", .cluster = "c2"}, NULL));
    const struct queue_data queues[] = {
        {BYTES("a"), 2, 3, 6, 0}, {BYTES("missing"), 1, 1, 6, 0}, {BYTES("b"), 1, 1, 6, 0}};
    route_table_register_topic(table, BYTES("New"), queues, ARRAY_LEN(queues));
    assert_string_equal(route_of("New"), "a[0=a:0]r2w3/6");
    route_table_delete_topic(table, BYTES("T1"), BYTES("c2"));
    assert_string_equal(route_of("T1"), "a[0=a:0]r4w4/6");
    route_table_delete_topic(table, BYTES("T2"), BYTES(""));
    assert_string_equal(route_of("T2"), "none");
    route_table_delete_topic(table, BYTES("T2"), BYTES(""));
}

static void lists_are_filtered(void **state) {
    (void)state;
    struct topic_list list;
    assert_ok(come((struct comes){.topics = {"plain", "plain2"}}, NULL));
    assert_ok(come((struct comes){.broker = "b", .cluster = "c2", .topics = {"unit", "unit2"}, .sys_flag = 1}, NULL));
    assert_ok(come((struct comes){.broker = "d", .topics = {"sub", "sub2"}, .sys_flag = 2}, NULL));
    assert_ok(come((struct comes){.broker = "e", .topics = {"both", "both2"}, .sys_flag = 3}, NULL));
    route_query_topics(table, &arena, TOPICS_ALL, &list);
    assert_int_equal(list.count, 8);
    route_query_topics(table, &arena, TOPICS_UNIT, &list);
    assert_int_equal(list.count, 4);
    route_query_topics(table, &arena, TOPICS_UNIT_SUB, &list);
    assert_int_equal(list.count, 4);
    route_query_topics(table, &arena, TOPICS_UNIT_SUB_NOT_UNIT, &list);
    assert_int_equal(list.count, 2);
    assert_bytes(list.topics[0], "sub");
    route_query_topics_of_cluster(table, &arena, BYTES("c2"), &list);
    assert_int_equal(list.count, 2);
    assert_bytes(list.topics[0], "unit");
    route_query_system_topics(table, &arena, &list);
    assert_int_equal(list.count, 6); /* two clusters, four brokers */
    assert_bytes(list.topics[0], "c");
    assert_bytes(list.broker_addr, "a:0");
}

static void routes_carry_mappings_and_filter_servers(void **state) {
    (void)state;
    struct topic_route route;
    assert_ok(come((struct comes){.mapping = "{\"bname\":\"a\"}", .filter_server = "f:1"}, NULL));
    assert_ok(come((struct comes){.broker = "b"}, NULL));
    assert_true(route_query_topic(table, &arena, BYTES("T1"), &route));
    assert_int_equal(route.mapping_count, 1);
    assert_bytes(route.mappings[0].info, "{\"bname\":\"a\"}");
    assert_int_equal(route.filter_count, 1);
    assert_bytes(route.filters[0].broker_address, "a:0");
    assert_bytes(route.filters[0].servers[0], "f:1");
    assert_ok(come((struct comes){.counter = 1}, NULL)); /* an empty list removes */
    assert_true(route_query_topic(table, &arena, BYTES("T1"), &route));
    assert_int_equal(route.filter_count, 0);
}

static void zones_keep_their_own(void **state) {
    (void)state;
    struct topic_route route;
    assert_ok(come((struct comes){.zone = "East", .filter_server = "f:1"}, NULL));
    assert_ok(come((struct comes){.broker = "b", .zone = "west", .filter_server = "f:2"}, NULL));
    assert_ok(come((struct comes){.broker = "d", .id = 1, .zone = "west", .knows_acting = true}, NULL)); /* no master */
    assert_ok(come((struct comes){.broker = "e"}, NULL));                                                /* no zone */
    assert_true(route_query_topic(table, &arena, BYTES("T1"), &route));
    assert_int_equal(route.queue_count, 4);
    route_query_keep_zone(&arena, &route, BYTES("EAST"));
    assert_int_equal(route.queue_count, 2);
    assert_bytes(route.brokers[0].broker_name, "a");
    assert_bytes(route.queues[1].broker_name, "d");
    assert_int_equal(route.filter_count, 1);
    assert_bytes(route.filters[0].broker_address, "a:0");
}

static void assert_cause(const char *topic, const char *text) {
    struct buf cause = {0};
    route_query_no_route_cause(table, bytes_of(topic), &cause);
    assert_bytes(buf_bytes(&cause), text);
    buf_close(&cause);
}

static void a_missing_route_has_a_cause(void **state) {
    (void)state;
    const uint64_t *channels;
    assert_cause("T1", "no broker is registered here, start one that has this name server in its namesrvAddr");
    assert_ok(come((struct comes){.channel = 7}, NULL));
    assert_ok(come((struct comes){.broker = "b", .channel = 8, .topics = {"T2", "T3"}}, NULL));
    assert_cause("T4", "none of the brokers registered here (2) has it, create it or let the first send do it "
                       "(autoCreateTopicEnable)");
    route_table_channel_closed(table, 7);
    assert_cause("T1", "the last broker that had it, a, lost its connection 0 s ago");
    route_table_delete_topic(table, BYTES("T2"), BYTES(""));
    assert_cause("T2", "the last broker that had it, b, lost it to a request to delete it 0 s ago");
    assert_int_equal(route_table_expire(table, 1 + BROKER_TIMEOUT_MS, &arena, &channels), 1);
    assert_cause("T3", "the last broker that had it, b, was not heard of in its time and given up 0 s ago");
    assert_ok(come((struct comes){.channel = 9}, NULL));
    route_table_unregister(table, &(struct broker_identity){BYTES("c"), BYTES("a"), BYTES("a:0"), 0});
    assert_cause("T1", "the last broker that had it, a, was shut down 0 s ago");
}

#define IN_TABLE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_TABLE(a_master_brings_its_topics),
        IN_TABLE(topics_change_with_the_data_version_alone),
        IN_TABLE(topics_not_named_go_when_told_so),
        IN_TABLE(a_stranger_with_one_topic_is_refused),
        IN_TABLE(a_slave_hears_of_its_master),
        IN_TABLE(a_changed_role_drops_the_former_id),
        IN_TABLE(an_older_state_does_not_take_the_id),
        IN_TABLE(the_last_address_takes_the_topics_along),
        IN_TABLE(a_closed_channel_takes_its_brokers_along),
        IN_TABLE(silent_brokers_expire),
        IN_TABLE(a_missing_route_has_a_cause),
        IN_TABLE(a_slave_acts_as_master),
        IN_TABLE(not_every_slave_acts_as_master),
        IN_TABLE(a_new_lowest_id_is_told),
        IN_TABLE(write_permission_is_wiped_and_added),
        IN_TABLE(topics_come_and_go_by_request),
        IN_TABLE(lists_are_filtered),
        IN_TABLE(routes_carry_mappings_and_filter_servers),
        IN_TABLE(zones_keep_their_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
