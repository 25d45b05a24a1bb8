/* hash.c - Java's string hash over UTF-8, CRC-32. */
#include "base/hash.h"

#include <libdeflate.h>

int32_t java_string_hash_more(int32_t hash, struct bytes text) {
    uint32_t h = (uint32_t)hash;
    while (text.len > 0) {
        uint8_t first = (uint8_t)*text.data;
        if (first < 0x80) { /* nearly all of them; every stored message hashes its keys */
            h = h * 31 + first;
            text = bytes_skip(text, 1);
            continue;
        }
        uint32_t point = bytes_next_code_point(&text);
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
