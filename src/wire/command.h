/* command.h - one remoting command (a request or a response) between bytes and struct.
 * Frame: length(4) | serialize type(1) header length(3) | header | body. Drawn in docs/wire/frame.md.
 * Pure functions of bytes: no sockets, no clocks. @source shared facts: protocol 1 */
#ifndef RMQ_WIRE_COMMAND_H
#define RMQ_WIRE_COMMAND_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

enum serialize_type { SERIALIZE_JSON = 0, SERIALIZE_ROCKETMQ = 1 };
enum { COMMAND_FLAG_RESPONSE = 1, COMMAND_FLAG_ONEWAY = 2 };
enum { FRAME_MAX_DEFAULT = 16777216, EXT_FIELDS_MAX = 256 };

enum language {
#define LANGUAGE(name, code) LANGUAGE_##name = code,
#include "wire/languages.def"
#undef LANGUAGE
};
const char *language_name(int language); /* "OTHER" for unknown ones */
/* MQVersion ordinals that decide something. @source shared facts: protocol 1.6 */
enum wire_version {
    VERSION_3_1_8 = 62,  /* consumers from here on answer GET_CONSUMER_RUNNING_INFO and CONSUME_MESSAGE_DIRECTLY */
    VERSION_3_4_9 = 119, /* maxReconsumeTimes of a send-back counts from here on */
    VERSION_4_1_0_SNAPSHOT = 232, /* consumers pull with SQL filters from brokers from here on */
    VERSION_4_2_0 = 253,
    VERSION_4_9_4 = 401,   /* clients from here on get route data in standard JSON */
    VERSION_5_0_0 = 413,   /* registrations from here on have a mapping part */
    VERSION_GO_AWAY = 476, /* clients from here on understand RESPONSE_GO_AWAY */
    VERSION_OURS = 479     /* V5_3_3: what we announce */
};

struct ext_field {
    struct bytes key, value; /* value absent = null */
};
struct command {
    int32_t code; /* request code, or response code when the response bit is set */
    int32_t opaque, flag, version;
    int32_t language;
    enum serialize_type serialize;
    struct bytes remark; /* absent = none */
    const struct ext_field *ext;
    size_t ext_count;
    struct bytes body;
};

/* Length of the first whole frame in `input`: *len = 0 when more bytes are needed, then *need says how many in all
 * (0: not even the length has come). ERR_BAD_INPUT when no frame can follow: close the connection. */
enum err frame_cut(struct bytes input, size_t frame_max, size_t *len, size_t *need) MUST_USE;
/* Decodes a whole frame. Texts point into `frame` or (when they held escapes) into `arena`; both must outlive it.
 * Code aliases of the POP family that binary headers truncate are put right. ERR_BAD_INPUT: close the connection. */
enum err command_decode(struct arena *arena, struct bytes frame, struct command *out) MUST_USE;
/* The last ext field of that name; absent if none. */
struct bytes command_ext(const struct command *command, const char *key);

struct header_layout; /* wire/header.h */
/* Appends length, header length and header of `command` in its serialize type; the ext fields are those of `layout`
 * taken from `fields` (both may be NULL) and then command->ext. command->body is not written: the caller appends
 * `body_len` bytes behind. Ext fields without a value are left out, in binary also those with keys over 32767 bytes.
 * A header over 8 MiB goes without fields, a response then as SYSTEM_ERROR: relayed texts must not end us. */
void command_encode(struct buf *out, const struct command *command, const struct header_layout *layout,
                    const void *fields, size_t body_len);

#endif
