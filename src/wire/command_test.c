/* command_test.c - frames and headers in both serializations, as Java writes them and worse */
#include "wire/command.h"

#include "base/endian.h"
#include "base/test.h"
#include "wire/header.h"
#include "wire/request.h"
#include "wire/response.h"

/* A frame around header and body. */
static struct bytes frame_of(struct buf *out, enum serialize_type type, struct bytes header, struct bytes body) {
    buf_clear(out);
    buf_append_u32be(out, (uint32_t)(4 + header.len + body.len));
    buf_append_u32be(out, (uint32_t)type << 24 | (uint32_t)header.len);
    buf_append_bytes(out, header);
    buf_append_bytes(out, body);
    return buf_bytes(out);
}

static enum err decode_json(struct arena *arena, struct buf *frame, const char *header, struct command *out) {
    return command_decode(arena, frame_of(frame, SERIALIZE_JSON, bytes_of(header), BYTES("body")), out);
}

static void frame_cut_waits_for_a_whole_frame(void **state) {
    (void)state;
    struct buf buf = {0};
    struct bytes frame = frame_of(&buf, SERIALIZE_JSON, BYTES("{}"), BYTES("body"));
    buf_append_text(&buf, "next");
    frame.data = buf.data;
    size_t len, need;
    for (size_t i = 0; i < frame.len; i++) {
        assert_ok(frame_cut(bytes_make(frame.data, i), FRAME_MAX_DEFAULT, &len, &need));
        assert_int_equal(len, 0);
        assert_int_equal(need, i < 4 ? 0 : frame.len);
    }
    for (size_t i = frame.len; i <= buf.len; i++) {
        assert_ok(frame_cut(bytes_make(frame.data, i), FRAME_MAX_DEFAULT, &len, &need));
        assert_int_equal(len, frame.len);
    }
    buf_close(&buf);
}

