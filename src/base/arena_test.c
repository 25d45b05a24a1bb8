/* arena_test.c - alignment, copies, reuse. */
#include "base/arena.h"

#include "base/test.h"

static void hands_out_memory(void **state) {
    (void)state;
    struct arena arena = {0};
    char *first = arena_alloc(&arena, 3), *second = arena_alloc(&arena, 100000), *third = arena_alloc(&arena, 0);
    memset(first, 1, 3);
    memset(second, 2, 100000);
    assert_int_equal((uintptr_t)first % 16, 0);
    assert_int_equal((uintptr_t)second % 16, 0);
    assert_non_null(third);
    assert_int_equal(first[2], 1);
    assert_true(arena.total_bytes >= 100003);
    const uint64_t *zeros = arena_calloc(&arena, 100, 8);
    for (int i = 0; i < 100; i++) assert_true(zeros[i] == 0);
    arena_close(&arena);
    assert_null(arena.blocks);
}

static void copies_texts(void **state) {
    (void)state;
    struct arena arena = {0};
    const struct bytes copy = arena_copy(&arena, BYTES("abc"));
    assert_bytes(copy, "abc");
    assert_int_equal(copy.data[3], '\0');
    assert_null(arena_copy(&arena, (struct bytes){0}).data);
    assert_non_null(arena_copy(&arena, BYTES("")).data);
    assert_bytes(arena_printf(&arena, "%s:%d", "host", 9876), "host:9876");
    arena_close(&arena);
}

static void reset_reuses_the_newest_block(void **state) {
    (void)state;
    struct arena arena = {0};
    for (int i = 0; i < 1000; i++) arena_alloc(&arena, 100);
    arena_reset(&arena);
    const struct arena_block *kept = arena.blocks;
    assert_non_null(kept);
    assert_int_equal(arena.total_bytes, 0);
    for (int i = 0; i < 10; i++) arena_alloc(&arena, 100);
    assert_ptr_equal(arena.blocks, kept);
    arena_alloc(&arena, 10 << 20);
    arena_reset(&arena);
    assert_null(arena.blocks); /* a huge one is given back */
    arena_close(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hands_out_memory),
        cmocka_unit_test(copies_texts),
        cmocka_unit_test(reset_reuses_the_newest_block),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
