/* name_table.h - names to objects that live as long as the table: found without a lock, from any thread.
 * Objects are never taken out; their owners mark them as gone and use them again when the name comes back. */
#ifndef RMQ_BROKER_NAME_TABLE_H
#define RMQ_BROKER_NAME_TABLE_H

#include <stdatomic.h>
#include "base/arena.h"
#include "base/bytes.h"

/* The first member of an object in such a table. */
struct named {
    struct bytes name; /* own copy, NUL-terminated */
    uint64_t hash;
    struct named *next;
};
struct name_table {
    _Atomic(struct named *) *buckets;
    size_t mask;
    atomic_size_t count;
};
/* One for a name of two parts, "topic@group". */
enum { NAME_MAX_BYTES = 1024 };

void name_table_init(struct name_table *table, size_t buckets); /* a power of two */
/* free_item(item) for each, then its name and memory of the buckets; the items must not be used any more. */
void name_table_close(struct name_table *table, void (*free_item)(struct named *item));
struct named *name_table_find(const struct name_table *table, struct bytes name); /* NULL if there is none */
/* Copies the name. The caller holds the lock under which it saw that the name is missing; finish the item before. */
void name_table_add(struct name_table *table, struct bytes name, struct named *item);
/* The items that `wanted` (NULL: all), sorted by name, in the arena. */
struct named **name_table_sorted(const struct name_table *table, bool (*wanted)(const struct named *item),
                                 struct arena *arena, size_t *count);
/* Each item once, in no order; those added meanwhile may be left out. */
void name_table_each(const struct name_table *table, void (*visit)(struct named *item, void *arg), void *arg);

#endif
