/* arena.h - memory that dies together: what a request or a parse allocates. `{0}` is an empty one.
 * Running out of memory aborts; callers bound what a peer can make them allocate. Not thread-safe. */
#ifndef RMQ_BASE_ARENA_H
#define RMQ_BASE_ARENA_H

#include "base/bytes.h"

struct arena_block;
struct arena {
    struct arena_block *blocks;
    char *next, *end;
    size_t total_bytes; /* handed out since the last reset */
};

void *arena_alloc(struct arena *arena, size_t size); /* 16-byte aligned, not zeroed */
void *arena_calloc(struct arena *arena, size_t count, size_t size);
struct bytes arena_copy(struct arena *arena, struct bytes b); /* with a NUL behind it; absent stays absent */
char *arena_strdup(struct arena *arena, struct bytes b);
struct bytes arena_printf(struct arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));
void arena_reset(struct arena *arena); /* everything dies; keeps the newest block for reuse, unless it is huge */
void arena_close(struct arena *arena); /* frees all */

#endif
