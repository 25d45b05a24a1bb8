/* header_json.c - command headers as JSON, written as fastjson writes them */
#include "wire/header_internal.h"

#include "base/json.h"

static enum err malformed(const struct json_reader *reader, struct bytes header) {
    return fail(ERR_BAD_INPUT, "JSON header is malformed at byte %zu", (size_t)(reader->at - header.data));
}

/* The text of a key or string with its escapes read: in place when there are none, else in the arena. */
static struct bytes reader_text(struct arena *arena, const struct json_reader *reader) {
    if (!reader->escaped) return reader->text;
    char *plain = arena_alloc(arena, reader->text.len + 1);
    return bytes_make(plain, json_unescape(reader->text, plain));
}

/* A scalar as text, absent for null and for objects and arrays, which no field has. */
static enum err read_text(struct arena *arena, struct json_reader *reader, struct bytes header, struct bytes *out) {
    switch (json_next(reader)) {
    case JSON_STRING:
        *out = reader_text(arena, reader);
        return ERR_OK;
    case JSON_NUMBER:
        *out = reader->text;
        return ERR_OK;
    case JSON_TRUE:
        *out = BYTES("true");
        return ERR_OK;
    case JSON_FALSE:
        *out = BYTES("false");
        return ERR_OK;
    case JSON_NULL:
        *out = (struct bytes){0};
        return ERR_OK;
    case JSON_OBJECT:
    case JSON_ARRAY:
        *out = (struct bytes){0};
        return json_skip(reader);
    default:
        return malformed(reader, header);
    }
}

static enum err read_int(struct arena *arena, struct json_reader *reader, struct bytes header, const char *name,
                         int32_t *out) {
    struct bytes text;
    TRY(read_text(arena, reader, header, &text));
    if (text.data && !bytes_to_i32(text, out))
        return fail(ERR_BAD_INPUT, "%s in the JSON header is no 32-bit number", name);
    return ERR_OK;
}

static enum err read_ext(struct arena *arena, struct json_reader *reader, struct bytes header, struct command *out) {
    enum json_token token = json_next(reader);
    if (token == JSON_NULL) return ERR_OK;
    if (token != JSON_OBJECT) return malformed(reader, header);
    struct ext_list list;
    list.count = 0;
    while ((token = json_next(reader)) == JSON_KEY) {
        struct bytes key = reader_text(arena, reader), value;
        TRY(read_text(arena, reader, header, &value));
        TRY(ext_list_add(&list, key, value));
    }
    if (token != JSON_OBJECT_END) return malformed(reader, header);
    ext_list_finish(&list, arena, out);
    return ERR_OK;
}

static enum err read_language(struct arena *arena, struct json_reader *reader, struct bytes header, int32_t *out) {
    struct bytes text;
    TRY(read_text(arena, reader, header, &text));
    if (text.data && !bytes_to_i32(text, out)) *out = language_of(text);
    return ERR_OK;
}

static enum err read_member(struct arena *arena, struct json_reader *reader, struct bytes header, struct command *out) {
    struct bytes key = reader->text;
    if (bytes_equal(key, BYTES("extFields"))) return read_ext(arena, reader, header, out);
    if (bytes_equal(key, BYTES("code"))) return read_int(arena, reader, header, "code", &out->code);
    if (bytes_equal(key, BYTES("flag"))) return read_int(arena, reader, header, "flag", &out->flag);
    if (bytes_equal(key, BYTES("opaque"))) return read_int(arena, reader, header, "opaque", &out->opaque);
    if (bytes_equal(key, BYTES("version"))) return read_int(arena, reader, header, "version", &out->version);
    if (bytes_equal(key, BYTES("language"))) return read_language(arena, reader, header, &out->language);
    if (bytes_equal(key, BYTES("remark"))) return read_text(arena, reader, header, &out->remark);
    return json_skip(reader);
}

enum err header_json_decode(struct arena *arena, struct bytes header, struct command *out) {
    struct json_reader reader;
    json_reader_init(&reader, header);
    if (json_next(&reader) != JSON_OBJECT) return fail(ERR_BAD_INPUT, "JSON header is no object");
    enum json_token token;
    while ((token = json_next(&reader)) == JSON_KEY) TRY(read_member(arena, &reader, header, out));
    if (token != JSON_OBJECT_END || json_next(&reader) != JSON_EOF) return malformed(&reader, header);
    return ERR_OK;
}

/* --- writing ------------------------------------------------------------------------------------------- */

/* Texts without anything to escape are the rule, so they are copied while they are looked through. */
static void append_quoted(struct buf *out, struct bytes text) {
    char *at = buf_reserve(out, text.len + 2);
    *at++ = '"';
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if ((unsigned char)c < 0x20 || c == '"' || c == '\\' || c == 0x7F) {
            json_append_quoted(out, text);
            return;
        }
        *at++ = c;
    }
    *at = '"';
    out->len += text.len + 2;
}

static void append_bytes(struct buf *out, struct bytes text) {
    memcpy(buf_reserve(out, text.len), text.data, text.len);
    out->len += text.len;
}

/* Keys of layouts are plain words: nothing to escape. */
static void append_field_key(struct buf *out, const struct header_field *field, bool first) {
    char *at = buf_reserve(out, field->key_len + (size_t)4);
    if (!first) *at++ = ',';
    *at++ = '"';
    memcpy(at, field->key, field->key_len);
    at += field->key_len;
    *at++ = '"';
    *at++ = ':';
    out->len = (size_t)(at - out->data);
}

static void append_ext(struct buf *out, const struct command *command, const struct header_layout *layout,
                       const void *fields) {
    bool first = true;
    append_bytes(out, BYTES(",\"extFields\":{"));
    for (size_t i = 0; layout && fields && i < layout->count; i++) {
        if (!header_field_written(layout, fields, i)) continue;
        const struct header_field *field = &layout->fields[i];
        append_field_key(out, field, first);
        first = false;
        if (field->type == HEADER_STR) {
            append_quoted(out, header_field_str(field, fields));
        } else {
            buf_append_char(out, '"');
            header_append_scalar(out, field, fields);
            buf_append_char(out, '"');
        }
    }
    for (size_t i = 0; i < command->ext_count; i++) {
        if (!command->ext[i].value.data) continue;
        if (!first) buf_append_char(out, ',');
        first = false;
        append_quoted(out, command->ext[i].key);
        buf_append_char(out, ':');
        append_quoted(out, command->ext[i].value);
    }
    buf_append_char(out, '}');
}

void header_json_encode(struct buf *out, const struct command *command, const struct header_layout *layout,
                        const void *fields) {
    append_bytes(out, BYTES("{\"code\":"));
    buf_append_i64(out, command->code);
    if (layout || command->ext_count > 0) append_ext(out, command, layout, fields);
    append_bytes(out, BYTES(",\"flag\":"));
    buf_append_i64(out, command->flag);
    append_bytes(out, BYTES(",\"language\":\""));
    append_bytes(out, bytes_of(language_name(command->language)));
    append_bytes(out, BYTES("\",\"opaque\":"));
    buf_append_i64(out, command->opaque);
    if (command->remark.data) {
        append_bytes(out, BYTES(",\"remark\":"));
        append_quoted(out, command->remark);
    }
    append_bytes(out, BYTES(",\"serializeTypeCurrentRPC\":\"JSON\",\"version\":"));
    buf_append_i64(out, command->version);
    buf_append_char(out, '}');
}
