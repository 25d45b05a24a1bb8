/* endian.h - big-endian loads and stores: every integer on the wire and in the store files is big-endian. */
#ifndef RMQ_BASE_ENDIAN_H
#define RMQ_BASE_ENDIAN_H

#include <stdint.h>
#include <string.h>

static inline uint16_t load_u16be(const void *p) {
    uint16_t v;
    memcpy(&v, p, sizeof v);
    return __builtin_bswap16(v);
}
static inline uint32_t load_u32be(const void *p) {
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return __builtin_bswap32(v);
}
static inline uint64_t load_u64be(const void *p) {
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return __builtin_bswap64(v);
}
static inline int32_t load_i32be(const void *p) {
    return (int32_t)load_u32be(p);
}
static inline int64_t load_i64be(const void *p) {
    return (int64_t)load_u64be(p);
}
static inline void store_u16be(void *p, uint16_t v) {
    v = __builtin_bswap16(v);
    memcpy(p, &v, sizeof v);
}
static inline void store_u32be(void *p, uint32_t v) {
    v = __builtin_bswap32(v);
    memcpy(p, &v, sizeof v);
}
static inline void store_u64be(void *p, uint64_t v) {
    v = __builtin_bswap64(v);
    memcpy(p, &v, sizeof v);
}

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "endian.h swaps bytes for little-endian hosts");

#endif
