/* header_json_fuzz.c - the header of a command alone, so that no input is lost to lengths that do not fit. */
#include "base/check.h"
#include "wire/header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A blank in front makes the tokenizer read it; it must say the same as the reading in one pass. */
static void decode_again(const struct command *command, enum err err, const uint8_t *data, size_t size) {
    struct arena arena = {0};
    struct buf frame = {0};
    struct command again;
    buf_append_u32be(&frame, (uint32_t)(5 + size));
    buf_append_u32be(&frame, (uint32_t)SERIALIZE_JSON << 24 | (uint32_t)(size + 1));
    buf_append_char(&frame, ' ');
    buf_append(&frame, data, size);
    must(command_decode(&arena, buf_bytes(&frame), &again) == err);
    if (err == ERR_OK) {
        must(again.code == command->code && again.flag == command->flag && again.opaque == command->opaque);
        must(again.ext_count == command->ext_count && bytes_equal(again.remark, command->remark));
        for (size_t i = 0; i < again.ext_count; i++) {
            must(bytes_equal(again.ext[i].key, command->ext[i].key));
            must(bytes_equal(again.ext[i].value, command->ext[i].value));
        }
    }
    buf_close(&frame);
    arena_close(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size > 0xFFFF) return 0;
    struct arena arena = {0};
    struct buf frame = {0};
    struct command command;
    struct hdr_send_message_v2 send;
    struct hdr_pull_message pull;
    buf_append_u32be(&frame, (uint32_t)(4 + size));
    buf_append_u32be(&frame, (uint32_t)SERIALIZE_JSON << 24 | (uint32_t)size);
    buf_append(&frame, data, size);
    enum err err = command_decode(&arena, buf_bytes(&frame), &command);
    decode_again(&command, err, data, size);
    if (err == ERR_OK) {
        must(command.ext_count <= EXT_FIELDS_MAX && command.body.len == 0);
        for (size_t i = 0; i < command.ext_count; i++) must(command.ext[i].key.len <= size);
        if (header_decode(layout_send_message_v2(), &command, &send) == ERR_OK) must(send.has.topic);
        if (header_decode(layout_pull_message(), &command, &pull) == ERR_OK) must(pull.has.topic);
    }
    buf_close(&frame);
    arena_close(&arena);
    return 0;
}
