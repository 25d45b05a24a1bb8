/* header_binary.c - command headers of fixed fields (serialize type ROCKETMQ) */
#include "wire/header_internal.h"

#include "base/endian.h"

enum { FIXED_SIZE = 21, AT_LANGUAGE = 2, AT_VERSION = 3, AT_OPAQUE = 5, AT_FLAG = 9, AT_REMARK_LEN = 13 };

/* Takes `len` bytes off `rest`, false when it has fewer; the empty text is null, as Java 5.x reads it. */
static bool take(struct bytes *rest, uint32_t len, struct bytes *out) {
    if (len > rest->len) return false;
    *out = len ? bytes_make(rest->data, len) : (struct bytes){0};
    *rest = bytes_skip(*rest, len);
    return true;
}

/* A text behind its length of two or four bytes. */
static bool take_text(struct bytes *rest, uint32_t length_size, struct bytes *out) {
    struct bytes length;
    if (!take(rest, length_size, &length)) return false;
    return take(rest, length_size == 2 ? load_u16be(length.data) : load_u32be(length.data), out);
}

static enum err malformed(struct bytes header) {
    return fail(ERR_BAD_INPUT, "the parts of a binary header do not fit its %zu bytes", header.len);
}

enum err header_binary_decode(struct arena *arena, struct bytes header, struct command *out) {
    struct bytes rest = header, fixed, block, key, value;
    if (!take(&rest, AT_REMARK_LEN, &fixed) || !take_text(&rest, 4, &out->remark) || !take_text(&rest, 4, &block))
        return malformed(header);
    out->code = (int16_t)load_u16be(fixed.data);
    out->language = (uint8_t)fixed.data[AT_LANGUAGE];
    out->version = (int16_t)load_u16be(fixed.data + AT_VERSION);
    out->opaque = load_i32be(fixed.data + AT_OPAQUE);
    out->flag = load_i32be(fixed.data + AT_FLAG);
    struct ext_list list;
    list.count = 0;
    while (block.len > 0) {
        if (!take_text(&block, 2, &key) || !take_text(&block, 4, &value)) return malformed(header);
        TRY(ext_list_add(&list, key, value));
    }
    ext_list_finish(&list, arena, out);
    return ERR_OK;
}

static void append_key(struct buf *out, const char *key, size_t len) {
    buf_append_u16be(out, (uint16_t)len);
    buf_append(out, key, len);
}

static void append_ext(struct buf *out, const struct command *command, const struct header_layout *layout,
                       const void *fields) {
    for (size_t i = 0; layout && fields && i < layout->count; i++) {
        if (!header_field_written(layout, fields, i)) continue;
        const struct header_field *field = &layout->fields[i];
        append_key(out, field->key, field->key_len);
        size_t at = out->len;
        buf_append_u32be(out, 0);
        if (field->type == HEADER_STR)
            buf_append_bytes(out, header_field_str(field, fields));
        else
            header_append_scalar(out, field, fields);
        store_u32be(out->data + at, (uint32_t)(out->len - at - 4));
    }
    for (size_t i = 0; i < command->ext_count; i++) {
        if (!command->ext[i].value.data || command->ext[i].key.len > INT16_MAX) continue;
        append_key(out, command->ext[i].key.data, command->ext[i].key.len);
        buf_append_u32be(out, (uint32_t)command->ext[i].value.len);
        buf_append_bytes(out, command->ext[i].value);
    }
}

void header_binary_encode(struct buf *out, const struct command *command, const struct header_layout *layout,
                          const void *fields) {
    char *fixed = buf_reserve(out, FIXED_SIZE);
    store_u16be(fixed, (uint16_t)command->code);
    fixed[AT_LANGUAGE] = (char)command->language;
    store_u16be(fixed + AT_VERSION, (uint16_t)command->version);
    store_u32be(fixed + AT_OPAQUE, (uint32_t)command->opaque);
    store_u32be(fixed + AT_FLAG, (uint32_t)command->flag);
    store_u32be(fixed + AT_REMARK_LEN, (uint32_t)command->remark.len);
    out->len += AT_REMARK_LEN + 4;
    buf_append_bytes(out, command->remark);
    size_t at = out->len;
    buf_append_u32be(out, 0);
    append_ext(out, command, layout, fields);
    store_u32be(out->data + at, (uint32_t)(out->len - at - 4));
}
