/* json_reader_test.c - the standard, the dialects, what is refused. */
#include "base/json.h"

#include "base/test.h"

/* The tokens of `text` as letters: { } [ ] k s n t f 0, $ the end, ! malformed. */
static const char *tokens(const char *text, char out[256]) {
    static const char letters[] = "!${}[]ksntf0";
    struct json_reader reader;
    json_reader_init(&reader, bytes_of(text));
    size_t len = 0;
    enum json_token token;
    do {
        token = json_next(&reader);
        out[len++] = letters[token];
    } while (token != JSON_BAD && token != JSON_EOF && len < 255);
    out[len] = '\0';
    return out;
}

static void reads_the_standard(void **state) {
    (void)state;
    char out[256];
    assert_string_equal(tokens("{\"a\":[1,\"x\",true,false,null],\"b\":{}}", out), "{k[nstf0]k{}}$");
    assert_string_equal(tokens(" \t\r\n[ ] ", out), "[]$");
    assert_string_equal(tokens("-12.5e+3", out), "n$");
    assert_string_equal(tokens("\"x\"", out), "s$");
}

static void reads_the_dialects(void **state) {
    (void)state;
    char out[256];
    assert_string_equal(tokens("{0:\"a\",-1:2,name:1,a.b-c:null}", out), "{ksknknk0}$");
    assert_string_equal(tokens("{'a':'it\"s',}", out), "{ks}$");
    assert_string_equal(tokens("[1,2,]", out), "[nn]$");
    assert_string_equal(tokens("{\"t\":{{\"q\":3}:{\"o\":1},{\"q\":4} : 5}}", out), "{k{{kn}{kn}{kn}n}}$");
    assert_string_equal(tokens("{{{1:2}:3}:4}", out), "{{{kn}n}n}$");
    assert_string_equal(tokens("\"raw \001\002\n\"", out), "s$");
}

static void refuses_what_is_malformed(void **state) {
    (void)state;
    static const char *const texts[] = {
        "",         " ",         "{",           "[",     "}",      "{]",        "[}",      "{\"a\"}",
        "{\"a\":}", "{\"a\":1",  "[1 2]",       "[,]",   "{,}",    "tru",       "nul",     "truex",
        "-",        "1.",        "1e",          ".5",    "+1",     "\"",        "\"\\\"",  "\"\\",
        "\"\\q\"",  "\"\\u12\"", "{:1}",        "{a 1}", "[1]]",   "1 2",       "{{1}:2}", "{{}}",
        "{{} 1}",   "{[]:1}",    "\"\\u12G4\"", "'a\"",  "[1,,2]", "{a:1,,b:2}"};
    char out[256];
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        tokens(texts[i], out);
        if (out[strlen(out) - 1] != '!') fail_msg("%s was taken as %s", texts[i], out);
    }
}

static void gives_texts_of_keys_and_values(void **state) {
    (void)state;
    struct json_reader reader;
    json_reader_init(&reader, BYTES("{\"topic\":\"Topic\\u0041\", 17 : 'a\"b', \"n\":-1.50}"));
    assert_int_equal(json_next(&reader), JSON_OBJECT);
    assert_int_equal(json_next(&reader), JSON_KEY);
    assert_bytes(reader.text, "topic");
    assert_false(reader.escaped);
    assert_int_equal(json_next(&reader), JSON_STRING);
    assert_bytes(reader.text, "Topic\\u0041");
    assert_true(reader.escaped);
    assert_int_equal(json_next(&reader), JSON_KEY);
    assert_bytes(reader.text, "17");
    assert_int_equal(json_next(&reader), JSON_STRING);
    assert_bytes(reader.text, "a\"b");
    assert_false(reader.escaped);
    assert_int_equal(json_next(&reader), JSON_KEY);
    assert_int_equal(json_next(&reader), JSON_NUMBER);
    assert_bytes(reader.text, "-1.50");
    assert_int_equal(json_next(&reader), JSON_OBJECT_END);
    assert_int_equal(json_next(&reader), JSON_EOF);
}

