/* checkpoint.h - how far the store was safely on disk: where a restart after a crash must begin.
 * One page of big-endian longs, drawn in docs/disk/checkpoint.md. Too old values cost time, too new ones cost messages:
 * set a value only when what it promises has been synced.
 * @source shared facts: store 5 */
#ifndef RMQ_STORE_CHECKPOINT_H
#define RMQ_STORE_CHECKPOINT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include "base/err.h"

enum { CHECKPOINT_SIZE_BYTES = 4096 };

/* Members may be set and read by any thread; they reach the disk with checkpoint_flush. */
struct checkpoint {
    _Atomic int64_t physic_ms;           /* store time of the last record of the log known to be on disk */
    _Atomic int64_t logics_ms;           /* store time of the last record whose queue entry is on disk */
    _Atomic int64_t index_ms;            /* end time of the last index file on disk: index_flush gives it */
    _Atomic int64_t master_flushed_phys; /* kept for Java 5.x, as read */
    _Atomic int64_t confirm_phys;        /* start of the last good record seen by the last recovery; for Java 5.x */
    /* Our own, with a check sum, behind what Java knows and keeps. safe_phys is -1 when nothing is known: the file is
     * new, damaged, or a Java broker wrote it since. */
    _Atomic int64_t safe_phys;     /* start of a record or the end of the log: all below is on disk, log and queues */
    _Atomic uint64_t entries_mark; /* queue_table_mark of the entries of records below safe_phys; 0 = not known */
    _Atomic uint64_t files_mark;   /* the same with the files, after a clean stop; 0 = none was */
    /* struct index_state */
    _Atomic uint64_t index_mark;
    _Atomic int64_t index_end_phys, index_open_phys;
    int fd;
    char *path;
};
/* Reads <root>/checkpoint, made when missing. A file of another length or with impossible times counts as all zero,
 * which means a recovery from the first log file; a line in the log says so. */
enum err checkpoint_open(const char *path, struct checkpoint *checkpoint) MUST_USE;
void checkpoint_close(struct checkpoint *checkpoint);
/* Writes and syncs. @thread one at a time (flush, or close); waits for the disk */
enum err checkpoint_flush(struct checkpoint *checkpoint) MUST_USE;
/* A log file whose first record was stored at or before this time is a safe start of recovery. */
int64_t checkpoint_reference_ms(const struct checkpoint *checkpoint, bool with_index);

#endif
