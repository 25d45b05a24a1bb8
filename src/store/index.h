/* index.h - the key index: from "topic#key" to the physical offsets of the records with that key.
 * Files of <root>/index, each a hash table of fixed size that only grows at its end; drawn in docs/disk/index.md.
 * Everything in them can be made again from the commit log, so nothing here fails a start: a damaged file is set aside
 * into <dir>.damaged and its part of the log is indexed again.
 *
 * Use at start: index_open, index_truncate(end of the log), then dispatch notes every record from index_newest_phys
 * on (those indexed already are passed over, so starting lower is harmless), and puts what it noted.
 * @thread index_note, index_put, index_drop_noted, index_stop, index_truncate: the holder of LOCK_DISPATCH; the others:
 *         any, also while puts go on */
#ifndef RMQ_STORE_INDEX_H
#define RMQ_STORE_INDEX_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/err.h"

/* What is on disk for sure: the files that are full and synced, and where the next one begins. Goes into the
 * checkpoint, so that a start sees what is missing. */
struct index_state {
    uint64_t mark;     /* over the begin and end of all of them; never 0 */
    int64_t end_phys;  /* of the last of them, -1 = none */
    int64_t open_phys; /* begin of the file behind, -1 = none */
};
struct index_options {
    const char *dir;          /* <root>/index; made when missing; copied */
    int32_t slots;            /* maxHashSlotNum; files on disk have their own sizes, and then new ones get them too */
    int32_t entries;          /* maxIndexNum */
    bool crashed;             /* the last stop was none: files newer than checkpoint_ms are checked entry by entry */
    int64_t checkpoint_ms;    /* indexMsgTimestamp of the checkpoint: files that end by then are on disk */
    struct index_state state; /* of the checkpoint; mark 0 = not known */
};
struct index_service;
/* ERR_IO when the folder cannot be made or read. Waits for the disk. */
enum err index_open(const struct index_options *options, struct index_service **out) MUST_USE;
/* Unmaps; no flush. NULL is fine. */
void index_close(struct index_service *index);

/* Forgets the records at and behind end_phys: the commit log ends there. At start, before the first put. */
void index_truncate(struct index_service *index, int64_t end_phys);
/* Start of the newest record that is indexed: dispatch goes on there or below, what is indexed is passed over. 0 when
 * nothing is indexed. */
int64_t index_newest_phys(const struct index_service *index);

/* What is indexed of a record: UNIQ_KEY first, then each blank-separated word of KEYS, then TAGS as "T#tags"; each may
 * be absent. Kinds NONE, PREPARED and COMMIT are put, ROLLBACK is not. @source shared facts: store 4, since 5.3.3 7 */
struct index_record {
    int64_t offset_phys;
    int64_t store_time_ms;
    struct bytes topic, uniq_key, keys, tags;
};
/* Notes a record's keys, hashed, for the next index_put; touches memory only. Records come in the order of the log; one
 * at or below index_newest_phys is passed over. */
void index_note(struct index_service *index, const struct index_record *record);
/* Puts the keys that are noted, all of a record or none.
 * What may pass (ERR_DISK_FULL, ERR_NO_FILES, ERR_NO_MEMORY) is for the caller to try again: the record that failed and
 * those behind stay noted. Another failure stops the index: it is returned once, further puts do nothing and the next
 * start goes on from the record that failed. May wait for the disk when a file is full. */
enum err index_put(struct index_service *index) MUST_USE;
/* Forgets what is noted; returns the start of the first of these records, -1 = nothing is noted. */
int64_t index_drop_noted(struct index_service *index);
/* Further puts do nothing until the next start. */
void index_stop(struct index_service *index);

struct index_found {
    int64_t *offsets; /* physical, newest first, no repetitions; in the arena */
    size_t count;
    int64_t last_time_ms, last_phys; /* of the newest entry of the index, 0 if none */
};
/* Up to max_count records stored in [begin_ms, end_ms] whose hash is that of "topic#key". The hash has 31 bits and the
 * times have seconds: the caller checks what it reads. May wait for the disk. */
void index_find(struct index_service *index, struct bytes topic, struct bytes key, int32_t max_count, int64_t begin_ms,
                int64_t end_ms, struct arena *arena, struct index_found *out);

struct index_state index_state(struct index_service *index);

/* Syncs the files that became full since the last call, or all of them. *flushed_ms (may be NULL) gets what the
 * checkpoint's index time may say now. Waits for the disk. */
enum err index_flush(struct index_service *index, bool all, int64_t *flushed_ms) MUST_USE;
/* Deletes files whose records all lie below min_phys, never the last one. Readers at work keep theirs until they are
 * done. Returns how many. */
int index_delete_below(struct index_service *index, int64_t min_phys);

#endif
