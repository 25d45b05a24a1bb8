/* SQL92 subscriptions from end to end: heartbeats, pulls held and not, the check of a client's configuration, the file.
 */
#include <stdio.h>
#include "base/json.h"
#include "base/test.h"
#include "os/clock.h"
#include "os/file.h"
#include "support/broker_box.h"

enum { SUSPEND = 2, SOON_MS = 5000, HOLD_MS = 20000, QUIET_MS = 300 };

static struct broker_box box;
static struct peer producer, consumer;

static int start(void **state) {
    (void)state;
    broker_box_init(&box);
    broker_box_start(&box);
    peer_open(&producer, box.broker.port);
    peer_open(&consumer, box.broker.port);
    return 0;
}

static int stop(void **state) {
    (void)state;
    peer_close(&producer);
    peer_close(&consumer);
    broker_box_close(&box);
    return 0;
}

/* The consumer's heartbeat: what its group wants of topic T. */
static void subscribe(const char *expression, int64_t version_ms) {
    char body[1024];
    struct command answer;
    snprintf(body, sizeof body,
             "{\"clientID\":\"c\",\"producerDataSet\":[],\"consumerDataSet\":[{\"groupName\":\"g\",\"consumeType\":"
             "\"CONSUME_PASSIVELY\",\"messageModel\":\"CLUSTERING\",\"consumeFromWhere\":\"CONSUME_FROM_FIRST_OFFSET\","
             "\"subscriptionDataSet\":[{\"topic\":\"T\",\"subString\":\"%s\",\"expressionType\":\"SQL92\","
             "\"subVersion\":%lld,\"tagsSet\":[],\"codeSet\":[],\"classFilterMode\":false}],\"unitMode\":false}]}",
             expression, (long long)version_ms);
    peer_call(&consumer, REQUEST_HEART_BEAT, NULL, NULL, bytes_of(body), &answer);
    assert_int_equal(answer.code, RESPONSE_SUCCESS);
}

static void send_numbered(int a) {
    char properties[32], body[16];
    snprintf(properties, sizeof properties, "a\001%d\002", a);
    snprintf(body, sizeof body, "%d", a);
    peer_send_message(&producer, "T", properties, body, RESPONSE_SUCCESS);
}

static void wait_for_queue(int64_t max) {
    for (int i = 0; i < SOON_MS; i++, clock_sleep_ms(1)) {
        struct queue *queue = store_queue(box.broker.store, BYTES("T"), 0, false);
        if (queue && queue_max(queue) >= max) return;
    }
    fail_msg("T has no %d messages", (int)max);
}

/* A pull that relies on the heartbeat. */
static struct hdr_pull_message group_pull(int64_t offset, int64_t version_ms) {
    struct hdr_pull_message header = pull_header("g", "T", 0, offset);
    header.sys_flag = 0;
    header.sub_version = version_ms;
    header.has.subscription = header.has.expression_type = false;
    return header;
}

static void pull(const struct hdr_pull_message *header, struct command *answer) {
    peer_call(&consumer, REQUEST_PULL_MESSAGE, layout_pull_message(), header, BYTES(""), answer);
}

/* The next answer within that time; what the group is told is passed over. */
static bool next_answer(int64_t timeout_ms, struct command *answer) {
    bool came;
    do came = peer_next(&consumer, timeout_ms, answer);
    while (came && !(answer->flag & COMMAND_FLAG_RESPONSE));
    return came;
}

static void the_group_gets_what_matches(void **state) {
    (void)state;
    struct command answer;
    struct record records[8];
    for (int a = 1; a <= 4; a++) send_numbered(a);
    wait_for_queue(4);
    subscribe("a BETWEEN 2 AND 3", 1);
    struct hdr_pull_message header = group_pull(0, 1);
    pull(&header, &answer);
    assert_int_equal(answer.code, RESPONSE_SUCCESS);
    assert_int_equal(pull_records(answer.body, records, ARRAY_LEN(records)), 2);
    assert_bytes(records[0].body, "2");
    assert_bytes(records[1].body, "3");

    subscribe("a = 4", 2); /* changed while it runs */
    header.sub_version = 2;
    pull(&header, &answer);
    assert_int_equal(pull_records(answer.body, records, ARRAY_LEN(records)), 1);
    assert_bytes(records[0].body, "4");
    header.sub_version = 3;
    pull(&header, &answer);
    assert_int_equal(answer.code, RESPONSE_SUBSCRIPTION_NOT_LATEST);
}

static void a_held_pull_wakes_for_what_matches(void **state) {
    (void)state;
    struct command answer;
    struct record record;
    send_numbered(1);
    wait_for_queue(1);
    subscribe("a > 5", 1);
    struct hdr_pull_message header = group_pull(1, 1);
    header.sys_flag = SUSPEND;
    header.suspend_timeout_millis = HOLD_MS;
    peer_send(&consumer, REQUEST_PULL_MESSAGE, layout_pull_message(), &header, BYTES(""), 0);
    assert_false(next_answer(QUIET_MS, &answer));
    send_numbered(2);
    assert_false(next_answer(QUIET_MS, &answer));
    send_numbered(6);
    assert_true(next_answer(SOON_MS, &answer));
    assert_int_equal(answer.code, RESPONSE_SUCCESS);
    assert_int_equal(pull_records(answer.body, &record, 1), 1);
    assert_bytes(record.body, "6");
}