static void frame_cut_refuses_lengths_out_of_range(void **state) {
    (void)state;
    static const struct {
        uint32_t length;
        enum err err;
    } cases[] = {
        {0, ERR_BAD_INPUT},
        {3, ERR_BAD_INPUT},
        {4, ERR_OK},
        {96, ERR_OK},
        {97, ERR_BAD_INPUT},
        {101, ERR_BAD_INPUT},
        {0x80000000, ERR_BAD_INPUT},
        {0xFFFFFFFF, ERR_BAD_INPUT},
        {0x47455420 /* "GET " */, ERR_BAD_INPUT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char prefix[4];
        size_t len, need;
        store_u32be(prefix, cases[i].length);
        assert_err(frame_cut(bytes_make(prefix, 4), 100, &len, &need), cases[i].err);
        assert_int_equal(len, 0);
        assert_int_equal(need, cases[i].err == ERR_OK ? cases[i].length + 4 : 0);
    }
}

static void decode_json_points_into_the_frame(void **state) {
    (void)state;
    struct arena arena = {0};
    struct buf frame = {0};
    struct command command;
    const char *header = "{\"code\":310,\"extFields\":{\"a\":\"PG\",\"i\":\"K\\u0001v\\u0002\"},\"flag\":2,"
                         "\"language\":\"GO\",\"opaque\":-7,\"remark\":\"why\",\"serializeTypeCurrentRPC\":\"JSON\","
                         "\"version\":317}";
    assert_ok(decode_json(&arena, &frame, header, &command));
    assert_int_equal(command.code, REQUEST_SEND_MESSAGE_V2);
    assert_int_equal(command.flag, COMMAND_FLAG_ONEWAY);
    assert_int_equal(command.language, LANGUAGE_GO);
    assert_int_equal(command.opaque, -7);
    assert_int_equal(command.version, 317);
    assert_int_equal(command.serialize, SERIALIZE_JSON);
    assert_int_equal(command.ext_count, 2);
    assert_bytes(command.remark, "why");
    assert_bytes(command.body, "body");
    assert_bytes(command_ext(&command, "a"), "PG");
    assert_bytes(command_ext(&command, "i"), "K\001v\002");
    assert_null(command_ext(&command, "b").data);
    assert_in_range((uintptr_t)command.ext[0].value.data, (uintptr_t)frame.data, (uintptr_t)(frame.data + frame.len));
    arena_close(&arena);
    buf_close(&frame);
}

static void decode_json_is_as_lenient_as_java(void **state) {
    (void)state;
    struct arena arena = {0};
    struct buf frame = {0};
    struct command command;
    const char *header = " { version : \"253\", \"new\":{\"a\":[1,{}]}, 'code':\"11\", \"opaque\":5, \"flag\":null,\n"
                         "\"remark\":null, \"language\":\"UNHEARD_OF\", \"extFields\":{\"n\":5,\"t\":true,\"f\":false,"
                         "\"z\":null,\"o\":{\"x\":1},\"l\":[1],\"e\":\"\",\"\\u0061\":\"key\",}} ";
    assert_ok(decode_json(&arena, &frame, header, &command));
    assert_int_equal(command.version, 253);
    assert_int_equal(command.code, 11);
    assert_int_equal(command.flag, 0);
    assert_int_equal(command.language, LANGUAGE_OTHER);
    assert_null(command.remark.data);
    assert_bytes(command_ext(&command, "n"), "5");
    assert_bytes(command_ext(&command, "t"), "true");
    assert_bytes(command_ext(&command, "f"), "false");
    assert_bytes(command_ext(&command, "e"), "");
    assert_bytes(command_ext(&command, "a"), "key");
    const char *absent[] = {"z", "o", "l"};
    for (size_t i = 0; i < 3; i++) assert_null(command_ext(&command, absent[i]).data);
    assert_ok(decode_json(&arena, &frame, "{\"extFields\":null,\"language\":9}", &command));
    assert_int_equal(command.ext_count, 0);
    assert_int_equal(command.language, LANGUAGE_GO);
    arena_close(&arena);
    buf_close(&frame);
}

static void assert_same_command(const struct command *a, const struct command *b) {
    assert_int_equal(a->code, b->code);
    assert_int_equal(a->flag, b->flag);
    assert_int_equal(a->opaque, b->opaque);
    assert_int_equal(a->version, b->version);
    assert_int_equal(a->language, b->language);
    assert_true(bytes_equal(a->remark, b->remark) && !a->remark.data == !b->remark.data);
    assert_int_equal(a->ext_count, b->ext_count);
    for (size_t i = 0; i < a->ext_count; i++) {
        assert_true(bytes_equal(a->ext[i].key, b->ext[i].key));
        assert_true(bytes_equal(a->ext[i].value, b->ext[i].value));
    }
}

/* The one-pass reading and the tokenizer, which a blank in front makes sure of, say the same of every header. */
static void both_readings_of_json_agree(void **state) {
    (void)state;
    static const char header[] =
        " {\"code\":310,\"extFields\":{\"a\":\"group\",\"i\":\"KEYS\\u0001k\\u0002\",\"f\":\"0\"},"
        "\"flag\":0,\"language\":\"JAVA\",\"opaque\":42,\"remark\":\"r\",\"x\":\"y\",\"version\":401}";
    static const char replacements[] = "\"\\,:{}[]09 u-n'";
    struct arena arena = {0};
    struct buf frame = {0}, frame_blank = {0};
    char changed[sizeof header];
    for (size_t i = 1; i + 1 < sizeof header; i++) {
        for (size_t r = 0; r < sizeof replacements; r++) { /* the last one, 0, ends the header there */
            struct command fast, slow;
            memcpy(changed, header, sizeof header);
            changed[i] = replacements[r];
            enum err err = decode_json(&arena, &frame_blank, changed, &slow);
            assert_int_equal(decode_json(&arena, &frame, changed + 1, &fast), err);
            if (err == ERR_OK) assert_same_command(&fast, &slow);
        }
        arena_reset(&arena);
    }
    arena_close(&arena);
    buf_close(&frame);
    buf_close(&frame_blank);
}

static void decode_takes_the_last_of_equal_ext_keys(void **state) {
    (void)state;
    struct arena arena = {0};
    struct buf frame = {0};
    struct command command;
    const char *header = "{\"code\":1,\"extFields\":{\"topic\":\"A\",\"x\":\"1\",\"topic\":\"B\"}}";
    assert_ok(decode_json(&arena, &frame, header, &command));
    assert_bytes(command_ext(&command, "topic"), "B");
    struct hdr_topic fields;
    assert_ok(header_decode(layout_topic(), &command, &fields));
    assert_bytes(fields.topic, "B");
    arena_close(&arena);
    buf_close(&frame);
}

static void decode_json_refuses_what_is_no_header(void **state) {
    (void)state;
    static const char *const bad[] = {
        "",
        " ",
        "[]",
        "5",
        "null",
        "\"text\"",
        "{",
        "{\"code\"",
        "{\"code\":",
        "{\"code\":1",
        "{\"code\":x}",
        "{\"code\":1}x",
        "{\"code\":1} {}",
        "{\"code\":\"abc\"}",
        "{\"code\":99999999999}",
        "{\"opaque\":1.5}",
        "{\"flag\":\"\"}",
        "{\"extFields\":[]}",
        "{\"extFields\":\"x\"}",
        "{\"extFields\":{\"a\"}}",
        "{\"extFields\":{\"a\":}}",
        "{\"extFields\":{\"a\":\"x}}",
        "{\"extFields\":{{}:\"x\"}}",
        "{{}:1}",
    };
    struct arena arena = {0};
    struct buf frame = {0};
    struct command command;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (decode_json(&arena, &frame, bad[i], &command) != ERR_BAD_INPUT) fail_msg("accepted: %s", bad[i]);
    buf_clear(&frame);
    struct buf deep = {0};
    buf_append_text(&deep, "{\"x\":");
    for (int i = 0; i < 1000; i++) buf_append_char(&deep, '[');
    assert_int_equal(command_decode(&arena, frame_of(&frame, SERIALIZE_JSON, buf_bytes(&deep), BYTES("")), &command),
                     ERR_BAD_INPUT);
    arena_close(&arena);
    buf_close(&frame);
    buf_close(&deep);
}

static void decode_refuses_frames_that_do_not_fit(void **state) {
    (void)state;
    struct arena arena = {0};
    struct buf buf = {0};
    struct command command;
    struct bytes frame = frame_of(&buf, SERIALIZE_JSON, BYTES("{\"code\":1}"), BYTES(""));
    assert_ok(command_decode(&arena, frame, &command));
    for (size_t i = 0; i < frame.len; i++)
        assert_err(command_decode(&arena, bytes_make(frame.data, i), &command), ERR_BAD_INPUT);
    buf.data[7]++; /* header length */
    assert_err(command_decode(&arena, frame, &command), ERR_BAD_INPUT);
    buf.data[7]--;
    for (int type = SERIALIZE_ROCKETMQ + 1; type < 256; type++) {
        buf.data[4] = (char)type;
        assert_err(command_decode(&arena, frame, &command), ERR_BAD_INPUT);
    }
    arena_close(&arena);
    buf_close(&buf);
}

/* 21 fixed bytes of a binary header with one ext field behind them. */
static void append_binary(struct buf *out, uint16_t code, uint32_t flag, const char *key, const char *value) {
    buf_append_u16be(out, code);
    buf_append_char(out, LANGUAGE_CPP);
    buf_append_u16be(out, 409);
    buf_append_u32be(out, 77);
    buf_append_u32be(out, flag);
    buf_append_u32be(out, 2);
    buf_append_text(out, "ok");
    buf_append_u32be(out, (uint32_t)(6 + strlen(key) + strlen(value)));
    buf_append_u16be(out, (uint16_t)strlen(key));
    buf_append_text(out, key);
    buf_append_u32be(out, (uint32_t)strlen(value));
    buf_append_text(out, value);
}

static void decode_binary(void **state) {
    (void)state;
    struct arena arena = {0};
    struct buf header = {0}, frame = {0};
    struct command command;
    append_binary(&header, 11, 0, "topic", "T");
    struct bytes whole = frame_of(&frame, SERIALIZE_ROCKETMQ, buf_bytes(&header), BYTES("b"));
    assert_ok(command_decode(&arena, whole, &command));
    assert_int_equal(command.serialize, SERIALIZE_ROCKETMQ);
    assert_int_equal(command.code, 11);
    assert_int_equal(command.language, LANGUAGE_CPP);
    assert_int_equal(command.version, 409);
    assert_int_equal(command.opaque, 77);
    assert_bytes(command.remark, "ok");
    assert_bytes(command_ext(&command, "topic"), "T");
    assert_bytes(command.body, "b");
    for (size_t i = 0; i < header.len; i++) { /* every header that ends early */
        whole = frame_of(&frame, SERIALIZE_ROCKETMQ, bytes_make(header.data, i), BYTES(""));
        assert_err(command_decode(&arena, whole, &command), ERR_BAD_INPUT);
    }
    buf_clear(&header);
    append_binary(&header, 11, 0, "topic", "");
    whole = frame_of(&frame, SERIALIZE_ROCKETMQ, buf_bytes(&header), BYTES(""));
    assert_ok(command_decode(&arena, whole, &command));
    assert_null(command_ext(&command, "topic").data); /* as Java 5.x: empty is null */
    arena_close(&arena);
    buf_close(&header);
    buf_close(&frame);
}

static void binary_pop_codes_get_their_upper_bits_back(void **state) {
    (void)state;
    static const struct {
        uint16_t wire;
        int32_t code;
    } cases[] = {
        {3441, 3441},
        {3442, REQUEST_POP_MESSAGE},
        {3443, REQUEST_ACK_MESSAGE},
        {3448, REQUEST_POP_ROLLBACK},
        {3449, 3449},
        {3543, REQUEST_BATCH_ACK_MESSAGE},
        {3544, 3544},
        {310, REQUEST_SEND_MESSAGE_V2},
    };
    struct arena arena = {0};
    struct buf header = {0}, frame = {0};
    struct command command;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (uint32_t flag = 0; flag <= 2; flag++) {
            buf_clear(&header);
            append_binary(&header, cases[i].wire, flag, "k", "v");
            struct bytes whole = frame_of(&frame, SERIALIZE_ROCKETMQ, buf_bytes(&header), BYTES(""));
            assert_ok(command_decode(&arena, whole, &command));
            bool response = flag & COMMAND_FLAG_RESPONSE;
            assert_int_equal(command.code, response ? cases[i].wire : cases[i].code);
        }
    }
    arena_close(&arena);
    buf_close(&header);
    buf_close(&frame);
}

