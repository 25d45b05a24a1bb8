/* file.c - system calls on files, each through the one place that tests can make fail. */
#include "os/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>
#include "base/check.h"
#include "os/map_guard.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

static file_fault *fault_hook;

void file_set_fault(file_fault *fault) {
    fault_hook = fault;
}

/* true, with errno set, when a test wants this call to fail. */
static bool faulted(enum file_call call, const char *path) {
    int error = fault_hook ? fault_hook(call, path) : 0;
    if (error == 0) return false;
    errno = error;
    return true;
}

enum err file_open(const char *path, enum file_mode mode, int *fd) {
    static const int flags[] = {
        [FILE_READ_ONLY] = O_RDONLY, [FILE_READ_WRITE] = O_RDWR, [FILE_CREATE] = O_RDWR | O_CREAT};
    int opened = faulted(FILE_OPEN, path) ? -1 : open(path, flags[mode] | O_CLOEXEC, 0644);
    if (opened < 0) return fail_errno(errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "cannot open %s", path);
    *fd = opened;
    return ERR_OK;
}

void file_close(int fd) {
    close(fd);
}

enum err file_size(int fd, int64_t *size_bytes) {
    struct stat st;
    if (fstat(fd, &st) != 0) return fail_errno(ERR_IO, "cannot stat file");
    *size_bytes = st.st_size;
    return ERR_OK;
}

enum err file_pread(int fd, const char *path, void *out, size_t len, int64_t at) {
    char *to = out;
    while (len > 0) {
        ssize_t got = faulted(FILE_READ, path) ? -1 : pread(fd, to, len, at);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return fail_errno(ERR_IO, "cannot read %s", path);
        if (got == 0) return fail(ERR_CORRUPT, "%s ends early: %zu bytes missing at %lld", path, len, (long long)at);
        to += got;
        at += got;
        len -= (size_t)got;
    }
    return ERR_OK;
}

enum err file_pread_cached(int fd, const char *path, void *out, size_t len, int64_t at) {
    struct iovec part = {out, len};
    ssize_t got = faulted(FILE_READ, path) ? -1 : preadv2(fd, &part, 1, at, RWF_NOWAIT);
    if (got == (ssize_t)len) return ERR_OK;
    if (got < 0 && errno == EOPNOTSUPP) return file_pread(fd, path, out, len, at); /* memory file systems */
    if (got < 0 && errno != EAGAIN) return fail_errno(ERR_IO, "cannot read %s", path);
    return fail(ERR_BUSY, "%s must be read from the disk", path);
}

enum err file_pwrite(int fd, const char *path, const void *data, size_t len, int64_t at) {
    const char *from = data;
    while (len > 0) {
        ssize_t put = faulted(FILE_WRITE, path) ? -1 : pwrite(fd, from, len, at);
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) return fail_errno(ERR_IO, "cannot write %s", path);
        from += put;
        at += put;
        len -= (size_t)put;
    }
    return ERR_OK;
}

enum err file_data_end(int fd, const char *path, int64_t *out) {
    off_t hole = faulted(FILE_READ, path) ? -1 : lseek(fd, 0, SEEK_HOLE);
    if (hole < 0) return fail_errno(ERR_IO, "cannot seek in %s", path);
    *out = hole;
    return ERR_OK;
}

enum err file_resize(int fd, const char *path, int64_t size_bytes) {
    if (faulted(FILE_RESIZE, path) || ftruncate(fd, size_bytes) != 0)
        return fail_errno(ERR_IO, "cannot resize %s to %lld bytes", path, (long long)size_bytes);
    return ERR_OK;
}

enum err file_zero(int fd, const char *path, int64_t at, int64_t len) {
    static const char zeros[4096];
    if (len == 0) return ERR_OK;
    if (faulted(FILE_RESIZE, path)) return fail_errno(ERR_IO, "cannot zero a part of %s", path);
    if (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at, len) == 0) return ERR_OK;
    if (errno != EOPNOTSUPP) return fail_errno(ERR_IO, "cannot zero a part of %s", path);
    for (int64_t end = at + len; at < end; at += (int64_t)sizeof zeros)
        TRY(file_pwrite(fd, path, zeros, (size_t)MIN(end - at, (int64_t)sizeof zeros), at));
    return ERR_OK;
}