static void stays_at_the_fault(void **state) {
    (void)state;
    static const char text[] = "{\"a\":?}";
    struct json_reader reader;
    json_reader_init(&reader, bytes_of(text));
    while (json_next(&reader) != JSON_BAD) continue;
    assert_int_equal(reader.at - text, 5);
    assert_int_equal(json_next(&reader), JSON_BAD);
}

static void bounds_the_depth(void **state) {
    (void)state;
    char text[2 * JSON_DEPTH_MAX + 3], out[256];
    memset(text, '[', sizeof text);
    text[JSON_DEPTH_MAX + 1] = '\0';
    tokens(text, out);
    assert_int_equal(strlen(out), JSON_DEPTH_MAX + 1);
    assert_int_equal(out[JSON_DEPTH_MAX], '!');
    memset(text + JSON_DEPTH_MAX, ']', JSON_DEPTH_MAX);
    text[2 * JSON_DEPTH_MAX] = '\0';
    tokens(text, out);
    assert_int_equal(out[strlen(out) - 1], '$');
}

static void skips_values(void **state) {
    (void)state;
    struct json_reader reader;
    json_reader_init(&reader, BYTES("{\"a\":{\"x\":[1,{}]},\"b\":[[],{{1:2}:3}],\"c\":5}"));
    assert_int_equal(json_next(&reader), JSON_OBJECT);
    assert_int_equal(json_next(&reader), JSON_KEY);
    assert_ok(json_skip(&reader)); /* the value that is due */
    assert_int_equal(json_next(&reader), JSON_KEY);
    assert_bytes(reader.text, "b");
    assert_int_equal(json_next(&reader), JSON_ARRAY);
    assert_ok(json_skip(&reader)); /* the rest of it */
    assert_int_equal(json_next(&reader), JSON_KEY);
    assert_bytes(reader.text, "c");
    assert_ok(json_skip(&reader));
    assert_int_equal(json_next(&reader), JSON_OBJECT_END);
    json_reader_init(&reader, BYTES("[1,"));
    assert_err(json_skip(&reader), ERR_BAD_INPUT);
}

static void reads_escapes(void **state) {
    (void)state;
    static const struct {
        const char *escaped, *plain;
    } rows[] = {
        {"\\\"\\\\\\/\\b\\f\\n\\r\\t", "\"\\/\b\f\n\r\t"},
        {"a\\u0001b\\u00e9\\u6807", "a\001bé标"},
        {"\\uD83D\\uDE00", "😀"},
        {"\\uD83D", "?"},
        {"\\uD83Dx\\uDE00", "?x?"},
        {"\\uDE00\\uDE00", "??"},
        {"\\uD83D\\uD83D\\uDE00", "?😀"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char out[64];
        const size_t len = json_unescape(bytes_of(rows[i].escaped), out);
        assert_bytes(bytes_make(out, len), rows[i].plain);
    }
    char out[8];
    assert_int_equal(json_unescape(BYTES("\\u0000x"), out), 2);
    assert_memory_equal(out, "\0x", 2);
}

/* A quote or backslash is found wherever it lies among the eight bytes looked at together. */
static void finds_the_end_at_each_place(void **state) {
    (void)state;
    for (size_t len = 0; len < 40; len++) {
        char text[64] = "\"";
        memset(text + 1, 'a' + (int)(len % 7), len);
        strcpy(text + 1 + len, "\",\"");
        struct json_reader reader;
        json_reader_init(&reader, bytes_make(text, len + 2));
        assert_int_equal(json_next(&reader), JSON_STRING);
        assert_int_equal(reader.text.len, len);
        assert_int_equal(json_next(&reader), JSON_EOF);
        text[1 + len] = '\\';
        json_reader_init(&reader, bytes_make(text, len + 2));
        assert_int_equal(json_next(&reader), JSON_BAD);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_the_standard),
        cmocka_unit_test(reads_the_dialects),
        cmocka_unit_test(refuses_what_is_malformed),
        cmocka_unit_test(gives_texts_of_keys_and_values),
        cmocka_unit_test(stays_at_the_fault),
        cmocka_unit_test(bounds_the_depth),
        cmocka_unit_test(skips_values),
        cmocka_unit_test(reads_escapes),
        cmocka_unit_test(finds_the_end_at_each_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