static void ext_fields_are_limited(void **state) {
    (void)state;
    struct arena arena = {0};
    struct buf frame = {0};
    struct ext_field ext[EXT_FIELDS_MAX + 1];
    for (size_t i = 0; i <= EXT_FIELDS_MAX; i++) ext[i] = (struct ext_field){BYTES("key"), BYTES("v")};
    for (int type = SERIALIZE_JSON; type <= SERIALIZE_ROCKETMQ; type++) {
        struct command command = {.code = 1, .ext = ext, .ext_count = EXT_FIELDS_MAX, .serialize = type}, back;
        buf_clear(&frame);
        command_encode(&frame, &command, NULL, NULL, 0);
        assert_ok(command_decode(&arena, buf_bytes(&frame), &back));
        assert_int_equal(back.ext_count, EXT_FIELDS_MAX);
        command.ext_count++;
        buf_clear(&frame);
        command_encode(&frame, &command, NULL, NULL, 0);
        assert_err(command_decode(&arena, buf_bytes(&frame), &back), ERR_BAD_INPUT);
    }
    arena_close(&arena);
    buf_close(&frame);
}

static void encode_json_is_what_java_writes(void **state) {
    (void)state;
    struct buf out = {0};
    struct ext_field ext[] = {{BYTES("x\"y"), BYTES("a\001b\\")}, {BYTES("gone"), {0}}};
    struct command command = {.code = 0, .opaque = 6, .flag = 1, .version = VERSION_OURS, .remark = BYTES("FOUND\n")};
    command.ext = ext;
    command.ext_count = 2;
    struct hdr_offset_result fields = {.present = HEADER_ALL, .offset = -12};
    command_encode(&out, &command, layout_offset_result(), &fields, 3);
    const char *header = "{\"code\":0,\"extFields\":{\"offset\":\"-12\",\"x\\\"y\":\"a\\u0001b\\\\\"},\"flag\":1,"
                         "\"language\":\"JAVA\",\"opaque\":6,\"remark\":\"FOUND\\n\","
                         "\"serializeTypeCurrentRPC\":\"JSON\",\"version\":479}";
    assert_int_equal(out.len, 8 + strlen(header));
    assert_int_equal(load_u32be(out.data), 4 + strlen(header) + 3);
    assert_int_equal(load_u32be(out.data + 4), strlen(header));
    assert_memory_equal(out.data + 8, header, strlen(header));
    /* An empty header class gives an empty object, none gives nothing. */
    command = (struct command){.code = 34};
    buf_clear(&out);
    command_encode(&out, &command, layout_none(), &(struct hdr_none){0}, 0);
    assert_non_null(memmem(out.data, out.len, ",\"extFields\":{},", 16));
    buf_clear(&out);
    command_encode(&out, &command, NULL, NULL, 0);
    assert_null(memmem(out.data, out.len, "extFields", 9));
    assert_null(memmem(out.data, out.len, "remark", 6));
    buf_close(&out);
}

