/* properties_test.c - property texts as clients send them, whole and broken */
#include "message/properties.h"

#include "base/test.h"

static void the_last_of_equal_names_wins(void **state) {
    (void)state;
    struct bytes text = BYTES("UNIQ_KEY\001old\002TAGS\001A\002UNIQ_KEY\001new\002");
    assert_bytes(properties_get(text, PROPERTY_UNIQ_KEY), "new");
    assert_bytes(properties_get(text, PROPERTY_TAGS), "A");
    assert_null(properties_get(text, PROPERTY_KEYS).data);
    assert_null(properties_get(text, BYTES("UNIQ")).data);
    assert_null(properties_get((struct bytes){0}, PROPERTY_TAGS).data);
}

static void the_last_separator_may_be_missing(void **state) {
    (void)state;
    assert_bytes(properties_get(BYTES("WAIT\001true\002TAGS\001A"), PROPERTY_TAGS), "A");
    assert_bytes(properties_get(BYTES("a\001b"), BYTES("a")), "b");
}

static void broken_items_are_passed_over(void **state) {
    (void)state;
    struct bytes rest = BYTES("\002x\002\001y\002name\001\002\001\002a\001b\001c\002\002\002d\001e"), name, value;
    assert_true(properties_next(&rest, &name, &value));
    assert_bytes(name, "a");
    assert_bytes(value, "b\001c"); /* as Java 5.x: the first separator counts */
    assert_true(properties_next(&rest, &name, &value));
    assert_bytes(name, "d");
    assert_bytes(value, "e");
    assert_false(properties_next(&rest, &name, &value));
}

static void append_adds_a_missing_separator(void **state) {
    (void)state;
    struct buf out = {0};
    properties_append(&out, PROPERTY_TAGS, BYTES("A"));
    assert_bytes(buf_bytes(&out), "TAGS\001A\002");
    properties_append(&out, PROPERTY_KEYS, BYTES("k1 k2"));
    assert_bytes(buf_bytes(&out), "TAGS\001A\002KEYS\001k1 k2\002");
    buf_clear(&out);
    buf_append_text(&out, "WAIT\001true");
    properties_append(&out, PROPERTY_TRACE_ON, BYTES("true"));
    assert_bytes(buf_bytes(&out), "WAIT\001true\002TRACE_ON\001true\002");
    buf_close(&out);
}

static void without_keeps_the_rest_as_it_came(void **state) {
    (void)state;
    static const struct {
        const char *text, *rest;
    } cases[] = {
        {"", ""},
        {"POP_CK\001x\002", ""},
        {"POP_CK\001x", ""},
        {"b\0011\002POP_CK\001x\002b\0012\002", "b\0011\002b\0012\002"},
        {"POP_CK\001x\002b\0011\002POP_CK\001y", "b\0011\002"},
        {"junk\002\002POP_CK\001\002POP_CKS\001z", "junk\002\002POP_CK\001\002POP_CKS\001z"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf out = {0};
        properties_without(bytes_of(cases[i].text), PROPERTY_POP_CK, &out);
        assert_bytes(buf_bytes(&out), cases[i].rest);
        buf_close(&out);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_of_equal_names_wins),      cmocka_unit_test(the_last_separator_may_be_missing),
        cmocka_unit_test(broken_items_are_passed_over),      cmocka_unit_test(append_adds_a_missing_separator),
        cmocka_unit_test(without_keeps_the_rest_as_it_came),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
