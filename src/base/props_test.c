/* props_test.c - the rules of java.util.Properties. */
#include "base/props.h"

#include "base/test.h"

struct fixture {
    struct arena arena;
    struct props props;
};

static int set_up(void **state) {
    static struct fixture fixture;
    fixture = (struct fixture){0};
    *state = &fixture;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *fixture = *state;
    arena_close(&fixture->arena);
    return 0;
}

static void reads_as_java_does(void **state) {
    struct fixture *f = *state;
    static const char text[] = "# comment with = and \\\n"
                               "! another\r\n"
                               "brokerName = broker-a \n"
                               "\r\n"
                               "  namesrvAddr:127.0.0.1:9876;\\\r\n"
                               "     127.0.0.1:9877\n"
                               "plain value with blanks\n"
                               "key\\ with\\=blank = x\n"
                               "empty=\n"
                               "alone\n"
                               "unicode=\\u6807\\u7B7E\\uD83D\\uDE00 a\\tb\\qc\n"
                               "even=a\\\\\n"
                               "last:=v";
    assert_ok(props_parse(&f->arena, bytes_of(text), &f->props));
    assert_int_equal(f->props.count, 9);
    assert_bytes(props_get(&f->props, "brokerName"), "broker-a");
    assert_int_equal(f->props.items[0].line, 3);
    assert_bytes(props_get(&f->props, "namesrvAddr"), "127.0.0.1:9876;127.0.0.1:9877");
    assert_int_equal(f->props.items[1].line, 6);
    assert_bytes(props_get(&f->props, "plain"), "value with blanks");
    assert_bytes(props_get(&f->props, "key with=blank"), "x");
    assert_bytes(props_get(&f->props, "empty"), "");
    assert_bytes(props_get(&f->props, "alone"), "");
    assert_bytes(props_get(&f->props, "unicode"), "标签😀 a\tbqc");
    assert_bytes(props_get(&f->props, "even"), "a\\");
    assert_bytes(props_get(&f->props, "last"), "=v");
    assert_null(props_get(&f->props, "missing").data);
}

static void last_of_a_repeated_key_counts(void **state) {
    struct fixture *f = *state;
    assert_ok(props_parse(&f->arena, BYTES("a=1\nb=2\na=3"), &f->props));
    assert_int_equal(f->props.count, 3);
    assert_bytes(props_get(&f->props, "a"), "3");
}

static void refuses_malformed_escapes(void **state) {
    struct fixture *f = *state;
    assert_err(props_parse(&f->arena, BYTES("ok=1\na=\\u12"), &f->props), ERR_BAD_INPUT);
    assert_string_equal(err_detail(ERR_BAD_INPUT), "line 2: malformed \\uXXXX escape");
    assert_err(props_parse(&f->arena, BYTES("\\uGGGG=1"), &f->props), ERR_BAD_INPUT);
}

static void takes_texts_that_end_anywhere(void **state) {
    struct fixture *f = *state;
    static const char *const texts[] = {"", "\n", "a\\", "a=\\", "\\", "a=b\\\n", "#", " ", ":", "=\n"};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) assert_ok(props_parse(&f->arena, bytes_of(texts[i]), &f->props));
}

static void reads_what_it_wrote(void **state) {
    struct fixture *f = *state;
    struct buf text = {0};
    props_append(&text, BYTES("path"), BYTES("C:\\x\ny"));
    props_append(&text, BYTES("list"), BYTES("a=1;b=2"));
    assert_bytes(buf_bytes(&text), "path=C:\\\\x\\ny\nlist=a=1;b=2\n");
    assert_ok(props_parse(&f->arena, buf_bytes(&text), &f->props));
    assert_bytes(props_get(&f->props, "path"), "C:\\x\ny");
    assert_bytes(props_get(&f->props, "list"), "a=1;b=2");
    buf_close(&text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(reads_as_java_does, set_up, tear_down),
        cmocka_unit_test_setup_teardown(last_of_a_repeated_key_counts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_malformed_escapes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(takes_texts_that_end_anywhere, set_up, tear_down),
        cmocka_unit_test_setup_teardown(reads_what_it_wrote, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
