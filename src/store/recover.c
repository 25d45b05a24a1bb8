/* recover.c - queues, then the log, then what the log says about queues and index. */
#include "store/recover.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/check.h"
#include "base/endian.h"
#include "base/log.h"
#include "os/clock.h"
#include "os/file.h"
#include "store/store_internal.h"

struct recovery {
    struct store *store;
    bool crashed, rebuilding; /* rebuilding: all queues are made again */
    bool vouched;             /* the checkpoint says all below synced_phys is on disk, and no later start did more */
    int64_t synced_phys;      /* log and queue entries of records below are on the disk */
    size_t queue_count;
    struct queue_entry newest; /* queue entry that reaches farthest into the log; size 0 = none */
    int64_t from_phys;         /* the log is checked and dispatched from here */
    int64_t end_phys, last_record_phys, last_time_ms;
    int64_t record_count, cut_count; /* of the log; of queue entries */
};

/* --- formats --------------------------------------------------------------------------------------------- */

static bool has_entries(const char *root, const char *folder) {
    char path[STORE_PATH_MAX + 64];
    snprintf(path, sizeof path, "%s/%s", root, folder);
    struct arena arena = {0};
    const char **names;
    size_t count = 0;
    if (file_list(&arena, path, &names, &count) != ERR_OK) count = 0;
    arena_close(&arena);
    return count > 0;
}

/* A file CURRENT is in each folder of RocksDB: queues, or the tables of topics, groups and offsets. (The folder
 * rocksdbstore, which brokers since 5.4.0 make even if they do not use it, does no harm.)
 * @source shared facts: since-5.3.3 7 */
static enum err check_rocksdb(const struct store *store, const char *folder) {
    char path[STORE_PATH_MAX + 320];
    snprintf(path, sizeof path, "%s/%s/CURRENT", store->root, folder);
    if (!file_exists(path)) return ERR_OK;
    return fail(ERR_NOT_SUPPORTED,
                "%s belongs to a RocksDB store, which this broker cannot serve; let the Java broker go back to files "
                "first (storeType=default, configs in JSON), or give another storePathRootDir",
                path);
}

static enum err check_rocksdb_tables(const struct store *store) {
    char path[STORE_PATH_MAX + 64];
    snprintf(path, sizeof path, "%s/config", store->root);
    struct arena arena = {0};
    const char **names;
    size_t count;
    enum err err = file_list(&arena, path, &names, &count);
    for (size_t i = 0; err == ERR_OK && i < count; i++)
        err = check_rocksdb(store, arena_printf(&arena, "config/%s", names[i]).data);
    arena_close(&arena);
    return err;
}

static enum err check_folders(const struct store *store) {
    TRY(check_rocksdb(store, "consumequeue"));
    TRY(check_rocksdb(store, "consumequeue_rocksdb"));
    TRY(check_rocksdb_tables(store));
    struct arena arena = {0};
    const char **names;
    size_t count;
    enum err err = file_list(&arena, store->root, &names, &count);
    for (size_t i = 0; err == ERR_OK && i < count; i++) {
        if (bytes_starts_with(bytes_of(names[i]), BYTES("dledger-")))
            err = fail(ERR_NOT_SUPPORTED, "%s/%s belongs to a DLedger store, which this broker cannot serve",
                       store->root, names[i]);
    }
    arena_close(&arena);
    return err;
}

enum err recover_check_format(const struct store *store) {
    const struct store_config *config = store->config;
    if (!bytes_is(config->store_type, "default"))
        return fail(ERR_NOT_SUPPORTED, "storeType=%.*s: only default is supported", BYTES_ARG(config->store_type));
    if (config->enable_dleger_commit_log)
        return fail(ERR_NOT_SUPPORTED, "enableDLegerCommitLog=true: DLedger is not supported");
    if (config->duplication_enable)
        return fail(ERR_NOT_SUPPORTED, "duplicationEnable=true: this mode is not supported");
    if (config->store_path_commit_log.len > 0 &&
        memchr(config->store_path_commit_log.data, ',', config->store_path_commit_log.len))
        return fail(ERR_NOT_SUPPORTED, "storePathCommitLog names several folders: only one is supported");
    TRY(check_folders(store));
    if (has_entries(store->root, "consumequeue_ext"))
        log_info(STORE, "queue extension files are not used: dir=%s/consumequeue_ext", store->root);
    return ERR_OK;
}

