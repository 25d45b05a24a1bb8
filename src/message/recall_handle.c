/* recall_handle.c - words, and base64 around them */
#include "message/recall_handle.h"

#include <inttypes.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static struct bytes base64_encode(struct bytes in, struct arena *arena) {
    char *out = arena_alloc(arena, (in.len + 2) / 3 * 4 + 1), *at = out;
    for (size_t i = 0; i < in.len; i += 3) {
        size_t left = in.len - i;
        uint32_t bits = (uint32_t)(uint8_t)in.data[i] << 16;
        if (left > 1) bits |= (uint32_t)(uint8_t)in.data[i + 1] << 8;
        if (left > 2) bits |= (uint8_t)in.data[i + 2];
        *at++ = alphabet[bits >> 18];
        *at++ = alphabet[bits >> 12 & 63];
        *at++ = left > 1 ? alphabet[bits >> 6 & 63] : '=';
        *at++ = left > 2 ? alphabet[bits & 63] : '=';
    }
    return bytes_make(out, (size_t)(at - out));
}

/* With or without '=' at the end, as Java's decoder. */
static bool base64_decode(struct bytes in, struct arena *arena, struct bytes *out) {
    size_t len = in.len;
    while (len > 0 && in.len - len < 2 && in.data[len - 1] == '=') len--;
    if (len % 4 == 1 || (len != in.len && in.len % 4 != 0)) return false;
    char *data = arena_alloc(arena, len / 4 * 3 + 3), *at = data;
    uint32_t bits = 0;
    for (size_t i = 0; i < len; i++) {
        const char *found = in.data[i] ? strchr(alphabet, in.data[i]) : NULL;
        if (!found) return false;
        bits = bits << 6 | (uint32_t)(found - alphabet);
        if (i % 4 == 0) continue;
        *at++ = (char)(bits >> (6 - i % 4 * 2) & 255);
    }
    *out = bytes_make(data, (size_t)(at - data));
    return true;
}

struct bytes recall_handle_encode(const struct recall_handle *handle, struct arena *arena) {
    return base64_encode(arena_printf(arena, "v1 %.*s %.*s %" PRId64 " %.*s", BYTES_ARG(handle->topic),
                                      BYTES_ARG(handle->broker_name), handle->deliver_ms,
                                      BYTES_ARG(handle->unique_key)),
                         arena);
}

enum err recall_handle_decode(struct bytes text, struct arena *arena, struct recall_handle *out) {
    struct bytes rest, version, time;
    *out = (struct recall_handle){0};
    if (text.len == 0 || !base64_decode(text, arena, &rest) || !bytes_split(&rest, ' ', &version) ||
        !bytes_is(version, "v1") || !bytes_split(&rest, ' ', &out->topic) ||
        !bytes_split(&rest, ' ', &out->broker_name) || !bytes_split(&rest, ' ', &time) ||
        !bytes_split(&rest, ' ', &out->unique_key) || out->unique_key.len == 0)
        return fail(ERR_BAD_INPUT, "recall handle is invalid");
    if (!bytes_to_i64(time, &out->deliver_ms)) out->deliver_ms = -1;
    return ERR_OK;
}
