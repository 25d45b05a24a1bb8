/* bytes.c - comparing, cutting and reading numbers out of views. */
#include "base/bytes.h"

#include <stdlib.h>
#include <strings.h>
#include "base/check.h"

enum { REPLACEMENT_CHARACTER = 0xFFFD };

int bytes_compare(struct bytes a, struct bytes b) {
    size_t common = MIN(a.len, b.len);
    int order = common == 0 ? 0 : memcmp(a.data, b.data, common);
    if (order != 0) return order;
    return (a.len > b.len) - (a.len < b.len);
}

struct bytes bytes_trim(struct bytes a) {
    while (a.len > 0 && (unsigned char)a.data[0] <= ' ') a = bytes_skip(a, 1);
    while (a.len > 0 && (unsigned char)a.data[a.len - 1] <= ' ') a.len--;
    return a;
}

bool bytes_split(struct bytes *rest, char separator, struct bytes *piece) {
    if (rest->len == 0) return false;
    const char *found = memchr(rest->data, separator, rest->len);
    if (found == NULL) {
        *piece = *rest;
        *rest = bytes_skip(*rest, rest->len);
        return true;
    }
    *piece = bytes_make(rest->data, (size_t)(found - rest->data));
    *rest = bytes_skip(*rest, piece->len + 1);
    return true;
}

/* With a sign, or so long that it may not fit. */
static bool long_to_i64(struct bytes a, int64_t *out) {
    const uint64_t most = (uint64_t)INT64_MAX + 1; /* of INT64_MIN, which has no positive twin */
    size_t at = a.len > 0 && (a.data[0] == '-' || a.data[0] == '+');
    bool negative = at > 0 && a.data[0] == '-';
    if (at == a.len) return false;
    uint64_t value = 0;
    for (; at < a.len; at++) {
        unsigned digit = (unsigned)(unsigned char)a.data[at] - '0';
        if (digit > 9 || value > most / 10) return false;
        value = value * 10 + digit;
    }
    if (value > most - !negative) return false;
    *out = (int64_t)(negative ? 0 - value : value);
    return true;
}

bool bytes_to_i64(struct bytes a, int64_t *out) {
    enum { DIGITS_THAT_FIT = 18 };
    int64_t value = 0;
    if (a.len == 0 || a.len > DIGITS_THAT_FIT) return long_to_i64(a, out);
    for (size_t i = 0; i < a.len; i++) {
        unsigned digit = (unsigned)(unsigned char)a.data[i] - '0';
        if (digit > 9) return i == 0 && long_to_i64(a, out);
        value = value * 10 + digit;
    }
    *out = value;
    return true;
}

bool bytes_to_i32(struct bytes a, int32_t *out) {
    int64_t value;
    if (!bytes_to_i64(a, &value) || value < INT32_MIN || value > INT32_MAX) return false;
    *out = (int32_t)value;
    return true;
}

bool bytes_to_double(struct bytes a, double *out) {
    char text[64];
    if (a.len == 0 || a.len >= sizeof text) return false;
    for (size_t i = 0; i < a.len; i++)
        if (a.data[i] == '\0' || strchr("+-.eE0123456789", a.data[i]) == NULL) return false;
    memcpy(text, a.data, a.len);
    text[a.len] = '\0';
    char *end;
    double value = strtod(text, &end);
    if (*end != '\0') return false;
    *out = value;
    return true;
}

bool bytes_to_bool(struct bytes a) {
    return a.len == 4 && strncasecmp(a.data, "true", 4) == 0;
}

uint32_t bytes_next_code_point(struct bytes *text) {
    const unsigned char *at = (const unsigned char *)text->data;
    uint32_t first = at[0];
    size_t len = first < 0x80                     ? 1
                 : first >= 0xC2 && first <= 0xDF ? 2
                 : (first & 0xF0) == 0xE0         ? 3
                 : first >= 0xF0 && first <= 0xF4 ? 4
                                                  : 0;
    if (len <= 1) {
        *text = bytes_skip(*text, 1);
        return len == 1 ? first : REPLACEMENT_CHARACTER;
    }
    uint32_t low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80; /* no overlong forms */
    uint32_t high = first == 0xF4 ? 0x8F : 0xBF;                       /* nothing above U+10FFFF */
    uint32_t point = first & (0x7Fu >> len);
    for (size_t i = 1; i < len; i++) {
        if (i >= text->len || at[i] < low || at[i] > high) {
            *text = bytes_skip(*text, i);
            return REPLACEMENT_CHARACTER;
        }
        point = point << 6 | (at[i] & 0x3F);
        low = 0x80;
        high = 0xBF;
    }
    *text = bytes_skip(*text, len);
    return point >= 0xD800 && point <= 0xDFFF ? REPLACEMENT_CHARACTER : point;
}

char *bytes_dup(struct bytes a) {
    char *copy = malloc(a.len + 1);
    must(copy != NULL);
    if (a.len > 0) memcpy(copy, a.data, a.len);
    copy[a.len] = '\0';
    return copy;
}