static void encode_binary_is_what_java_writes(void **state) {
    (void)state;
    struct buf out = {0}, expected = {0};
    struct command command = {.code = 11, .opaque = 77, .version = 409, .language = LANGUAGE_CPP};
    command.remark = BYTES("ok");
    command.serialize = SERIALIZE_ROCKETMQ;
    append_binary(&expected, 11, 0, "topic", "T");
    buf_append_text(&out, "before"); /* appends */
    command_encode(&out, &command, layout_topic(), &(struct hdr_topic){.present = 1, .topic = BYTES("T")}, 5);
    const char *frame = out.data + 6;
    assert_int_equal(out.len, 6 + 8 + expected.len);
    assert_int_equal(load_u32be(frame), 4 + expected.len + 5);
    assert_int_equal(load_u32be(frame + 4), 1u << 24 | expected.len);
    assert_memory_equal(frame + 8, expected.data, expected.len);
    buf_close(&out);
    buf_close(&expected);
}

static void a_header_too_long_goes_without_fields(void **state) {
    (void)state;
    enum { LONG = 2 << 20 }; /* of control characters, which take six bytes each in JSON */
    struct arena arena = {0};
    struct buf text = {0}, frame = {0};
    memset(buf_reserve(&text, LONG), 1, LONG);
    struct ext_field ext[] = {{BYTES("k"), bytes_make(text.data, LONG)}};
    for (int flag = 0; flag <= COMMAND_FLAG_RESPONSE; flag++) {
        struct command command = {.code = 307, .opaque = 9, .flag = flag, .ext = ext, .ext_count = 1}, back;
        buf_clear(&frame);
        buf_append_text(&frame, "before");
        command_encode(&frame, &command, layout_topic(), &(struct hdr_topic){.present = 1, .topic = BYTES("T")}, 0);
        assert_memory_equal(frame.data, "before", 6);
        assert_ok(command_decode(&arena, bytes_skip(buf_bytes(&frame), 6), &back));
        assert_int_equal(back.code, flag ? RESPONSE_SYSTEM_ERROR : 307);
        assert_int_equal(back.opaque, 9);
        assert_int_equal(back.ext_count, 0);
        assert_bytes(back.remark, "the header is too long to be sent");
        command.serialize = SERIALIZE_ROCKETMQ;
        buf_clear(&frame);
        command_encode(&frame, &command, NULL, NULL, 0);
        assert_ok(command_decode(&arena, buf_bytes(&frame), &back));
        assert_int_equal(back.code, 307);
        assert_int_equal(back.ext[0].value.len, LONG);
    }
    arena_close(&arena);
    buf_close(&text);
    buf_close(&frame);
}

