/* hash.c - Java's string hash over UTF-8, CRC-32. */
#include "base/hash.h"

#include <libdeflate.h>
#include <string.h>

/* As far as there is ASCII, four at a time: nearly all is, and every message has keys. */
static const char *hash_ascii(uint32_t *hash, const char *at, const char *end) {
    uint32_t h = *hash, word;
    for (; end - at >= 4; at += 4) {
        memcpy(&word, at, sizeof word);
        if (word & 0x80808080u) break;
        h = h * (31u * 31 * 31 * 31) + (uint8_t)at[0] * (31u * 31 * 31) + (uint8_t)at[1] * (31u * 31) +
            (uint8_t)at[2] * 31u + (uint8_t)at[3];
    }
    while (at < end && (*at & 0x80) == 0) h = h * 31 + (uint8_t)*at++;
    *hash = h;
    return at;
}

int32_t java_string_hash_more(int32_t hash, struct bytes text) {
    uint32_t h = (uint32_t)hash;
    if (text.len == 0) return hash;
    const char *at = text.data, *end = text.data + text.len;
    for (;;) {
        at = hash_ascii(&h, at, end);
        if (at == end) break;
        struct bytes rest = bytes_make(at, (size_t)(end - at));
        uint32_t point = bytes_next_code_point(&rest);
        at = rest.data;
        if (point >= 0x10000) {
            h = h * 31 + (0xD800 + ((point - 0x10000) >> 10));
            point = 0xDC00 + (point & 0x3FF);
        }
        h = h * 31 + point;
    }
    return (int32_t)h;
}

int32_t java_string_hash(struct bytes text) {
    return java_string_hash_more(0, text);
}

int32_t crc32_java(struct bytes data) {
    return (int32_t)(libdeflate_crc32(0, data.data != NULL ? data.data : "", data.len) & 0x7FFFFFFF);
}
