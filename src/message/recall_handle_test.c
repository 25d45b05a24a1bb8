/* recall_handle_test.c - there and back, what a Java broker wrote, and what is none */
#include "message/recall_handle.h"

#include "base/test.h"

static struct arena arena;

static int tear_down(void **state) {
    (void)state;
    arena_close(&arena);
    return 0;
}

static void there_and_back(void **state) {
    (void)state;
    const char *keys[] = {"k", "kk", "kkk", "\xc3\xbf\xc3\xbf>?"}; /* each length of the last group; - and _ */
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        struct recall_handle handle = {BYTES("T"), BYTES("broker-a"), 1700000000001, bytes_of(keys[i])}, back;
        struct bytes text = recall_handle_encode(&handle, &arena);
        assert_ok(recall_handle_decode(text, &arena, &back));
        assert_bytes(back.topic, "T");
        assert_bytes(back.broker_name, "broker-a");
        assert_int_equal(back.deliver_ms, 1700000000001);
        assert_bytes(back.unique_key, keys[i]);
    }
}

static void as_java_writes_it(void **state) {
    (void)state;
    struct recall_handle handle = {BYTES("a"), BYTES("b"), 1, BYTES("c")}, back;
    assert_bytes(recall_handle_encode(&handle, &arena), "djEgYSBiIDEgYw==");
    assert_ok(recall_handle_decode(BYTES("djEgYSBiIDEgYw"), &arena, &back));
    assert_bytes(back.unique_key, "c");
    assert_ok(recall_handle_decode(BYTES("djEgYSBiIHggYw=="), &arena, &back));
    assert_int_equal(back.deliver_ms, -1); /* "x" */
}

static void what_is_none(void **state) {
    (void)state;
    /* nothing; no base64; cut; padding alone; "v1 a b 1"; "v2 a b 1 c"; + instead of - */
    const char *texts[] = {"", "!", "djEgYSBiIDEgYw=", "====", "djEgYSBiIDE=", "djIgYSBiIDEgYw==", "djEgYSBiIDEg++++"};
    struct recall_handle handle;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        assert_err(recall_handle_decode(bytes_of(texts[i]), &arena, &handle), ERR_BAD_INPUT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(there_and_back, tear_down),
        cmocka_unit_test_teardown(as_java_writes_it, tear_down),
        cmocka_unit_test_teardown(what_is_none, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