static void binary_leaves_out_keys_it_cannot_say(void **state) {
    (void)state;
    struct arena arena = {0};
    struct buf key = {0}, frame = {0};
    memset(buf_reserve(&key, INT16_MAX + 1), 'k', INT16_MAX + 1);
    struct ext_field ext[] = {{bytes_make(key.data, INT16_MAX + 1), BYTES("v")},
                              {bytes_make(key.data, INT16_MAX), BYTES("w")}};
    struct command command = {.serialize = SERIALIZE_ROCKETMQ, .ext = ext, .ext_count = 2}, back;
    command_encode(&frame, &command, NULL, NULL, 0);
    assert_ok(command_decode(&arena, buf_bytes(&frame), &back));
    assert_int_equal(back.ext_count, 1);
    assert_int_equal(back.ext[0].key.len, INT16_MAX);
    assert_bytes(back.ext[0].value, "w");
    arena_close(&arena);
    buf_close(&key);
    buf_close(&frame);
}

static void bit_flips_never_break_the_decoder(void **state) {
    (void)state;
    struct arena arena = {0};
    struct buf frame = {0}, again = {0};
    for (int type = SERIALIZE_JSON; type <= SERIALIZE_ROCKETMQ; type++) {
        struct hdr_send_message_v2 fields = {.present = HEADER_ALL, .topic = BYTES("T"), .properties = BYTES("a\001b")};
        struct command command = {.code = 310, .remark = BYTES("r"), .serialize = type}, flipped;
        buf_clear(&frame);
        command_encode(&frame, &command, layout_send_message_v2(), &fields, 0);
        size_t accepted = 0;
        for (size_t bit = 32; bit < frame.len * 8; bit++) {
            frame.data[bit / 8] ^= (char)(1 << bit % 8);
            if (command_decode(&arena, buf_bytes(&frame), &flipped) == ERR_OK) {
                struct hdr_send_message_v2 out;
                enum err err = header_decode(layout_send_message_v2(), &flipped, &out);
                assert_true(err == ERR_OK || err == ERR_FAILED);
                buf_clear(&again);
                command_encode(&again, &flipped, NULL, NULL, flipped.body.len);
                accepted++;
            }
            frame.data[bit / 8] ^= (char)(1 << bit % 8);
            arena_reset(&arena);
        }
        assert_in_range(accepted, 1, frame.len * 8 - 33); /* some flips are harmless, some are noticed */
    }
    arena_close(&arena);
    buf_close(&frame);
    buf_close(&again);
}

