/* batch_test.c - batches there and back; what is refused */
#include "message/batch.h"

#include "base/endian.h"
#include "base/test.h"
#include "message/record.h"

static void items_come_back(void **state) {
    (void)state;
    struct batch_item items[] = {
        {7, BYTES("first"), BYTES("TAGS\001A\002")},
        {-1, BYTES(""), BYTES("")},
        {0, BYTES("third"), BYTES("WAIT\001true")},
    };
    struct buf out = {0};
    for (size_t i = 0; i < ARRAY_LEN(items); i++) batch_append(&out, &items[i]);
    assert_int_equal(load_u32be(out.data), 22 + 5 + 7);
    assert_int_equal(load_u64be(out.data + 4), 0); /* magic and checksum are not used */
    struct bytes rest = buf_bytes(&out);
    struct batch_item item;
    bool more;
    for (size_t i = 0; i < ARRAY_LEN(items); i++) {
        assert_ok(batch_next(&rest, &item, &more));
        assert_true(more);
        assert_int_equal(item.flag, items[i].flag);
        assert_true(bytes_equal(item.body, items[i].body));
        assert_true(bytes_equal(item.properties, items[i].properties));
    }
    assert_ok(batch_next(&rest, &item, &more));
    assert_false(more);
    buf_close(&out);
}

static void what_is_no_batch_is_refused(void **state) {
    (void)state;
    struct buf out = {0};
    batch_append(&out, &(struct batch_item){0, BYTES("body"), BYTES("a\001b\002")});
    struct batch_item item;
    bool more;
    for (size_t len = 1; len < out.len; len++) {
        struct bytes rest = bytes_make(out.data, len);
        assert_err(batch_next(&rest, &item, &more), ERR_BAD_INPUT);
        assert_int_equal(rest.len, len);
    }
    static const struct {
        size_t at;
        uint32_t value;
    } bad[] = {{0, 0}, {0, 21}, {0, 29}, {0, 31}, {0, UINT32_MAX}, {16, 5}, {16, 3}, {16, 9}, {16, UINT32_MAX}};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct bytes rest = buf_bytes(&out);
        uint32_t kept = load_u32be(out.data + bad[i].at);
        store_u32be(out.data + bad[i].at, bad[i].value);
        assert_err(batch_next(&rest, &item, &more), ERR_BAD_INPUT);
        store_u32be(out.data + bad[i].at, kept);
    }
    buf_close(&out);
}

static void properties_have_the_limit_of_records(void **state) {
    (void)state;
    struct buf out = {0}, properties = {0};
    memset(buf_reserve(&properties, RECORD_PROPERTIES_MAX + 1), 'p', RECORD_PROPERTIES_MAX + 1);
    batch_append(&out, &(struct batch_item){0, BYTES("b"), bytes_make(properties.data, RECORD_PROPERTIES_MAX)});
    struct bytes rest = buf_bytes(&out);
    struct batch_item item;
    bool more;
    assert_ok(batch_next(&rest, &item, &more));
    assert_int_equal(item.properties.len, RECORD_PROPERTIES_MAX);
    buf_append_char(&out, 'p');
    store_u32be(out.data, (uint32_t)out.len);
    store_u16be(out.data + 21, RECORD_PROPERTIES_MAX + 1);
    rest = buf_bytes(&out);
    assert_err(batch_next(&rest, &item, &more), ERR_BAD_INPUT);
    buf_close(&out);
    buf_close(&properties);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_come_back),
        cmocka_unit_test(what_is_no_batch_is_refused),
        cmocka_unit_test(properties_have_the_limit_of_records),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
