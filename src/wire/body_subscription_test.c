/* body_subscription_test.c - tag expressions taken apart; SubscriptionData there and back */
#include "wire/body_subscription.h"

#include "base/hash.h"
#include "base/test.h"

struct fixture {
    struct arena arena;
    struct buf out;
};

static int set_up(void **state) {
    static struct fixture fixture;
    fixture = (struct fixture){0};
    *state = &fixture;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *f = *state;
    arena_close(&f->arena);
    buf_close(&f->out);
    return 0;
}

static void everything_is_no_tag(void **state) {
    struct fixture *f = *state;
    struct bytes all[] = {{0}, BYTES(""), BYTES("*")};
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        struct subscription subscription;
        assert_ok(subscription_parse(&f->arena, BYTES("T"), all[i], (struct bytes){0}, &subscription));
        assert_bytes(subscription.topic, "T");
        assert_bytes(subscription.expression, "*");
        assert_bytes(subscription.expression_type, "TAG");
        assert_true(subscription_is_tag(&subscription));
        assert_int_equal(subscription.tag_count + subscription.code_count, 0);
    }
}

static void tags_are_trimmed_and_taken_once(void **state) {
    struct fixture *f = *state;
    struct subscription subscription;
    struct bytes expression = BYTES(" TagA||TagB || || TagA|x||TagA ");
    assert_ok(subscription_parse(&f->arena, BYTES("T"), expression, BYTES("TAG"), &subscription));
    static const char *const tags[] = {"TagA", "TagB", "TagA|x"};
    assert_int_equal(subscription.tag_count, ARRAY_LEN(tags));
    assert_int_equal(subscription.code_count, ARRAY_LEN(tags));
    for (size_t i = 0; i < ARRAY_LEN(tags); i++) {
        assert_bytes(subscription.tags[i], tags[i]);
        assert_int_equal(subscription.codes[i], java_string_hash(bytes_of(tags[i])));
    }
    assert_true(bytes_equal(subscription.expression, expression));
}

static void an_expression_without_a_tag_is_refused(void **state) {
    struct fixture *f = *state;
    struct subscription subscription;
    assert_err(subscription_parse(&f->arena, BYTES("T"), BYTES(" || "), BYTES(""), &subscription),
               ERR_BAD_SUBSCRIPTION);
}

static void sql_is_left_alone(void **state) {
    struct fixture *f = *state;
    struct subscription subscription;
    assert_ok(subscription_parse(&f->arena, BYTES("T"), BYTES("a > 1 || b"), BYTES("SQL92"), &subscription));
    assert_false(subscription_is_tag(&subscription));
    assert_int_equal(subscription.tag_count, 0);
}

static struct subscription again(struct fixture *f, const struct subscription *subscription) {
    struct json_writer writer = {.out = &f->out};
    buf_clear(&f->out);
    subscription_encode(&writer, subscription);
    const struct json *node;
    assert_ok(json_parse(&f->arena, buf_bytes(&f->out), &node));
    return subscription_decode(&f->arena, node);
}

static void comes_back(void **state) {
    struct fixture *f = *state;
    struct subscription subscription;
    assert_ok(subscription_parse(&f->arena, BYTES("T"), BYTES("A || B"), BYTES("TAG"), &subscription));
    subscription.version_ms = 1795478179517;
    struct subscription back = again(f, &subscription);
    assert_bytes(buf_bytes(&f->out), "{\"classFilterMode\":false,\"codeSet\":[65,66],\"expressionType\":\"TAG\","
                                     "\"subString\":\"A || B\",\"subVersion\":1795478179517,\"tagsSet\":[\"A\",\"B\"],"
                                     "\"topic\":\"T\"}");
    assert_int_equal(back.version_ms, subscription.version_ms);
    assert_int_equal(back.tag_count, 2);
    assert_bytes(back.tags[1], "B");
    assert_int_equal(back.codes[1], 66);
    assert_bytes(back.expression, "A || B");
    subscription = (struct subscription){.topic = BYTES("T"), .class_filter_mode = true};
    back = again(f, &subscription);
    assert_true(back.class_filter_mode);
    assert_null(back.expression.data);
    assert_true(subscription_is_tag(&back));
}

static void missing_members_have_their_defaults(void **state) {
    struct fixture *f = *state;
    const struct json *node;
    assert_ok(json_parse(&f->arena, BYTES("{\"tagsSet\":null,\"codeSet\":[\"7\",null]}"), &node));
    struct subscription subscription = subscription_decode(&f->arena, node);
    assert_null(subscription.topic.data);
    assert_bytes(subscription.expression_type, "TAG");
    assert_int_equal(subscription.tag_count, 0);
    assert_int_equal(subscription.code_count, 2);
    assert_int_equal(subscription.codes[0], 7);
    subscription = subscription_decode(&f->arena, NULL);
    assert_int_equal(subscription.code_count, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(everything_is_no_tag, set_up, tear_down),
        cmocka_unit_test_setup_teardown(tags_are_trimmed_and_taken_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_expression_without_a_tag_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(sql_is_left_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(comes_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(missing_members_have_their_defaults, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