enum err file_reserve(int fd, const char *path, int64_t at, int64_t len) {
    if (faulted(FILE_RESERVE, path)) return fail_errno(ERR_IO, "cannot reserve disk blocks for %s", path);
    while (fallocate(fd, FALLOC_FL_KEEP_SIZE, at, len) != 0) {
        if (errno == EINTR) continue;
        if (errno == EOPNOTSUPP) return ERR_OK; /* the file system knows no reservation: writes tell then */
        return fail_errno(ERR_IO, "cannot reserve disk blocks for %s", path);
    }
    return ERR_OK;
}

enum err file_map(int fd, const char *path, int64_t size_bytes, bool writable, char **out) {
    int protection = PROT_READ | (writable ? PROT_WRITE : 0);
    void *data = faulted(FILE_MAP, path) ? MAP_FAILED : mmap(NULL, (size_t)size_bytes, protection, MAP_SHARED, fd, 0);
    if (data == MAP_FAILED) return fail_errno(ERR_IO, "cannot map %s", path);
    map_guard_add(data, (size_t)size_bytes);
    *out = data;
    return ERR_OK;
}

void file_unmap(char *data, int64_t size_bytes) {
    map_guard_remove(data);
    munmap(data, (size_t)size_bytes);
}

static size_t page_size(void) {
    return (size_t)getpagesize();
}

/* Widens a range to whole pages. */
static char *page_range(const char *data, size_t *len) {
    size_t before = (uintptr_t)data % page_size();
    *len += before;
    return (char *)((uintptr_t)data - before);
}

enum err file_populate(char *data, size_t len) {
    if (len == 0) return ERR_OK;
    char *start = page_range(data, &len);
    if (madvise(start, len, MADV_POPULATE_WRITE) == 0) return ERR_OK;
    if (errno != EINVAL) return fail_errno(ERR_IO, "cannot bring mapped pages into memory");
    for (size_t at = 0; at < len; at += page_size()) __atomic_fetch_or(start + at, 0, __ATOMIC_RELAXED);
    return ERR_OK;
}

void file_read_at_random(int fd) {
    (void)posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM);
}

void file_map_at_random(char *data, int64_t size_bytes) {
    (void)madvise(data, (size_t)size_bytes, MADV_RANDOM);
}

/* In steps: the kernel may not be interrupted in one, and takes no more than the disk's own read-ahead of it. */
void file_prefetch(const char *data, size_t len) {
    enum { STEP_BYTES = 128 << 10 };
    char *start = page_range(data, &len);
    for (size_t at = 0; at < len; at += STEP_BYTES) (void)madvise(start + at, MIN(STEP_BYTES, len - at), MADV_WILLNEED);
}

void file_let_go(char *data, size_t len) {
    size_t before = (uintptr_t)data % page_size(), skipped = before > 0 ? page_size() - before : 0;
    if (len <= skipped) return;
    len -= skipped;
    (void)madvise(data + skipped, len - len % page_size(), MADV_DONTNEED);
}

size_t file_resident_bytes(const char *data, size_t len) {
    if (faulted(FILE_RESIDENT, "")) return 0;
    size_t range_len = len;
    char *start = page_range(data, &range_len);
    size_t before = (size_t)(data - start);
    unsigned char state[256];
    size_t step = sizeof state * page_size();
    for (size_t at = 0; at < range_len; at += step) {
        size_t part = MIN(step, range_len - at);
        if (mincore(start + at, part, state) != 0) return 0;
        for (size_t page = 0; page * page_size() < part; page++) {
            size_t end = at + page * page_size();
            if (!(state[page] & 1)) return end > before ? end - before : 0;
        }
    }
    return len;
}

enum err file_sync(int fd, const char *path) {
    if (faulted(FILE_SYNC, path) || fdatasync(fd) != 0) return fail_errno(ERR_IO, "cannot sync %s to disk", path);
    return ERR_OK;
}

enum err file_sync_mapped(char *data, size_t len, const char *path) {
    char *start = page_range(data, &len);
    if (faulted(FILE_SYNC, path) || msync(start, len, MS_SYNC) != 0)
        return fail_errno(ERR_IO, "cannot sync a part of %s to disk", path);
    return ERR_OK;
}

