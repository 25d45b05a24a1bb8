#include "base/test.h"
#include "broker/filter.h"

#include "base/hash.h"

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

static void expressions_match_nothing(void **state) {
    (void)state;
    struct arena arena = {0};
    struct filter *filter = filter_of(&arena, "a > 5", "SQL92");
    assert_false(subscription_is_tag(&filter->subscription));
    assert_false(matches(filter, "a > 5"));
    filter_release(filter);
    arena_close(&arena);
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
        cmocka_unit_test(expressions_match_nothing),
        cmocka_unit_test(the_last_release_frees),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
