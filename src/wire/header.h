/* header.h - the custom header fields (extFields) of each request and response as a struct.
 * The rows of headers.def make for each header NAME:
 *   struct hdr_NAME { uint32_t present; members... };   bit i of present: the i-th field came / is to be written
 *   const struct header_layout *layout_NAME(void);
 * A field that did not come has the zero value and a clear bit. */
#ifndef RMQ_WIRE_HEADER_H
#define RMQ_WIRE_HEADER_H

#include "base/arena.h"
#include "wire/command.h"

enum header_type { HEADER_STR, HEADER_I32, HEADER_I64, HEADER_BOOL };
enum header_need { OPTIONAL, REQUIRED };
struct header_field {
    const char *key; /* spelling on the wire */
    uint8_t key_len;
    uint8_t type, need;
    uint16_t offset;
};
struct header_layout {
    const char *name;
    size_t size_bytes;
    const struct header_field *fields;
    size_t count; /* at most 32 */
};

#define HEADER_BEGIN(name) \
    struct hdr_##name { \
        uint32_t present;
#define STR(member, key, need) struct bytes member;
#define I32(member, key, need) int32_t member;
#define I64(member, key, need) int64_t member;
#define BOOL(member, key, need) bool member;
#define HEADER_END(name) \
    } \
    ; \
    const struct header_layout *layout_##name(void);
#include "wire/headers.def"
#undef HEADER_BEGIN
#undef STR
#undef I32
#undef I64
#undef BOOL
#undef HEADER_END

/* Fills the struct of `layout` (zeroing it first) from the ext fields; texts point where the command's do.
 * ERR_FAILED "the custom field <x> is null" when a required one is missing, ERR_FAILED too for a number that is none. */
enum err header_decode(const struct header_layout *layout, const struct command *command, void *out) MUST_USE;
/* Marks all fields present (for writing); then clear what is not to be written with HEADER_LEAVE_OUT. */
#define HEADER_ALL UINT32_MAX

#endif
