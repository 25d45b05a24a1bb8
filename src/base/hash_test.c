/* hash_test.c - values that a JVM gave. */
#include "base/hash.h"

#include "base/test.h"

static void hashes_strings_as_java(void **state) {
    (void)state;
    assert_int_equal(java_string_hash(BYTES("")), 0);
    assert_int_equal(java_string_hash(BYTES("TagA")), 2598919);
    assert_int_equal(java_string_hash(BYTES("标签")), 857175);
    assert_int_equal(java_string_hash(BYTES("polygenelubricants")), INT32_MIN);
    /* U+1F600 is D83D DE00 */
    assert_int_equal(java_string_hash(BYTES("😀")), 0xD83D * 31 + 0xDE00);
    assert_int_equal(java_string_hash(BYTES("\xFF")), 0xFFFD);
}

static void continues(void **state) {
    (void)state;
    const int32_t whole = java_string_hash(BYTES("TopicTest#key1"));
    assert_int_equal(
        java_string_hash_more(java_string_hash_more(java_string_hash(BYTES("TopicTest")), BYTES("#")), BYTES("key1")),
        whole);
}

static void sums_bodies(void **state) {
    (void)state;
    assert_int_equal(crc32_java(BYTES("123456789")), 0xCBF43926 & 0x7FFFFFFF);
    assert_int_equal(crc32_java(BYTES("")), 0);
    assert_int_equal(crc32_java((struct bytes){0}), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hashes_strings_as_java),
        cmocka_unit_test(continues),
        cmocka_unit_test(sums_bodies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
