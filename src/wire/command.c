/* command.c - frames, and what both serializations of their headers share */
#include "wire/command.h"

#include <inttypes.h>
#include "base/check.h"
#include "base/endian.h"
#include "wire/header_internal.h"
#include "wire/request.h"
#include "wire/response.h"

enum { LENGTH_SIZE = 4, PREFIX_SIZE = 8, HEADER_LEN_MAX = 0xFFFFFF };
enum { HEADER_SEND_MAX = FRAME_MAX_DEFAULT / 2 }; /* leaves room for a body in what peers take */

const char *language_name(int language) {
    switch (language) {
#define LANGUAGE(name, code)                                                                                           \
    case code:                                                                                                         \
        return #name;
#include "wire/languages.def"
#undef LANGUAGE
    default:
        return "OTHER";
    }
}

int language_of(struct bytes name) {
#define LANGUAGE(text, code)                                                                                           \
    if (bytes_equal(name, BYTES(#text))) return code;
#include "wire/languages.def"
#undef LANGUAGE
    return LANGUAGE_OTHER;
}

enum err ext_list_add(struct ext_list *list, struct bytes key, struct bytes value) {
    if (list->count == EXT_FIELDS_MAX) return fail(ERR_BAD_INPUT, "more than %d ext fields", EXT_FIELDS_MAX);
    list->items[list->count++] = (struct ext_field){key, value};
    return ERR_OK;
}

void ext_list_finish(const struct ext_list *list, struct arena *arena, struct command *out) {
    out->ext = NULL;
    out->ext_count = list->count;
    if (list->count == 0) return;
    size_t size = list->count * sizeof list->items[0];
    out->ext = memcpy(arena_alloc(arena, size), list->items, size);
}

enum err frame_cut(struct bytes input, size_t frame_max, size_t *len, size_t *need) {
    *len = *need = 0;
    if (input.len < LENGTH_SIZE) return ERR_OK;
    uint32_t rest = load_u32be(input.data);
    if (rest < PREFIX_SIZE - LENGTH_SIZE || rest > frame_max || rest + (size_t)LENGTH_SIZE > frame_max)
        return fail(ERR_BAD_INPUT, "frame length %" PRIu32 " is not in %d to %zu", rest, PREFIX_SIZE - LENGTH_SIZE,
                    frame_max - LENGTH_SIZE);
    *need = rest + (size_t)LENGTH_SIZE;
    if (input.len >= *need) *len = *need;
    return ERR_OK;
}

/* The binary header has 16 bits for the code: requests of the POP family arrive without their upper bits. */
static int32_t restore_code(int32_t code) {
    enum { POP_UPPER_BITS = REQUEST_POP_MESSAGE & ~0xFFFF };
    bool family = code >= (REQUEST_POP_MESSAGE & 0xFFFF) && code <= (REQUEST_POP_ROLLBACK & 0xFFFF);
    return family || code == (REQUEST_BATCH_ACK_MESSAGE & 0xFFFF) ? code | POP_UPPER_BITS : code;
}

enum err command_decode(struct arena *arena, struct bytes frame, struct command *out) {
    *out = (struct command){0};
    if (frame.len < PREFIX_SIZE || load_u32be(frame.data) != frame.len - LENGTH_SIZE)
        return fail(ERR_BAD_INPUT, "the frame's length is not that of its %zu bytes", frame.len);
    uint32_t second = load_u32be(frame.data + LENGTH_SIZE);
    size_t header_len = second & HEADER_LEN_MAX;
    if (header_len > frame.len - PREFIX_SIZE)
        return fail(ERR_BAD_INPUT, "header of %zu bytes in a frame of %zu", header_len, frame.len);
    struct bytes header = {frame.data + PREFIX_SIZE, header_len};
    switch (second >> 24) {
    case SERIALIZE_JSON:
        out->serialize = SERIALIZE_JSON;
        TRY(header_json_decode(arena, header, out));
        break;
    case SERIALIZE_ROCKETMQ:
        out->serialize = SERIALIZE_ROCKETMQ;
        TRY(header_binary_decode(arena, header, out));
        if (!(out->flag & COMMAND_FLAG_RESPONSE)) out->code = restore_code(out->code);
        break;
    default:
        return fail(ERR_BAD_INPUT, "unknown serialize type %" PRIu32, second >> 24);
    }
    out->body = bytes_skip(frame, PREFIX_SIZE + header_len);
    return ERR_OK;
}

struct bytes command_ext(const struct command *command, const char *key) {
    struct bytes name = bytes_of(key);
    for (size_t i = command->ext_count; i-- > 0;)
        if (bytes_equal(command->ext[i].key, name)) return command->ext[i].value;
    return (struct bytes){0};
}

static size_t encode_header(struct buf *out, size_t start, const struct command *command,
                            const struct header_layout *layout, const void *fields) {
    buf_reserve(out, PREFIX_SIZE);
    out->len = start + PREFIX_SIZE;
    if (command->serialize == SERIALIZE_JSON)
        header_json_encode(out, command, layout, fields);
    else
        header_binary_encode(out, command, layout, fields);
    return out->len - start - PREFIX_SIZE;
}

void command_encode(struct buf *out, const struct command *command, const struct header_layout *layout,
                    const void *fields, size_t body_len) {
    size_t start = out->len, header_len = encode_header(out, start, command, layout, fields);
    if (header_len > HEADER_SEND_MAX) {
        struct command bare = *command;
        bare.ext_count = 0;
        bare.remark = BYTES("the header is too long to be sent");
        if (bare.flag & COMMAND_FLAG_RESPONSE) bare.code = RESPONSE_SYSTEM_ERROR;
        header_len = encode_header(out, start, &bare, NULL, NULL);
    }
    must(body_len <= INT32_MAX - PREFIX_SIZE - header_len);
    store_u32be(out->data + start, (uint32_t)(PREFIX_SIZE - LENGTH_SIZE + header_len + body_len));
    store_u32be(out->data + start + LENGTH_SIZE, (uint32_t)command->serialize << 24 | (uint32_t)header_len);
}
