/* filter_data_test.c - conditions live and die with their groups; the file is the Java broker's */
#include "broker/broker_testing.h"
#include "broker/tables/filter_data.h"

#include "os/clock.h"

static struct subscription sql(const char *topic, const char *expression, int64_t version_ms) {
    return (struct subscription){.topic = bytes_of(topic),
                                 .expression = bytes_of(expression),
                                 .expression_type = BYTES("SQL92"),
                                 .version_ms = version_ms};
}

/* The file after a save, as a tree; NULL when there is none. */
static const struct json *saved(struct testing *t, struct filter_data *data, struct arena *arena) {
    const struct json *root;
    filter_data_save(data);
    if (!file_exists(broker_config_file(&t->broker, arena, "consumerFilter.json"))) return NULL;
    struct buf text = testing_read(t, "consumerFilter.json");
    assert_ok(json_parse(arena, arena_copy(arena, buf_bytes(&text)), &root));
    buf_close(&text);
    return json_get(root, "filterDataByTopic");
}

static const struct json *condition(const struct json *topics, const char *topic, const char *group) {
    return json_get(json_get(json_get(topics, topic), "groupFilterData"), group);
}

static void positions_are_those_of_the_java_broker(void **state) {
    (void)state;
    int32_t positions[BLOOM_POSITIONS];
    filter_data_bloom(BYTES("CG_sql"), BYTES("TopicA"), positions); /* recorded in v533-clean */
    assert_int_equal(positions[0], 105);
    assert_int_equal(positions[1], 88);
    assert_int_equal(positions[2], 26);
}

static void a_condition_lives_while_its_group_wants_it(void **state) {
    (void)state;
    struct testing t;
    struct arena arena = {0};
    struct filter_data *data;
    testing_init(&t);
    assert_ok(filter_data_open(&t.broker, &data));
    const struct subscription both[] = {sql("T", "a > 5", 10), {.topic = BYTES("U"), .expression = BYTES("*")}};
    filter_data_register(data, BYTES("g"), both, 2);
    const struct json *c = condition(saved(&t, data, &arena), "T", "g");
    assert_bytes(json_text(json_get(c, "expression")), "a > 5");
    assert_int_equal(json_i64(json_get(c, "clientVersion"), 0), 10);
    assert_int_equal(json_i64(json_get(c, "deadTime"), -1), 0);
    assert_false(json_bool(json_get(c, "dead"), true));
    assert_null(condition(saved(&t, data, &arena), "U", "g")); /* tags are not kept */

    filter_data_register(data, BYTES("g"), &both[1], 1);
    c = condition(saved(&t, data, &arena), "T", "g");
    assert_true(json_bool(json_get(c, "dead"), false));
    filter_data_register(data, BYTES("g"), both, 2); /* the same version: alive again */
    assert_false(json_bool(json_get(condition(saved(&t, data, &arena), "T", "g"), "dead"), true));
    filter_data_unregister(data, BYTES("g"));
    assert_true(json_bool(json_get(condition(saved(&t, data, &arena), "T", "g"), "dead"), false));

    clock_shift_wall_ms(25LL * 3600 * 1000);
    const struct subscription other = sql("V", "b = 1", 1);
    filter_data_register(data, BYTES("h"), &other, 1);
    assert_null(json_get(saved(&t, data, &arena), "T")); /* dead for too long */
    assert_non_null(condition(saved(&t, data, &arena), "V", "h"));
    clock_shift_wall_ms(-25LL * 3600 * 1000);
    filter_data_close(data);
    arena_close(&arena);
    testing_done(&t);
}

static void only_a_newer_version_changes_the_condition(void **state) {
    (void)state;
    struct testing t;
    struct arena arena = {0};
    struct filter_data *data;
    testing_init(&t);
    assert_ok(filter_data_open(&t.broker, &data));
    static const struct {
        const char *expression;
        int64_t version_ms;
        const char *then; /* NULL: forgotten */
        int64_t then_version_ms;
    } steps[] = {
        {"a > 1", 5, "a > 1", 5}, {"a > 2", 4, "a > 1", 5}, {"a > 2", 5, "a > 1", 5}, {"a > 2", 6, "a > 2", 6},
        {"a > 2", 9, "a > 2", 9}, {"a >", 10, NULL, 0},     {"a >", 11, NULL, 0},     {"a > 3", 1, "a > 3", 1},
    };
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        const struct subscription wanted = sql("T", steps[i].expression, steps[i].version_ms);
        filter_data_register(data, BYTES("g"), &wanted, 1);
        const struct json *c = condition(saved(&t, data, &arena), "T", "g");
        assert_int_equal(c != NULL, steps[i].then != NULL);
        if (!c) continue;
        assert_bytes(json_text(json_get(c, "expression")), steps[i].then);
        assert_int_equal(json_i64(json_get(c, "clientVersion"), 0), steps[i].then_version_ms);
    }
    filter_data_close(data);
    arena_close(&arena);
    testing_done(&t);
}

static void what_a_java_broker_wrote_is_kept(void **state) {
    (void)state;
    struct testing t;
    struct arena arena = {0};
    struct filter_data *data;
    testing_init(&t);
    testing_unpack(&t, "v533-clean");
    struct buf before = testing_read(&t, "consumerFilter.json");
    clock_shift_wall_ms(1795479163651 - clock_wall_ms()); /* when it died */
    assert_ok(filter_data_open(&t.broker, &data));
    const struct subscription other = sql("TopicB", "a = 1", 1);
    filter_data_register(data, BYTES("g"), &other, 1);
    filter_data_save(data);
    struct buf now = testing_read(&t, "consumerFilter.json");
    assert_json_kept(buf_bytes(&before), buf_bytes(&now), "filterDataByTopic");
    filter_data_close(data);
    buf_close(&before);
    buf_close(&now);
    arena_close(&arena);
    testing_done(&t);
}

static void a_damaged_file_is_begun_anew(void **state) {
    (void)state;
    struct testing t;
    struct arena arena = {0};
    struct filter_data *data;
    testing_init(&t);
    testing_write(&t, "consumerFilter.json", "{\"filterDataByTopic\":");
    testing_write(&t, "consumerFilter.json.bak", "");
    assert_ok(filter_data_open(&t.broker, &data));
    const struct subscription wanted = sql("T", "a > 1", 1);
    filter_data_register(data, BYTES("g"), &wanted, 1);
    assert_non_null(condition(saved(&t, data, &arena), "T", "g"));
    filter_data_close(data);
    arena_close(&arena);
    testing_done(&t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(positions_are_those_of_the_java_broker),
        cmocka_unit_test(a_condition_lives_while_its_group_wants_it),
        cmocka_unit_test(only_a_newer_version_changes_the_condition),
        cmocka_unit_test(what_a_java_broker_wrote_is_kept),
        cmocka_unit_test(a_damaged_file_is_begun_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
