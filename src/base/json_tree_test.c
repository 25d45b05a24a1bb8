/* json_tree_test.c - trees by hand, and random ones against jansson. */
#include "base/json.h"

#include <math.h>
#include <stdlib.h>
/* Names that jansson's header and ours both have. */
#define JSON_OBJECT JANSSON_OBJECT
#define JSON_ARRAY  JANSSON_ARRAY
#define JSON_STRING JANSSON_STRING
#define JSON_TRUE   JANSSON_TRUE
#define JSON_FALSE  JANSSON_FALSE
#define JSON_NULL   JANSSON_NULL
#define json_string jansson_string
#define json_real   jansson_real
#define json_null   jansson_null
#include <jansson.h>
#undef JSON_OBJECT
#undef JSON_ARRAY
#undef JSON_STRING
#undef JSON_TRUE
#undef JSON_FALSE
#undef JSON_NULL
#undef json_string
#undef json_real
#undef json_null
#include "base/test.h"

static const struct json *parse(struct arena *arena, const char *text) {
    const struct json *tree = NULL;
    assert_ok(json_parse(arena, bytes_of(text), &tree));
    return tree;
}

static void finds_members(void **state) {
    (void)state;
    struct arena arena = {0};
    const struct json *tree =
        parse(&arena, "{\"a\":1,\"b\":\"x\\ny\",\"b\":'last',\"c\":[true,null,\"5\"],\"k\\u0041\":2}");
    assert_int_equal(tree->count, 5);
    assert_int_equal(json_i64(json_get(tree, "a"), -1), 1);
    assert_bytes(json_text(json_get(tree, "b")), "last");
    assert_int_equal(json_i64(json_get(tree, "kA"), -1), 2);
    const struct json *array = json_get(tree, "c");
    assert_int_equal(array->count, 3);
    assert_true(json_bool(json_first(array), false));
    assert_null(json_get(tree, "missing"));
    const struct bytes *texts;
    size_t count;
    json_texts(&arena, array, &texts, &count);
    assert_int_equal(count, 2);
    assert_bytes(texts[0], "true");
    assert_bytes(texts[1], "5");
    arena_close(&arena);
}

static void is_lenient_about_types(void **state) {
    (void)state;
    struct arena arena = {0};
    const struct json *tree =
        parse(&arena, "{\"s\":\"5\",\"n\":7,\"r\":2.9,\"b\":\"TRUE\",\"x\":\"?\",\"o\":{},\"big\":1e300,\"z\":null}");
    assert_int_equal(json_i64(json_get(tree, "s"), -1), 5);
    assert_bytes(json_text(json_get(tree, "n")), "7");
    assert_int_equal(json_i64(json_get(tree, "r"), -1), 2);
    assert_true(json_bool(json_get(tree, "b"), false));
    assert_int_equal(json_i64(json_get(tree, "x"), -1), -1);
    assert_int_equal(json_i64(json_get(tree, "o"), -1), -1);
    assert_int_equal(json_i64(json_get(tree, "big"), -1), -1);
    assert_int_equal(json_i64(json_get(tree, "z"), -1), -1);
    assert_true(json_bool(json_get(tree, "z"), true));
    assert_true(json_double(json_get(tree, "r"), 0) == 2.9);
    assert_null(json_text(json_get(tree, "o")).data);
    assert_null(json_get(json_get(tree, "s"), "any"));
    assert_null(json_first(NULL));
    arena_close(&arena);
}

static void reads_objects_as_keys(void **state) {
    (void)state;
    struct arena arena = {0};
    const struct json *tree =
        parse(&arena, "{\"offsetTable\":{{\"brokerName\":\"a\",\"queueId\":3,\"topic\":\"T\"}:{\"maxOffset\":9},0:1}}");
    const struct json *row = json_first(json_get(tree, "offsetTable"));
    assert_non_null(row->key_object);
    assert_null(row->key.data);
    assert_int_equal(json_i64(json_get(row->key_object, "queueId"), -1), 3);
    assert_int_equal(json_i64(json_get(row, "maxOffset"), -1), 9);
    assert_null(row->next->key_object);
    assert_bytes(row->next->key, "0");
    assert_int_equal(json_get(tree, "offsetTable")->count, 2);
    arena_close(&arena);
}

static void refuses_what_is_malformed(void **state) {
    (void)state;
    struct arena arena = {0};
    const struct json *tree;
    assert_err(json_parse(&arena, BYTES("{\"a\":1}x"), &tree), ERR_BAD_INPUT);
    assert_string_equal(err_detail(ERR_BAD_INPUT), "malformed JSON at byte 7");
    assert_err(json_parse(&arena, (struct bytes){0}, &tree), ERR_BAD_INPUT);
    arena_close(&arena);
}

static void bounds_the_nodes(void **state) {
    (void)state;
    struct buf text = {0};
    buf_append_char(&text, '[');
    for (int i = 0; i < JSON_NODES_MAX; i++) buf_append_text(&text, "1,");
    buf_append_char(&text, ']');
    struct arena arena = {0};
    const struct json *tree;
    assert_err(json_parse(&arena, buf_bytes(&text), &tree), ERR_BAD_INPUT);
    arena_close(&arena);
    buf_close(&text);
}