static void languages_have_names(void **state) {
    (void)state;
    assert_string_equal(language_name(LANGUAGE_JAVA), "JAVA");
    assert_string_equal(language_name(LANGUAGE_NODE_JS), "NODE_JS");
    assert_string_equal(language_name(99), "OTHER");
    assert_string_equal(language_name(-1), "OTHER");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frame_cut_waits_for_a_whole_frame),
        cmocka_unit_test(frame_cut_refuses_lengths_out_of_range),
        cmocka_unit_test(decode_json_points_into_the_frame),
        cmocka_unit_test(decode_json_is_as_lenient_as_java),
        cmocka_unit_test(both_readings_of_json_agree),
        cmocka_unit_test(decode_takes_the_last_of_equal_ext_keys),
        cmocka_unit_test(decode_json_refuses_what_is_no_header),
        cmocka_unit_test(decode_refuses_frames_that_do_not_fit),
        cmocka_unit_test(decode_binary),
        cmocka_unit_test(binary_pop_codes_get_their_upper_bits_back),
        cmocka_unit_test(ext_fields_are_limited),
        cmocka_unit_test(encode_json_is_what_java_writes),
        cmocka_unit_test(encode_binary_is_what_java_writes),
        cmocka_unit_test(a_header_too_long_goes_without_fields),
        cmocka_unit_test(binary_leaves_out_keys_it_cannot_say),
        cmocka_unit_test(bit_flips_never_break_the_decoder),
        cmocka_unit_test(languages_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
