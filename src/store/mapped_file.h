/* mapped_file.h - one file of the commit log: full size from the start, sparse, mapped shared.
 * Name = 20-digit physical offset of its first byte. Reference counted: the mapped queue holds one reference, each
 * slice given to a reader another; the mapping goes away with the last, also when the file was removed long before.
 * A page is written only after its disk blocks were reserved, so a full disk is an error code and never a SIGBUS. */
#ifndef RMQ_STORE_MAPPED_FILE_H
#define RMQ_STORE_MAPPED_FILE_H

#include <stdatomic.h>
#include "base/arena.h"
#include "base/err.h"

enum { MAPPED_FILE_NAME_LEN = 20 };

/* What the kernel writes to the disk as one; one page where it knows no larger folios. */
enum { MAPPED_FOLIO_BYTES = 32 << 10 };

struct mapped_file {
    int64_t start_phys, size_bytes;
    char *data;
    char *path;
    _Atomic int fd; /* -1 once sealed */
    _Atomic uint32_t refs;
};

/* Maps DIR/<start>; `create` makes it with all zeros. One reference for the caller. ERR_CORRUPT: another size. */
enum err mapped_file_open(const char *dir, int64_t start_phys, int64_t size_bytes, bool create,
                          struct mapped_file **out) MUST_USE;
/* Disk blocks and pages for [at, at + len) of the file, which hold nothing yet: zeros are written. Waits for the disk.
 * ERR_DISK_FULL: try again later. */
enum err mapped_file_reserve(struct mapped_file *file, int64_t at, int64_t len) MUST_USE;
/* Everything written so far to the disk. An error is final, and so is a page of the file that got lost (ERR_IO). */
enum err mapped_file_sync(struct mapped_file *file) MUST_USE;
/* The same for what was written to [at, at + len), with nothing behind it but what is reserved; pages lost before it do
 * not count. The pages reserved ahead are spared: once on disk, the kernel would have the append that comes to them
 * take a fault first. */
enum err mapped_file_sync_part(struct mapped_file *file, int64_t at, int64_t len) MUST_USE;
/* All from `at` on becomes zeros (and gives its disk blocks back). Nobody may be reading there. */
enum err mapped_file_cut(struct mapped_file *file, int64_t at) MUST_USE;
/* Closes the descriptor of a file that is full and on disk; the mapping stays. Nobody may be in reserve or sync. */
void mapped_file_seal(struct mapped_file *file);
/* Opens it again: recovery. */
enum err mapped_file_unseal(struct mapped_file *file) MUST_USE;
void mapped_file_take(struct mapped_file *file);
void mapped_file_release(struct mapped_file *file);

/* "00000000000000524288"; false for any other text. */
bool mapped_file_parse_name(struct bytes name, int64_t *start);
void mapped_file_format_name(int64_t start, char out[MAPPED_FILE_NAME_LEN + 1]);
/* The starts of the files in a folder with such names, ascending; others are passed over with a warning. */
enum err mapped_file_list(struct arena *arena, const char *dir, int64_t **starts, size_t *count) MUST_USE;

#endif
