/* Reads and writes the front of the page; the rest stays zero. */
#include "store/checkpoint.h"

#include <inttypes.h>
#include <stdlib.h>
#include "base/endian.h"
#include "base/hash.h"
#include "base/log.h"
#include "os/clock.h"
#include "os/file.h"

enum value_at {
    AT_PHYSIC = 0,
    AT_LOGICS = 8,
    AT_INDEX = 16,
    AT_MASTER_FLUSHED = 24,
    AT_CONFIRM = 32,
    AT_OWN_MAGIC = 64, /* zero behind Java's values when nothing is known */
    AT_OWN_SUM = 68,   /* CRC-32 of all 120 bytes, this one as zero */
    AT_SAFE = 72,
    AT_ENTRIES_MARK = 80,
    AT_FILES_MARK = 88,
    AT_INDEX_MARK = 96,
    AT_INDEX_END = 104,
    AT_INDEX_OPEN = 112,
    VALUES_BYTES = 120
};
#define OWN_MAGIC 0x524D5143u /* "RMQC" */
/* The reference lies this much before the times: records of the same moment may have been stored in another order.
 * @source shared facts: store 5 */
enum { REFERENCE_SLACK_MS = 3000 };
/* A time this far ahead was not written by a broker whose clock is the one of today. */
#define FUTURE_MS INT64_C(86400000)

static bool time_possible(int64_t time_ms) {
    return time_ms >= 0 && time_ms <= clock_wall_ms() + FUTURE_MS;
}

static uint32_t own_sum(char data[VALUES_BYTES]) {
    store_u32be(data + AT_OWN_SUM, 0);
    return (uint32_t)crc32_java(bytes_make(data, VALUES_BYTES));
}

/* The sum covers Java's values too: when a Java broker has changed them, ours are of another state of the store. */
static void load_own(struct checkpoint *checkpoint, char data[VALUES_BYTES]) {
    uint32_t sum = load_u32be(data + AT_OWN_SUM);
    if (load_u32be(data + AT_OWN_MAGIC) != OWN_MAGIC || own_sum(data) != sum) return;
    atomic_store(&checkpoint->safe_phys, load_i64be(data + AT_SAFE));
    atomic_store(&checkpoint->entries_mark, load_u64be(data + AT_ENTRIES_MARK));
    atomic_store(&checkpoint->files_mark, load_u64be(data + AT_FILES_MARK));
    atomic_store(&checkpoint->index_mark, load_u64be(data + AT_INDEX_MARK));
    atomic_store(&checkpoint->index_end_phys, load_i64be(data + AT_INDEX_END));
    atomic_store(&checkpoint->index_open_phys, load_i64be(data + AT_INDEX_OPEN));
}

static void store_own(const struct checkpoint *checkpoint, char data[VALUES_BYTES]) {
    if (atomic_load(&checkpoint->safe_phys) < 0) return;
    store_u32be(data + AT_OWN_MAGIC, OWN_MAGIC);
    store_u64be(data + AT_SAFE, (uint64_t)atomic_load(&checkpoint->safe_phys));
    store_u64be(data + AT_ENTRIES_MARK, atomic_load(&checkpoint->entries_mark));
    store_u64be(data + AT_FILES_MARK, atomic_load(&checkpoint->files_mark));
    store_u64be(data + AT_INDEX_MARK, atomic_load(&checkpoint->index_mark));
    store_u64be(data + AT_INDEX_END, (uint64_t)atomic_load(&checkpoint->index_end_phys));
    store_u64be(data + AT_INDEX_OPEN, (uint64_t)atomic_load(&checkpoint->index_open_phys));
    store_u32be(data + AT_OWN_SUM, own_sum(data));
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
    load_own(checkpoint, data);
    return ERR_OK;
}

enum err checkpoint_open(const char *path, struct checkpoint *checkpoint) {
    *checkpoint = (struct checkpoint){.fd = -1, .safe_phys = -1};
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
    char data[VALUES_BYTES] = {0};
    store_u64be(data + AT_PHYSIC, (uint64_t)atomic_load(&checkpoint->physic_ms));
    store_u64be(data + AT_LOGICS, (uint64_t)atomic_load(&checkpoint->logics_ms));
    store_u64be(data + AT_INDEX, (uint64_t)atomic_load(&checkpoint->index_ms));
    store_u64be(data + AT_MASTER_FLUSHED, (uint64_t)atomic_load(&checkpoint->master_flushed_phys));
    store_u64be(data + AT_CONFIRM, (uint64_t)atomic_load(&checkpoint->confirm_phys));
    store_own(checkpoint, data);
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
