/* mapped_queue.h - the chain of commit log files, or timer log files: same size, consecutive, oldest first; the last
 * ones may be made ahead and still be empty. The lock guards the list alone and is never held over a system call.
 * @thread any; one thread at a time adds, drops or cuts */
#ifndef RMQ_STORE_MAPPED_QUEUE_H
#define RMQ_STORE_MAPPED_QUEUE_H

#include "base/lock.h"
#include "store/mapped_file.h"

struct mapped_queue {
    char *dir;
    int64_t file_bytes;
    const char *setting; /* the key that says so */
    struct lock lock;    /* LOCK_SEGMENTS */
    struct mapped_file **files;
    size_t count, cap;
    _Atomic bool read_at_random; /* files made from now on are */
};

/* Maps all files of `dir`, which is made if missing; they are sealed. The size of existing files wins over
 * `file_bytes`, which `setting` gives, with a warning. ERR_CORRUPT: a gap, sizes that differ; the detail names the
 * file. Empty trailing files (0 bytes) are removed. */
enum err mapped_queue_open(struct mapped_queue *queue, const char *dir, int64_t file_bytes,
                           const char *setting) MUST_USE;
void mapped_queue_close(struct mapped_queue *queue);

/* These return NULL if there is none, else a file with a reference for the caller. */
struct mapped_file *mapped_queue_find(struct mapped_queue *queue, int64_t offset_phys);
struct mapped_file *mapped_queue_at(struct mapped_queue *queue, size_t i);
struct mapped_file *mapped_queue_first(struct mapped_queue *queue);
struct mapped_file *mapped_queue_last(struct mapped_queue *queue);
size_t mapped_queue_count(struct mapped_queue *queue);
int64_t mapped_queue_end(struct mapped_queue *queue); /* behind the last file; 0 without files */

/* Makes the file behind the last one (the first file starts at `start_phys`, which counts only then). */
enum err mapped_queue_grow(struct mapped_queue *queue, int64_t start_phys) MUST_USE;
/* The system does not read ahead in any file, now and later (file_map_at_random): whoever reads says what he wants. */
void mapped_queue_read_at_random(struct mapped_queue *queue);
/* Removes the oldest file; readers that hold it may go on. */
enum err mapped_queue_drop_first(struct mapped_queue *queue) MUST_USE;
/* Removes the files that start at or behind `end_phys`. */
enum err mapped_queue_drop_after(struct mapped_queue *queue, int64_t end_phys) MUST_USE;

#endif
