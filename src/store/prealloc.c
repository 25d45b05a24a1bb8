/* prealloc.c - the thread that runs ahead of the log. */
#include "store/prealloc.h"

#include "base/check.h"
#include "base/log.h"
#include "os/thread.h"
#include "store/store_internal.h"

enum { RETRY_MS = 500, INLINE_STEP_BYTES = 1 << 20 };

void prealloc_init(struct prealloc *prealloc, struct store *store) {
    *prealloc = (struct prealloc){.store = store};
    lock_init(&prealloc->lock, LOCK_PREALLOC);
    bell_init(&prealloc->bell);
}

void prealloc_close(struct prealloc *prealloc) {
    lock_close(&prealloc->lock);
}

/* The next piece behind what is reserved: at most step_bytes, within one file. */
static enum err reserve_piece(struct commitlog *log, int64_t step_bytes) {
    int64_t pos = atomic_load_explicit(&log->reserved_phys, memory_order_relaxed);
    struct mapped_file *file = mapped_queue_find(&log->files, pos);
    if (!file) {
        TRY(mapped_queue_grow(&log->files, pos - pos % log->files.file_bytes));
        file = mapped_queue_find(&log->files, pos);
    }
    must(file);
    int64_t at = pos - file->start_phys, len = MIN(step_bytes, file->size_bytes - at);
    enum err err = mapped_file_reserve(file, at, len);
    mapped_file_release(file);
    if (err == ERR_OK) atomic_store_explicit(&log->reserved_phys, pos + len, memory_order_release);
    return err;
}

/* What may pass refuses appends for a while, anything else for good. */
static enum err judge(struct prealloc *prealloc, enum err err) {
    int lacking = store_may_pass(err) ? (int)err : ERR_OK;
    if (err != ERR_OK && !lacking) store_fail(prealloc->store, err_detail(err));
    if (atomic_exchange(&prealloc->lacking, lacking) == lacking) return err;
    if (lacking)
        log_error(STORE, "no room for the log, appends are refused until there is: %s", err_detail(err));
    else if (err == ERR_OK)
        log_info(STORE, "there is room for the log again: dir=%s", prealloc->store->log_dir);
    return err;
}

static enum err reserve_until(struct prealloc *prealloc, int64_t end_phys, int64_t step_bytes) {
    struct commitlog *log = &prealloc->store->log;
    enum err err = ERR_OK;
    while (err == ERR_OK && atomic_load(&log->reserved_phys) < end_phys) err = reserve_piece(log, step_bytes);
    return judge(prealloc, err);
}

enum err prealloc_reserve(struct prealloc *prealloc, int64_t end_phys) {
    /* the thread tries again; asking the disk with every send would only make it slower */
    enum err lacking = (enum err)atomic_load(&prealloc->lacking);
    if (lacking) return fail(lacking, "%s: %s", err_text(lacking), prealloc->store->log_dir);
    lock_take(&prealloc->lock);
    enum err err = reserve_until(prealloc, end_phys, INLINE_STEP_BYTES);
    lock_give(&prealloc->lock);
    bell_ring(&prealloc->bell);
    return err;
}

/* Room for the distance ahead, but not beyond the next file; and that file made, so that a roll finds it. */
static void make_room(struct prealloc *prealloc) {
    struct store *store = prealloc->store;
    struct commitlog *log = &store->log;
    int64_t end = commitlog_end(log), ahead = store->config->prealloc_ahead_bytes;
    int64_t next_file_end = commitlog_roll(log, end) + log->files.file_bytes;
    lock_take(&prealloc->lock);
    enum err err = reserve_until(prealloc, MIN(end + ahead, next_file_end), store->config->prealloc_step_bytes);
    if (err == ERR_OK && mapped_queue_end(&log->files) < next_file_end)
        (void)judge(prealloc, mapped_queue_grow(&log->files, 0)); /* the next send hears of it */
    lock_give(&prealloc->lock);
    atomic_store(&prealloc->wake_phys, atomic_load(&log->reserved_phys) - ahead / 2);
}

static void run(void *arg) {
    struct prealloc *prealloc = arg;
    while (!atomic_load(&prealloc->stop) && !store_has_failed(prealloc->store)) {
        uint32_t seen = bell_seen(&prealloc->bell);
        make_room(prealloc);
        if (atomic_load(&prealloc->stop)) break;
        bell_wait(&prealloc->bell, seen, atomic_load(&prealloc->lacking) ? RETRY_MS : -1);
    }
}

enum err prealloc_start(struct prealloc *prealloc) {
    TRY(thread_start(&prealloc->thread, "prealloc", run, prealloc));
    prealloc->running = true;
    return ERR_OK;
}

void prealloc_stop(struct prealloc *prealloc) {
    if (!prealloc->running) return;
    atomic_store(&prealloc->stop, true);
    bell_ring(&prealloc->bell);
    thread_join(prealloc->thread);
    prealloc->running = false;
}
