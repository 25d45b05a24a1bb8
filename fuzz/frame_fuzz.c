/* frame_fuzz.c - bytes of a connection: cut into frames, decoded, filled into every header, encoded again in both
 * serializations. What was decoded comes back as the same command. */
#include "base/check.h"
#include "wire/header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct header_layout *(*const layouts[])(void) = {
#define HEADER_BEGIN(name) layout_##name,
#define STR(member, key, need)
#define I32(member, key, need)
#define I64(member, key, need)
#define BOOL(member, key, need)
#define HEADER_END(name)
#include "wire/headers.def"
};

static void check_again(struct arena *arena, const struct command *command, enum serialize_type type) {
    struct command other = *command, back;
    struct buf out = {0};
    other.serialize = type;
    command_encode(&out, &other, NULL, NULL, command->body.len);
    buf_append_bytes(&out, command->body);
    must(command_decode(arena, buf_bytes(&out), &back) == ERR_OK);
    must(back.opaque == command->opaque && back.flag == command->flag);
    must(bytes_equal(back.remark, command->remark) && bytes_equal(back.body, command->body));
    if (type == SERIALIZE_JSON) must(back.code == command->code && back.version == command->version);
    for (size_t i = 0, j = 0; i < command->ext_count; i++) {
        if (command->ext[i].value.data == NULL) continue; /* null is not written */
        must(bytes_equal(back.ext[j].key, command->ext[i].key));
        must(bytes_equal(back.ext[j++].value, command->ext[i].value));
    }
    buf_close(&out);
}

/* Binary headers have no room for longer keys. */
static bool keys_fit(const struct command *command) {
    for (size_t i = 0; i < command->ext_count; i++)
        if (command->ext[i].key.len > INT16_MAX) return false;
    return true;
}

static void check_frame(struct bytes frame) {
    struct arena arena = {0};
    struct command command;
    if (command_decode(&arena, frame, &command) == ERR_OK) {
        for (size_t i = 0; i < ARRAY_LEN(layouts); i++) {
            const struct header_layout *layout = layouts[i]();
            void *fields = arena_alloc(&arena, layout->size_bytes);
            enum err err = header_decode(layout, &command, fields);
            must(err == ERR_OK || err == ERR_FAILED);
        }
        check_again(&arena, &command, SERIALIZE_JSON);
        if (keys_fit(&command)) check_again(&arena, &command, SERIALIZE_ROCKETMQ);
    }
    arena_close(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct bytes rest = bytes_make(data, size);
    size_t len, need;
    while (frame_cut(rest, 1 << 20, &len, &need) == ERR_OK && len > 0) {
        check_frame(bytes_make(rest.data, len));
        rest = bytes_skip(rest, len);
    }
    return 0;
}
