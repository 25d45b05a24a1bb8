/* mapped_queue.c - the list of log files. */
#include "store/mapped_queue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/check.h"
#include "base/log.h"
#include "os/file.h"

static void push(struct mapped_queue *queue, struct mapped_file *file) {
    lock_take(&queue->lock);
    if (queue->count == queue->cap) {
        queue->cap = queue->cap ? queue->cap * 2 : 16;
        queue->files = realloc(queue->files, queue->cap * sizeof *queue->files);
        must(queue->files);
    }
    queue->files[queue->count++] = file;
    lock_give(&queue->lock);
}

static enum err size_of_path(const char *path, int64_t *size_bytes) {
    int fd;
    TRY(file_open(path, FILE_READ_ONLY, &fd));
    enum err err = file_size(fd, size_bytes);
    file_close(fd);
    return err;
}

/* What the first file says wins: a wrong size in the settings would cut every offset wrongly. */
static void adopt_size(struct mapped_queue *queue, int64_t size_bytes) {
    if (size_bytes == queue->file_bytes || size_bytes == 0) return;
    log_warn(STORE, "log files keep their size: dir=%s size_bytes=%lld; %s says %lld and is not used", queue->dir,
             (long long)size_bytes, queue->setting, (long long)queue->file_bytes);
    queue->file_bytes = size_bytes;
}

static enum err load_file(struct mapped_queue *queue, int64_t start, bool is_last) {
    int64_t size_bytes;
    char path[4096];
    snprintf(path, sizeof path, "%s/%020lld", queue->dir, (long long)start);
    TRY(size_of_path(path, &size_bytes));
    if (is_last && size_bytes == 0) return file_unlink(path);
    if (queue->count == 0) adopt_size(queue, size_bytes);
    if (start % queue->file_bytes != 0)
        return fail(ERR_CORRUPT, "%s does not start at a multiple of the file size %lld; set %s", path,
                    (long long)queue->file_bytes, queue->setting);
    if (queue->count > 0 && start != mapped_queue_end(queue))
        return fail(ERR_CORRUPT, "log file %s/%020lld is missing; restore it, or move the older files away", queue->dir,
                    (long long)mapped_queue_end(queue));
    struct mapped_file *file;
    TRY(mapped_file_open(queue->dir, start, queue->file_bytes, false, &file));
    mapped_file_seal(file); /* there may be more files than a process may have open */
    push(queue, file);
    return ERR_OK;
}

enum err mapped_queue_open(struct mapped_queue *queue, const char *dir, int64_t file_bytes, const char *setting) {
    *queue = (struct mapped_queue){.dir = bytes_dup(bytes_of(dir)), .file_bytes = file_bytes, .setting = setting};
    lock_init(&queue->lock, LOCK_SEGMENTS);
    struct arena arena = {0};
    int64_t *starts;
    size_t count;
    enum err err = file_make_dirs(dir);
    if (err == ERR_OK) err = mapped_file_list(&arena, dir, &starts, &count);
    for (size_t i = 0; err == ERR_OK && i < count; i++) err = load_file(queue, starts[i], i + 1 == count);
    arena_close(&arena);
    if (err != ERR_OK) mapped_queue_close(queue);
    return err;
}

void mapped_queue_close(struct mapped_queue *queue) {
    for (size_t i = 0; i < queue->count; i++) mapped_file_release(queue->files[i]);
    free(queue->files);
    free(queue->dir);
    lock_close(&queue->lock);
    *queue = (struct mapped_queue){0};
}

struct mapped_file *mapped_queue_at(struct mapped_queue *queue, size_t i) {
    lock_take(&queue->lock);
    struct mapped_file *file = i < queue->count ? queue->files[i] : NULL;
    if (file) mapped_file_take(file);
    lock_give(&queue->lock);
    return file;
}

struct mapped_file *mapped_queue_find(struct mapped_queue *queue, int64_t offset_phys) {
    struct mapped_file *file = NULL;
    lock_take(&queue->lock);
    if (queue->count > 0 && offset_phys >= queue->files[0]->start_phys) {
        int64_t i = (offset_phys - queue->files[0]->start_phys) / queue->file_bytes;
        if (i < (int64_t)queue->count) file = queue->files[i];
    }
    if (file) mapped_file_take(file);
    lock_give(&queue->lock);
    return file;
}

struct mapped_file *mapped_queue_first(struct mapped_queue *queue) {
    return mapped_queue_at(queue, 0);
}

struct mapped_file *mapped_queue_last(struct mapped_queue *queue) {
    lock_take(&queue->lock);
    struct mapped_file *file = queue->count > 0 ? queue->files[queue->count - 1] : NULL;
    if (file) mapped_file_take(file);
    lock_give(&queue->lock);
    return file;
}

size_t mapped_queue_count(struct mapped_queue *queue) {
    lock_take(&queue->lock);
    size_t count = queue->count;
    lock_give(&queue->lock);
    return count;
}

int64_t mapped_queue_end(struct mapped_queue *queue) {
    lock_take(&queue->lock);
    int64_t end = queue->count > 0 ? queue->files[queue->count - 1]->start_phys + queue->file_bytes : 0;
    lock_give(&queue->lock);
    return end;
}

enum err mapped_queue_grow(struct mapped_queue *queue, int64_t start_phys) {
    if (mapped_queue_count(queue) > 0) start_phys = mapped_queue_end(queue);
    struct mapped_file *file;
    TRY(mapped_file_open(queue->dir, start_phys, queue->file_bytes, true, &file));
    if (atomic_load(&queue->read_at_random)) file_map_at_random(file->data, file->size_bytes);
    push(queue, file);
    return ERR_OK;
}

void mapped_queue_read_at_random(struct mapped_queue *queue) {
    struct mapped_file *file;
    atomic_store(&queue->read_at_random, true);
    for (size_t i = 0; (file = mapped_queue_at(queue, i)); i++) {
        file_map_at_random(file->data, file->size_bytes);
        mapped_file_release(file);
    }
}

enum err mapped_queue_drop_first(struct mapped_queue *queue) {
    struct mapped_file *file = mapped_queue_first(queue);
    if (!file) return fail(ERR_NOT_FOUND, "%s has no log file", queue->dir);
    enum err err = file_unlink(file->path);
    if (err == ERR_OK) err = file_sync_dir(queue->dir); /* files go in order, or a power cut leaves a gap */
    if (err == ERR_OK) {
        lock_take(&queue->lock);
        queue->count--;
        memmove(queue->files, queue->files + 1, queue->count * sizeof *queue->files);
        lock_give(&queue->lock);
        mapped_file_release(file); /* the list's reference */
    }
    mapped_file_release(file);
    return err;
}

enum err mapped_queue_drop_after(struct mapped_queue *queue, int64_t end_phys) {
    enum err err = ERR_OK;
    struct mapped_file *file;
    while (err == ERR_OK && (file = mapped_queue_last(queue))) {
        bool drop = file->start_phys >= end_phys;
        if (drop) err = file_unlink(file->path);
        if (drop && err == ERR_OK) err = file_sync_dir(queue->dir);
        if (drop && err == ERR_OK) {
            lock_take(&queue->lock);
            queue->count--;
            lock_give(&queue->lock);
            mapped_file_release(file);
        }
        mapped_file_release(file);
        if (!drop) break;
    }
    return err;
}
