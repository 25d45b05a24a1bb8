/* queue_entry.h - what queues have on disk for a record: the two forms of their entries.
 *  - simple: 20 bytes (physical offset, size, tags code); the place in the queue is the queue offset;
 *  - batch: 46 bytes; says its queue offset, and of how many: one record may hold a batch of messages.
 * Entries of a queue have slots, numbered from the start of its files: entry n begins at byte n * queue_entry_bytes. In
 * a simple queue the slot is the queue offset.
 * Disk format: docs/disk/consumequeue.md @source shared facts: store 3, 3.2 */
#ifndef RMQ_STORE_QUEUE_ENTRY_H
#define RMQ_STORE_QUEUE_ENTRY_H

#include "base/endian.h"
#include "store/store.h"

enum {
    QUEUE_ENTRY_BYTES = 20,
    QUEUE_BATCH_ENTRY_BYTES = 46,
    QUEUE_FILLER_SIZE = 0x7FFFFFFF /* size of a simple entry that only pads: physical offset 0 */
};

static inline int32_t queue_entry_bytes(enum queue_kind kind) {
    return kind == QUEUE_BATCH ? QUEUE_BATCH_ENTRY_BYTES : QUEUE_ENTRY_BYTES;
}
void queue_entry_encode(enum queue_kind kind, const struct queue_entry *entry, char *out);
struct queue_entry queue_batch_entry_decode(const char *data);
static inline struct queue_entry queue_entry_decode(enum queue_kind kind, int64_t slot, const char *data) {
    if (kind == QUEUE_BATCH) return queue_batch_entry_decode(data);
    return (struct queue_entry){.offset_phys = load_i64be(data),
                                .size_bytes = load_i32be(data + 8),
                                .tags_code = load_i64be(data + 12),
                                .offset_queue = slot,
                                .count = 1};
}
static inline bool queue_entry_is_filler(const struct queue_entry *entry) {
    return entry->size_bytes == QUEUE_FILLER_SIZE && entry->offset_phys == 0;
}
/* Can it be an entry at all? What was never written is zeros. */
static inline bool queue_entry_is_used(const struct queue_entry *entry) {
    return entry->offset_phys >= 0 && entry->size_bytes > 0 && entry->offset_queue >= 0 && entry->count > 0;
}
/* First queue offset behind it. A damaged entry may say anything: it wraps. */
static inline int64_t queue_entry_end(const struct queue_entry *entry) {
    return (int64_t)((uint64_t)entry->offset_queue + (uint64_t)(int64_t)entry->count);
}

#endif