/* The last file that begins with a record stored no later than the checkpoint vouches for; else the first. */
static int64_t start_after_crash(const struct store *store, struct mapped_queue *files) {
    int64_t reference_ms = checkpoint_reference_ms(&store->checkpoint, store->config->message_index_safe);
    for (size_t i = mapped_queue_count(files); i-- > 0;) {
        struct mapped_file *file = mapped_queue_at(files, i);
        struct record record;
        bool ok =
            record_decode(bytes_make(file->data, (size_t)file->size_bytes), RECORD_CHECK_SHAPE, &record) == ERR_OK &&
            record.offset_phys == file->start_phys && record.store_time_ms > 0 && record.store_time_ms <= reference_ms;
        int64_t start = file->start_phys;
        mapped_file_release(file);
        if (ok) return start;
    }
    return commitlog_min(&store->log);
}

/* --- queues ---------------------------------------------------------------------------------------------- */

static enum err load_queue(struct recovery *recovery, enum queue_kind kind, struct bytes topic, struct bytes folder) {
    struct store *store = recovery->store;
    int32_t id;
    if (!bytes_to_i32(folder, &id) || id < 0) {
        log_warn(STORE, "not a queue, passed over: topic=%.*s folder=%.*s", BYTES_ARG(topic), BYTES_ARG(folder));
        return ERR_OK;
    }
    struct queue *queue = queue_table_make(&store->queues, store, topic, id, kind);
    if (!queue)
        return fail(ERR_CORRUPT, "%s/%s/%.*s: no topic name", store->root, queue_folders[kind], BYTES_ARG(topic));
    if (queue->kind != kind)
        return fail(ERR_CORRUPT, "%s/%s/%.*s: the topic has queues of the other kind", store->root, queue_folders[kind],
                    BYTES_ARG(topic));
    struct queue_entry last;
    TRY(consumequeue_load(queue, recovery->crashed ? recovery->synced_phys : INT64_MAX, &last));
    if (last.size_bytes > 0 && last.offset_phys >= recovery->newest.offset_phys) recovery->newest = last;
    recovery->queue_count++;
    return ERR_OK;
}

static enum err load_topic(struct recovery *recovery, enum queue_kind kind, const char *topic) {
    char path[STORE_PATH_MAX + 512];
    snprintf(path, sizeof path, "%s/%s/%s", recovery->store->root, queue_folders[kind], topic);
    struct arena arena = {0};
    const char **names;
    size_t count;
    enum err err = file_list(&arena, path, &names, &count);
    for (size_t i = 0; err == ERR_OK && i < count; i++)
        err = load_queue(recovery, kind, bytes_of(topic), bytes_of(names[i]));
    arena_close(&arena);
    return err;
}

struct folder_path {
    char text[STORE_PATH_MAX + 64];
};

static struct folder_path folder_of(const struct recovery *recovery, enum queue_kind kind) {
    struct folder_path path;
    snprintf(path.text, sizeof path.text, "%s/%s", recovery->store->root, queue_folders[kind]);
    return path;
}

static enum err load_queues_in(struct recovery *recovery, enum queue_kind kind) {
    struct folder_path path = folder_of(recovery, kind);
    struct arena arena = {0};
    const char **names;
    size_t count;
    enum err err = file_list(&arena, path.text, &names, &count);
    for (size_t i = 0; err == ERR_OK && i < count; i++) err = load_topic(recovery, kind, names[i]);
    arena_close(&arena);
    return err;
}

/* A store always has the folder of simple queues. Somebody may have taken it away, for the queues to be made again. */
static enum err load_queues(struct recovery *recovery) {
    struct folder_path simple = folder_of(recovery, QUEUE_SIMPLE);
    bool was_there = file_exists(simple.text);
    TRY(file_make_dirs(simple.text));
    if (!was_there && has_entries(recovery->store->root, queue_folders[QUEUE_BATCH]))
        return fail(ERR_CORRUPT, "the folder %s was missing", simple.text);
    TRY(load_queues_in(recovery, QUEUE_SIMPLE));
    return load_queues_in(recovery, QUEUE_BATCH);
}

/* Where the work begins. */
static void trust_checkpoint(struct recovery *recovery) {
    struct store *store = recovery->store;
    int64_t safe_phys = atomic_load(&store->checkpoint.safe_phys);
    recovery->vouched = safe_phys >= commitlog_min(&store->log) && safe_phys <= mapped_queue_end(&store->log.files);
    if (recovery->vouched)
        recovery->synced_phys = safe_phys;
    else if (recovery->crashed)
        recovery->synced_phys = start_after_crash(store, &store->log.files);
}

