/* json_writer_test.c - what is written, letter by letter. */
#include "base/json.h"

#include <float.h>
#include "base/test.h"

static void writes_members(void **state) {
    (void)state;
    struct buf out = {0};
    struct json_writer w = {.out = &out};
    json_begin_object(&w);
    json_member(&w, "topic", BYTES("T\"1\"\n"));
    json_member_opt(&w, "left", (struct bytes){0});
    json_member(&w, "nothing", (struct bytes){0});
    json_member_int(&w, "n", -5);
    json_member_real(&w, "tps", 0);
    json_member_bool(&w, "order", true);
    json_key_text(&w, "list");
    json_begin_array(&w);
    json_int(&w, 1);
    json_begin_object(&w);
    json_end_object(&w);
    json_begin_array(&w);
    json_end_array(&w);
    json_null(&w);
    json_raw(&w, BYTES("{\"raw\":1}"));
    json_end_array(&w);
    json_end_object(&w);
    assert_bytes(buf_bytes(&out), "{\"topic\":\"T\\\"1\\\"\\n\",\"nothing\":null,\"n\":-5,\"tps\":0.0,\"order\":true,"
                                  "\"list\":[1,{},[],null,{\"raw\":1}]}");
    buf_close(&out);
}

static void write_addresses(struct json_writer *w) {
    json_begin_object(w);
    json_key_i64(w, 0);
    json_string(w, BYTES("标"));
    json_key_i64(w, 1);
    json_string(w, BYTES("b😀\x7f"));
    json_end_object(w);
}

static void writes_numbers_as_keys(void **state) {
    (void)state;
    struct buf out = {0};
    write_addresses(&(struct json_writer){.out = &out, .bare_int_keys = true});
    assert_bytes(buf_bytes(&out), "{0:\"标\",1:\"b😀\x7f\"}");
    buf_clear(&out);
    write_addresses(&(struct json_writer){.out = &out, .ascii_only = true});
    assert_bytes(buf_bytes(&out), "{\"0\":\"\\u6807\",\"1\":\"b\\uD83D\\uDE00\\u007F\"}");
    buf_close(&out);
}

static void writes_objects_as_keys(void **state) {
    (void)state;
    struct buf out = {0};
    struct json_writer w = {.out = &out};
    json_begin_object(&w);
    for (int id = 0; id < 2; id++) {
        json_begin_key_object(&w);
        json_member_int(&w, "queueId", id);
        json_end_key_object(&w);
        json_begin_object(&w);
        json_member_int(&w, "maxOffset", 7);
        json_end_object(&w);
    }
    json_end_object(&w);
    assert_bytes(buf_bytes(&out), "{{\"queueId\":0}:{\"maxOffset\":7},{\"queueId\":1}:{\"maxOffset\":7}}");
    buf_close(&out);
}

static void writes_one_member_a_line(void **state) {
    (void)state;
    struct buf out = {0};
    struct json_writer w = {.out = &out, .pretty = true};
    json_begin_object(&w);
    json_key_text(&w, "dataVersion");
    json_begin_object(&w);
    json_member_int(&w, "counter", 1);
    json_member_int(&w, "timestamp", 2);
    json_end_object(&w);
    json_key_text(&w, "list");
    json_begin_array(&w);
    json_string(&w, BYTES("a"));
    json_string(&w, BYTES("b"));
    json_end_array(&w);
    json_key_text(&w, "table");
    json_begin_object(&w);
    json_end_object(&w);
    json_end_object(&w);
    assert_bytes(buf_bytes(&out), "{\n\t\"dataVersion\":{\n\t\t\"counter\":1,\n\t\t\"timestamp\":2\n\t},\n"
                                  "\t\"list\":[\n\t\t\"a\",\n\t\t\"b\"\n\t],\n\t\"table\":{}\n}");
    buf_close(&out);
}

static void writes_reals_as_java(void **state) {
    (void)state;
    static const struct {
        double value;
        const char *text;
    } rows[] = {{0, "0.0"},
                {12.5, "12.5"},
                {-1, "-1.0"},
                {0.1, "0.1"},
                {100, "100.0"},
                {1e7, "1.0E7"},
                {9999999, "9999999.0"},
                {0.001, "0.001"},
                {1.25e-4, "1.25E-4"},
                {1e300, "1.0E300"},
                {1.0 / 3, "0.3333333333333333"},
                {123456.789, "123456.789"}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct buf out = {0};
        json_real(&(struct json_writer){.out = &out}, rows[i].value);
        assert_bytes(buf_bytes(&out), rows[i].text);
        buf_close(&out);
    }
}

static void writes_no_infinities(void **state) {
    (void)state;
    struct buf out = {0};
    struct json_writer w = {.out = &out};
    json_begin_array(&w);
    json_real(&w, DBL_MAX * 2);
    json_real(&w, DBL_MAX * 2 - DBL_MAX * 2);
    json_end_array(&w);
    assert_bytes(buf_bytes(&out), "[null,null]");
    buf_close(&out);
}

/* Each byte at each place among the eight looked at together reads back. */
static void quotes_each_byte_at_each_place(void **state) {
    (void)state;
    struct buf out = {0};
    for (int c = 0; c < 0x80; c++) {
        for (size_t at = 0; at < 20; at++) {
            char text[20], plain[20 * 6];
            memset(text, 'x', sizeof text);
            text[at] = (char)c;
            buf_clear(&out);
            json_append_quoted(&out, bytes_make(text, sizeof text));
            for (size_t i = 0; i < out.len; i++) assert_true((unsigned char)out.data[i] >= ' ');
            struct json_reader reader;
            json_reader_init(&reader, buf_bytes(&out));
            assert_int_equal(json_next(&reader), JSON_STRING);
            assert_int_equal(json_unescape(reader.text, plain), sizeof text);
            assert_memory_equal(plain, text, sizeof text);
        }
    }
    buf_clear(&out);
    json_append_quoted(&out, BYTES("k\001v\002"));
    assert_bytes(buf_bytes(&out), "\"k\\u0001v\\u0002\"");
    buf_close(&out);
}

static void copies_trees(void **state) {
    (void)state;
    struct arena arena = {0};
    const struct json *tree;
    assert_ok(json_parse(&arena, BYTES("{0:'a',{1:[2.50,true,null]}:{\"b\":\"\\u0001\"},c:{}}"), &tree));
    assert_bytes(json_node_copy(&arena, tree), "{\"0\":\"a\",{\"1\":[2.50,true,null]}:{\"b\":\"\\u0001\"},\"c\":{}}");
    arena_close(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_members),
        cmocka_unit_test(writes_numbers_as_keys),
        cmocka_unit_test(writes_objects_as_keys),
        cmocka_unit_test(writes_one_member_a_line),
        cmocka_unit_test(writes_reals_as_java),
        cmocka_unit_test(writes_no_infinities),
        cmocka_unit_test(quotes_each_byte_at_each_place),
        cmocka_unit_test(copies_trees),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
