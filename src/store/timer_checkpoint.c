/* timer_checkpoint.c - seven longs */
#include "store/timer_checkpoint.h"

#include <inttypes.h>
#include "base/endian.h"
#include "base/log.h"
#include "os/file.h"

void timer_checkpoint_encode(const struct timer_checkpoint *checkpoint, char out[TIMER_CHECKPOINT_BYTES]) {
    const int64_t values[] = {
        checkpoint->read_ms,       checkpoint->log_end,    checkpoint->queue_offset, checkpoint->master_queue_offset,
        checkpoint->state_version, checkpoint->changed_ms, checkpoint->changes};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) store_u64be(out + 8 * i, (uint64_t)values[i]);
}

void timer_checkpoint_decode(const char in[TIMER_CHECKPOINT_BYTES], struct timer_checkpoint *out) {
    *out = (struct timer_checkpoint){.read_ms = load_i64be(in),
                                     .log_end = load_i64be(in + 8),
                                     .queue_offset = load_i64be(in + 16),
                                     .master_queue_offset = load_i64be(in + 24),
                                     .state_version = load_i64be(in + 32),
                                     .changed_ms = load_i64be(in + 40),
                                     .changes = load_i64be(in + 48)};
}

static enum err load(int fd, const char *path, struct timer_checkpoint *out) {
    char data[TIMER_CHECKPOINT_BYTES];
    int64_t size_bytes;
    TRY(file_size(fd, &size_bytes));
    if (size_bytes == TIMER_CHECKPOINT_FILE_BYTES) {
        TRY(file_pread(fd, path, data, sizeof data, 0));
        timer_checkpoint_decode(data, out);
        if (out->read_ms >= 0 && out->log_end >= 0 && out->queue_offset >= 0 && out->master_queue_offset >= 0)
            return ERR_OK;
    }
    log_warn(STORE, "timer checkpoint cannot be right and counts as missing: path=%s size_bytes=%" PRId64, path,
             size_bytes);
    *out = (struct timer_checkpoint){0};
    return ERR_OK;
}

enum err timer_checkpoint_load(const char *path, struct timer_checkpoint *out) {
    int fd;
    *out = (struct timer_checkpoint){0};
    if (!file_exists(path)) return ERR_OK;
    TRY(file_open(path, FILE_READ_ONLY, &fd));
    enum err err = load(fd, path, out);
    file_close(fd);
    return err;
}

static enum err save(int fd, const char *path, const struct timer_checkpoint *checkpoint) {
    char data[TIMER_CHECKPOINT_BYTES];
    timer_checkpoint_encode(checkpoint, data);
    TRY(file_pwrite(fd, path, data, sizeof data, 0));
    TRY(file_resize(fd, path, TIMER_CHECKPOINT_FILE_BYTES));
    return file_sync(fd, path);
}

enum err timer_checkpoint_save(const char *path, const struct timer_checkpoint *checkpoint) {
    int fd;
    TRY(file_open(path, FILE_CREATE, &fd));
    enum err err = save(fd, path, checkpoint);
    file_close(fd);
    return err;
}
