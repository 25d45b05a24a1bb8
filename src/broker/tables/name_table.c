/* name_table.c - buckets of chains that only grow */
#include "broker/tables/name_table.h"

#include <stdlib.h>
#include "base/check.h"

static uint64_t name_hash(struct bytes name) { /* FNV-1a */
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < name.len; i++) hash = (hash ^ (uint8_t)name.data[i]) * 0x100000001b3u;
    return hash ^ hash >> 32;
}

void name_table_init(struct name_table *table, size_t buckets) {
    must(buckets > 0 && (buckets & (buckets - 1)) == 0);
    table->buckets = calloc(buckets, sizeof *table->buckets);
    must(table->buckets);
    table->mask = buckets - 1;
    atomic_init(&table->count, 0);
}

void name_table_close(struct name_table *table, void (*free_item)(struct named *item)) {
    for (size_t i = 0; table->buckets && i <= table->mask; i++) {
        struct named *next;
        for (struct named *item = atomic_load(&table->buckets[i]); item; item = next) {
            char *name = (char *)(uintptr_t)item->name.data;
            next = item->next;
            free_item(item);
            free(name);
        }
    }
    free(table->buckets);
    table->buckets = NULL;
}

struct named *name_table_find(const struct name_table *table, struct bytes name) {
    uint64_t hash = name_hash(name);
    struct named *item = atomic_load_explicit(&table->buckets[hash & table->mask], memory_order_acquire);
    while (item && (item->hash != hash || !bytes_equal(item->name, name))) item = item->next;
    return item;
}

void name_table_add(struct name_table *table, struct bytes name, struct named *item) {
    item->name = bytes_make(bytes_dup(name), name.len);
    item->hash = name_hash(name);
    _Atomic(struct named *) *bucket = &table->buckets[item->hash & table->mask];
    item->next = atomic_load_explicit(bucket, memory_order_relaxed);
    atomic_store_explicit(bucket, item, memory_order_release);
    atomic_fetch_add(&table->count, 1);
}

void name_table_each(const struct name_table *table, void (*visit)(struct named *item, void *arg), void *arg) {
    for (size_t i = 0; i <= table->mask; i++) {
        struct named *item = atomic_load_explicit(&table->buckets[i], memory_order_acquire);
        for (; item; item = item->next) visit(item, arg);
    }
}

struct sorting {
    bool (*wanted)(const struct named *item);
    struct named **items;
    size_t count, cap;
};

static void take(struct named *item, void *arg) {
    struct sorting *sorting = arg;
    if (sorting->count < sorting->cap && (!sorting->wanted || sorting->wanted(item)))
        sorting->items[sorting->count++] = item;
}

static int by_name(const void *a, const void *b) {
    const struct named *p = *(struct named *const *)a, *q = *(struct named *const *)b;
    return bytes_compare(p->name, q->name);
}

struct named **name_table_sorted(const struct name_table *table, bool (*wanted)(const struct named *item),
                                 struct arena *arena, size_t *count) {
    struct sorting sorting = {.wanted = wanted, .cap = atomic_load(&table->count)};
    sorting.items = arena_calloc(arena, sorting.cap + 1, sizeof(struct named *));
    name_table_each(table, take, &sorting);
    qsort(sorting.items, sorting.count, sizeof(struct named *), by_name);
    *count = sorting.count;
    return sorting.items;
}
