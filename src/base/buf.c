/* buf.c - doubling growth. */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/check.h"
#include "base/endian.h"

enum { FIRST_CAPACITY = 64 };

void buf_close(struct buf *buf) {
    free(buf->data);
    *buf = (struct buf){0};
}

void buf_grow(struct buf *buf, size_t more) {
    must(more <= SIZE_MAX / 2 - buf->len);
    size_t cap = MAX(MAX(buf->cap * 2, buf->len + more), (size_t)FIRST_CAPACITY);
    char *data = realloc(buf->data, cap);
    must(data != NULL);
    buf->data = data;
    buf->cap = cap;
}

enum err buf_reserve_limited(struct buf *buf, size_t more, size_t limit) {
    if (buf->len > limit || more > limit - buf->len)
        return fail(ERR_TOO_BIG, "%zu bytes and %zu more are over the limit of %zu", buf->len, more, limit);
    buf_reserve(buf, more);
    return ERR_OK;
}

void buf_append_text(struct buf *buf, const char *text) {
    buf_append(buf, text, strlen(text));
}

/* Two digits at a time. */
void buf_append_i64(struct buf *buf, int64_t value) {
    static const char pairs[] = "00010203040506070809101112131415161718192021222324252627282930313233343536373839"
                                "40414243444546474849505152535455565758596061626364656667686970717273747576777879"
                                "8081828384858687888990919293949596979899";
    enum { DIGITS_MAX = 20 };
    char digits[DIGITS_MAX], *end = digits + DIGITS_MAX, *at = end;
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    for (; rest >= 100; rest /= 100) memcpy(at -= 2, pairs + rest % 100 * 2, 2);
    if (rest >= 10)
        memcpy(at -= 2, pairs + rest * 2, 2);
    else
        *--at = (char)('0' + rest);
    if (value < 0) *--at = '-';
    buf_append(buf, at, (size_t)(end - at));
}

void buf_append_u16be(struct buf *buf, uint16_t value) {
    store_u16be(buf_reserve(buf, sizeof value), value);
    buf->len += sizeof value;
}

void buf_append_u32be(struct buf *buf, uint32_t value) {
    store_u32be(buf_reserve(buf, sizeof value), value);
    buf->len += sizeof value;
}

void buf_append_u64be(struct buf *buf, uint64_t value) {
    store_u64be(buf_reserve(buf, sizeof value), value);
    buf->len += sizeof value;
}

void buf_printf(struct buf *buf, const char *format, ...) {
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    must(len >= 0);
    char *out = buf_reserve(buf, (size_t)len + 1); /* vsnprintf wants room for its NUL */
    vsnprintf(out, (size_t)len + 1, format, again);
    buf->len += (size_t)len;
    va_end(again);
    va_end(args);
}

void buf_consume(struct buf *buf, size_t n) {
    must(n <= buf->len);
    if (n == 0) return;
    memmove(buf->data, buf->data + n, buf->len - n);
    buf->len -= n;
}
