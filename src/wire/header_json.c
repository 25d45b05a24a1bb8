/* header_json.c - command headers as JSON, written as fastjson writes them */
#include "wire/header_internal.h"

#include "base/json.h"
#include "base/scan.h"

/* --- reading --------------------------------------------------------------------------------------------- */

/* A text between quotes with its escapes read: in place when there are none, else in the arena. */
static struct bytes plain_text(struct arena *arena, struct bytes text, bool escaped) {
    if (!escaped) return text;
    char *plain = arena_alloc(arena, text.len + 1);
    return bytes_make(plain, json_unescape(text, plain));
}

/* A number of the command; NULL for a member that is none. */
static int32_t *number_of(struct command *command, struct bytes key) {
    if (bytes_equal(key, BYTES("code"))) return &command->code;
    if (bytes_equal(key, BYTES("flag"))) return &command->flag;
    if (bytes_equal(key, BYTES("opaque"))) return &command->opaque;
    if (bytes_equal(key, BYTES("version"))) return &command->version;
    return NULL;
}

/* Takes a member that is a scalar; its text is absent for null. */
static enum err set_member(struct command *out, struct bytes key, struct bytes text) {
    int32_t *number = number_of(out, key);
    if (number && text.data && !bytes_to_i32(text, number))
        return fail(ERR_BAD_INPUT, "%.*s in the JSON header is no 32-bit number", BYTES_ARG(key));
    if (bytes_equal(key, BYTES("remark"))) out->remark = text;
    if (bytes_equal(key, BYTES("language")) && text.data && !bytes_to_i32(text, &out->language))
        out->language = language_of(text);
    return ERR_OK;
}

/* --- as clients write it ---------------------------------------------------------------------------------
 * Without blanks, keys and texts quoted, all else digits: read in one pass. These return what is behind the thing they
 * read, NULL when it has another form or is wrong: then the tokenizer below looks at the header from its start. */

static inline const char *fast_key(const char *at, const char *end, struct bytes *key) {
    if (at == end || *at != '"') return NULL;
    bool one_letter = end - at > 3 && at[2] == '"' && at[1] != '"' && at[1] != '\\'; /* as those of sends */
    const char *close = one_letter ? at + 2 : scan_for_either(at + 1, end, '"', '\\');
    if (end - close < 3 || close[0] != '"' || close[1] != ':') return NULL;
    *key = bytes_make(at + 1, (size_t)(close - at - 1));
    return close + 2;
}

static const char *fast_escaped_text(struct arena *arena, const char *at, const char *end, struct bytes *text) {
    bool escaped;
    const char *behind = json_string_end(at, end, &escaped);
    if (behind) *text = plain_text(arena, bytes_make(at + 1, (size_t)(behind - at) - 2), escaped);
    return behind;
}

static inline const char *fast_text(struct arena *arena, const char *at, const char *end, struct bytes *text) {
    const char *close = scan_for_either(at + 1, end, '"', '\\');
    if (close == end) return NULL;
    if (*close == '\\') return fast_escaped_text(arena, at, end, text);
    *text = bytes_make(at + 1, (size_t)(close - at - 1));
    return close + 1;
}

static const char *fast_number(const char *at, const char *end, struct bytes *text) {
    const char *behind = at;
    while (behind < end && *behind >= '0' && *behind <= '9') behind++;
    *text = bytes_make(at, (size_t)(behind - at));
    return behind > at ? behind : NULL;
}

static const char *fast_ext(struct arena *arena, const char *at, const char *end, struct command *out) {
    struct ext_list list;
    struct bytes key, value;
    list.count = 0;
    do {
        if (!(at = fast_key(at + 1, end, &key)) || *at != '"') return NULL;
        if (!(at = fast_text(arena, at, end, &value)) || at == end) return NULL;
        if (ext_list_add(&list, key, value) != ERR_OK) return NULL;
    } while (*at == ',');
    if (*at != '}') return NULL;
    ext_list_finish(&list, arena, out);
    return at + 1;
}

static const char *fast_header(struct arena *arena, const char *at, const char *end, struct command *out) {
    struct bytes key, text;
    do {
        if (!(at = fast_key(at + 1, end, &key))) return NULL;
        if (bytes_equal(key, BYTES("extFields"))) {
            if (*at != '{' || !(at = fast_ext(arena, at, end, out)) || at == end) return NULL;
            continue;
        }
        at = *at == '"' ? fast_text(arena, at, end, &text) : fast_number(at, end, &text);
        if (!at || at == end || set_member(out, key, text) != ERR_OK) return NULL;
    } while (*at == ',');
    return *at == '}' ? at + 1 : NULL;
}

/* --- as anybody may write it ----------------------------------------------------------------------------- */

static enum err malformed(const struct json_reader *reader, struct bytes header) {
    return fail(ERR_BAD_INPUT, "JSON header is malformed at byte %zu", (size_t)(reader->at - header.data));
}