/* --- against jansson ------------------------------------------------------------------------------------ */
static uint32_t seed = 20260101;

static uint32_t random_below(uint32_t limit) {
    seed = seed * 1664525 + 1013904223;
    return (seed >> 8) % limit;
}

static json_t *random_text(void) {
    static const char *const pieces[] = {"a", "key",  "\"", "\\", "/", "\n", "\t",  "\x01",
                                         "é", "标签", "😀",  " ",  "{", "'",  "\x7f"};
    char text[128] = "";
    for (uint32_t i = random_below(12); i > 0; i--) strcat(text, pieces[random_below(ARRAY_LEN(pieces))]);
    return json_pack("s", text);
}

static json_t *random_value(int depth) {
    switch (random_below(depth > 0 ? 8 : 6)) {
    case 0:
        return json_pack("n");
    case 1:
        return json_pack("b", (int)random_below(2));
    case 2:
        return json_integer((json_int_t)((uint64_t)random_below(1 << 24) << 40 | random_below(1 << 24)));
    case 3:
        return json_integer((json_int_t)random_below(100) - 50);
    case 4:
        return json_pack("f", ((double)random_below(1 << 24) - 8e6) / (1 << random_below(24)));
    case 5:
        return random_text();
    case 6: {
        json_t *array = json_array();
        for (uint32_t i = random_below(6); i > 0; i--) json_array_append_new(array, random_value(depth - 1));
        return array;
    }
    default: {
        json_t *object = json_object();
        for (uint32_t i = random_below(6); i > 0; i--) {
            json_t *key = random_text();
            json_object_set_new_nocheck(object, json_string_value(key), random_value(depth - 1));
            json_decref(key);
        }
        return object;
    }
    }
}

static void assert_same(const struct json *ours, const json_t *theirs);

static void assert_same_members(const struct json *ours, const json_t *theirs) {
    assert_int_equal(ours->count, json_object_size(theirs));
    for (const struct json *member = json_first(ours); member != NULL; member = member->next) {
        char key[256];
        snprintf(key, sizeof key, "%.*s", BYTES_ARG(member->key));
        const json_t *other = json_object_get(theirs, key);
        assert_non_null(other);
        assert_same(member, other);
    }
}

static void assert_same(const struct json *ours, const json_t *theirs) {
    switch (ours->type) {
    case JSON_TYPE_NULL:
        assert_true(json_typeof(theirs) == JANSSON_NULL);
        break;
    case JSON_TYPE_BOOL:
        assert_true(json_typeof(theirs) == (ours->boolean ? JANSSON_TRUE : JANSSON_FALSE));
        break;
    case JSON_TYPE_NUMBER:
        if (json_is_integer(theirs))
            assert_true(json_i64(ours, -1) == json_integer_value(theirs));
        else
            assert_true(json_is_real(theirs) && json_double(ours, NAN) == json_real_value(theirs));
        break;
    case JSON_TYPE_STRING:
        assert_true(json_typeof(theirs) == JANSSON_STRING);
        assert_true(bytes_equal(ours->text, bytes_make(json_string_value(theirs), json_string_length(theirs))));
        break;
    case JSON_TYPE_ARRAY: {
        assert_true(json_typeof(theirs) == JANSSON_ARRAY && ours->count == json_array_size(theirs));
        size_t index = 0;
        for (const struct json *element = json_first(ours); element != NULL; element = element->next)
            assert_same(element, json_array_get(theirs, index++));
        break;
    }
    case JSON_TYPE_OBJECT:
        assert_true(json_typeof(theirs) == JANSSON_OBJECT);
        assert_same_members(ours, theirs);
    }
}

/* What jansson writes we read alike; what we write of it jansson reads alike. */
static void agrees_with_jansson(void **state) {
    (void)state;
    for (int round = 0; round < 3000; round++) {
        json_t *value = random_value(5);
        const size_t flags = JSON_ENCODE_ANY | JSON_REAL_PRECISION(17) | (round % 2 ? JSON_ENSURE_ASCII : 0) |
                             (round % 3 ? 0 : JSON_INDENT(2));
        char *text = json_dumps(value, flags);
        assert_non_null(text);
        struct arena arena = {0};
        const struct json *tree = parse(&arena, text);
        assert_same(tree, value);

        const struct bytes ours = json_node_copy(&arena, tree);
        json_error_t error;
        json_t *again = json_loadb(ours.data, ours.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
        if (again == NULL) fail_msg("%s: %s", error.text, ours.data);
        assert_same(tree, again);
        json_decref(again);
        arena_close(&arena);
        free(text);
        json_decref(value);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_members),         cmocka_unit_test(is_lenient_about_types),
        cmocka_unit_test(reads_objects_as_keys), cmocka_unit_test(refuses_what_is_malformed),
        cmocka_unit_test(bounds_the_nodes),      cmocka_unit_test(agrees_with_jansson),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
