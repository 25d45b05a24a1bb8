/* queue_table.c - a hash table with chains; queues that were removed wait for the end. */
#include "store/queue_table.h"

#include <stdlib.h>
#include "base/check.h"
#include "message/lmq.h"
#include "store/store_internal.h"

static uint32_t hash_of(struct bytes topic, int32_t id) {
    uint32_t hash = 2166136261u ^ (uint32_t)id; /* FNV-1a */
    for (size_t i = 0; i < topic.len; i++) hash = (hash ^ (uint8_t)topic.data[i]) * 16777619u;
    return hash ^ (hash >> 15);
}

void queue_table_init(struct queue_table *table) {
    *table = (struct queue_table){.bucket_count = 1024};
    table->buckets = calloc(table->bucket_count, sizeof *table->buckets);
    must(table->buckets);
    lock_init(&table->lock, LOCK_QUEUES);
    for (size_t i = 0; i < QUEUE_STRIPES; i++) lock_init(&table->stripes[i], LOCK_QUEUE_FILES);
}

static void free_chain(struct queue *queue) {
    while (queue) {
        struct queue *next = queue->hash_next;
        free(queue);
        queue = next;
    }
}

void queue_table_close(struct queue_table *table) {
    for (size_t i = 0; i < table->bucket_count; i++) free_chain(table->buckets[i]);
    free_chain(table->removed);
    free(table->buckets);
    for (size_t i = 0; i < QUEUE_STRIPES; i++) lock_close(&table->stripes[i]);
    lock_close(&table->lock);
}

static void grow(struct queue_table *table) {
    size_t count = table->bucket_count * 2;
    struct queue **buckets = calloc(count, sizeof *buckets);
    must(buckets);
    for (size_t i = 0; i < table->bucket_count; i++) {
        for (struct queue *queue = table->buckets[i], *next; queue; queue = next) {
            next = queue->hash_next;
            queue->hash_next = buckets[queue->hash % count];
            buckets[queue->hash % count] = queue;
        }
    }
    free(table->buckets);
    table->buckets = buckets;
    table->bucket_count = count;
}

static struct queue *add(struct queue_table *table, struct store *store, struct bytes topic, int32_t id,
                         enum queue_kind kind, uint32_t hash) {
    if (table->count >= table->bucket_count) grow(table);
    struct queue *queue = calloc(1, sizeof *queue + topic.len);
    must(queue);
    char *text = (char *)(queue + 1);
    memcpy(text, topic.data, topic.len);
    queue->store = store;
    queue->topic = bytes_make(text, topic.len);
    queue->id = id;
    queue->kind = kind;
    queue->hash = hash;
    queue->first_file_bytes = queue->named_bytes = queue->newest_phys = -1;
    queue->hash_next = table->buckets[hash % table->bucket_count];
    table->buckets[hash % table->bucket_count] = queue;
    table->count++;
    struct bytes parent, lite;
    if (lmq_is(topic)) atomic_fetch_add(&table->lmq_count, 1);
    if (lite_queue_parse(queue->topic, &parent, &lite)) atomic_store(&queue->watchers, QUEUE_WATCH_LITE);
    return queue;
}

bool queue_table_is_topic(struct bytes topic) {
    return topic.len > 0 && topic.len <= 255 && !memchr(topic.data, '/', topic.len) &&
           !memchr(topic.data, 0, topic.len) && !bytes_is(topic, ".") && !bytes_is(topic, "..");
}

/* @thread holder of the lock */
static struct queue *find(const struct queue_table *table, struct bytes topic, int32_t id, uint32_t hash) {
    struct queue *queue = table->buckets[hash % table->bucket_count];
    while (queue && (queue->hash != hash || queue->id != id || !bytes_equal(queue->topic, topic)))
        queue = queue->hash_next;
    return queue;
}

struct queue *queue_table_find(struct queue_table *table, struct bytes topic, int32_t id) {
    lock_take(&table->lock);
    struct queue *queue = find(table, topic, id, hash_of(topic, id));
    lock_give(&table->lock);
    return queue;
}

static enum queue_kind kind_of(struct store *store, struct bytes topic, enum queue_kind unless_known) {
    enum queue_kind kind;
    bool known = store->events.queue_kind && store->events.queue_kind(store->events.owner, topic, &kind);
    return known ? kind : unless_known;
}

struct queue *queue_table_make(struct queue_table *table, struct store *store, struct bytes topic, int32_t id,
                               enum queue_kind unless_known) {
    struct queue *queue = queue_table_find(table, topic, id);
    if (queue || id < 0 || !queue_table_is_topic(topic)) return queue;
    enum queue_kind kind = kind_of(store, topic, unless_known); /* without the lock: it is the owner's code */
    uint32_t hash = hash_of(topic, id);
    lock_take(&table->lock);
    queue = find(table, topic, id, hash);
    if (!queue) queue = add(table, store, topic, id, kind, hash);
    lock_give(&table->lock);
    return queue;
}

struct queue **queue_table_list(struct queue_table *table, size_t *count) {
    lock_take(&table->lock);
    struct queue **list = malloc((table->count + 1) * sizeof *list);
    must(list);
    *count = 0;
    for (size_t i = 0; i < table->bucket_count; i++) {
        for (struct queue *queue = table->buckets[i]; queue; queue = queue->hash_next) list[(*count)++] = queue;
    }
    lock_give(&table->lock);
    return list;
}

static uint64_t mix(uint64_t value) {
    value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9u;
    value = (value ^ (value >> 27)) * 0x94D049BB133111EBu;
    return value ^ (value >> 31);
}

uint64_t queue_table_mark(struct queue_table *table, bool with_files) {
    uint64_t mark = 0;
    lock_take(&table->lock);
    for (size_t i = 0; i < table->bucket_count; i++) {
        for (struct queue *queue = table->buckets[i]; queue; queue = queue->hash_next) {
            uint64_t written = (uint64_t)atomic_load(&queue->written_slot);
            if (written == 0) continue;
            uint64_t files = with_files ? (uint64_t)queue->first_file_bytes : 0;
            mark += mix(mix(mix(queue->hash + UINT64_C(1)) ^ files) ^ written);
        }
    }
    lock_give(&table->lock);
    return mark | 1;
}

void queue_table_remove(struct queue_table *table, struct queue *queue) {
    lock_take(&table->lock);
    struct queue **at = &table->buckets[queue->hash % table->bucket_count];
    while (*at != queue) at = &(*at)->hash_next;
    *at = queue->hash_next;
    table->count--;
    if (lmq_is(queue->topic)) atomic_fetch_sub(&table->lmq_count, 1);
    queue->hash_next = table->removed;
    table->removed = queue;
    atomic_store(&queue->deleted, true);
    lock_give(&table->lock);
}
