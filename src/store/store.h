/* store.h - the message store: an append-only commit log and what is derived from it. The only header of this folder
 * that others include. It knows no network.
 *
 * Layout on disk is the Java broker's, both ways: docs/disk/. Restrictions:
 *  - one process a store (fcntl lock on <root>/lock, which excludes a Java broker too);
 *  - DLedger and RocksDB stores are refused;
 *  - a failed write or fsync is final: the store becomes read-only and says why, until a restart recovers it.
 *
 * Threads of its own: prealloc, dispatch, flush, flush-queues, retention, disk-watch, read-i. Calls are for any thread
 * unless they say otherwise; none of them waits for a disk except where it says so. */
#ifndef RMQ_STORE_STORE_H
#define RMQ_STORE_STORE_H

#include <stdatomic.h>
#include "base/arena.h"
#include "base/bytes.h"
#include "base/config.h"
#include "base/err.h"
#include "message/record.h"

/* MessageStoreConfig of the Java broker */
struct store_config {
#define KEY     CONFIG_MEMBER
#define IGNORED CONFIG_NOTHING
#define ALIAS(type, member, name, min, max, unit, of)
#include "store/config.def"
#undef KEY
#undef IGNORED
#undef ALIAS
};
extern const struct config_key store_config_keys[];
extern const size_t store_config_key_count;
void store_config_init(struct store_config *config); /* defaults; paths derived from storePathRootDir when opened */

struct store;
/* A consume queue: (topic, queue id). The pointer stays valid until the store is closed, also after store_delete_topic
 * (then it is empty and marked deleted: resolve it anew). */
struct queue;

/* How a queue keeps its messages: an entry each, or an entry a record, which may hold a batch of them. The attribute
 * queue.type of its topic: SimpleCQ, BatchCQ. */
enum queue_kind { QUEUE_SIMPLE, QUEUE_BATCH, QUEUE_KINDS };

struct store_events {
    void *owner;
    /* The store is this process's; nothing is recovered yet. The owner's own files in it may be read. What it returns
     * other than ERR_OK ends store_open. NULL: nothing to do. */
    enum err (*locked)(void *owner);
    /* Of what kind are the queues of that topic? False when it is not known; then as they are on disk, and new ones
     * simple. NULL: always. @thread any, with LOCK_DISPATCH held or none */
    bool (*queue_kind)(void *owner, struct bytes topic, enum queue_kind *out);
    /* New entries of `queue` can be read, or it was deleted. Called only when queue_watch asked for it, by whoever
     * appended, flushed or deleted, or the thread `dispatch`; mostly with LOCK_DISPATCH held. */
    void (*arrived)(void *owner, struct queue *queue);
    /* Everything below offset_phys is on disk. Called by the thread `flush` under SYNC_FLUSH. */
    void (*flushed)(void *owner, int64_t offset_phys);
    /* The store turned read-only: why. Called once. */
    void (*failed)(void *owner, const char *why);
};

/* Opens, recovers if needed, starts the threads. Waits for the disk. `config` is borrowed for the life of the store;
 * dynamic values are read as they change. ERR_LOCKED, ERR_NOT_SUPPORTED (foreign format), ERR_CORRUPT, ERR_DISK_FULL,
 * ERR_IO: the detail names cause and fix. */
enum err store_open(struct store_config *config, const struct store_events *events, struct store **out) MUST_USE;
/* Dispatches, flushes and stops; a clean state on disk (no abort file) unless something failed. Waits for the disk. */
void store_close(struct store *store);

/* --- queues ---------------------------------------------------------------------------------------------- */
/* NULL when it does not exist and `create` is false, or when the topic cannot be the name of a folder. O(1). */
struct queue *store_queue(struct store *store, struct bytes topic, int32_t queue_id, bool create);
struct bytes queue_topic(const struct queue *queue);
int32_t queue_id(const struct queue *queue);
enum queue_kind queue_kind(const struct queue *queue);
bool queue_deleted(const struct queue *queue);
int64_t queue_min(const struct queue *queue);  /* first offset that can be read */
int64_t queue_max(const struct queue *queue);  /* first offset that cannot be read yet */
int64_t queue_next(const struct queue *queue); /* offset the next message gets (>= queue_max) */
/* Asks for one `arrived` per batch of new entries; bits are the caller's (one a reactor). To miss nothing: watch, then
 * look at queue_max again. */
