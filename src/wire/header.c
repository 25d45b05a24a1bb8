/* header.c - the layouts made from headers.def, and structs filled from ext fields */
#include "wire/header.h"

#include "base/check.h"
#include "wire/header_internal.h"

_Static_assert(sizeof(struct hdr_send_message) == sizeof(struct hdr_send_message_v2) &&
                   offsetof(struct hdr_send_message, broker_name) == offsetof(struct hdr_send_message_v2, broker_name),
               "headers.def promises that both are one struct");

/* Fields that must be there, as `present` has them. */
#define HEADER_BEGIN(name)                                                                                             \
    static const union {                                                                                               \
        struct has_##name has;                                                                                         \
        uint32_t present;                                                                                              \
    } required_##name = {.has = {
#define STR(member, key, need)  .member = (need) == REQUIRED,
#define I32(member, key, need)  .member = (need) == REQUIRED,
#define I64(member, key, need)  .member = (need) == REQUIRED,
#define BOOL(member, key, need) .member = (need) == REQUIRED,
#define HEADER_END(name)                                                                                               \
    }                                                                                                                  \
    }                                                                                                                  \
    ;
#include "wire/headers.def"

#define HEADER_BEGIN(name)                                                                                             \
    const struct header_layout *layout_##name(void) {                                                                  \
        typedef struct hdr_##name header;                                                                              \
        static const struct header_field fields[] = {
#define ROW(type, member, key, need)                                                                                   \
    {key, ",\"" key "\":", sizeof(key) - 1, sizeof(key) + 3, type, offsetof(header, member)},
#define STR(member, key, need)  ROW(HEADER_STR, member, key, need)
#define I32(member, key, need)  ROW(HEADER_I32, member, key, need)
#define I64(member, key, need)  ROW(HEADER_I64, member, key, need)
#define BOOL(member, key, need) ROW(HEADER_BOOL, member, key, need)
#define HEADER_END(name)                                                                                               \
    }                                                                                                                  \
    ;                                                                                                                  \
    static const struct header_layout layout = {#name, sizeof(header), fields, ARRAY_LEN(fields),                      \
                                                &required_##name.present};                                             \
    return &layout;                                                                                                    \
    }
#include "wire/headers.def"

static enum err set_field(const struct header_field *field, struct bytes value, void *out) {
    void *member = (char *)out + field->offset;
    bool ok = true;
    switch ((enum header_type)field->type) {
    case HEADER_STR:
        *(struct bytes *)member = value;
        break;
    case HEADER_I32:
        ok = bytes_to_i32(value, member);
        break;
    case HEADER_I64:
        ok = bytes_to_i64(value, member);
        break;
    case HEADER_BOOL:
        *(bool *)member = bytes_to_bool(value) || bytes_is(value, "1"); /* "1": Apache's C++ client; Java reads false */
        break;
    }
    if (ok) return ERR_OK;
    return fail(ERR_FAILED, "the custom field <%s> is no number: \"%.*s\"", field->key, (int)MIN(value.len, 40),
                value.data);
}

/* The field of that key; `hint` is where it is likely to be. `count` if there is none. */
static size_t find_field(const struct header_layout *layout, struct bytes key, size_t hint) {
    for (size_t n = 0, i = hint; n < layout->count; n++, i++) {
        if (i >= layout->count) i = 0;
        const struct header_field *field = &layout->fields[i];
        if (field->key_len != key.len || field->key[0] != key.data[0]) continue;
        /* the keys of sends have one letter */
        if (key.len == 1 || memcmp(field->key + 1, key.data + 1, key.len - 1) == 0) return i;
    }
    return layout->count;
}

enum err header_decode(const struct header_layout *layout, const struct command *command, void *out) {
    memset(out, 0, layout->size_bytes);
    uint32_t present = 0;
    size_t next = 0;
    for (size_t e = 0; e < command->ext_count; e++) {
        const struct ext_field *ext = &command->ext[e];
        size_t i = find_field(layout, ext->key, next);
        if (i == layout->count) continue;
        next = i + 1;
        if (!ext->value.data) continue;
        TRY(set_field(&layout->fields[i], ext->value, out));
        present |= 1u << i;
    }
    *(uint32_t *)out = present;
    uint32_t missing = *layout->required & ~present;
    return missing ? fail(ERR_FAILED, "the custom field <%s> is null", layout->fields[__builtin_ctz(missing)].key)
                   : ERR_OK;
}

void header_append_scalar(struct buf *out, const struct header_field *field, const void *fields) {
    const char *member = (const char *)fields + field->offset;
    if (field->type == HEADER_BOOL)
        buf_append_bytes(out, *(const bool *)member ? BYTES("true") : BYTES("false"));
    else if (field->type == HEADER_I32)
        buf_append_i64(out, *(const int32_t *)member);
    else
        buf_append_i64(out, *(const int64_t *)member);
}
