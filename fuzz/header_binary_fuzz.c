/* header_binary_fuzz.c - the header of a command alone, so that no input is lost to lengths that do not fit. */
#include "base/check.h"
#include "wire/header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size > 0xFFFF) return 0;
    struct arena arena = {0};
    struct buf frame = {0};
    struct command command;
    struct hdr_send_message_v2 send;
    struct hdr_pull_message pull;
    buf_append_u32be(&frame, (uint32_t)(4 + size));
    buf_append_u32be(&frame, (uint32_t)SERIALIZE_ROCKETMQ << 24 | (uint32_t)size);
    buf_append(&frame, data, size);
    if (command_decode(&arena, buf_bytes(&frame), &command) == ERR_OK) {
        must(command.ext_count <= EXT_FIELDS_MAX && command.body.len == 0);
        for (size_t i = 0; i < command.ext_count; i++) must(command.ext[i].key.len <= size);
        if (header_decode(layout_send_message_v2(), &command, &send) == ERR_OK) must(send.has.topic);
        if (header_decode(layout_pull_message(), &command, &pull) == ERR_OK) must(pull.has.topic);
    }
    buf_close(&frame);
    arena_close(&arena);
    return 0;
}
