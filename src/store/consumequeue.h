/* consumequeue.h - a consume queue: entries (queue_entry.h) that say where the messages of a queue lie, derived from
 * the commit log. Files are read and written by descriptor (queue_files.h), so 200,000 queues cost no maps. The newest
 * entries of queues that were written lately are also kept in memory: pulls at the tail make no system call.
 * Inside, entries go by their slots; to who uses a queue, by queue offsets. */
#ifndef RMQ_STORE_CONSUMEQUEUE_H
#define RMQ_STORE_CONSUMEQUEUE_H

#include "base/lock.h"
#include "store/queue_entry.h"
#include "store/queue_files.h"

enum {
    QUEUE_TAIL_ENTRIES = 256, /* kept in memory for a queue; of a batch queue as many as have room in these */
    QUEUE_RUN_ENTRIES = 256
};

/* Newest entries, as in the file; those that are not in it yet are all here. */
struct queue_tail {
    struct queue *owner;
    struct queue_tail *newer, *older; /* by last use; under LOCK_DISPATCH */
    int64_t first_slot;               /* of data[0] */
    int32_t count;
    char data[QUEUE_TAIL_ENTRIES * QUEUE_ENTRY_BYTES];
};
struct queue_doubt; /* queue_doubts.h */

struct queue {
    struct store *store;
    struct queue *hash_next;
    struct bytes topic; /* allocated with the queue */
    int32_t id;
    enum queue_kind kind;
    uint32_t hash;
    _Atomic int64_t min_offset, max_offset; /* published */
    _Atomic int64_t min_slot, max_slot;     /* the same as slots; set before them */
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
    int64_t first_file_bytes;     /* start of the oldest file; -1 = no file yet */
    _Atomic int64_t written_slot; /* entries below are in the file */
    int64_t newest_phys;          /* of the last record with an entry; -1 = not known */
    int64_t pending_slot;         /* entries below are in the tail; max_slot follows when the batch is complete */
    int64_t pending_offset;       /* behind the messages of those entries */
    bool fresh, pending;          /* in the list of dispatch with that name */
    bool min_is_known;            /* by consumequeue_load: the first entry is of a record that the log has */
    struct queue *fresh_next, *pending_next;
    struct queue_doubt *doubt; /* recovery */
    /* thread flush-queues: */
    _Atomic int64_t synced_slot; /* entries below are on disk */
    _Atomic bool dirty;          /* in the list of those to sync */
    struct queue *dirty_next;
    struct queue *due_next;
    int64_t sync_end;    /* slot: what the sync under way covers */
    int64_t named_bytes; /* newest file whose name is on disk; -1 = none */
};

/* Loads a queue from its folder: finds first and last entry. Entries of records below synced_phys are on the disk;
 * after a clean stop all are (INT64_MAX), which makes the search quick. What may not be is walked through, the last
 * three files at least, and the first entry that is missing, does not go forward or is of a later record ends the
 * queue: the log tells the rest. *last = the last entry that is no filler, size 0 if none. ERR_CORRUPT: the files are
 * none of a queue. */
enum err consumequeue_load(struct queue *queue, int64_t synced_phys, struct queue_entry *last) MUST_USE;

/* Neighbouring entries, as in the file. */
struct queue_run {
    enum queue_kind kind;
    int64_t first_slot;
    int32_t count;
    char raw[QUEUE_RUN_ENTRIES * QUEUE_BATCH_ENTRY_BYTES];
};
static inline struct queue_entry queue_run_at(const struct queue_run *run, int32_t i) {
    return queue_entry_decode(run->kind, run->first_slot + i, run->raw + i * queue_entry_bytes(run->kind));
}
/* Up to `max` entries, QUEUE_RUN_ENTRIES at most, from the one that has offset_queue on, or the next where none has;
 * not beyond queue_max. count 0 = none there. With may_wait false ERR_BUSY instead of waiting for the disk.
 * @thread any */
enum err consumequeue_read(struct queue *queue, int64_t offset_queue, int32_t max, bool may_wait,
                           struct queue_run *out) MUST_USE;
/* The entries behind the run. */
enum err consumequeue_read_on(struct queue *queue, int32_t max, bool may_wait, struct queue_run *run) MUST_USE;

/* Where to go on when the entries at offset_queue cannot be read: first offset of the file behind. */
int64_t consumequeue_roll(struct queue *queue, int64_t offset_queue);

/* Adds the entry of a dispatched record to the tail; one below what is there is passed over, a gap is filled with
 * fillers (a batch queue needs none). Not visible before consumequeue_publish. With may_wait false ERR_BUSY instead of
 * a write that makes room in the tail: the rest is for another try. @thread holder of LOCK_DISPATCH */
enum err consumequeue_put(struct queue *queue, const struct queue_entry *entry, bool may_wait) MUST_USE;
/* Has it never had an entry? */
bool consumequeue_is_empty(const struct queue *queue);
void consumequeue_set_tail(struct queue *queue, struct queue_tail *tail);
/* Readers see what is in the tail. @thread holder of LOCK_DISPATCH */
void consumequeue_publish(struct queue *queue);
/* Writes to the file what is in the tail only. @thread holder of LOCK_DISPATCH */
enum err consumequeue_write(struct queue *queue) MUST_USE;
static inline bool consumequeue_is_written(const struct queue *queue) {
    return atomic_load_explicit(&queue->written_slot, memory_order_relaxed) >= queue->pending_slot;
}

/* Drops the entries of messages from end_offset on and zeroes their places. @thread recovery */
enum err consumequeue_cut(struct queue *queue, int64_t end_offset) MUST_USE;
/* Drops entries of records that do not end by end_phys and zeroes their places; *cut_count counts them. @thread
 * recovery */
enum err consumequeue_truncate(struct queue *queue, int64_t end_phys, int64_t *cut_count) MUST_USE;
/* Sets the first readable offset from the oldest byte of the log, and removes files whose last entry is older, never
 * the last file; *dropped counts them. @thread holder of LOCK_DISPATCH, recovery */
enum err consumequeue_expire(struct queue *queue, int64_t min_phys, int32_t *dropped) MUST_USE;
/* Removes all files; the caller took the queue out of the table. */
enum err consumequeue_remove(struct queue *queue) MUST_USE;
/* fdatasync of what was written since the last. @thread flush-queues */
enum err consumequeue_sync(struct queue *queue) MUST_USE;
/* Entries below end_slot were synced in another way, the names of their files too. @thread flush-queues */
void consumequeue_set_synced(struct queue *queue, int64_t end_slot);
/* `count` entries of one file as they are there, from a slot on. With may_wait false ERR_BUSY if memory does not hold
 * them. */
enum err consumequeue_read_file(struct queue *queue, int64_t slot, int32_t count, bool may_wait, char *raw) MUST_USE;
/* One entry. May wait for the disk. */
enum err consumequeue_entry(struct queue *queue, int64_t slot, struct queue_entry *out) MUST_USE;

#endif
