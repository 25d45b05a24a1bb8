/* header_test.c - every layout of headers.def there and back; required, optional and broken fields */
#include "wire/header.h"

#include "base/check.h"
#include "base/test.h"
#include "wire/request.h"
#include "wire/response.h"

static const struct header_layout *(*const layouts[])(void) = {
#define HEADER_BEGIN(name) layout_##name,
#define STR(member, key, need)
#define I32(member, key, need)
#define I64(member, key, need)
#define BOOL(member, key, need)
#define HEADER_END(name)
#include "wire/headers.def"
};

static struct command command_of(const struct ext_field *ext, size_t count) {
    return (struct command){.ext = ext, .ext_count = count};
}

static void layouts_are_sound(void **state) {
    (void)state;
    for (size_t l = 0; l < ARRAY_LEN(layouts); l++) {
        const struct header_layout *layout = layouts[l]();
        assert_in_range(layout->count, 0, 32);
        for (size_t i = 0; i < layout->count; i++) {
            const struct header_field *field = &layout->fields[i];
            assert_int_equal(field->key_len, strlen(field->key));
            assert_true(field->offset >= sizeof(uint32_t) && field->offset < layout->size_bytes);
            for (size_t j = 0; j < i; j++)
                if (strcmp(layout->fields[j].key, field->key) == 0) fail_msg("%s: %s twice", layout->name, field->key);
        }
    }
}

/* A value for each field, in the text form and in the struct. */
static void fill(const struct header_layout *layout, char *fields, uint32_t present) {
    static const char text[] = "text\001with \"escapes\"\\\n";
    memset(fields, 0, layout->size_bytes);
    *(uint32_t *)fields = present;
    for (size_t i = 0; i < layout->count; i++) {
        const struct header_field *field = &layout->fields[i];
        void *member = fields + field->offset;
        if (!(present & 1u << i)) continue;
        if (field->type == HEADER_STR) *(struct bytes *)member = bytes_make(text, i % sizeof text + 1);
        if (field->type == HEADER_I32) *(int32_t *)member = i % 2 ? INT32_MIN : (int32_t)(i * 1000);
        if (field->type == HEADER_I64) *(int64_t *)member = i % 2 ? INT64_MIN : INT64_MAX;
        if (field->type == HEADER_BOOL) *(bool *)member = true;
    }
}

static void assert_same_fields(const struct header_layout *layout, const char *a, const char *b) {
    assert_int_equal(*(const uint32_t *)a, *(const uint32_t *)b);
    for (size_t i = 0; i < layout->count; i++) {
        const struct header_field *field = &layout->fields[i];
        const void *left = a + field->offset, *right = b + field->offset;
        if (field->type == HEADER_STR)
            assert_true(bytes_equal(*(const struct bytes *)left, *(const struct bytes *)right));
        else if (field->type == HEADER_BOOL)
            assert_memory_equal(left, right, sizeof(bool));
        else
            assert_memory_equal(left, right, field->type == HEADER_I32 ? 4 : 8);
    }
}

static void every_header_comes_back_in_both_serializations(void **state) {
    (void)state;
    struct arena arena = {0};
    struct buf frame = {0};
    for (size_t l = 0; l < 2 * ARRAY_LEN(layouts); l++) {
        const struct header_layout *layout = layouts[l / 2]();
        char *fields = arena_alloc(&arena, layout->size_bytes), *back = arena_alloc(&arena, layout->size_bytes);
        uint32_t all = layout->count == 32 ? UINT32_MAX : (1u << layout->count) - 1;
        assert_int_equal(*layout->required & ~all, 0);
        uint32_t presents[] = {all, *layout->required};
        for (size_t p = 0; p < ARRAY_LEN(presents); p++) {
            struct command command = {.serialize = l % 2 ? SERIALIZE_ROCKETMQ : SERIALIZE_JSON}, decoded;
            fill(layout, fields, presents[p]);
            buf_clear(&frame);
            command_encode(&frame, &command, layout, fields, 0);
            assert_ok(command_decode(&arena, buf_bytes(&frame), &decoded));
            assert_ok(header_decode(layout, &decoded, back));
            assert_same_fields(layout, fields, back);
        }
        arena_reset(&arena);
    }
    arena_close(&arena);
    buf_close(&frame);
}

static void has_names_the_bits_of_present(void **state) {
    (void)state;
    struct hdr_send_message fields = {0};
    fields.has.producer_group = true;
    assert_int_equal(fields.present, 1);
    fields.has.broker_name = true;
    assert_int_equal(fields.present, 1 | 1 << (layout_send_message()->count - 1));
    fields.present = HEADER_ALL;
    fields.has.topic = false;
    assert_int_equal(fields.present, ~2u);
}

static void order_does_not_matter_and_unknown_fields_do_not_either(void **state) {
    (void)state;
    const struct ext_field ext[] = {
        {BYTES("bname"), BYTES("b")},
        {BYTES("queueId"), BYTES("-3")},
        {BYTES("commitOffset"), BYTES("+9")},
        {BYTES("topic"), BYTES("T")},
        {BYTES("ns"), {0}},
        {BYTES(""), BYTES("x")},
        {BYTES("consumerGroup"), BYTES("")},
    };
    struct command command = command_of(ext, ARRAY_LEN(ext));
    struct hdr_update_consumer_offset fields;
    memset(&fields, 0xFF, sizeof fields);
    assert_ok(header_decode(layout_update_consumer_offset(), &command, &fields));
    assert_int_equal(fields.queue_id, -3);
    assert_int_equal(fields.commit_offset, 9);
    assert_bytes(fields.topic, "T");
    assert_non_null(fields.consumer_group.data); /* the empty text is there */
    assert_int_equal(fields.present, 15);
}

