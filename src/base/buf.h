/* buf.h - a growing byte buffer that owns its memory. `{0}` is an empty one.
 * Running out of memory aborts: sizes chosen by a peer must pass buf_reserve_limited first. */
#ifndef RMQ_BASE_BUF_H
#define RMQ_BASE_BUF_H

#include "base/bytes.h"
#include "base/err.h"

struct buf {
    char *data;
    size_t len, cap;
};

void buf_close(struct buf *buf);                /* frees; the buf may be used again */
static inline void buf_clear(struct buf *buf) { /* keeps the memory */
    buf->len = 0;
}
static inline struct bytes buf_bytes(const struct buf *buf) { /* valid until the next append */
    return (struct bytes){buf->data ? buf->data : "", buf->len};
}
void buf_grow(struct buf *buf, size_t more); /* use buf_reserve */
/* Room for `more` bytes behind len; returns where they start. */
static inline char *buf_reserve(struct buf *buf, size_t more) {
    if (more > buf->cap - buf->len) buf_grow(buf, more);
    return buf->data + buf->len;
}
/* The same, but ERR_TOO_BIG when len + more would pass `limit`. */
enum err buf_reserve_limited(struct buf *buf, size_t more, size_t limit);
static inline void buf_append(struct buf *buf, const void *data, size_t len) {
    if (len == 0) return;
    memcpy(buf_reserve(buf, len), data, len);
    buf->len += len;
}
static inline void buf_append_bytes(struct buf *buf, struct bytes b) {
    buf_append(buf, b.data, b.len);
}
void buf_append_text(struct buf *buf, const char *text);
static inline void buf_append_char(struct buf *buf, char c) {
    *buf_reserve(buf, 1) = c;
    buf->len++;
}
void buf_append_i64(struct buf *buf, int64_t value); /* decimal */
void buf_append_u16be(struct buf *buf, uint16_t value);
void buf_append_u32be(struct buf *buf, uint32_t value);
void buf_append_u64be(struct buf *buf, uint64_t value);
void buf_printf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Drops the first n bytes, moving the rest to the front. */
void buf_consume(struct buf *buf, size_t n);

#endif