/* Are there the queues that the checkpoint speaks of? */
static bool queues_are_there(struct recovery *recovery) {
    const struct checkpoint *checkpoint = &recovery->store->checkpoint;
    uint64_t expected = atomic_load(recovery->crashed ? &checkpoint->entries_mark : &checkpoint->files_mark);
    return !recovery->vouched || expected == 0 ||
           queue_table_mark(&recovery->store->queues, !recovery->crashed) == expected;
}

/* All queues go; they are made again from the log, which has all that is in them. */
static enum err drop_queues(struct recovery *recovery, const char *why) {
    struct store *store = recovery->store;
    log_error(STORE, "consume queues are damaged, all are made again from the log: why=%s", why);
    store_forget_queues(store);
    for (int kind = 0; kind < QUEUE_KINDS; kind++) TRY(file_remove_tree(folder_of(recovery, kind).text));
    TRY(file_make_dirs(folder_of(recovery, QUEUE_SIMPLE).text));
    recovery->rebuilding = true;
    recovery->queue_count = 0;
    recovery->newest = (struct queue_entry){.offset_phys = -1};
    return ERR_OK;
}

static enum err load_sound_queues(struct recovery *recovery) {
    enum err err = load_queues(recovery);
    if (err == ERR_CORRUPT) return drop_queues(recovery, err_detail(err));
    TRY(err);
    if (queues_are_there(recovery)) return ERR_OK;
    return drop_queues(recovery, "entries or files that were on disk are missing");
}

/* Entries of records that are no more. */
static enum err cut_queues(struct recovery *recovery, struct queue **queues, size_t count) {
    int64_t total = 0;
    if (recovery->newest.offset_phys + recovery->newest.size_bytes <= recovery->end_phys) return ERR_OK; /* none */
    for (size_t i = 0; i < count; i++) {
        int64_t cut;
        TRY(consumequeue_truncate(queues[i], recovery->end_phys, &cut));
        total += cut;
    }
    recovery->cut_count += total;
    if (total > 0)
        log_warn(STORE, "queue entries beyond the end of the log removed: count=%" PRId64 " end_phys=%" PRId64, total,
                 recovery->end_phys);
    return ERR_OK;
}

static enum err finish_queues(struct recovery *recovery) {
    struct store *store = recovery->store;
    size_t count;
    struct queue **queues = queue_table_list(&store->queues, &count);
    enum err err = ERR_OK;
    for (size_t i = 0; err == ERR_OK && i < count; i++) {
        int32_t dropped;
        if (!queues[i]->min_is_known) err = consumequeue_expire(queues[i], commitlog_min(&store->log), &dropped);
        atomic_store(&queues[i]->next_offset, atomic_load(&queues[i]->max_offset));
    }
    free(queues);
    return err;
}

/* --- log ------------------------------------------------------------------------------------------------- */

static enum record_check how_to_check(const struct store *store) {
    return store->config->check_crc_on_recover ? RECORD_CHECK_BODY_CRC : RECORD_CHECK_SHAPE;
}

/* The body has a CRC, topic and properties have none: after a power cut, what never reached the disk of them is zeros,
 * by whole sectors. (A sector's part of a text that was written holds other bytes too, but for the oddest of values.)
 */
static bool lost_a_sector(struct bytes text, const char *file_data) {
    enum { SECTOR_BYTES = 512 };
    static const char zeros[SECTOR_BYTES];
    for (size_t at = 0, len; at < text.len; at += len) {
        size_t in_sector = (size_t)(text.data + at - file_data) % SECTOR_BYTES;
        len = MIN(SECTOR_BYTES - in_sector, text.len - at);
        if (memcmp(text.data + at, zeros, len) == 0) return true;
    }
    return false;
}

static bool lost_sectors(const struct record *record, const char *file_data) {
    return lost_a_sector(record->topic, file_data) || lost_a_sector(record->properties, file_data);
}

/* `input` is the rest of a file. */
static bool is_blank_mark(struct bytes input) {
    return input.len >= 8 && load_u32be(input.data + RECORD_AT_MAGIC) == RECORD_MAGIC_BLANK &&
           load_u32be(input.data + RECORD_AT_SIZE) == input.len;
}