static void missing_fields(void **state) {
    (void)state;
    const struct ext_field ext[] = {{BYTES("topic"), BYTES("T")}, {BYTES("queueId"), {0}}};
    struct command command = command_of(ext, ARRAY_LEN(ext));
    struct hdr_queue queue;
    assert_err(header_decode(layout_queue(), &command, &queue), ERR_FAILED);
    assert_non_null(strstr(err_detail(ERR_FAILED), "the custom field <queueId> is null"));
    struct hdr_query_consume_queue optional;
    assert_ok(header_decode(layout_query_consume_queue(), &command, &optional));
    assert_true(optional.has.topic);
    assert_false(optional.has.queue_id);
    assert_int_equal(optional.queue_id, 0);
}

static void numbers_must_be_numbers(void **state) {
    (void)state;
    static const char *const bad[] = {"", "x", "1x", "1.0", " 1", "2147483648", "-2147483649", "0x1"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        const struct ext_field ext[] = {{BYTES("topic"), BYTES("T")}, {BYTES("queueId"), bytes_of(bad[i])}};
        struct command command = command_of(ext, ARRAY_LEN(ext));
        struct hdr_queue queue;
        assert_err(header_decode(layout_queue(), &command, &queue), ERR_FAILED);
        assert_non_null(strstr(err_detail(ERR_FAILED), "<queueId>"));
    }
}

static void booleans_are_those_of_java_and_cpp_clients(void **state) {
    (void)state;
    static const struct {
        const char *text;
        bool value;
    } cases[] = {{"true", true}, {"TRUE", true}, {"True", true}, {"false", false},
                 {"1", true},    {"0", false},   {"", false}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct ext_field ext[] = {{BYTES("isOrder"), bytes_of(cases[i].text)}};
        struct command command = command_of(ext, 1);
        struct hdr_get_broker_consume_stats fields;
        assert_ok(header_decode(layout_get_broker_consume_stats(), &command, &fields));
        assert_int_equal(fields.is_order, cases[i].value);
    }
}

static void absent_texts_are_never_written(void **state) {
    (void)state;
    struct buf out = {0};
    struct hdr_send_result fields = {.present = HEADER_ALL, .msg_id = BYTES("ID")};
    fields.has.trace_on = false;
    command_encode(&out, &(struct command){0}, layout_send_result(), &fields, 0);
    const char *ext = "\"extFields\":{\"msgId\":\"ID\",\"queueId\":\"0\",\"queueOffset\":\"0\"}";
    assert_non_null(memmem(out.data, out.len, ext, strlen(ext)));
    buf_close(&out);
}

static void both_sends_are_one_struct(void **state) {
    (void)state;
    const struct header_layout *v1 = layout_send_message(), *v2 = layout_send_message_v2();
    assert_int_equal(v1->count, v2->count);
    for (size_t i = 0; i < v1->count; i++) {
        assert_int_equal(v1->fields[i].offset, v2->fields[i].offset);
        assert_int_equal(v1->fields[i].type, v2->fields[i].type);
    }
    assert_int_equal(*v1->required, *v2->required);
    const struct hdr_send_message required = {
        .has = {.topic = true, .queue_id = true, .sys_flag = true, .born_timestamp = true, .flag = true}};
    assert_int_equal(*v1->required, required.present);
}

static void codes_have_names(void **state) {
    (void)state;
    assert_string_equal(request_name(REQUEST_SEND_MESSAGE_V2), "SEND_MESSAGE_V2");
    assert_string_equal(request_name(REQUEST_BROKER_HEARTBEAT), "BROKER_HEARTBEAT");
    assert_string_equal(request_name(REQUEST_POP_MESSAGE), "POP_MESSAGE");
    assert_string_equal(request_name(-1), "UNKNOWN");
    assert_string_equal(response_name(RESPONSE_SUCCESS), "SUCCESS");
    assert_string_equal(response_name(-1), "UNKNOWN");
    assert_int_equal(response_of(ERR_OK), RESPONSE_SUCCESS);
    assert_int_equal(response_of(ERR_NO_TOPIC), RESPONSE_TOPIC_NOT_EXIST);
    assert_int_equal(response_of(ERR_COUNT), RESPONSE_SYSTEM_ERROR);
    for (int err = 1; err < ERR_COUNT; err++) assert_int_not_equal(response_of(err), RESPONSE_SUCCESS);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layouts_are_sound),
        cmocka_unit_test(every_header_comes_back_in_both_serializations),
        cmocka_unit_test(has_names_the_bits_of_present),
        cmocka_unit_test(order_does_not_matter_and_unknown_fields_do_not_either),
        cmocka_unit_test(missing_fields),
        cmocka_unit_test(numbers_must_be_numbers),
        cmocka_unit_test(booleans_are_those_of_java_and_cpp_clients),
        cmocka_unit_test(absent_texts_are_never_written),
        cmocka_unit_test(both_sends_are_one_struct),
        cmocka_unit_test(codes_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
