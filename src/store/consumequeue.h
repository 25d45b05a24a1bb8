/* consumequeue.h - a consume queue: 20-byte entries (physical offset, size, tags code) by queue offset, derived from
 * the commit log. Files are read and written by descriptor (queue_files.h), so 200,000 queues cost no maps. The newest
 * entries of queues that were written lately are also kept in memory: pulls at the tail make no system call.
 * Disk format: docs/disk/consumequeue.md */
#ifndef RMQ_STORE_CONSUMEQUEUE_H
#define RMQ_STORE_CONSUMEQUEUE_H

#include "base/endian.h"
#include "base/lock.h"
#include "store/queue_files.h"
#include "store/store.h"

enum {
    QUEUE_ENTRY_BYTES = 20,
    QUEUE_FILLER_SIZE = 0x7FFFFFFF, /* size of an entry that only pads: physical offset 0. @source store 3 */
    QUEUE_TAIL_ENTRIES = 256        /* kept in memory for a queue */
};

/* Newest entries, as in the file; those that are not in it yet are all here. */
struct queue_tail {
    struct queue *owner;
    struct queue_tail *newer, *older; /* by last use; under LOCK_DISPATCH */
    int64_t first_offset;             /* of data[0] */
    int32_t count;
    char data[QUEUE_TAIL_ENTRIES * QUEUE_ENTRY_BYTES];
};
struct queue_doubt; /* queue_doubts.h */

struct queue {
    struct store *store;
    struct queue *hash_next;
    struct bytes topic; /* allocated with the queue */
    int32_t id;
    uint32_t hash;
    _Atomic int64_t min_offset, max_offset; /* published */
    _Atomic int64_t next_offset;            /* changed under LOCK_APPEND */
    _Atomic uint64_t watchers;
    _Atomic(void *) user;
    _Atomic bool closing; /* takes no more records: its topic is being deleted */
    _Atomic bool deleted;
    /* reader.h: records of entries below ahead_end are on their way into memory; who gets to ahead_mark asks for more
     */
    _Atomic int64_t ahead_mark, ahead_end;
    struct queue_tail *tail; /* under the queue's stripe lock (queue_table.h) */
    /* under LOCK_DISPATCH: */
    int64_t first_file_bytes;       /* start of the oldest file; -1 = no file yet */
    _Atomic int64_t written_offset; /* entries below are in the file */
    int64_t newest_phys;            /* of the last record with an entry; -1 = not known */
    int64_t pending_end;            /* entries below are in the tail; max_offset follows when the batch is complete */
    bool fresh, pending;            /* in the list of dispatch with that name */
    bool min_is_known;              /* by consumequeue_load: the first entry is of a record that the log has */
    struct queue *fresh_next, *pending_next;
    struct queue_doubt *doubt; /* recovery */
    /* thread flush-queues: */
    _Atomic int64_t synced_offset; /* entries below are on disk */
    _Atomic bool dirty;            /* in the list of those to sync */
    struct queue *dirty_next;
    struct queue *due_next;
    int64_t sync_end;    /* what the sync under way covers */
    int64_t named_bytes; /* newest file whose name is on disk; -1 = none */
};

void queue_entry_encode(const struct queue_entry *entry, char *out);
static inline struct queue_entry queue_entry_decode(const char *data) {
    return (struct queue_entry){load_i64be(data), load_i32be(data + 8), load_i64be(data + 12)};
}
static inline bool queue_entry_is_filler(const struct queue_entry *entry) {
    return entry->size_bytes == QUEUE_FILLER_SIZE && entry->offset_phys == 0;
}

/* Loads a queue from its folder: finds first and last entry. Entries of records below synced_phys are on the disk;
 * after a clean stop all are (INT64_MAX), which makes the search quick. What may not be is walked through, the last
 * three files at least, and the first entry that is missing, does not go forward or is of a later record ends the
 * queue: the log tells the rest. *last = the last entry that is no filler, size 0 if none. ERR_CORRUPT: the files are
 * none of a queue. */
enum err consumequeue_load(struct queue *queue, int64_t synced_phys, struct queue_entry *last) MUST_USE;
/* Up to `max` entries from offset_queue on, not beyond queue_max. `raw` gets them as in the file; *count 0 = none
 * there. With may_wait false ERR_BUSY instead of waiting for the disk. @thread any */
enum err consumequeue_read(struct queue *queue, int64_t offset_queue, int32_t max, bool may_wait, char *raw,
                           int32_t *count) MUST_USE;

/* First offset of the file behind the one that holds offset_queue. */
int64_t consumequeue_roll(const struct queue *queue, int64_t offset_queue);

/* Adds the entry of a dispatched record to the tail; one at or below what is there is passed over, a gap is filled
 * with fillers. Not visible before consumequeue_publish. With may_wait false ERR_BUSY instead of a write that makes
 * room in the tail: the rest is for another try. @thread holder of LOCK_DISPATCH */
enum err consumequeue_put(struct queue *queue, int64_t offset_queue, const struct queue_entry *entry,
                          bool may_wait) MUST_USE;
/* Has it never had an entry? */
bool consumequeue_is_empty(const struct queue *queue);
void consumequeue_set_tail(struct queue *queue, struct queue_tail *tail);
/* Readers see what is in the tail. @thread holder of LOCK_DISPATCH */
void consumequeue_publish(struct queue *queue);
/* Writes to the file what is in the tail only. @thread holder of LOCK_DISPATCH */
enum err consumequeue_write(struct queue *queue) MUST_USE;
static inline bool consumequeue_is_written(const struct queue *queue) {
    return atomic_load_explicit(&queue->written_offset, memory_order_relaxed) >= queue->pending_end;
}

/* Drops the entries from end_offset on and zeroes their places. @thread recovery */
enum err consumequeue_cut(struct queue *queue, int64_t end_offset) MUST_USE;
/* Drops entries of records that do not end by end_phys and zeroes their places; *cut counts them. @thread recovery */
enum err consumequeue_truncate(struct queue *queue, int64_t end_phys, int64_t *cut) MUST_USE;
/* Sets the first readable offset from the oldest byte of the log, and removes files whose last entry is older, never
 * the last file; *dropped counts them. @thread holder of LOCK_DISPATCH, recovery */
enum err consumequeue_expire(struct queue *queue, int64_t min_phys, int32_t *dropped) MUST_USE;
/* Removes all files; the caller took the queue out of the table. */
enum err consumequeue_remove(struct queue *queue) MUST_USE;
/* fdatasync of what was written since the last. @thread flush-queues */
enum err consumequeue_sync(struct queue *queue) MUST_USE;
/* Entries below end_offset were synced in another way, the names of their files too. @thread flush-queues */
void consumequeue_set_synced(struct queue *queue, int64_t end_offset);

#endif
