/* body_register_test.c - registrations in JSON and packed. */
#include "wire/body_register.h"

#include <stdlib.h>
#include "base/test.h"

static struct arena arena;
static struct buf out;

static int tear_down(void **state) {
    (void)state;
    arena_close(&arena);
    buf_close(&out);
    return 0;
}

static void json_comes_back(void **state) {
    (void)state;
    const struct topic_config topics[] = {{BYTES("T"), 4, 5, 6, 1, true, true, BYTES("{\"+a\":\"b\"}")},
                                          {BYTES("标"), 1, 1, 7, 0, false, false, {0}}};
    const struct bytes filter = BYTES("f:1");
    const struct topic_mapping mapping = {BYTES("T"), BYTES("{\"bname\":\"a\"}")};
    const struct register_body body = {{1, 2, 3}, topics, 2, &filter, 1, true, &mapping, 1};
    struct register_body read;
    register_body_encode(&body, &out);
    assert_bytes(buf_bytes(&out),
                 "{\"filterServerList\":[\"f:1\"],\"topicConfigSerializeWrapper\":{\"dataVersion\":{\"counter\":3,"
                 "\"stateVersion\":1,\"timestamp\":2},\"topicConfigTable\":{\"T\":{\"attributes\":{\"+a\":\"b\"},"
                 "\"order\":true,\"perm\":6,\"readQueueNums\":4,\"topicFilterType\":\"MULTI_TAG\",\"topicName\":\"T\","
                 "\"topicSysFlag\":1,\"writeQueueNums\":5},\"标\":{\"attributes\":{},\"order\":false,\"perm\":7,"
                 "\"readQueueNums\":1,\"topicFilterType\":\"SINGLE_TAG\",\"topicName\":\"标\",\"topicSysFlag\":0,"
                 "\"writeQueueNums\":1}},\"topicQueueMappingInfoMap\":{\"T\":{\"bname\":\"a\"}}}}");
    assert_ok(register_body_decode(&arena, buf_bytes(&out), &read));
    assert_true(data_version_equal(&read.data_version, &body.data_version));
    assert_int_equal(read.topic_count, 2);
    assert_bytes(read.topics[0].name, "T");
    assert_int_equal(read.topics[0].read_queue_nums, 4);
    assert_int_equal(read.topics[0].write_queue_nums, 5);
    assert_int_equal(read.topics[0].perm, 6);
    assert_int_equal(read.topics[0].sys_flag, 1);
    assert_true(read.topics[0].order && read.topics[0].multi_tag);
    assert_bytes(read.topics[1].name, "标");
    assert_true(read.has_filter_servers);
    assert_bytes(read.filter_servers[0], "f:1");
    assert_bytes(read.mappings[0].info, "{\"bname\":\"a\"}");
}

static void a_bare_wrapper_is_read(void **state) {
    (void)state;
    struct register_body body;
    assert_ok(register_body_decode(
        &arena,
        BYTES("{\"dataVersion\":{\"counter\":9,\"timestamp\":8},\"topicConfigTable\":{\"T\":{\"perm\":6},\"bad\":7}}"),
        &body));
    assert_int_equal(body.data_version.counter, 9);
    assert_int_equal(body.topic_count, 1);
    assert_int_equal(body.topics[0].perm, 6);
    assert_false(body.has_filter_servers);
    assert_err(register_body_decode(&arena, BYTES("[]"), &body), ERR_BAD_INPUT);
}

static void pack(const char *text) {
    buf_append_u32be(&out, (uint32_t)strlen(text));
    buf_append_text(&out, text);
}

static void pack_all(bool mappings) {
    buf_clear(&out);
    pack("{\"counter\":3,\"stateVersion\":1,\"timestamp\":2}");
    buf_append_u32be(&out, 2);
    pack("T 4 5 6 MULTI_TAG {\"a\":\"b\"}");
    pack("U 1 1 7 SINGLE_TAG");
    pack("[\"f:1\"]");
    if (!mappings) return;
    buf_append_u32be(&out, 1);
    pack("{\"bname\":\"a\",\"topic\":\"T\"}");
}

static void packed_topics_are_read(void **state) {
    (void)state;
    for (int mappings = 0; mappings < 2; mappings++) {
        struct register_body body;
        pack_all(mappings);
        assert_ok(register_body_decode_packed(&arena, buf_bytes(&out), &body));
        assert_int_equal(body.data_version.counter, 3);
        assert_int_equal(body.topic_count, 2);
        assert_bytes(body.topics[0].name, "T");
        assert_int_equal(body.topics[0].read_queue_nums, 4);
        assert_int_equal(body.topics[0].write_queue_nums, 5);
        assert_int_equal(body.topics[0].perm, 6);
        assert_true(body.topics[0].multi_tag);
        assert_false(body.topics[1].multi_tag);
        assert_bytes(body.filter_servers[0], "f:1");
        assert_int_equal(body.mapping_count, mappings);
        if (mappings) assert_bytes(body.mappings[0].topic, "T");
    }
}

/* Cut anywhere it is refused, but where the mappings may begin. */
static void what_is_cut_short_is_refused(void **state) {
    (void)state;
    pack_all(false);
    const size_t without_mappings = out.len;
    pack_all(true);
    for (size_t len = 0; len < out.len; len++) {
        struct register_body body;
        char *copy = bytes_dup(bytes_make(out.data, len)); /* a sanitizer sees a read behind it */
        const enum err err = register_body_decode_packed(&arena, bytes_make(copy, len), &body);
        assert_err(err, len == without_mappings ? ERR_OK : ERR_BAD_INPUT);
        free(copy);
    }
}

static void what_is_malformed_is_refused(void **state) {
    (void)state;
    static const char *const lines[] = {"", "T", "T 1 2", "T x 2 6 SINGLE_TAG", "T 1 2 99999999999 SINGLE_TAG"};
    struct register_body body;
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        buf_clear(&out);
        pack("{}");
        buf_append_u32be(&out, 1);
        pack(lines[i]);
        pack("[]");
        assert_err(register_body_decode_packed(&arena, buf_bytes(&out), &body), ERR_BAD_INPUT);
    }
    buf_clear(&out);
    pack("{}");
    buf_append_u32be(&out, 0xFFFFFFFF); /* less than no topics */
    pack("[]");
    assert_err(register_body_decode_packed(&arena, buf_bytes(&out), &body), ERR_BAD_INPUT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(json_comes_back, tear_down),
        cmocka_unit_test_teardown(a_bare_wrapper_is_read, tear_down),
        cmocka_unit_test_teardown(packed_topics_are_read, tear_down),
        cmocka_unit_test_teardown(what_is_cut_short_is_refused, tear_down),
        cmocka_unit_test_teardown(what_is_malformed_is_refused, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
