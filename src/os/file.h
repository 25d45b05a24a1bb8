/* file.h - every effect on files, so that tests can fail the n-th call or cut the power.
 * Thin: each function is one system call (or a full loop of it) with a readable error. Paths are UTF-8, NUL-terminated.
 * @errors ERR_IO with path and strerror, ERR_DISK_FULL for ENOSPC and EDQUOT, ERR_NO_FILES for EMFILE and ENFILE,
 *         ERR_NO_MEMORY for ENOMEM, ERR_NOT_FOUND for ENOENT on open
 * @thread any */
#ifndef RMQ_OS_FILE_H
#define RMQ_OS_FILE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

enum file_call {
    FILE_OPEN,
    FILE_READ,
    FILE_WRITE,
    FILE_RESIZE,
    FILE_RESERVE,
    FILE_MAP,
    FILE_SYNC,     /* of a file or a folder */
    FILE_SYNC_ALL, /* of the file system below the path */
    FILE_RENAME,
    FILE_UNLINK,
    FILE_MKDIR,
    FILE_RESIDENT /* of a mapped range, path ""; failing, it is not in memory */
};
/* Fault seam: called before each effect; a non-zero errno makes the call fail with it. NULL = none. Set before threads
 * start. */
typedef int file_fault(enum file_call call, const char *path);
void file_set_fault(file_fault *fault);

enum file_mode { FILE_READ_ONLY, FILE_READ_WRITE, FILE_CREATE /* read-write, made if missing */ };
enum err file_open(const char *path, enum file_mode mode, int *fd) MUST_USE;
void file_close(int fd);
enum err file_size(int fd, int64_t *size_bytes) MUST_USE;
/* Read or write exactly `len` bytes; a read past the end is ERR_CORRUPT. `path` is for the error text. */
enum err file_pread(int fd, const char *path, void *out, size_t len, int64_t at) MUST_USE;
/* The same when it can be had without waiting for the disk, else ERR_BUSY. */
enum err file_pread_cached(int fd, const char *path, void *out, size_t len, int64_t at) MUST_USE;
enum err file_pwrite(int fd, const char *path, const void *data, size_t len, int64_t at) MUST_USE;
/* Where the data at the front of the file ends, in blocks of the file system: zeros from there to *out's next data. The
 * size of the file where that is not known. */
enum err file_data_end(int fd, const char *path, int64_t *out) MUST_USE;
enum err file_resize(int fd, const char *path, int64_t size_bytes) MUST_USE; /* ftruncate: sparse when growing */
/* The range reads as zeros from now on and gives its disk blocks back; the size stays. */
enum err file_zero(int fd, const char *path, int64_t at, int64_t len) MUST_USE;
enum err file_reserve(int fd, const char *path, int64_t at,
                      int64_t len) MUST_USE; /* disk blocks for the range (fallocate, keeps size) */
/* A page of the mapping that the disk cannot read later is one of zeros: os/map_guard.h. */
enum err file_map(int fd, const char *path, int64_t size_bytes, bool writable, char **out) MUST_USE;
void file_unmap(char *data, int64_t size_bytes);
/* Faults the pages in for writing (MADV_POPULATE_WRITE, else a touch). */
enum err file_populate(char *data, size_t len) MUST_USE;
/* What is read of the file, or of the mapping, comes from the disk alone, without what lies around or behind it. Else
 * the system reads ahead, also on behalf of who may not wait (file_pread_cached). A hint. */
void file_read_at_random(int fd);
void file_map_at_random(char *data, int64_t size_bytes);
/* Pages of the mapped range that are not in memory are read from the disk meanwhile. A hint; it does not wait, but
 * memory for the pages is found here. */
void file_prefetch(const char *data, size_t len);
/* How many bytes from the start of the mapped range on are in memory (mincore). */
size_t file_resident_bytes(const char *data, size_t len);
/* Takes the whole pages of the range out of this process's page table; what they hold, also what is not on disk yet,
 * stays in memory, and who touches one maps it again. */
void file_let_go(char *data, size_t len);
/* fdatasync. An error is final for that file: never call again hoping for better (pages may be lost). */
enum err file_sync(int fd, const char *path) MUST_USE;
/* The same for the pages of a mapped file that hold the range alone (msync): those beyond stay dirty. */
enum err file_sync_mapped(char *data, size_t len, const char *path) MUST_USE;
/* All that is unwritten in the file system that holds `path`: cheaper than a sync of each of many files. */
enum err file_sync_system(const char *path) MUST_USE;
enum err file_sync_dir(const char *dir) MUST_USE;
enum err file_rename(const char *from, const char *to) MUST_USE;
enum err file_unlink(const char *path) MUST_USE; /* a missing file is fine */
/* mkdir -p; what it makes is there after a power cut too. */
enum err file_make_dirs(const char *path) MUST_USE;
/* The same, but the caller syncs the folders above. */
enum err file_make_dirs_unsynced(const char *path) MUST_USE;
bool file_exists(const char *path);
enum err file_mtime_ms(const char *path, int64_t *out) MUST_USE;
/* Names in a folder without . and .., sorted; live in `arena`. A missing folder is an empty list. */
enum err file_list(struct arena *arena, const char *dir, const char ***names, size_t *count) MUST_USE;
enum err file_remove_tree(const char *dir) MUST_USE;
/* The whole file; ERR_TOO_BIG above `limit`. */
enum err file_read_all(const char *path, size_t limit, struct buf *out) MUST_USE;
/* temp file + fsync + rename + fsync of the folder; the former content becomes `path`.bak when `keep_bak`. */
enum err file_replace(const char *path, struct bytes content, bool keep_bak) MUST_USE;
/* Exclusive fcntl lock on byte 0 (what Java's FileChannel.tryLock(0,1) takes); ERR_LOCKED if another process has it. */
enum err file_lock_byte0(int fd, const char *path) MUST_USE;
/* Of the file system that holds `path`. used_ratio as the Java broker counts it: (total - free) / total. */
enum err file_disk_usage(const char *path, int64_t *total_bytes, int64_t *free_bytes, double *used_ratio) MUST_USE;

#endif
