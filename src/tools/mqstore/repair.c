/* repair.c - the derived files are put aside, and the recovery of the store does the rest as after a crash. */
#include "tools/mqstore/repair.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/check.h"
#include "base/endian.h"
#include "base/json.h"
#include "base/log.h"
#include "os/clock.h"
#include "os/file.h"
#include "store/checkpoint.h"
#include "store/consumequeue.h"
#include "store/store.h"
#include "tools/mqstore/survey.h"

#define GAP_TOPIC BYTES("RMQ_SYS_DAMAGED")

struct repair {
    const char *root, *aside;
    const char *settings; /* path; NULL = none given */
    struct survey survey;
    struct store_config config;
    struct store *store;
    int lock_fd;
    enum err err; /* the first that a visitor met */
};

/* --- the log ------------------------------------------------------------------------------------------------- */

static enum err keep_bytes(struct repair *repair, const struct survey_gap *gap, struct bytes bytes) {
    char name[32];
    snprintf(name, sizeof name, "%020" PRId64, gap->from);
    const char *dir = chain_path(repair->aside, "commitlog"), *path = chain_path(dir, name);
    TRY(file_make_dirs(dir));
    TRY(file_replace(path, bytes, false));
    printf("log: nothing readable in %" PRId64 "..%" PRId64 ": %zu bytes kept in %s\n", gap->from, gap->to, bytes.len,
           path);
    return ERR_OK;
}

/* A record of the kind that gets no entry anywhere (a rolled back transaction), over the whole gap. */
static enum err fill_gap(const struct survey_gap *gap, char *out) {
    int64_t len = gap->to - gap->from;
    struct record record = {
        .sys_flag = SYS_FLAG_ROLLBACK,
        .born_time_ms = gap->before_ms,
        .topic = GAP_TOPIC,
    };
    if (gap->to_file_end) {
        store_u32be(out, (uint32_t)len);
        store_u32be(out + RECORD_AT_MAGIC, RECORD_MAGIC_BLANK);
        return ERR_OK;
    }
    int64_t body_len = len - (int64_t)record_size(&record);
    if (body_len < 0)
        return fail(ERR_NOT_SUPPORTED, "the gap at %" PRId64 " has %" PRId64 " bytes: too few for a record", gap->from,
                    len);
    char *body = calloc(1, (size_t)body_len + 1);
    must(body);
    record.body = bytes_make(body, (size_t)body_len);
    record_encode(&record, out);
    record_patch(out, 0, gap->from, MAX(gap->before_ms, 1));
    free(body);
    return ERR_OK;
}

static enum err write_gap(const struct chain *log, const struct survey_gap *gap, const char *data, size_t len) {
    const struct chain_part *part = NULL;
    for (size_t i = 0; i < log->count && log->parts[i].start <= gap->from; i++) part = &log->parts[i];
    int fd;
    TRY(file_open(part->path, FILE_READ_WRITE, &fd));
    enum err err = file_pwrite(fd, part->path, data, len, gap->from - part->start);
    if (err == ERR_OK) err = file_sync(fd, part->path);
    file_close(fd);
    return err;
}

static enum err mend_gap(struct repair *repair, const struct survey_gap *gap) {
    const struct chain *log = &repair->survey.log;
    size_t len = (size_t)(gap->to - gap->from);
    struct bytes old = bytes_make(chain_at(log, gap->from).data, len);
    char *data = malloc(len + RECORD_FIXED_V1_IPV4);
    must(data);
    enum err err = fill_gap(gap, data);
    if (err == ERR_OK) err = keep_bytes(repair, gap, old);
    if (err == ERR_OK) err = write_gap(log, gap, data, gap->to_file_end ? 8 : len);
    free(data);
    return err;
}

/* --- putting aside --------------------------------------------------------------------------------------------- */

static enum err put_aside(struct repair *repair, const char *name) {
    const char *from = chain_path(repair->root, name), *to = chain_path(repair->aside, name);
    if (!file_exists(from)) return ERR_OK;
    char *dir = arena_strdup(&mqstore_arena, bytes_of(to));
    *strrchr(dir, '/') = 0;
    TRY(file_make_dirs(dir));
    return file_rename(from, to);
}

static const char *queue_path(const struct survey_found *found) {
    return arena_printf(&mqstore_arena, "%s/%s/%d", queue_folders[found->kind], found->topic, found->queue_id).data;
}

static void put_queue_aside(void *ctx, const struct survey_found *found) {
    struct repair *repair = ctx;
    bool delays = strcmp(found->topic, "SCHEDULE_TOPIC_XXXX") == 0;
    if (found->begun_anew)
        printf("queue %s/%d stays as it is: its topic was deleted once\n", found->topic, found->queue_id);
    else if (delays && !repair->settings)
        printf("queue %s/%d stays as it is: how long the delays are is in the broker's settings\n", found->topic,
               found->queue_id);
    else if (repair->err == ERR_OK)
        repair->err = put_aside(repair, queue_path(found));
}

/* As after a crash that came before anything was synced: the whole log is checked and dispatched. What a Java slave
 * notes of its master in the checkpoint stays. */