static void a_condition_that_is_none_is_told(void **state) {
    (void)state;
    struct command answer;
    send_numbered(1);
    subscribe("a >", 1);
    struct hdr_pull_message header = group_pull(0, 1);
    pull(&header, &answer);
    assert_int_equal(answer.code, RESPONSE_FILTER_DATA_NOT_EXIST);
    assert_bytes(answer.remark, "The broker's consumer filter data is not exist!Your expression may be wrong!");
}

static void check_config(const char *type, const char *expression, int32_t code, const char *remark) {
    char body[512];
    struct command answer;
    snprintf(body, sizeof body,
             "{\"clientId\":\"c\",\"group\":\"g\",\"subscriptionData\":{\"topic\":\"T\",\"subString\":\"%s\","
             "\"expressionType\":\"%s\",\"subVersion\":1}}",
             expression, type);
    peer_call(&consumer, REQUEST_CHECK_CLIENT_CONFIG, NULL, NULL, bytes_of(body), &answer);
    assert_int_equal(answer.code, code);
    if (remark && !bytes_starts_with(answer.remark, bytes_of(remark)))
        fail_msg("remark: %.*s", BYTES_ARG(answer.remark));
}

static void the_configuration_of_a_client_is_checked(void **state) {
    (void)state;
    check_config("TAG", "a || b", RESPONSE_SUCCESS, NULL);
    check_config("SQL92", "a > 5 AND b IS NOT NULL", RESPONSE_SUCCESS, NULL);
    check_config("SQL92", "a >", RESPONSE_SUBSCRIPTION_PARSE_FAILED, "the SQL92 expression is wrong at character");
    check_config("JS", "a", RESPONSE_SUBSCRIPTION_PARSE_FAILED, "unknown type of expression: JS");
}

static void filters_may_be_forbidden(void **state) {
    (void)state;
    struct command answer;
    peer_close(&producer);
    peer_close(&consumer);
    broker_box_stop(&box);
    broker_box_set(&box, "enablePropertyFilter=false");
    broker_box_start(&box);
    peer_open(&producer, box.broker.port);
    peer_open(&consumer, box.broker.port);
    static const char why[] = "The broker does not support consumer to filter message by SQL92";
    check_config("SQL92", "a > 5", RESPONSE_SYSTEM_ERROR, why);
    check_config("TAG", "a", RESPONSE_SUCCESS, NULL);
    send_numbered(1);
    subscribe("a > 5", 1);
    struct hdr_pull_message header = group_pull(0, 1);
    pull(&header, &answer);
    assert_int_equal(answer.code, RESPONSE_SYSTEM_ERROR);
    assert_bytes(answer.remark, why);
}

static void the_condition_is_told_with_queue_entries(void **state) {
    (void)state;
    struct command answer;
    const struct json *body;
    struct arena arena = {0};
    send_numbered(1);
    wait_for_queue(1);
    subscribe("a > 5", 7);
    struct hdr_query_consume_queue header = {
        .present = HEADER_ALL, .topic = BYTES("T"), .count = 1, .consumer_group = BYTES("g")};
    peer_call(&consumer, REQUEST_QUERY_CONSUME_QUEUE, layout_query_consume_queue(), &header, BYTES(""), &answer);
    assert_ok(json_parse(&arena, answer.body, &body));
    assert_ok(json_parse(&arena, json_text(json_get(body, "filterData")), &body)); /* a text in itself */
    assert_bytes(json_text(json_get(body, "expression")), "a > 5");
    assert_int_equal(json_i64(json_get(body, "clientVersion"), 0), 7);
    arena_close(&arena);
}

static void conditions_are_kept_in_a_file(void **state) {
    (void)state;
    char path[128];
    struct buf text = {0};
    subscribe("a > 5", 7);
    peer_close(&consumer);
    broker_box_stop(&box);
    snprintf(path, sizeof path, "%s/config/consumerFilter.json", box.root);
    assert_ok(file_read_all(path, 1 << 20, &text));
    buf_append_char(&text, 0);
    assert_non_null(strstr(text.data, "\"expression\":\"a > 5\""));
    assert_non_null(strstr(text.data, "\"clientVersion\":7"));
    buf_close(&text);
    broker_box_start(&box);
    peer_open(&consumer, box.broker.port);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_group_gets_what_matches, start, stop),
        cmocka_unit_test_setup_teardown(a_held_pull_wakes_for_what_matches, start, stop),
        cmocka_unit_test_setup_teardown(a_condition_that_is_none_is_told, start, stop),
        cmocka_unit_test_setup_teardown(the_configuration_of_a_client_is_checked, start, stop),
        cmocka_unit_test_setup_teardown(filters_may_be_forbidden, start, stop),
        cmocka_unit_test_setup_teardown(the_condition_is_told_with_queue_entries, start, stop),
        cmocka_unit_test_setup_teardown(conditions_are_kept_in_a_file, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
