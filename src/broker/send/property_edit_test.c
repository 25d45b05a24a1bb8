/* property_edit_test.c - what stays, what is set, what goes. */
#include "broker/send/property_edit.h"

#include "base/test.h"

static void assert_edited(const char *text, const struct property_edits *edits, const char *expected) {
    struct arena arena = {0};
    assert_bytes(properties_edit(&arena, bytes_of(text), edits), expected);
    arena_close(&arena);
}

static void what_is_not_edited_stays_in_its_order(void **state) {
    (void)state;
    struct property_edits edits = {0};
    assert_edited("b\0011\002a\0012\002", &edits, "b\0011\002a\0012\002");
    assert_edited("a\0011", &edits, "a\0011\002"); /* 4.9 clients leave the last separator out */
    assert_edited("", &edits, "");
    assert_edited(NULL, &edits, "");
}

static void edits_set_and_remove(void **state) {
    (void)state;
    struct arena arena = {0};
    struct property_edits edits = {0};
    property_set(&edits, BYTES("NEW"), BYTES("n"));
    property_remove(&edits, BYTES("GONE"));
    property_set_i64(&edits, BYTES("N"), -5, &arena);
    assert_edited("GONE\001x\002keep\001k\002N\0017\002N\0018\002", &edits, "keep\001k\002NEW\001n\002N\001-5\002");
    property_remove(&edits, BYTES("NEW")); /* the last word on a name counts */
    property_set(&edits, BYTES("GONE"), BYTES("back"));
    assert_edited("GONE\001x\002", &edits, "GONE\001back\002N\001-5\002");
    arena_close(&arena);
}

/* What is no property goes, and the last one gets its end. */
static void what_is_no_property_is_left_out(void **state) {
    (void)state;
    struct property_edits edits = {0};
    property_remove(&edits, BYTES("GONE"));
    assert_edited("", &edits, "");
    assert_edited("a\0011\002b\0012", &edits, "a\0011\002b\0012\002");
    assert_edited("a\0011\002junk\002\0013\002n\001\002b\0012\002junk", &edits, "a\0011\002b\0012\002");
    assert_edited("junk\002a\0011\002GONE\001x\002GONE\001y\002b\0012\002\002c\0013\0014", &edits,
                  "a\0011\002b\0012\002c\0013\0014\002");
}

static void names_are_compared_as_a_whole(void **state) {
    (void)state;
    struct property_edits edits = {0};
    property_remove(&edits, BYTES("KEY"));
    assert_edited("KEYS\001a\002KE\001b\002KEY\001c\002", &edits, "KEYS\001a\002KE\001b\002");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_edited_stays_in_its_order),
        cmocka_unit_test(edits_set_and_remove),
        cmocka_unit_test(what_is_no_property_is_left_out),
        cmocka_unit_test(names_are_compared_as_a_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
