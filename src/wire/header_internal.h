/* header_internal.h - the two serializations of command headers; only command.c and they use it. */
#ifndef RMQ_WIRE_HEADER_INTERNAL_H
#define RMQ_WIRE_HEADER_INTERNAL_H

#include "wire/header.h"

/* `header` to all members of `out` but serialize and body. */
enum err header_json_decode(struct arena *arena, struct bytes header, struct command *out) MUST_USE;
enum err header_binary_decode(struct arena *arena, struct bytes header, struct command *out) MUST_USE;
void header_json_encode(struct buf *out, const struct command *command, const struct header_layout *layout,
                        const void *fields);
void header_binary_encode(struct buf *out, const struct command *command, const struct header_layout *layout,
                          const void *fields);

/* Ext fields as they are met; the array is copied to the arena when their number is known. */
struct ext_list {
    size_t count;
    struct ext_field items[EXT_FIELDS_MAX];
};
enum err ext_list_add(struct ext_list *list, struct bytes key, struct bytes value) MUST_USE;
void ext_list_finish(const struct ext_list *list, struct arena *arena, struct command *out);

int language_of(struct bytes name); /* LANGUAGE_OTHER for unknown names */

static inline struct bytes header_field_str(const struct header_field *field, const void *fields) {
    return *(const struct bytes *)((const char *)fields + field->offset);
}
/* Whether the i-th field is to be written. */
static inline bool header_field_written(const struct header_layout *layout, const void *fields, size_t i) {
    const struct header_field *field = &layout->fields[i];
    if (!(*(const uint32_t *)fields & 1u << i)) return false;
    return field->type != HEADER_STR || header_field_str(field, fields).data;
}
/* Appends the text of a field that is no HEADER_STR. */
void header_append_scalar(struct buf *out, const struct header_field *field, const void *fields);

#endif
