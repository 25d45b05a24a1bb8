/* mapped_file.c - a file of the log and its mapping. */
#include "store/mapped_file.h"

#include <stdio.h>
#include <stdlib.h>
#include "base/check.h"
#include "base/log.h"
#include "os/file.h"
#include "os/map_guard.h"

bool mapped_file_parse_name(struct bytes name, int64_t *start) {
    if (name.len != MAPPED_FILE_NAME_LEN) return false;
    for (size_t i = 0; i < name.len; i++) {
        if (name.data[i] < '0' || name.data[i] > '9') return false;
    }
    return bytes_to_i64(name, start) && *start <= INT64_MAX / 4; /* sums with sizes never overflow */
}

void mapped_file_format_name(int64_t start, char out[MAPPED_FILE_NAME_LEN + 1]) {
    snprintf(out, MAPPED_FILE_NAME_LEN + 1, "%020lld", (long long)start);
}

enum err mapped_file_list(struct arena *arena, const char *dir, int64_t **starts, size_t *count) {
    const char **names;
    size_t name_count;
    TRY(file_list(arena, dir, &names, &name_count)); /* sorted: names of one length, so by number */
    *starts = arena_alloc(arena, (name_count + 1) * sizeof **starts);
    *count = 0;
    for (size_t i = 0; i < name_count; i++) {
        if (mapped_file_parse_name(bytes_of(names[i]), &(*starts)[*count])) {
            ++*count;
        } else {
            log_warn(STORE, "file with a strange name passed over: path=%s/%s", dir, names[i]);
        }
    }
    return ERR_OK;
}

static struct mapped_file *new_file(const char *dir, int64_t start_phys, int64_t size_bytes) {
    struct mapped_file *file = calloc(1, sizeof *file);
    size_t path_size = strlen(dir) + MAPPED_FILE_NAME_LEN + 2;
    char name[MAPPED_FILE_NAME_LEN + 1];
    mapped_file_format_name(start_phys, name);
    must(file && (file->path = malloc(path_size)));
    snprintf(file->path, path_size, "%s/%s", dir, name);
    file->start_phys = start_phys;
    file->size_bytes = size_bytes;
    atomic_init(&file->fd, -1);
    atomic_init(&file->refs, 1);
    return file;
}

/* `create`: full size, with size and name that last over a power cut. */
static enum err set_size(struct mapped_file *file, const char *dir, bool create) {
    int64_t size_bytes;
    TRY(file_size(file->fd, &size_bytes));
    if (size_bytes != file->size_bytes && !create)
        return fail(ERR_CORRUPT, "%s has %lld bytes, log files have %lld; restore it from a copy", file->path,
                    (long long)size_bytes, (long long)file->size_bytes);
    if (!create) return ERR_OK;
    if (size_bytes != file->size_bytes) TRY(file_resize(file->fd, file->path, file->size_bytes));
    TRY(file_sync(file->fd, file->path));
    return file_sync_dir(dir);
}

enum err mapped_file_open(const char *dir, int64_t start_phys, int64_t size_bytes, bool create,
                          struct mapped_file **out) {
    struct mapped_file *file = new_file(dir, start_phys, size_bytes);
    int fd = -1;
    enum err err = file_open(file->path, create ? FILE_CREATE : FILE_READ_WRITE, &fd);
    file->fd = fd;
    if (err == ERR_OK) err = set_size(file, dir, create);
    if (err == ERR_OK) err = file_map(fd, file->path, size_bytes, true, &file->data);
    if (err != ERR_OK) {
        mapped_file_release(file);
        return err;
    }
    *out = file;
    return ERR_OK;
}

/* Zeros where zeros are: the kernel makes folios of the length that is written at once. Left to itself it makes them as
 * large as it likes, and a folio goes to the disk as a whole, locked meanwhile for who appends to it. */
static enum err make_folios(const struct mapped_file *file, int64_t at, int64_t end) {
    static const char zeros[MAPPED_FOLIO_BYTES];
    for (int64_t next; at < end; at = next) {
        next = MIN(at - at % MAPPED_FOLIO_BYTES + MAPPED_FOLIO_BYTES, end);
        TRY(file_pwrite(file->fd, file->path, zeros, (size_t)(next - at), at));
    }
    return ERR_OK;
}

enum err mapped_file_reserve(struct mapped_file *file, int64_t at, int64_t len) {
    must(at >= 0 && len >= 0 && at + len <= file->size_bytes && file->fd >= 0);
    TRY(file_reserve(file->fd, file->path, at, len));
    TRY(make_folios(file, at, at + len));
    return file_populate(file->data + at, (size_t)len);
}

/* The kernel syncs what is in the file; what was written to the substitute of a lost page is not. */
static enum err expect_kept(const struct mapped_file *file, int64_t at) {
    if (!map_guard_lost(file->data + at)) return ERR_OK;
    return fail(ERR_IO, "%s: the disk cannot read pages of it, what was written there is lost", file->path);
}

enum err mapped_file_sync(struct mapped_file *file) {
    if (file->fd < 0) return ERR_OK;
    TRY(file_sync(file->fd, file->path));
    return expect_kept(file, 0);
}

/* On its way to the disk a mapped page is made read-only, each folio for itself and each time with an interrupt of the
 * other processors. Pages that have been unmapped together take one for all of them; readers map them again, many at a
 * time. Not those that appends come to next. */
static void unmap_full(const struct mapped_file *file, int64_t at, int64_t len) {
    enum { WORTH_BYTES = 4 * MAPPED_FOLIO_BYTES };
    int64_t end = (at + len) - (at + len) % MAPPED_FOLIO_BYTES;
    if (end - at >= WORTH_BYTES) file_let_go(file->data + at, (size_t)(end - at));
}

enum err mapped_file_sync_part(struct mapped_file *file, int64_t at, int64_t len) {
    if (file->fd < 0) return ERR_OK;
    unmap_full(file, at, len);
    TRY(file_sync_mapped(file->data + at, (size_t)len, file->path));
    return expect_kept(file, at);
}

enum err mapped_file_cut(struct mapped_file *file, int64_t at) {
    return file_zero(file->fd, file->path, at, file->size_bytes - at);
}

void mapped_file_seal(struct mapped_file *file) {
    int fd = atomic_exchange(&file->fd, -1);
    if (fd >= 0) file_close(fd);
}

enum err mapped_file_unseal(struct mapped_file *file) {
    if (file->fd >= 0) return ERR_OK;
    int fd;
    TRY(file_open(file->path, FILE_READ_WRITE, &fd));
    atomic_store(&file->fd, fd);
    return ERR_OK;
}

void mapped_file_take(struct mapped_file *file) {
    atomic_fetch_add_explicit(&file->refs, 1, memory_order_relaxed);
}

void mapped_file_release(struct mapped_file *file) {
    if (atomic_fetch_sub_explicit(&file->refs, 1, memory_order_acq_rel) != 1) return;
    mapped_file_seal(file);
    if (file->data) file_unmap(file->data, file->size_bytes);
    free(file->path);
    free(file);
}
