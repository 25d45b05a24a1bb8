/* log_file.c - two buffers of lines: callers fill one while the thread `log` writes the other to disk. */
#include "os/log_file.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/buf.h"
#include "base/endian.h"
#include "base/lock.h"
#include "base/log.h"
#include "os/file.h"
#include "os/thread.h"

enum { RING_BYTES = 1 << 20, ROTATE_BYTES_DEFAULT = 128 << 20, KEEP_DEFAULT = 10, ROTATE_BYTES_MIN = 4096 };

/* One file and its rotation; touched by the thread `log` alone once it runs. */
struct log_file {
    char *dir, *name, *path;
    int fd;
    int64_t size_bytes;
    bool failing; /* said so on stderr already */
    struct buf text;
};

/* Callers append to `filling`, the thread swaps it with `draining` and writes that out without the lock.
 * Each line in them is: topic (1 byte), length (4 bytes), text. */
static struct {
    struct lock lock;
    struct cond wake;
    bool initialized, open, stopping;
    struct buf filling, draining;
    uint64_t dropped;
    pthread_t thread;
    struct log_file main_file, store_file;
    int64_t rotate_bytes;
    int keep;
} ring;

/* The thread `log` says how many lines were dropped: that line must not be one of them. */
static _Thread_local bool is_log_thread;

static void ring_put(enum log_level level, enum log_topic topic, const char *line, size_t len) {
    (void)level;
    lock_take(&ring.lock);
    bool full = ring.filling.len + len + 5 > RING_BYTES && !is_log_thread;
    if (!ring.open || full) {
        ring.dropped++;
    } else {
        if (ring.filling.len == 0) cond_signal(&ring.wake);
        buf_append_char(&ring.filling, (char)topic);
        buf_append_u32be(&ring.filling, (uint32_t)len);
        buf_append(&ring.filling, line, len);
    }
    lock_give(&ring.lock);
}

static char *text_of(const char *format, ...) __attribute__((format(printf, 1, 2)));
static char *text_of(const char *format, ...) {
    char *out;
    va_list args;
    va_start(args, format);
    if (vasprintf(&out, format, args) < 0) abort();
    va_end(args);
    return out;
}

static enum err log_file_open(struct log_file *file) {
    TRY(file_open(file->path, FILE_CREATE, &file->fd));
    return file_size(file->fd, &file->size_bytes);
}

static void log_file_close(struct log_file *file) {
    if (file->fd >= 0) file_close(file->fd);
    free(file->dir);
    free(file->name);
    free(file->path);
    buf_close(&file->text);
    *file = (struct log_file){.fd = -1};
}

static enum err log_file_init(struct log_file *file, const char *dir, const char *name) {
    *file = (struct log_file){
        .fd = -1, .dir = text_of("%s", dir), .name = text_of("%s", name), .path = text_of("%s/%s.log", dir, name)};
    return log_file_open(file);
}

/* NAME.log becomes otherdays/NAME.1.log, what was N becomes N + 1, the last of `keep` goes. */
static enum err log_file_rotate(struct log_file *file) {
    file_close(file->fd);
    file->fd = -1;
    enum err err = ERR_OK;
    char *to = text_of("%s/otherdays/%s.%d.log", file->dir, file->name, ring.keep);
    for (int n = ring.keep - 1; n >= 0 && err == ERR_OK; n--) {
        char *from = n > 0 ? text_of("%s/otherdays/%s.%d.log", file->dir, file->name, n) : text_of("%s", file->path);
        if (file_exists(from)) err = file_rename(from, to);
        free(to);
        to = from;
    }
    free(to);
    enum err reopened = log_file_open(file);
    return err != ERR_OK ? err : reopened;
}

static enum err log_file_try_write(struct log_file *file) {
    if (file->fd < 0) TRY(log_file_open(file));
    if (file->size_bytes > 0 && file->size_bytes + (int64_t)file->text.len > ring.rotate_bytes)
        TRY(log_file_rotate(file));
    TRY(file_pwrite(file->fd, file->path, file->text.data, file->text.len, file->size_bytes));
    file->size_bytes += (int64_t)file->text.len;
    return ERR_OK;
}