#define QUEUE_WATCH_LITE ((uint64_t)1 << 63) /* set from the start in light queues of lite topics (message/lmq.h) */
void queue_watch(struct queue *queue, uint64_t bit);
void queue_unwatch(struct queue *queue, uint64_t bit);
uint64_t queue_watchers(const struct queue *queue);
/* A word for the store's user (broker statistics); NULL at first. */
_Atomic(void *) *queue_user(struct queue *queue);
void store_each_queue(struct store *store, void (*visit)(struct queue *queue, void *arg), void *arg);
/* Removes queues and files of a topic; what the log holds of it stays until it expires. Waits for the disk. */
enum err store_delete_topic(struct store *store, struct bytes topic) MUST_USE;

/* Light queues (message/lmq.h) that exist. */
int32_t store_lmq_count(const struct store *store);

/* --- append ---------------------------------------------------------------------------------------------- */
enum { QUEUE_OFFSET_ROOM = 20 }; /* digits of an offset and a comma */
struct put {
    struct queue *queue;
    char *record; /* from record_encode; offsets and store time are filled in by the append */
    uint32_t size_bytes;
    bool no_offset; /* PREPARED and ROLLBACK records take no queue offset and get no entry */
    bool with_next; /* belongs together with the next put: same file, consecutive offsets (batch) */
    /* 0, or the record holds a batch of so many messages, which take a queue offset each. Its last property is
     * INNER_BASE, encoded with room for QUEUE_OFFSET_ROOM bytes; the append fills it in and shortens the record. Only
     * for queues of the kind QUEUE_BATCH, and without light queues. */
    int32_t batch_count;
    /* Light queues that get an entry of the record too. Its last property is INNER_MULTI_QUEUE_OFFSET, encoded with
     * room for QUEUE_OFFSET_ROOM bytes each; the append fills it in and shortens the record to what it takes. */
    struct queue **lmqs;
    size_t lmq_count;
    /* results */
    int64_t offset_phys, offset_queue, store_time_ms;
};
/* Queue offsets that it takes, if it takes any. */
static inline int32_t put_messages(const struct put *put) {
    return put->batch_count > 0 ? put->batch_count : 1;
}
/* Appends all of them in order under one lock, or none. *end_phys is the offset behind the last (what `flushed` must
 * reach under SYNC_FLUSH). Also counts and, when they need not be flushed first, lets readers see them: mostly at once.
 * @errors ERR_NOT_WRITABLE (why in the detail), ERR_DISK_FULL, ERR_NO_FILES, ERR_NO_MEMORY, ERR_TOO_BIG,
 *         ERR_SHUTTING_DOWN: nothing was written
 * @thread any; takes LOCK_APPEND, tries LOCK_DISPATCH */
enum err store_append(struct store *store, struct put *puts, size_t count, int64_t *end_phys) MUST_USE;
/* Waits until everything below offset_phys is on disk. For callers that may wait; reactors use `flushed`. */
enum err store_wait_flushed(struct store *store, int64_t offset_phys, int64_t timeout_ms) MUST_USE;
int64_t store_flushed_phys(const struct store *store);
/* Behind the last record; everything below store_dispatched_phys can be read from its queue. */
int64_t store_end_phys(const struct store *store);
int64_t store_dispatched_phys(const struct store *store);
bool store_is_sync_flush(const struct store *store);
/* ERR_OK, or why appends fail now (disk full, too many files, failed, shutting down). Cheap. */
enum err store_writable(const struct store *store) MUST_USE;
/* Is it an error that passes when there is room, files or memory again, without having lost anything? */
static inline bool store_may_pass(enum err err) {
    return err == ERR_DISK_FULL || err == ERR_NO_FILES || err == ERR_NO_MEMORY;
}
/* How long the append lock has been held by its present holder, ms; 0 when free. */
int64_t store_append_busy_ms(const struct store *store);

/* --- read ------------------------------------------------------------------------------------------------ */
/* Bytes of the mapped log, kept in place until released; slices of one file by the last of them. */
struct store_slice {
    struct bytes bytes;
    void *hold; /* store_release(hold), from any thread; NULL: a later slice of the same answer has it */
};
void store_release(void *hold);