enum err file_sync_system(const char *path) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return fail_errno(ERR_IO, "cannot open %s", path);
    bool failed = faulted(FILE_SYNC_ALL, path) || syncfs(fd) != 0;
    enum err err = failed ? fail_errno(ERR_IO, "cannot sync the file system of %s", path) : ERR_OK;
    close(fd);
    return err;
}

enum err file_sync_dir(const char *dir) {
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return fail_errno(ERR_IO, "cannot open folder %s", dir);
    enum err err = ERR_OK;
    if (faulted(FILE_SYNC, dir) || fsync(fd) != 0) err = fail_errno(ERR_IO, "cannot sync folder %s to disk", dir);
    close(fd);
    return err;
}

enum err file_rename(const char *from, const char *to) {
    if (faulted(FILE_RENAME, from) || rename(from, to) != 0)
        return fail_errno(ERR_IO, "cannot rename %s to %s", from, to);
    return ERR_OK;
}

enum err file_unlink(const char *path) {
    if ((faulted(FILE_UNLINK, path) || unlink(path) != 0) && errno != ENOENT)
        return fail_errno(ERR_IO, "cannot remove %s", path);
    return ERR_OK;
}

/* The name of a new folder is in the one above it. */
static enum err sync_above(const char *path) {
    char above[PATH_MAX];
    const char *slash = strrchr(path, '/');
    if (!slash) return file_sync_dir(".");
    snprintf(above, sizeof above, "%.*s", slash == path ? 1 : (int)(slash - path), path);
    return file_sync_dir(above);
}

/* *above_missing: it cannot be made before those above it. */
static enum err make_dir(const char *path, bool lasting, bool *above_missing) {
    bool made = !faulted(FILE_MKDIR, path) && mkdir(path, 0755) == 0;
    *above_missing = !made && errno == ENOENT;
    if (!made && errno != EEXIST) return fail_errno(ERR_IO, "cannot make folder %s", path);
    return made && lasting ? sync_above(path) : ERR_OK;
}

/* The folder itself is tried first: mostly, all above it are there. */
static enum err make_dirs(const char *path, bool lasting) {
    char part[PATH_MAX];
    size_t len = strlen(path);
    if (len >= sizeof part) return fail(ERR_IO, "path is too long: %s", path);
    bool missing, above_missing;
    enum err err = make_dir(path, lasting, &above_missing);
    for (size_t i = 1; above_missing && i <= len; i++) {
        if (path[i] != '/' && path[i] != '\0') continue;
        memcpy(part, path, i);
        part[i] = '\0';
        TRY(err = make_dir(part, lasting, &missing));
    }
    TRY(err);
    struct stat st;
    if (stat(path, &st) != 0) return fail_errno(ERR_IO, "cannot make folder %s", path);
    if (!S_ISDIR(st.st_mode)) return fail(ERR_IO, "%s is not a folder", path);
    return ERR_OK;
}

enum err file_make_dirs(const char *path) {
    return make_dirs(path, true);
}

enum err file_make_dirs_unsynced(const char *path) {
    return make_dirs(path, false);
}

bool file_exists(const char *path) {
    return access(path, F_OK) == 0;
}