/* A log that cannot be written must not end the service: told once on stderr until it works again. */
static void log_file_write(struct log_file *file) {
    if (file->text.len == 0) return;
    enum err err = log_file_try_write(file);
    if (err != ERR_OK && !file->failing) fprintf(stderr, "log lines are lost: %s\n", err_detail(err));
    file->failing = err != ERR_OK;
    buf_clear(&file->text);
}

static void add_line(struct log_file *file, const char *line, size_t len) {
    if (file->text.len > 0 && file->text.len + len + 1 > (size_t)ring.rotate_bytes) log_file_write(file);
    buf_append(&file->text, line, len);
    buf_append_char(&file->text, '\n');
}

static void drain(void) {
    const char *at = ring.draining.data, *end = at + ring.draining.len;
    while (at < end) {
        enum log_topic topic = (enum log_topic) * at;
        uint32_t len = load_u32be(at + 1);
        add_line(&ring.main_file, at + 5, len);
        if (topic == LOG_STORE) add_line(&ring.store_file, at + 5, len);
        at += 5 + len;
    }
    buf_clear(&ring.draining);
    log_file_write(&ring.main_file);
    log_file_write(&ring.store_file);
}

static void log_thread(void *arg) {
    (void)arg;
    is_log_thread = true;
    for (;;) {
        lock_take(&ring.lock);
        while (ring.filling.len == 0 && !ring.stopping) cond_wait(&ring.wake, &ring.lock);
        struct buf swap = ring.filling;
        ring.filling = ring.draining;
        ring.draining = swap;
        uint64_t dropped = ring.dropped;
        ring.dropped = 0;
        bool last = ring.stopping && ring.draining.len == 0;
        lock_give(&ring.lock);
        if (last) return;
        drain();
        if (dropped > 0) log_warn(MAIN, "log lines dropped, the ring was full: count=%" PRIu64, dropped);
    }
}

static enum err open_files(const struct log_file_options *options) {
    const char *home = getenv("HOME");
    char *dir = options->dir ? text_of("%s", options->dir) : text_of("%s/logs/rocketmqlogs", home ? home : "");
    char *old = text_of("%s/otherdays", dir);
    enum err err = file_make_dirs(old);
    if (err == ERR_OK) err = log_file_init(&ring.main_file, dir, options->name);
    if (err == ERR_OK) err = log_file_init(&ring.store_file, dir, "store");
    free(old);
    free(dir);
    return err;
}

static void close_files(void) {
    log_file_close(&ring.main_file);
    log_file_close(&ring.store_file);
}

enum err log_open(const struct log_file_options *options) {
    if (!ring.initialized) {
        lock_init(&ring.lock, LOCK_LOG);
        cond_init(&ring.wake);
        ring.initialized = true;
    }
    ring.main_file.fd = ring.store_file.fd = -1;
    ring.rotate_bytes = options->rotate_bytes > 0 ? options->rotate_bytes : ROTATE_BYTES_DEFAULT;
    if (ring.rotate_bytes < ROTATE_BYTES_MIN) ring.rotate_bytes = ROTATE_BYTES_MIN;
    ring.keep = options->keep > 0 ? options->keep : KEEP_DEFAULT;
    enum err err = open_files(options);
    if (err == ERR_OK) {
        buf_reserve(&ring.filling, RING_BYTES);
        buf_reserve(&ring.draining, RING_BYTES);
        ring.stopping = false;
        err = thread_start(&ring.thread, "log", log_thread, NULL);
    }
    if (err != ERR_OK) {
        close_files();
        return err;
    }
    lock_take(&ring.lock);
    ring.open = true;
    lock_give(&ring.lock);
    log_set_sink(ring_put);
    return ERR_OK;
}

void log_close(void) {
    if (!ring.initialized || !ring.open) return;
    lock_take(&ring.lock);
    ring.stopping = true;
    cond_signal(&ring.wake);
    lock_give(&ring.lock);
    thread_join(ring.thread); /* it may still have to tell what was dropped */
    log_set_sink(NULL);
    lock_take(&ring.lock);
    ring.open = false;
    buf_close(&ring.filling);
    buf_close(&ring.draining);
    lock_give(&ring.lock);
    close_files();
}
