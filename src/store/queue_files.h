/* queue_files.h - open files of consume queues: a bounded cache of descriptors, least recently used closed first.
 * @thread any; the lock is not held over system calls of others' files */
#ifndef RMQ_STORE_QUEUE_FILES_H
#define RMQ_STORE_QUEUE_FILES_H

#include <stddef.h>
#include <stdint.h>
#include "base/err.h"
#include "base/lock.h"
#include "store/store.h"

struct queue_file {
    int fd;
    struct queue *queue;
    int64_t start_bytes; /* name of the file */
    int32_t users;
    bool forgotten; /* close with the last user */
    struct queue_file *hash_next, *newer, *older;
    char path[]; /* for what is said when a call fails */
};
struct queue_files {
    struct lock lock; /* LOCK_QUEUE_FILES */
    struct queue_file **buckets;
    struct queue_file *newest, *oldest;
    size_t count, limit;
    int64_t file_bytes[QUEUE_KINDS]; /* size of a file of such a queue */
    bool size_is_known[QUEUE_KINDS]; /* from existing files; set by recovery */
    bool read_at_random;             /* under `lock` */
};
/* Sizes are rounded up to whole entries. */
void queue_files_init(struct queue_files *files, size_t limit, const int64_t file_bytes[QUEUE_KINDS]);
void queue_files_close(struct queue_files *files);
/* The system does not read ahead in any file, now and later (os/file.h). */
void queue_files_read_at_random(struct queue_files *files);
/* Opens (or finds open) the file of `queue` that starts at start_bytes. `create` makes it, with its folder, full size.
 * ERR_NOT_FOUND when missing. Give it back with queue_files_give. */
enum err queue_files_take(struct queue_files *files, struct queue *queue, int64_t start_bytes, bool create,
                          struct queue_file **out) MUST_USE;
void queue_files_give(struct queue_files *files, struct queue_file *file);
/* Closes what is open of `queue` below end_bytes (now or with the last user). Before removing files. */
void queue_files_forget(struct queue_files *files, const struct queue *queue, int64_t end_bytes);
/* Folders of the store that hold the queues of each kind. */
extern const char *const queue_folders[QUEUE_KINDS];
/* <root>/consumequeue/<topic>/<id>[/<start>]; start_bytes < 0: the folder. */
void queue_files_path(const struct queue *queue, int64_t start_bytes, char *out, size_t size);
/* Size of a file of that queue. */
int64_t queue_files_bytes(const struct queue *queue);

#endif