/* Records of one file from recovery->end_phys on; *more when the file ends with the blank mark. Old bytes may lie
 * behind a tail that was cut once: their physical offset gives them away. */
static void check_file(struct recovery *recovery, const struct mapped_file *file, bool *more) {
    enum record_check check = how_to_check(recovery->store);
    int64_t file_end = file->start_phys + file->size_bytes;
    *more = false;
    while (recovery->end_phys < file_end) {
        int64_t pos = recovery->end_phys;
        struct bytes input = bytes_make(file->data + (pos - file->start_phys), (size_t)(file_end - pos));
        struct record record;
        if (is_blank_mark(input)) {
            recovery->end_phys = file_end;
            break;
        }
        if (record_decode(input, check, &record) != ERR_OK || record.offset_phys != pos) return;
        if (recovery->crashed && lost_sectors(&record, file->data)) return;
        recovery->end_phys += record.size_bytes;
        recovery->last_record_phys = pos;
        recovery->last_time_ms = MAX(recovery->last_time_ms, record.store_time_ms);
        recovery->record_count++;
    }
    *more = true;
}

static void check_log(struct recovery *recovery, int64_t from_phys) {
    recovery->from_phys = recovery->end_phys = from_phys;
    recovery->record_count = 0;
    recovery->last_record_phys = -1;
    for (bool more = true; more;) {
        struct mapped_file *file = mapped_queue_find(&recovery->store->log.files, recovery->end_phys);
        if (!file) return;
        check_file(recovery, file, &more);
        mapped_file_release(file);
    }
}

/* Where the index is behind (its files were lost, or a crash came), the log is dispatched again from further back. (A
 * damaged index may name any place: dispatch goes on with the next record then.) */
static int64_t start_for_index(const struct recovery *recovery) {
    const struct store *store = recovery->store;
    int64_t newest_phys = store->index ? index_newest_phys(store->index) : INT64_MAX;
    if (newest_phys >= recovery->from_phys) return recovery->from_phys;
    return MAX(newest_phys, commitlog_min(&store->log));
}

/* Once a sync has failed, memory may hold as clean what the disk does not have: only what is written again is synced
 * truly. Without the checkpoint's word that would be all of the log, and for that a sync has to do. */
static enum err write_again(struct recovery *recovery, struct mapped_file *file) {
    int64_t from = MAX(recovery->from_phys - file->start_phys, 0);
    int64_t end = MIN(recovery->end_phys - file->start_phys, file->size_bytes);
    TRY(mapped_file_unseal(file));
    if (recovery->vouched) TRY(file_pwrite(file->fd, file->path, file->data + from, (size_t)(end - from), from));
    return mapped_file_sync(file);
}

static enum err sync_checked(struct recovery *recovery) {
    struct mapped_queue *files = &recovery->store->log.files;
    for (int64_t pos = recovery->from_phys; pos < recovery->end_phys;) {
        struct mapped_file *file = mapped_queue_find(files, pos);
        enum err err = write_again(recovery, file);
        mapped_file_seal(file);
        pos = file->start_phys + file->size_bytes;
        mapped_file_release(file);
        TRY(err);
    }
    return ERR_OK;
}

/* After a clean stop the newest queue entry leads to the last record or close to it. */
static void check_clean(struct recovery *recovery) {
    struct store *store = recovery->store;
    int64_t min_phys = commitlog_min(&store->log), newest_phys = recovery->newest.offset_phys;
    if (recovery->newest.size_bytes > 0 && newest_phys >= min_phys) {
        check_log(recovery, newest_phys);
        if (recovery->end_phys > newest_phys) return;
        log_warn(STORE, "the newest queue entry leads to no record, the last files are checked: offset_phys=%" PRId64,
                 newest_phys);
        size_t count = mapped_queue_count(&store->log.files);
        min_phys =
            MAX(min_phys, mapped_queue_end(&store->log.files) - (int64_t)MIN(count, 3) * store->log.files.file_bytes);
    }
    check_log(recovery, min_phys);
}

static enum err recover_log(struct recovery *recovery) {
    struct store *store = recovery->store;
    recovery->last_time_ms = 0;
    if (recovery->vouched) recovery->last_time_ms = atomic_load(&store->checkpoint.physic_ms);
    if (recovery->crashed || recovery->vouched)
        check_log(recovery, recovery->synced_phys);
    else
        check_clean(recovery);
    if (recovery->crashed) TRY(sync_checked(recovery));
    if (recovery->last_record_phys >= 0) atomic_store(&store->checkpoint.confirm_phys, recovery->last_record_phys);
    return commitlog_set_end(&store->log, recovery->end_phys, recovery->last_time_ms);
}

