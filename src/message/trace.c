/* trace.c - records of trace.def to text and back. */
#include "message/trace.h"

#include <stddef.h>
#include "base/check.h"

enum { BETWEEN_FIELDS = 1, BEHIND_RECORD = 2 };
enum field_type { FIELD_END, FIELD_TEXT, FIELD_I32, FIELD_I64, FIELD_BOOL };
enum { FIELDS_MAX = 16 };

struct field {
    enum field_type type;
    size_t offset;
};
struct layout {
    struct bytes name;
    struct field fields[FIELDS_MAX]; /* up to FIELD_END */
};
/* clang-format off */
static const struct layout layouts[] = {
#define TRACE_BEGIN(name, text) {BYTES(text), {
#define FIELD(type, member) {FIELD_##type, offsetof(struct trace_record, member)},
#define TEXT(member) FIELD(TEXT, member)
#define I32(member) FIELD(I32, member)
#define I64(member) FIELD(I64, member)
#define BOOL(member) FIELD(BOOL, member)
#define TRACE_END(name) {FIELD_END, 0}}},
#include "message/trace.def"
};
/* clang-format on */

/* Java's reader drops empty fields at the end of a record and then misses them, so "null" stands for what is empty. */
static void append_text(struct buf *out, struct bytes text) {
    if (text.len == 0) text = BYTES("null");
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] != BETWEEN_FIELDS && text.data[i] != BEHIND_RECORD) buf_append_char(out, text.data[i]);
}

static void append_field(struct buf *out, const struct field *field, const void *at) {
    switch (field->type) {
    case FIELD_TEXT:
        append_text(out, *(const struct bytes *)at);
        break;
    case FIELD_I32:
        buf_append_i64(out, *(const int32_t *)at);
        break;
    case FIELD_I64:
        buf_append_i64(out, *(const int64_t *)at);
        break;
    case FIELD_BOOL:
        buf_append_text(out, *(const bool *)at ? "true" : "false");
        break;
    case FIELD_END:
        break;
    }
}

void trace_append(struct buf *out, const struct trace_record *record) {
    const struct layout *layout = &layouts[record->type];
    buf_append_bytes(out, layout->name);
    for (const struct field *field = layout->fields; field->type != FIELD_END; field++) {
        buf_append_char(out, BETWEEN_FIELDS);
        append_field(out, field, (const char *)record + field->offset);
    }
    buf_append_char(out, BEHIND_RECORD);
}

static bool read_field(const struct field *field, struct bytes piece, void *at) {
    switch (field->type) {
    case FIELD_TEXT:
        *(struct bytes *)at = piece;
        return true;
    case FIELD_I32:
        return bytes_to_i32(piece, at);
    case FIELD_I64:
        return bytes_to_i64(piece, at);
    case FIELD_BOOL:
        *(bool *)at = bytes_to_bool(piece);
        return true;
    case FIELD_END:
        break;
    }
    return false;
}

static bool read_record(struct bytes text, struct trace_record *out) {
    struct bytes name, piece;
    size_t type = 0;
    if (!bytes_split(&text, BETWEEN_FIELDS, &name)) return false;
    while (type < ARRAY_LEN(layouts) && !bytes_equal(name, layouts[type].name)) type++;
    if (type == ARRAY_LEN(layouts)) return false;
    *out = (struct trace_record){.type = (enum trace_type)type};
    for (const struct field *field = layouts[type].fields; field->type != FIELD_END; field++) {
        if (!bytes_split(&text, BETWEEN_FIELDS, &piece)) break;
        if (!read_field(field, piece, (char *)out + field->offset)) return false;
    }
    return true;
}

bool trace_next(struct bytes *rest, struct trace_record *out) {
    for (struct bytes record; bytes_split(rest, BEHIND_RECORD, &record);)
        if (read_record(record, out)) return true;
    return false;
}