enum err file_mtime_ms(const char *path, int64_t *out) {
    struct stat st;
    if (stat(path, &st) != 0) return fail_errno(errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "cannot stat %s", path);
    *out = (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000;
    return ERR_OK;
}

static int compare_names(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

enum err file_list(struct arena *arena, const char *dir, const char ***names, size_t *count) {
    *names = NULL;
    *count = 0;
    int fd; /* not opendir: ThreadSanitizer sees only how that ends */
    enum err err = file_open(dir, FILE_READ_ONLY, &fd);
    if (err == ERR_NOT_FOUND) return ERR_OK;
    TRY(err);
    DIR *stream = fdopendir(fd);
    if (!stream) {
        err = fail_errno(ERR_IO, "cannot list folder %s", dir);
        file_close(fd);
        return err;
    }
    struct buf found = {0};
    errno = 0;
    for (struct dirent *entry; (entry = readdir(stream)) != NULL; errno = 0) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        const char *name = arena_strdup(arena, bytes_of(entry->d_name));
        buf_append(&found, &name, sizeof name);
    }
    err = errno ? fail_errno(ERR_IO, "cannot list folder %s", dir) : ERR_OK;
    closedir(stream);
    if (err == ERR_OK && found.len > 0) {
        *count = found.len / sizeof(char *);
        *names = arena_alloc(arena, found.len);
        memcpy(*names, found.data, found.len);
        qsort(*names, *count, sizeof(char *), compare_names);
    }
    buf_close(&found);
    return err;
}

static int remove_visited(const char *path, const struct stat *st, int type, struct FTW *ftw) {
    (void)st, (void)type, (void)ftw;
    return faulted(FILE_UNLINK, path) ? -1 : remove(path);
}

enum err file_remove_tree(const char *dir) {
    enum { OPEN_FOLDERS_MAX = 16 };
    if (nftw(dir, remove_visited, OPEN_FOLDERS_MAX, FTW_DEPTH | FTW_PHYS) != 0 && errno != ENOENT)
        return fail_errno(ERR_IO, "cannot remove folder %s", dir);
    return ERR_OK;
}

enum err file_read_all(const char *path, size_t limit, struct buf *out) {
    int fd;
    TRY(file_open(path, FILE_READ_ONLY, &fd));
    int64_t size_bytes;
    enum err err = file_size(fd, &size_bytes);
    if (err == ERR_OK && (uint64_t)size_bytes > limit)
        err = fail(ERR_TOO_BIG, "%s has %lld bytes, the limit is %zu", path, (long long)size_bytes, limit);
    if (err == ERR_OK) err = file_pread(fd, path, buf_reserve(out, (size_t)size_bytes), (size_t)size_bytes, 0);
    if (err == ERR_OK) out->len += (size_t)size_bytes;
    file_close(fd);
    return err;
}

/* Writes `content` to PATH.tmp and puts it, safe on disk, in the place of PATH. The folder is not yet synced. */
static enum err put_in_place(const char *path, struct bytes content) {
    struct buf temp = {0};
    buf_printf(&temp, "%s.tmp", path);
    buf_append_char(&temp, '\0');
    int fd = -1;
    enum err err = file_open(temp.data, FILE_CREATE, &fd);
    if (err != ERR_OK) goto out;
    if ((err = file_resize(fd, temp.data, 0)) != ERR_OK) goto out;
    if ((err = file_pwrite(fd, temp.data, content.data, content.len, 0)) != ERR_OK) goto out;
    if ((err = file_sync(fd, temp.data)) != ERR_OK) goto out;
    err = file_rename(temp.data, path);
out:
    if (fd >= 0) file_close(fd);
    buf_close(&temp);
    return err;
}

static enum err keep_former(const char *path) {
    struct buf former = {0}, bak = {0};
    enum err err = file_read_all(path, SIZE_MAX, &former);
    if (err == ERR_NOT_FOUND) {
        err = ERR_OK;
    } else if (err == ERR_OK) {
        buf_printf(&bak, "%s.bak", path);
        buf_append_char(&bak, '\0');
        err = put_in_place(bak.data, buf_bytes(&former));
    }
    buf_close(&former);
    buf_close(&bak);
    return err;
}

enum err file_replace(const char *path, struct bytes content, bool keep_bak) {
    if (keep_bak) TRY(keep_former(path));
    TRY(put_in_place(path, content));
    return sync_above(path);
}

enum err file_lock_byte0(int fd, const char *path) {
    /* Of the open file, not of the process: closing another descriptor of the same file must not drop it. */
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 1};
    if (fcntl(fd, F_OFD_SETLK, &lock) == 0) return ERR_OK;
    if (errno == EAGAIN || errno == EACCES)
        return fail(ERR_LOCKED, "%s is locked: another process uses this folder; stop it or choose another", path);
    return fail_errno(ERR_IO, "cannot lock %s", path);
}

enum err file_disk_usage(const char *path, int64_t *total_bytes, int64_t *free_bytes, double *used_ratio) {
    struct statvfs fs;
    if (statvfs(path, &fs) != 0) return fail_errno(ERR_IO, "cannot read disk usage of %s", path);
    *total_bytes = (int64_t)fs.f_blocks * (int64_t)fs.f_frsize;
    *free_bytes = (int64_t)fs.f_bfree * (int64_t)fs.f_frsize;
    *used_ratio = *total_bytes > 0 ? (double)(*total_bytes - *free_bytes) / (double)*total_bytes : 0;
    return ERR_OK;
}
