/* bytes.h - a view of bytes or UTF-8 text that somebody else owns.
 * Never freed, never NUL-terminated; each function that returns one says until when it is valid.
 * An absent value (Java's null) is `data == NULL`; the empty string has `data != NULL` and `len == 0`. */
#ifndef RMQ_BASE_BYTES_H
#define RMQ_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct bytes {
    const char *data;
    size_t len;
};

/* A view of a string literal, usable as an initializer. */
#define BYTES(literal) ((struct bytes){"" literal, sizeof(literal) - 1})
/* printf("%.*s", BYTES_ARG(b)) */
#define BYTES_ARG(b) (int)(b).len, (b).data

static inline struct bytes bytes_of(const char *text) { /* NULL gives the absent value */
    return (struct bytes){text, text ? strlen(text) : 0};
}
static inline struct bytes bytes_make(const void *data, size_t len) {
    return (struct bytes){data, len};
}
static inline bool bytes_equal(struct bytes a, struct bytes b) {
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}
static inline bool bytes_is(struct bytes a, const char *text) {
    return bytes_equal(a, bytes_of(text));
}
static inline bool bytes_starts_with(struct bytes a, struct bytes prefix) {
    return a.len >= prefix.len && (prefix.len == 0 || memcmp(a.data, prefix.data, prefix.len) == 0);
}
static inline bool bytes_ends_with(struct bytes a, struct bytes suffix) {
    return a.len >= suffix.len &&
           (suffix.len == 0 || memcmp(a.data + a.len - suffix.len, suffix.data, suffix.len) == 0);
}
static inline struct bytes bytes_skip(struct bytes a, size_t n) {
    return n >= a.len ? (struct bytes){a.data + a.len, 0} : (struct bytes){a.data + n, a.len - n};
}
/* memcmp order, shorter first on a tie; what qsort wants. */
int bytes_compare(struct bytes a, struct bytes b);
/* Without leading and trailing blanks and control characters (Java's String.trim). */
struct bytes bytes_trim(struct bytes a);
/* Cuts the next piece before `separator` off `*rest`; false when nothing is left.
 * "a;;b" gives "a", "", "b"; the empty text gives nothing. */
bool bytes_split(struct bytes *rest, char separator, struct bytes *piece);
/* A whole decimal number with optional sign; false (and *out untouched) for anything else or overflow. */
bool bytes_to_i64(struct bytes a, int64_t *out);
bool bytes_to_i32(struct bytes a, int32_t *out);
bool bytes_to_double(struct bytes a, double *out);
/* "true" in any case is true, everything else false: Boolean.parseBoolean. */
bool bytes_to_bool(struct bytes a);
/* Takes the next code point off the front of *text, which must not be empty. Malformed UTF-8 gives U+FFFD for the
 * longest well-formed beginning of a character, as Java's decoder does. */
uint32_t bytes_next_code_point(struct bytes *text);
/* A heap copy with a NUL behind it; the caller frees. */
char *bytes_dup(struct bytes a);

#endif