static enum err mark_crashed(const struct repair *repair) {
    struct checkpoint checkpoint;
    TRY(checkpoint_open(chain_path(repair->root, "checkpoint"), &checkpoint));
    atomic_store(&checkpoint.physic_ms, 0);
    atomic_store(&checkpoint.logics_ms, 0);
    atomic_store(&checkpoint.index_ms, 0);
    atomic_store(&checkpoint.safe_phys, -1);
    enum err err = checkpoint_flush(&checkpoint);
    checkpoint_close(&checkpoint);
    return err != ERR_OK ? err : file_replace(chain_path(repair->root, "abort"), BYTES("0"), false);
}

static bool is_clean(const struct repair *repair) {
    return !file_exists(chain_path(repair->root, "abort"));
}

/* --- settings -------------------------------------------------------------------------------------------------- */

/* New files get the size that those put aside had. */
static void adopt_queue_size(void *ctx, const struct survey_found *found) {
    struct repair *repair = ctx;
    struct chain chain;
    int32_t *file_bytes = found->kind == QUEUE_SIMPLE ? &repair->config.mapped_file_size_consume_queue
                                                      : &repair->config.mapper_file_size_batch_consume_queue;
    if (chain_open(chain_path(repair->root, queue_path(found)), &chain) == ERR_OK && chain.count > 0)
        *file_bytes = (int32_t)chain.parts[0].size_bytes;
    chain_close(&chain);
}

static enum err load_settings(struct repair *repair) {
    store_config_init(&repair->config);
    struct config_section section = {"MessageStoreConfig", &repair->config, store_config_keys, store_config_key_count};
    struct buf warnings = {0}; /* about the broker's own settings, mostly */
    enum err err = repair->settings ? config_load_file(&section, 1, repair->settings, &warnings) : ERR_OK;
    buf_close(&warnings);
    TRY(err);
    const struct survey *survey = &repair->survey;
    repair->config.mapped_file_size_commit_log = (int32_t)survey->log.parts[0].size_bytes;
    survey_each_queue(survey, adopt_queue_size, repair);
    if (survey->view_count > 0) { /* also where new keys are no longer wanted: these go on to be asked for */
        repair->config.message_index_enable = true;
        repair->config.max_hash_slot_num = survey->views[0].slots;
        repair->config.max_index_num = survey->views[0].entries;
    }
    repair->config.store_path_root_dir = bytes_of(repair->root);
    repair->config.clean_file_forcibly_enable = false; /* nothing is deleted meanwhile */
    repair->config.file_reserved_time_h = INT32_MAX / 3600000;
    return ERR_OK;
}

/* --- kinds of queues ------------------------------------------------------------------------------------------ */

static bool queue_kind_of(void *owner, struct bytes topic, enum queue_kind *out) {
    const struct repair *repair = owner;
    *out = survey_has_batches(&repair->survey, topic) ? QUEUE_BATCH : QUEUE_SIMPLE;
    return true;
}

/* --- topics that were deleted come up again from what the log still has of them --------------------------------- */

static void delete_again(void *ctx, const struct survey_found *found) {
    struct repair *repair = ctx;
    if (!found->there && !found->known && repair->err == ERR_OK)
        repair->err = store_delete_topic(repair->store, bytes_of(found->topic));
}

/* --- all ------------------------------------------------------------------------------------------------------- */

static enum err take_lock(struct repair *repair) {
    const char *path = chain_path(repair->root, "lock");
    TRY(file_open(path, FILE_CREATE, &repair->lock_fd));
    enum err err = file_lock_byte0(repair->lock_fd, path);
    return err == ERR_LOCKED ? fail(err, "%s is in use by a broker: stop it", repair->root) : err;
}

static void give_lock(struct repair *repair) {
    if (repair->lock_fd >= 0) file_close(repair->lock_fd);
    repair->lock_fd = -1;
}

static enum err rebuild(struct repair *repair) {
    struct survey *survey = &repair->survey;
    for (size_t i = 0; i < survey->gap_count; i++) TRY(mend_gap(repair, &survey->gaps[i]));
    survey_each_queue(survey, put_queue_aside, repair);
    TRY(repair->err);
    TRY(put_aside(repair, "index"));
    TRY(mark_crashed(repair));
    give_lock(repair);
    struct store_events events = {.owner = repair, .queue_kind = queue_kind_of};
    TRY(store_open(&repair->config, &events, &repair->store));
    survey_each_queue(survey, delete_again, repair);
    store_close(repair->store);
    TRY(repair->err);
    return is_clean(repair) ? ERR_OK : fail(ERR_IO, "not all of it is on disk (see above): mend that and repair again");
}

int repair_run(const struct mqstore_args *args) {
    struct repair repair = {.root = args->root, .settings = args->words[0], .lock_fd = -1};
    log_set_level(LOG_WARN);
    repair.aside = arena_printf(&mqstore_arena, "%s/before-repair-%" PRId64, args->root, clock_wall_ms()).data;
    enum err err = survey_run(args->root, true, &repair.survey);
    if (err == ERR_OK) err = load_settings(&repair);
    if (err == ERR_OK) err = take_lock(&repair);
    if (err == ERR_OK) err = rebuild(&repair);
    give_lock(&repair);
    survey_close(&repair.survey);
    if (err != ERR_OK) return show_failed(err);
    struct survey after;
    err = survey_run(args->root, false, &after);
    if (err == ERR_OK) survey_print(&after);
    int status = err == ERR_OK ? after.faults > 0 : show_failed(err);
    survey_close(&after);
    if (status == 0) printf("what was there before is in %s, which may be deleted\n", repair.aside);
    return status;
}
