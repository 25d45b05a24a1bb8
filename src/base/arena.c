/* arena.c - a chain of blocks; the newest hands out. */
#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/check.h"

enum { ALIGNMENT = 16, FIRST_BLOCK_BYTES = 2048, GROWTH_LIMIT_BYTES = 65536 };

struct arena_block {
    struct arena_block *older;
    size_t size_bytes;
    _Alignas(ALIGNMENT) char data[];
};

static void add_block(struct arena *arena, size_t needed_bytes) {
    size_t size_bytes = arena->blocks == NULL ? FIRST_BLOCK_BYTES : arena->blocks->size_bytes * 2;
    size_bytes = MAX(MIN(size_bytes, (size_t)GROWTH_LIMIT_BYTES), needed_bytes);
    struct arena_block *block = malloc(sizeof *block + size_bytes);
    must(block != NULL);
    block->older = arena->blocks;
    block->size_bytes = size_bytes;
    arena->blocks = block;
    arena->next = block->data;
    arena->end = block->data + size_bytes;
}

void *arena_alloc(struct arena *arena, size_t size) {
    must(size <= SIZE_MAX / 2);
    size = (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    if (arena->next == NULL || size > (size_t)(arena->end - arena->next)) add_block(arena, size);
    char *start = arena->next;
    arena->next += size;
    arena->total_bytes += size;
    return start;
}

void *arena_calloc(struct arena *arena, size_t count, size_t size) {
    size_t total_bytes;
    must(!__builtin_mul_overflow(count, size, &total_bytes));
    return memset(arena_alloc(arena, total_bytes), 0, total_bytes);
}

struct bytes arena_copy(struct arena *arena, struct bytes b) {
    if (b.data == NULL) return b;
    return bytes_make(arena_strdup(arena, b), b.len);
}

char *arena_strdup(struct arena *arena, struct bytes b) {
    char *copy = arena_alloc(arena, b.len + 1);
    if (b.len > 0) memcpy(copy, b.data, b.len);
    copy[b.len] = '\0';
    return copy;
}

struct bytes arena_printf(struct arena *arena, const char *format, ...) {
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    must(len >= 0);
    char *out = arena_alloc(arena, (size_t)len + 1);
    vsnprintf(out, (size_t)len + 1, format, again);
    va_end(again);
    va_end(args);
    return bytes_make(out, (size_t)len);
}

void arena_reset(struct arena *arena) {
    struct arena_block *newest = arena->blocks;
    if (newest == NULL || newest->size_bytes > GROWTH_LIMIT_BYTES) {
        arena_close(arena);
        return;
    }
    struct arena older = {.blocks = newest->older};
    arena_close(&older);
    newest->older = NULL;
    arena->next = newest->data;
    arena->end = newest->data + newest->size_bytes;
    arena->total_bytes = 0;
}

void arena_close(struct arena *arena) {
    for (struct arena_block *block = arena->blocks, *older; block != NULL; block = older) {
        older = block->older;
        free(block);
    }
    *arena = (struct arena){0};
}
