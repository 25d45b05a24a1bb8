#include "base/hash.h"

#include <libdeflate.h>

enum { REPLACEMENT = 0xFFFD };

/* Takes the next code point off the front of *text, which is not empty. A malformed start takes its longest
 * well-formed beginning with it, as Java's decoder does. */
static uint32_t next_code_point(struct bytes *text) {
    const unsigned char *at = (const unsigned char *)text->data;
    uint32_t first = at[0];
    size_t len = first < 0x80                     ? 1
                 : first >= 0xC2 && first <= 0xDF ? 2
                 : (first & 0xF0) == 0xE0         ? 3
                 : first >= 0xF0 && first <= 0xF4 ? 4
                                                  : 0;
    if (len <= 1) {
        *text = bytes_skip(*text, 1);
        return len == 1 ? first : REPLACEMENT;
    }
    uint32_t low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80; /* no overlong forms */
    uint32_t high = first == 0xF4 ? 0x8F : 0xBF;                       /* nothing above U+10FFFF */
    uint32_t point = first & (0x7Fu >> len);
    for (size_t i = 1; i < len; i++) {
        if (i >= text->len || at[i] < low || at[i] > high) {
            *text = bytes_skip(*text, i);
            return REPLACEMENT;
        }
        point = point << 6 | (at[i] & 0x3F);
        low = 0x80;
        high = 0xBF;
    }
    *text = bytes_skip(*text, len);
    return point >= 0xD800 && point <= 0xDFFF ? REPLACEMENT : point;
}

int32_t java_string_hash_more(int32_t hash, struct bytes text) {
    uint32_t h = (uint32_t)hash;
    while (text.len > 0) {
        uint32_t point = next_code_point(&text);
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
