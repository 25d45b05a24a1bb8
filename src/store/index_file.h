/* index_file.h - one file of the key index: header, hash slots, entries in the order of the log.
 * Only entries are truth: slots and back links follow from them, and each page of a file that was cut off by a crash is
 * some older state of itself, so the longest run of sound entries from the first on is what was there.
 * Drawn in docs/disk/index.md. @source shared facts: store 4 */
#ifndef RMQ_STORE_INDEX_FILE_H
#define RMQ_STORE_INDEX_FILE_H

#include <stdatomic.h>
#include "base/arena.h"
#include "base/err.h"

enum { INDEX_HEADER_BYTES = 40, INDEX_SLOT_BYTES = 4, INDEX_ENTRY_BYTES = 20 };

struct index_file {
    char *path;
    int fd;
    char *data;
    int64_t size_bytes;
    int32_t slots, entries; /* entry 0 is never used: `entries` - 1 fit */
    int64_t reserved_bytes; /* disk blocks are known to exist up to here */
    int32_t used_slots;
    _Atomic bool synced; /* full, and on disk as it is */
    _Atomic int32_t refs;
    /* Read by finders while the one who puts goes on. */
    _Atomic int32_t count; /* number of the next entry, 1 = none yet */
    _Atomic int64_t begin_ms, end_ms, begin_phys, end_phys;
};
struct index_entry {
    int32_t hash;
    int64_t offset_phys;
    int32_t after_s; /* seconds since begin_ms */
    int32_t prev;    /* older entry of the same slot, 0 = none */
};

/* A new, empty file with disk blocks for header and slots. It begins where `after`, the one before it, ends (NULL = the
 * first): a Java broker that finds it empty after a kill would index again, into it, what the others have.
 * ERR_EXISTS, ERR_DISK_FULL, ERR_IO: nothing stays behind. @source shared facts: store 4 */
enum err index_file_create(const char *path, int32_t slots, int32_t entries, const struct index_file *after,
                           struct index_file **out) MUST_USE;
/* Opens one made with these sizes, or with others when length, header and entries say so. `suspect`, or a header that
 * contradicts the entries: all entries are checked, the first bad one ends the file, and all else is made anew.
 * ERR_CORRUPT: nothing in it can be used. ERR_DISK_FULL, ERR_IO, ERR_NO_MEMORY: it is as it was. */
enum err index_file_open(const char *path, int32_t slots, int32_t entries, bool suspect,
                         struct index_file **out) MUST_USE;
struct index_file *index_file_hold(struct index_file *file);
/* The last one unmaps. */
void index_file_release(struct index_file *file);

static inline bool index_file_empty(const struct index_file *file) {
    return atomic_load_explicit(&file->count, memory_order_acquire) <= 1;
}
static inline bool index_file_full(const struct index_file *file) {
    return atomic_load_explicit(&file->count, memory_order_acquire) >= file->entries;
}
/* Appends an entry to a file that is not full. ERR_DISK_FULL, ERR_IO: nothing changed. */
enum err index_file_put(struct index_file *file, int32_t hash, int64_t offset_phys, int64_t store_time_ms) MUST_USE;
/* The slot of that hash will be wanted soon. */
void index_file_fetch(const struct index_file *file, int32_t hash);
/* Takes the entries at and behind that physical offset off again. Finders may be at work, so their bytes stay. */
void index_file_cut(struct index_file *file, int64_t offset_phys);
/* Zeroes what lies behind the last entry: what a cut left must not be taken for entries after a crash. No finder may be
 * at work. */
enum err index_file_clear_tail(struct index_file *file) MUST_USE;
/* Entry `number`, which must be below count. */
struct index_entry index_file_entry(const struct index_file *file, int32_t number);
/* Number of the newest entry of a hash's slot, 0 if none. */
int32_t index_file_newest(const struct index_file *file, int32_t hash);
/* Adds physical offsets of entries with that hash stored in [begin_ms, end_ms] to offsets[*found..max), newest first,
 * leaving out repetitions. */
void index_file_find(const struct index_file *file, int32_t hash, int64_t begin_ms, int64_t end_ms, int64_t *offsets,
                     size_t max, size_t *found);
enum err index_file_sync(struct index_file *file) MUST_USE;

#endif
