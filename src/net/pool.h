/* pool.h - objects of one size that come and go often: given ones are kept for the next taker, up to a limit, and
 * those that no one has wanted between two trims are freed. Zeroed memory is an empty pool but for `size_bytes`.
 * @thread one at a time */
#ifndef RMQ_NET_POOL_H
#define RMQ_NET_POOL_H

#include <stddef.h>

struct pool {
    size_t size_bytes; /* of each object, at least a pointer */
    size_t keep_max;   /* spare objects kept; 0 = all are freed at once */
    void *spare;       /* chained through their first word */
    size_t spare_count;
    size_t spare_low; /* least spare_count since the last trim: so many were not needed */
};
void pool_init(struct pool *pool, size_t size_bytes, size_t keep_max);
void *pool_take(struct pool *pool); /* not zeroed */
void pool_give(struct pool *pool, void *object);
void pool_trim(struct pool *pool);
void pool_close(struct pool *pool); /* frees the spare objects; those taken must have been given back */

#endif