/* A scalar as text, absent for null and for objects and arrays, which no field has. */
static enum err read_text(struct arena *arena, struct json_reader *reader, struct bytes header, struct bytes *out) {
    switch (json_next(reader)) {
    case JSON_STRING:
        *out = plain_text(arena, reader->text, reader->escaped);
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

static enum err read_ext(struct arena *arena, struct json_reader *reader, struct bytes header, struct command *out) {
    enum json_token token = json_next(reader);
    if (token == JSON_NULL) return ERR_OK;
    if (token != JSON_OBJECT) return malformed(reader, header);
    struct ext_list list;
    list.count = 0;
    while ((token = json_next(reader)) == JSON_KEY) {
        struct bytes key = plain_text(arena, reader->text, reader->escaped), value;
        TRY(read_text(arena, reader, header, &value));
        TRY(ext_list_add(&list, key, value));
    }
    if (token != JSON_OBJECT_END) return malformed(reader, header);
    ext_list_finish(&list, arena, out);
    return ERR_OK;
}

static enum err read_header(struct arena *arena, struct bytes header, struct command *out) {
    struct json_reader reader;
    json_reader_init(&reader, header);
    if (json_next(&reader) != JSON_OBJECT) return fail(ERR_BAD_INPUT, "JSON header is no object");
    enum json_token token;
    while ((token = json_next(&reader)) == JSON_KEY) {
        struct bytes key = plain_text(arena, reader.text, reader.escaped), text;
        if (bytes_equal(key, BYTES("extFields"))) {
            TRY(read_ext(arena, &reader, header, out));
            continue;
        }
        TRY(read_text(arena, &reader, header, &text));
        TRY(set_member(out, key, text));
    }
    if (token != JSON_OBJECT_END || json_next(&reader) != JSON_EOF) return malformed(&reader, header);
    return ERR_OK;
}

enum err header_json_decode(struct arena *arena, struct bytes header, struct command *out) {
    const struct command before = *out;
    const char *end = header.data + header.len;
    if (header.len > 0 && *header.data == '{' && fast_header(arena, header.data, end, out) == end) return ERR_OK;
    *out = before;
    return read_header(arena, header, out);
}

/* --- writing ------------------------------------------------------------------------------------------- */

static bool is_plain(unsigned char c) {
    return c >= 0x20 && c != '"' && c != '\\' && c != 0x7F;
}

/* Nothing in it has to be escaped: the rule. */
static bool is_plain_text(struct bytes text) {
    size_t i = 0;
    for (; text.len - i >= 8; i += 8) {
        uint64_t word = scan_load(text.data + i);
        uint64_t below_space = (word - SCAN_ALL(0x20)) & ~word & SCAN_ALL(0x80);
        if (below_space | scan_zeros(word ^ SCAN_ALL('"')) | scan_zeros(word ^ SCAN_ALL('\\')) |
            scan_zeros(word ^ SCAN_ALL(0x7F)))
            return false;
    }
    for (; i < text.len; i++)
        if (!is_plain((unsigned char)text.data[i])) return false;
    return true;
}

static void append_quoted(struct buf *out, struct bytes text) {
    if (!is_plain_text(text)) {
        json_append_quoted(out, text);
        return;
    }
    char *at = buf_reserve(out, text.len + 2);
    *at++ = '"';
    if (text.len > 0) memcpy(at, text.data, text.len);
    at[text.len] = '"';
    out->len += text.len + 2;
}

static void append_ext(struct buf *out, const struct command *command, const struct header_layout *layout,
                       const void *fields) {
    bool first = true;
    buf_append_bytes(out, BYTES(",\"extFields\":{"));
    for (size_t i = 0; layout && fields && i < layout->count; i++) {
        if (!header_field_written(layout, fields, i)) continue;
        const struct header_field *field = &layout->fields[i];
        buf_append(out, field->json_opening + first, field->json_opening_len - (size_t)first); /* ,"key": */
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
    buf_append_bytes(out, BYTES("{\"code\":"));
    buf_append_i64(out, command->code);
    if (layout || command->ext_count > 0) append_ext(out, command, layout, fields);
    buf_append_bytes(out, BYTES(",\"flag\":"));
    buf_append_i64(out, command->flag);
    buf_append_bytes(out, BYTES(",\"language\":\""));
    buf_append_text(out, language_name(command->language));
    buf_append_bytes(out, BYTES("\",\"opaque\":"));
    buf_append_i64(out, command->opaque);
    if (command->remark.data) {
        buf_append_bytes(out, BYTES(",\"remark\":"));
        append_quoted(out, command->remark);
    }
    buf_append_bytes(out, BYTES(",\"serializeTypeCurrentRPC\":\"JSON\",\"version\":"));
    buf_append_i64(out, command->version);
    buf_append_char(out, '}');
}