/* --- all ------------------------------------------------------------------------------------------------- */

/* Queues begin with their first records that the log has. */
static enum err dispatch_all(struct recovery *recovery) {
    struct dispatch *dispatch = &recovery->store->dispatch;
    struct queue_doubts doubts = {.all_there = commitlog_min(&recovery->store->log) == 0};
    dispatch->doubts = &doubts;
    enum err err = dispatch_until(dispatch, recovery->end_phys);
    if (err == ERR_OK) err = queue_doubts_end(&doubts);
    dispatch->doubts = NULL;
    queue_doubts_close(&doubts);
    return err;
}

/* Records below have entries already: what they say of their queue, which no check sum covers, must not make others. */
static int64_t no_entries_below(const struct recovery *recovery) {
    if (recovery->rebuilding) return 0;
    if (recovery->crashed || recovery->vouched) return recovery->synced_phys;
    return recovery->newest.size_bytes > 0 ? recovery->newest.offset_phys + 1 : 0;
}

static enum err dispatch_again(struct recovery *recovery) {
    struct store *store = recovery->store;
    size_t count;
    struct queue **queues = queue_table_list(&store->queues, &count);
    enum err err = cut_queues(recovery, queues, count);
    free(queues);
    TRY(err);
    if (store->index) index_truncate(store->index, recovery->end_phys);
    int64_t from_phys = recovery->rebuilding ? commitlog_min(&store->log) : start_for_index(recovery);
    recovery->from_phys = MIN(from_phys, recovery->end_phys);
    dispatch_set_start(&store->dispatch, recovery->from_phys);
    store->dispatch.no_entries_below = no_entries_below(recovery);
    return recovery->rebuilding ? dispatch_all(recovery) : dispatch_until(&store->dispatch, recovery->end_phys);
}

/* A crash may have left anything in memory of the system alone; later it would be taken for synced. */
static enum err make_lasting(struct recovery *recovery) {
    struct store *store = recovery->store;
    atomic_store(&store->checkpoint.files_mark, 0);
    bool changed = recovery->crashed || recovery->rebuilding || recovery->cut_count > 0;
    return changed ? flush_recovered(&store->flush) : ERR_OK;
}

static int64_t lap_ms(int64_t *start_ms) {
    int64_t now_ms = clock_monotonic_ms(), took_ms = now_ms - *start_ms;
    *start_ms = now_ms;
    return took_ms;
}

enum err recover_run(struct store *store, bool crashed) {
    struct recovery recovery = {.store = store, .crashed = crashed, .newest = {.offset_phys = -1}};
    int64_t start_ms = clock_monotonic_ms();
    trust_checkpoint(&recovery);
    TRY(load_sound_queues(&recovery));
    log_info(STORE, "recovery: queues loaded: count=%zu newest_phys=%" PRId64 " last_stop=%s took_ms=%" PRId64,
             recovery.queue_count, recovery.newest.offset_phys, crashed ? "crash" : "clean", lap_ms(&start_ms));
    int64_t files_end = mapped_queue_end(&store->log.files);
    TRY(recover_log(&recovery));
    log_info(STORE,
             "recovery: log checked: from_phys=%" PRId64 " end_phys=%" PRId64 " records=%" PRId64
             " files_end_phys=%" PRId64 " took_ms=%" PRId64,
             recovery.from_phys, recovery.end_phys, recovery.record_count, files_end, lap_ms(&start_ms));
    TRY(dispatch_again(&recovery));
    if (store->dispatch.gaps && !recovery.rebuilding) {
        TRY(drop_queues(&recovery, "entries are missing"));
        TRY(dispatch_again(&recovery));
    }
    TRY(finish_queues(&recovery));
    dispatch_set_start(&store->dispatch, MIN(recovery.end_phys, store->dispatch.behind_phys));
    TRY(make_lasting(&recovery));
    log_info(STORE, "recovery: queues and index brought up to the log: bytes=%" PRId64 " took_ms=%" PRId64,
             recovery.end_phys - recovery.from_phys, lap_ms(&start_ms));
    return ERR_OK;
}
