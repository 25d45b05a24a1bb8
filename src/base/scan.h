/* scan.h - finds bytes in short texts, sixteen or eight at a time, inlined: on hot paths most texts are shorter than
 * what a call of memchr costs. */
#ifndef RMQ_BASE_SCAN_H
#define RMQ_BASE_SCAN_H

#include <stdint.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define SCAN_ALL(byte) (UINT64_C(0x0101010101010101) * (uint8_t)(byte)) /* that byte, eight times */

static inline uint64_t scan_load(const char *at) {
    uint64_t word;
    memcpy(&word, at, sizeof word);
    return word;
}
/* Not 0 if a byte of word is 0; the lowest mark is that of the lowest one (endian.h asserts the host). */
static inline uint64_t scan_zeros(uint64_t word) {
    return (word - SCAN_ALL(1)) & ~word & SCAN_ALL(0x80);
}
/* The first `a` or `b` in [at, end); `end` if there is none. */
static inline const char *scan_for_either(const char *at, const char *end, char a, char b) {
#ifdef __SSE2__
    for (; end - at >= 16; at += 16) {
        __m128i chunk = _mm_loadu_si128((const __m128i *)(const void *)at);
        __m128i hits = _mm_or_si128(_mm_cmpeq_epi8(chunk, _mm_set1_epi8(a)), _mm_cmpeq_epi8(chunk, _mm_set1_epi8(b)));
        unsigned found = (unsigned)_mm_movemask_epi8(hits);
        if (found != 0) return at + __builtin_ctz(found);
    }
#endif
    for (; end - at >= 8; at += 8) {
        uint64_t word = scan_load(at), found = scan_zeros(word ^ SCAN_ALL(a)) | scan_zeros(word ^ SCAN_ALL(b));
        if (found != 0) return at + (unsigned)__builtin_ctzll(found) / 8;
    }
    while (at < end && *at != a && *at != b) at++;
    return at;
}
static inline const char *scan_for(const char *at, const char *end, char c) {
    return scan_for_either(at, end, c, c);
}

#endif
