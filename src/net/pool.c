/* pool.c - spare objects of one size. */
#include "net/pool.h"

#include <stdlib.h>

#include "base/check.h"

/* Under AddressSanitizer nothing is kept, so that a use after give is seen. */
#ifndef __has_feature
#define __has_feature(feature) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
enum { POOL_KEEPS = 0 };
#else
enum { POOL_KEEPS = 1 };
#endif

void pool_init(struct pool *pool, size_t size_bytes, size_t keep_max) {
    must(size_bytes >= sizeof(void *));
    *pool = (struct pool){.size_bytes = size_bytes, .keep_max = POOL_KEEPS ? keep_max : 0};
}

void *pool_take(struct pool *pool) {
    void *object = pool->spare;
    if (!object) {
        object = malloc(pool->size_bytes);
        must(object);
        return object;
    }
    pool->spare = *(void **)object;
    if (--pool->spare_count < pool->spare_low) pool->spare_low = pool->spare_count;
    return object;
}

void pool_give(struct pool *pool, void *object) {
    if (pool->spare_count >= pool->keep_max) {
        free(object);
        return;
    }
    *(void **)object = pool->spare;
    pool->spare = object;
    pool->spare_count++;
}

static void free_spare(struct pool *pool, size_t count) {
    while (count-- > 0) {
        void *object = pool->spare;
        pool->spare = *(void **)object;
        pool->spare_count--;
        free(object);
    }
}

void pool_trim(struct pool *pool) {
    free_spare(pool, pool->spare_low);
    pool->spare_low = pool->spare_count;
}

void pool_close(struct pool *pool) {
    free_spare(pool, pool->spare_count);
}
