/* queue_table.h - all consume queues by topic and id. Entries are never freed before the store is closed.
 * @thread any; takes LOCK_QUEUES */
#ifndef RMQ_STORE_QUEUE_TABLE_H
#define RMQ_STORE_QUEUE_TABLE_H

#include "store/consumequeue.h"

enum { QUEUE_STRIPES = 64 };
struct queue_table {
    struct lock lock;                   /* LOCK_QUEUES */
    struct lock stripes[QUEUE_STRIPES]; /* LOCK_QUEUE_FILES: the tail of a queue, by its hash */
    struct queue **buckets;
    size_t bucket_count, count;
    _Atomic int32_t lmq_count;
    struct queue *removed; /* by hash_next; readers may still hold them */
};
/* May the topic be the name of a folder? */
bool queue_table_is_topic(struct bytes topic);
void queue_table_init(struct queue_table *table);
void queue_table_close(struct queue_table *table);
/* NULL when missing. */
struct queue *queue_table_find(struct queue_table *table, struct bytes topic, int32_t id);
/* Finds or makes it, of the kind that the owner of the store says, or else of `unless_known`. NULL when the topic
 * cannot be a folder name or the id is negative. */
struct queue *queue_table_make(struct queue_table *table, struct store *store, struct bytes topic, int32_t id,
                               enum queue_kind unless_known);
/* A copy of all pointers for a walk without the lock; the caller frees. */
struct queue **queue_table_list(struct queue_table *table, size_t *count);
/* Other with each entry at the end of a queue, and `with_files` at the begin of its files, that is there or not: a
 * start finds by it what was lost. Never 0. @thread holder of LOCK_DISPATCH */
uint64_t queue_table_mark(struct queue_table *table, bool with_files);
/* Out of the table, marked deleted, kept until close. */
void queue_table_remove(struct queue_table *table, struct queue *queue);

#endif
