/* filter_test.c - tags by hash, expressions, references */
#include "base/test.h"
#include "broker/pull/filter.h"

#include "base/hash.h"
#include "message/record.h"

static struct filter *filter_of(struct arena *arena, const char *expression, const char *type) {
    struct subscription subscription;
    assert_ok(subscription_parse(arena, BYTES("T"), bytes_of(expression), bytes_of(type), &subscription));
    return filter_make(&subscription);
}

static bool matches(struct filter *filter, const char *tag) {
    return filter_match_tags(filter, java_string_hash(bytes_of(tag)));
}

static void all_matches_everything(void **state) {
    (void)state;
    static const char *const all[] = {"*", "", NULL};
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        struct arena arena = {0};
        struct filter *filter = filter_of(&arena, all[i], "TAG");
        assert_true(matches(filter, "TagA"));
        assert_true(filter_match_tags(filter, 0)); /* a message without a tag */
        filter_release(filter);
        arena_close(&arena);
    }
}

static void tags_match_by_their_hash(void **state) {
    (void)state;
    struct arena arena = {0};
    struct filter *one = filter_of(&arena, "TagA", NULL);
    struct filter *many = filter_of(&arena, "TagC || TagA||TagB ||\xe6\xa0\x87", "TAG");
    arena_close(&arena); /* filters keep nothing of it */
    assert_true(matches(one, "TagA"));
    assert_false(matches(one, "TagB"));
    assert_false(filter_match_tags(one, 0));
    assert_true(filter_match_tags(one, INT64_MIN)); /* tags unknown: an address in consumequeue_ext */
    assert_true(filter_match_tags(one, (int64_t)INT32_MIN - 1));
    assert_true(matches(many, "TagA"));
    assert_true(matches(many, "TagB"));
    assert_true(matches(many, "TagC"));
    assert_true(matches(many, "\xe6\xa0\x87"));
    assert_false(matches(many, "TagD"));
    /* entries carry the hash as a sign-extended long; only its lower half counts */
    assert_true(filter_match_tags(one, (int64_t)1 << 40 | (uint32_t)java_string_hash(BYTES("TagA"))));
    assert_bytes(many->subscription.topic, "T");
    assert_int_equal(many->subscription.tag_count, 4);
    filter_release(one);
    filter_release(many);
}

/* A record with these properties. */
static struct bytes record_of(struct arena *arena, const char *properties) {
    struct record record = {.topic = BYTES("T"), .body = BYTES("b"), .properties = bytes_of(properties)};
    char *text = arena_alloc(arena, record_size(&record));
    record_encode(&record, text);
    return bytes_make(text, record_size(&record));
}

static void sql92_matches_by_the_properties_of_records(void **state) {
    (void)state;
    struct arena arena = {0};
    struct filter *filter = filter_of(&arena, "a > 5 AND TAGS = 'x'", "SQL92");
    assert_true(filter_is_valid(filter));
    assert_true(filter_match_tags(filter, 0)); /* the record decides */
    assert_true(filter_match_record(filter, record_of(&arena, "a\0016\002TAGS\001x\002")));
    assert_false(filter_match_record(filter, record_of(&arena, "a\0015\002TAGS\001x\002")));
    assert_false(filter_match_record(filter, record_of(&arena, "TAGS\001x\002")));
    assert_false(filter_match_record(filter, BYTES("no record")));
    filter_release(filter);
    arena_close(&arena);
}

static void what_is_no_filter_matches_nothing(void **state) {
    (void)state;
    static const struct {
        const char *expression, *type, *why;
    } bad[] = {{"a >", "SQL92", NULL}, {"", "SQL92", NULL}, {"a > 5", "SQL03", "unknown type of expression: SQL03"}};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct arena arena = {0};
        struct filter *filter = filter_of(&arena, bad[i].expression, bad[i].type);
        assert_false(filter_is_valid(filter));
        assert_false(filter_match_tags(filter, java_string_hash(bytes_of(bad[i].expression))));
        assert_err(filter_check(&filter->subscription), ERR_BAD_SUBSCRIPTION);
        if (bad[i].why) assert_non_null(strstr(err_detail(ERR_BAD_SUBSCRIPTION), bad[i].why));
        filter_release(filter);
        arena_close(&arena);
    }
}

static void an_expression_has_a_limit(void **state) {
    (void)state;
    struct buf text = {0};
    buf_append(&text, "a = 1", 5);
    while (text.len <= SQL92_TEXT_MAX) buf_append(&text, " OR a = 1", 9);
    struct subscription subscription = {.expression = buf_bytes(&text), .expression_type = BYTES("SQL92")};
    assert_err(filter_check(&subscription), ERR_BAD_SUBSCRIPTION);
    subscription.expression.len = 5 + 9 * 100;
    assert_ok(filter_check(&subscription));
    buf_close(&text);
}

static void the_last_release_frees(void **state) {
    (void)state;
    struct arena arena = {0};
    struct filter *filter = filter_of(&arena, "TagA", "TAG");
    assert_ptr_equal(filter_share(filter), filter);
    filter_release(filter);
    assert_true(matches(filter, "TagA"));
    filter_release(filter);
    assert_null(filter_share(NULL));
    filter_release(NULL);
    arena_close(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_matches_everything),
        cmocka_unit_test(tags_match_by_their_hash),
        cmocka_unit_test(sql92_matches_by_the_properties_of_records),
        cmocka_unit_test(what_is_no_filter_matches_nothing),
        cmocka_unit_test(an_expression_has_a_limit),
        cmocka_unit_test(the_last_release_frees),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
