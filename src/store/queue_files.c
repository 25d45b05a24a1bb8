/* queue_files.c - a hash table with a list by last use. */
#include "store/queue_files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/check.h"
#include "os/file.h"
#include "store/store_internal.h"

enum { BUCKETS = 4096 };

static size_t bucket_of(const struct queue *queue, int64_t start_bytes) {
    uint64_t mixed =
        ((uint64_t)(uintptr_t)queue >> 6) * 0x9E3779B97F4A7C15u ^ (uint64_t)start_bytes * 0xC2B2AE3D27D4EB4Fu;
    return (mixed >> 40) % BUCKETS;
}

const char *const queue_folders[QUEUE_KINDS] = {[QUEUE_SIMPLE] = "consumequeue", [QUEUE_BATCH] = "batchconsumequeue"};

void queue_files_init(struct queue_files *files, size_t limit, const int64_t file_bytes[QUEUE_KINDS]) {
    *files = (struct queue_files){.limit = limit};
    for (int kind = 0; kind < QUEUE_KINDS; kind++) {
        int64_t entry_bytes = queue_entry_bytes((enum queue_kind)kind);
        files->file_bytes[kind] = (file_bytes[kind] + entry_bytes - 1) / entry_bytes * entry_bytes;
    }
    files->buckets = calloc(BUCKETS, sizeof *files->buckets);
    must(files->buckets);
    lock_init(&files->lock, LOCK_QUEUE_FILES);
}

static void unlink_recency(struct queue_files *files, struct queue_file *file) {
    *(file->newer ? &file->newer->older : &files->newest) = file->older;
    *(file->older ? &file->older->newer : &files->oldest) = file->newer;
}

static void link_newest(struct queue_files *files, struct queue_file *file) {
    file->newer = NULL;
    file->older = files->newest;
    *(file->older ? &file->older->newer : &files->oldest) = file;
    files->newest = file;
}

/* Out of the cache; the caller closes it when it has no users, else the last user does. */
static void detach(struct queue_files *files, struct queue_file *file) {
    struct queue_file **at = &files->buckets[bucket_of(file->queue, file->start_bytes)];
    while (*at != file) at = &(*at)->hash_next;
    *at = file->hash_next;
    unlink_recency(files, file);
    files->count--;
    file->forgotten = true;
}

static void close_file(struct queue_file *file) {
    file_close(file->fd);
    free(file);
}

void queue_files_close(struct queue_files *files) {
    while (files->oldest) {
        struct queue_file *file = files->oldest;
        detach(files, file);
        close_file(file);
    }
    free(files->buckets);
    lock_close(&files->lock);
}

void queue_files_read_at_random(struct queue_files *files) {
    lock_take(&files->lock);
    files->read_at_random = true;
    for (const struct queue_file *file = files->oldest; file; file = file->newer) file_read_at_random(file->fd);
    lock_give(&files->lock);
}

void queue_files_path(const struct queue *queue, int64_t start_bytes, char *out, size_t size) {
    int len = snprintf(out, size, "%s/%s/%.*s/%d", queue->store->root, queue_folders[queue->kind],
                       BYTES_ARG(queue->topic), queue->id);
    must(len > 0 && (size_t)len < size);
    if (start_bytes >= 0) snprintf(out + len, size - (size_t)len, "/%020lld", (long long)start_bytes);
}

int64_t queue_files_bytes(const struct queue *queue) {
    return queue->store->queue_files.file_bytes[queue->kind];
}

static struct queue_file *find(struct queue_files *files, const struct queue *queue, int64_t start_bytes) {
    struct queue_file *file = files->buckets[bucket_of(queue, start_bytes)];
    while (file && (file->queue != queue || file->start_bytes != start_bytes)) file = file->hash_next;
    if (!file) return NULL;
    file->users++;
    unlink_recency(files, file);
    link_newest(files, file);
    return file;
}

static enum err create_file(const struct queue *queue, const char *path, int *fd) {
    char dir[STORE_PATH_MAX];
    int64_t size_bytes;
    enum err err = file_open(path, FILE_CREATE, fd);
    if (err == ERR_NOT_FOUND) { /* first file of the queue */
        queue_files_path(queue, -1, dir, sizeof dir);
        TRY(file_make_dirs_unsynced(dir));
        err = file_open(path, FILE_CREATE, fd);
    }
    TRY(err);
    err = file_size(*fd, &size_bytes);
    if (err == ERR_OK && size_bytes < queue_files_bytes(queue)) err = file_resize(*fd, path, queue_files_bytes(queue));
    if (err != ERR_OK) file_close(*fd);
    return err;
}

/* The least recently used one that nobody uses, taken out; NULL while there is room. */
static struct queue_file *evict(struct queue_files *files) {
    if (files->count <= files->limit) return NULL;
    struct queue_file *file = files->oldest;
    while (file && file->users > 0) file = file->newer;
    if (file) detach(files, file);
    return file;
}

static struct queue_file *insert(struct queue_files *files, struct queue *queue, int64_t start_bytes, const char *path,
                                 int fd) {
    struct queue_file *file = malloc(sizeof *file + strlen(path) + 1);
    must(file);
    *file = (struct queue_file){.fd = fd, .queue = queue, .start_bytes = start_bytes, .users = 1};
    strcpy(file->path, path);
    struct queue_file **bucket = &files->buckets[bucket_of(queue, start_bytes)];
    file->hash_next = *bucket;
    *bucket = file;
    link_newest(files, file);
    files->count++;
    if (files->read_at_random) file_read_at_random(fd);
    return file;
}

enum err queue_files_take(struct queue_files *files, struct queue *queue, int64_t start_bytes, bool create,
                          struct queue_file **out) {
    lock_take(&files->lock);
    *out = find(files, queue, start_bytes);
    lock_give(&files->lock);
    if (*out) return ERR_OK;

    int fd;
    char path[STORE_PATH_MAX];
    queue_files_path(queue, start_bytes, path, sizeof path);
    TRY(create ? create_file(queue, path, &fd) : file_open(path, FILE_READ_WRITE, &fd));
    lock_take(&files->lock);
    *out = find(files, queue, start_bytes); /* another thread may have opened it meanwhile */
    bool raced = *out != NULL;
    if (!raced) *out = insert(files, queue, start_bytes, path, fd);
    struct queue_file *evicted = evict(files);
    lock_give(&files->lock);
    if (raced) file_close(fd);
    if (evicted) close_file(evicted);
    return ERR_OK;
}

void queue_files_give(struct queue_files *files, struct queue_file *file) {
    lock_take(&files->lock);
    bool last = --file->users == 0 && file->forgotten;
    lock_give(&files->lock);
    if (last) close_file(file);
}

void queue_files_forget(struct queue_files *files, const struct queue *queue, int64_t end_bytes) {
    struct queue_file *closing = NULL;
    lock_take(&files->lock);
    for (struct queue_file *file = files->oldest, *newer; file; file = newer) {
        newer = file->newer;
        if (file->queue != queue || file->start_bytes >= end_bytes) continue;
        detach(files, file);
        if (file->users > 0) continue;
        file->hash_next = closing;
        closing = file;
    }
    lock_give(&files->lock);
    while (closing) {
        struct queue_file *file = closing;
        closing = file->hash_next;
        close_file(file);
    }
}
