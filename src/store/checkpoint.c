/* Reads and writes the 40 bytes that matter of the page; the rest stays zero. */
#include "store/checkpoint.h"

#include <inttypes.h>
#include <stdlib.h>
#include "base/endian.h"
#include "base/log.h"
#include "os/clock.h"
#include "os/file.h"

enum value_at {
    AT_PHYSIC = 0,
    AT_LOGICS = 8,
    AT_INDEX = 16,
    AT_MASTER_FLUSHED = 24,
    AT_CONFIRM = 32,
    VALUES_BYTES = 40
};
/* The reference lies this much before the times: records of the same moment may have been stored in another order.
 * @source shared facts: store 5 */
enum { REFERENCE_SLACK_MS = 3000 };
/* A time this far ahead was not written by a broker whose clock is the one of today. */
#define FUTURE_MS INT64_C(86400000)

static bool time_possible(int64_t time_ms) {
    return time_ms >= 0 && time_ms <= clock_wall_ms() + FUTURE_MS;
}

static enum err load(struct checkpoint *checkpoint) {
    int64_t size_bytes;
    TRY(file_size(checkpoint->fd, &size_bytes));
    if (size_bytes != CHECKPOINT_SIZE_BYTES) {
        if (size_bytes != 0)
            log_warn(STORE, "checkpoint has a wrong length and counts as empty: path=%s size_bytes=%" PRId64,
                     checkpoint->path, size_bytes);
        static const char zeros[CHECKPOINT_SIZE_BYTES]; /* written: a full disk must not come in between later */
        TRY(file_resize(checkpoint->fd, checkpoint->path, 0));
        return file_pwrite(checkpoint->fd, checkpoint->path, zeros, sizeof zeros, 0);
    }
    char data[VALUES_BYTES];
    TRY(file_pread(checkpoint->fd, checkpoint->path, data, sizeof data, 0));
    int64_t physic_ms = load_i64be(data + AT_PHYSIC), logics_ms = load_i64be(data + AT_LOGICS);
    int64_t index_ms = load_i64be(data + AT_INDEX);
    if (!time_possible(physic_ms) || !time_possible(logics_ms) || !time_possible(index_ms)) {
        log_warn(STORE,
                 "checkpoint has impossible times and counts as empty: path=%s physic_ms=%" PRId64 " logics_ms=%" PRId64
                 " index_ms=%" PRId64,
                 checkpoint->path, physic_ms, logics_ms, index_ms);
        return ERR_OK;
    }
    atomic_store(&checkpoint->physic_ms, physic_ms);
    atomic_store(&checkpoint->logics_ms, logics_ms);
    atomic_store(&checkpoint->index_ms, index_ms);
    atomic_store(&checkpoint->master_flushed_phys, load_i64be(data + AT_MASTER_FLUSHED));
    atomic_store(&checkpoint->confirm_phys, load_i64be(data + AT_CONFIRM));
    return ERR_OK;
}

enum err checkpoint_open(const char *path, struct checkpoint *checkpoint) {
    *checkpoint = (struct checkpoint){.fd = -1};
    TRY(file_open(path, FILE_CREATE, &checkpoint->fd));
    checkpoint->path = bytes_dup(bytes_of(path));
    enum err err = load(checkpoint);
    if (err != ERR_OK) checkpoint_close(checkpoint);
    return err;
}

void checkpoint_close(struct checkpoint *checkpoint) {
    if (checkpoint->fd >= 0) file_close(checkpoint->fd);
    checkpoint->fd = -1;
    free(checkpoint->path);
    checkpoint->path = NULL;
}

enum err checkpoint_flush(struct checkpoint *checkpoint) {
    char data[VALUES_BYTES];
    store_u64be(data + AT_PHYSIC, (uint64_t)atomic_load(&checkpoint->physic_ms));
    store_u64be(data + AT_LOGICS, (uint64_t)atomic_load(&checkpoint->logics_ms));
    store_u64be(data + AT_INDEX, (uint64_t)atomic_load(&checkpoint->index_ms));
    store_u64be(data + AT_MASTER_FLUSHED, (uint64_t)atomic_load(&checkpoint->master_flushed_phys));
    store_u64be(data + AT_CONFIRM, (uint64_t)atomic_load(&checkpoint->confirm_phys));
    TRY(file_pwrite(checkpoint->fd, checkpoint->path, data, sizeof data, 0));
    return file_sync(checkpoint->fd, checkpoint->path);
}

int64_t checkpoint_reference_ms(const struct checkpoint *checkpoint, bool with_index) {
    int64_t physic_ms = atomic_load(&checkpoint->physic_ms), logics_ms = atomic_load(&checkpoint->logics_ms);
    int64_t reference_ms = (physic_ms < logics_ms ? physic_ms : logics_ms) - REFERENCE_SLACK_MS;
    int64_t index_ms = atomic_load(&checkpoint->index_ms);
    if (with_index && index_ms < reference_ms) reference_ms = index_ms;
    return reference_ms > 0 ? reference_ms : 0;
}
