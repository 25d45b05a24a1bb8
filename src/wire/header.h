/* header.h - the custom header fields (extFields) of each request and response as a struct.
 * The rows of headers.def make for each header NAME:
 *   struct hdr_NAME { present / has; members... };
 *       has.MEMBER: that field came, or is to be written; present: all of these as one number (HEADER_ALL)
 *   const struct header_layout *layout_NAME(void);
 * A field that did not come has the zero value and a clear bit. A text that is absent is never written. */
#ifndef RMQ_WIRE_HEADER_H
#define RMQ_WIRE_HEADER_H

#include "base/arena.h"
#include "wire/command.h"

enum header_type { HEADER_STR, HEADER_I32, HEADER_I64, HEADER_BOOL };
enum header_need { OPTIONAL, REQUIRED };
struct header_field {
    const char *key;          /* spelling on the wire */
    const char *json_opening; /* ,"key": */
    uint8_t key_len, json_opening_len;
    uint8_t type;
    uint16_t offset;
};
struct header_layout {
    const char *name;
    size_t size_bytes;
    const struct header_field *fields;
    size_t count;             /* at most 32 */
    const uint32_t *required; /* fields that must be there, as `present` has them */
};

/* clang-format off */
/* Bit i of `present` is the i-th field: bit-fields are laid out from the lowest bit (endian.h asserts the host). */
#define HEADER_BEGIN(name) struct has_##name {
#define STR(member, key, need) bool member : 1;
#define I32(member, key, need) bool member : 1;
#define I64(member, key, need) bool member : 1;
#define BOOL(member, key, need) bool member : 1;
#define HEADER_END(name) \
    } \
    ;
#include "wire/headers.def"

#define HEADER_BEGIN(name) \
    struct hdr_##name { \
        union { \
            uint32_t present; \
            struct has_##name has; \
        };
#define STR(member, key, need) struct bytes member;
#define I32(member, key, need) int32_t member;
#define I64(member, key, need) int64_t member;
#define BOOL(member, key, need) bool member;
#define HEADER_END(name) \
    } \
    ; \
    const struct header_layout *layout_##name(void);
#include "wire/headers.def"

/* clang-format on */

/* Fills the struct of `layout` (zeroing it first) from the ext fields; texts point where the command's do.
 * ERR_FAILED: "the custom field <x> is null" for a required one that is missing, or a number that is none. */
enum err header_decode(const struct header_layout *layout, const struct command *command, void *out) MUST_USE;
/* present = HEADER_ALL writes all fields; then has.MEMBER = false leaves out an optional number. */
#define HEADER_ALL UINT32_MAX

#endif