enum get_status {
    GET_FOUND,
    GET_NO_MATCHED_MESSAGE,
    GET_MESSAGE_WAS_REMOVING,
    GET_OFFSET_FOUND_NULL,
    GET_OFFSET_OVERFLOW_BADLY,
    GET_OFFSET_OVERFLOW_ONE,
    GET_OFFSET_TOO_SMALL,
    GET_NO_MATCHED_LOGIC_QUEUE,
    GET_NO_MESSAGE_IN_QUEUE,
    GET_COLD /* not in memory: ask again with may_wait on a thread that may, or use store_get_later */
};
const char *get_status_name(enum get_status status); /* "FOUND", "OFFSET_OVERFLOW_ONE", ... : the remark of pulls */
struct get {
    /* asked */
    struct queue *queue; /* NULL = no such queue */
    int64_t offset_queue;
    int32_t max_count;
    int64_t max_bytes; /* 0 = the config's */
    /* NULL = all. Sees the queue entry's tags code first; `record` then only if it said it needs it. */
    bool (*match_tags)(void *ctx, int64_t tags_code);
    bool (*match_record)(void *ctx, struct bytes record); /* may be NULL; ends the scan after 10 ms, unless may_wait */
    void *match_ctx;
    bool may_wait; /* the caller may block on the disk */
    bool was_cold; /* this get was COLD before: what it finds now comes from the disk */
    /* answered */
    enum get_status status;
    int64_t next_offset, min_offset, max_offset;
    struct store_slice *slices; /* in the arena; neighbours are merged; release(hold) of each, when all are done with */
    size_t slice_count;
    void (*release)(void *hold); /* store_release, unless somebody has put slices of his own here */
    int32_t count;               /* messages in the slices */
    int64_t total_bytes;
    bool from_disk;     /* some were beyond the part of the log that memory is expected to hold */
    bool suggest_slave; /* the reader is that far behind */
};
/* @source shared facts: behaviour 6.2. Never fails: see status. */
void store_get(struct store *store, struct arena *arena, struct get *get);
/* Brings the range that made a get COLD into memory on a read thread, then calls done(ctx) there. ERR_BUSY when too
 * many wait. */
enum err store_get_later(struct store *store, const struct get *get, void (*done)(void *ctx), void *ctx) MUST_USE;
/* The whole record at a physical offset. ERR_NOT_FOUND when none starts there. May wait for the disk. */
enum err store_record_at(struct store *store, int64_t offset_phys, struct store_slice *out) MUST_USE;
/* One entry of a queue; ERR_NOT_FOUND outside [min, max). May wait for the disk. */
struct queue_entry {
    int64_t offset_phys;
    int32_t size_bytes;
    int64_t tags_code;
    int64_t offset_queue;  /* of its first message */
    int32_t count;         /* of messages: 1, or those of the batch that the record holds */
    int64_t store_time_ms; /* only in queues of the kind QUEUE_BATCH */
};
enum err queue_entry_at(struct store *store, struct queue *queue, int64_t offset_queue,
                        struct queue_entry *out) MUST_USE;
/* Physical offsets of records with that key (hash matches: the caller checks), newest first, stored in [begin, end].
 * May wait for the disk. last_* as response 12 carries them. */
enum err store_find_key(struct store *store, struct bytes topic, struct bytes key, int32_t max_count, int64_t begin_ms,
                        int64_t end_ms, struct arena *arena, int64_t **offsets, size_t *count, int64_t *last_time_ms,
                        int64_t *last_phys) MUST_USE;
enum time_boundary { BOUNDARY_LOWER, BOUNDARY_UPPER };
/* Offset of the message stored at or after (LOWER) / at or before (UPPER) that time. May wait for the disk. */
int64_t store_offset_by_time(struct store *store, struct queue *queue, int64_t time_ms, enum time_boundary boundary);
/* Store time of the message at that queue offset, -1 if none. May wait for the disk. */
int64_t store_time_at(struct store *store, struct queue *queue, int64_t offset_queue);
int64_t store_earliest_time(struct store *store); /* of the whole log, -1 if empty */
/* Is the message at that offset expected to be in memory (behaviour 6.2 "hot")? */
bool store_offset_hot(struct store *store, struct queue *queue, int64_t offset_queue);

/* --- facts ----------------------------------------------------------------------------------------------- */
struct store_facts {
    int64_t min_phys, max_phys, flushed_phys, dispatched_phys;
    double log_disk_ratio, queue_disk_ratio;
    int64_t disk_total_bytes, disk_free_bytes; /* of storePathRootDir */
    /* since start; times in ms */
    int64_t put_count, put_failed, put_bytes, put_time_max_ms, get_time_max_ms, dispatch_max_buffer;
    int64_t put_time_buckets[13]; /* as putMessageDistributeTime */
    int64_t get_found, get_miss, get_transferred;
    /* over 10 s, 1 min, 10 min */
    double put_tps[3], get_found_tps[3], get_miss_tps[3], get_total_tps[3], get_transferred_tps[3];
};
void store_facts(struct store *store, struct store_facts *out);
/* Deletes what retention allows, now, ignoring the hour (request 329); queues without files in the log (306). */
void store_delete_expired(struct store *store);
void store_clean_expired_queues(struct store *store);
/* Shall readers from the disk read ahead? Sets dataReadAheadEnable (request 2004). */
void store_set_read_ahead(struct store *store, bool ahead);

#endif
