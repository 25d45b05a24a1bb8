/* retention.h - deletes what is too old or does not fit, and watches how full the disks are.
 * The policy and its threads `retention` and `disk-watch` are here; what a log file or queue file is, the store knows
 * (retention_files).
 * @source shared facts: store 10.4 */
#ifndef RMQ_STORE_RETENTION_H
#define RMQ_STORE_RETENTION_H

#include <stdbool.h>
#include <stddef.h>
#include "base/err.h"

struct store_config;

/* The store's side. Called on the thread `retention` only. */
struct retention_files {
    void *owner;
    /* Path of the oldest commit log file that may be deleted: never the one written to. False if there is none. */
    bool (*oldest_log_file)(void *owner, char *path, size_t size);
    /* Takes it out of the log; the bytes go when the last reader has released them. */
    enum err (*drop_oldest_log_file)(void *owner);
    /* The log has a new minimum: queue files and index files below it go, queues correct their minimum. */
    void (*drop_derived)(void *owner);
    /* Used share of the disk that holds `dir`, 0..1. NULL = the system is asked; tests answer themselves. */
    enum err (*disk_used)(void *owner, const char *dir, double *out);
};

struct retention;
/* `config` and `log_dir`, `root_dir` are borrowed until retention_stop. Measures the disks once before it returns, so
 * that a store on a full disk opens as one. */
enum err retention_start(const struct store_config *config, const char *log_dir, const char *root_dir,
                         const struct retention_files *files, struct retention **out) MUST_USE;
/* Ends the thread; at most one file deletion is waited for. NULL is fine. */
void retention_stop(struct retention *retention);
/* Deletes expired log files now, whatever the hour (request 329); returns at once. @thread any */
void retention_run_now(struct retention *retention);

/* Appends must be refused: used space is over diskSpaceWarningLevelRatio. @thread any; cheap */
bool retention_disk_full(const struct retention *retention);
/* Used share of the disks, 0..1; -1 when the disk could not be asked. @thread any */
double retention_log_disk_ratio(const struct retention *retention);
double retention_root_disk_ratio(const struct retention *retention);

#endif
