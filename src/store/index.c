/* The list of index files: what a start makes of them, and who is asked and written to. */
#include "store/index.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include "base/check.h"
#include "base/hash.h"
#include "base/lock.h"
#include "base/log.h"
#include "os/clock.h"
#include "os/file.h"
#include "store/index_file.h"
#include "store/store.h"

struct index_service {
    char *dir;
    int32_t slots, entries;
    struct lock lock;          /* guards the list; files in use outside of it are held */
    struct index_file **files; /* in the order of the log; the newest is removed by the one who puts, only */
    size_t count, capacity;
    struct index_file *newest;   /* or NULL; for the one who puts */
    _Atomic int64_t newest_phys; /* all up to this record is indexed; -1 = nothing */
    _Atomic int64_t flushed_ms;
    bool stopped; /* after a failed put */
    /* A turn's keys: their slots, spread over memory, can be fetched while those before are put. */
    struct noted_key *noted;
    size_t noted_count, noted_cap;
};
struct noted_key {
    int64_t offset_phys, store_time_ms; /* of the record */
    int32_t hash;
};
enum { NOTED_KEPT_MAX = 1 << 14, FETCH_AHEAD = 8 };

static int64_t end_phys(const struct index_file *file) {
    return atomic_load_explicit(&file->end_phys, memory_order_relaxed);
}

static int64_t end_ms(const struct index_file *file) {
    return atomic_load_explicit(&file->end_ms, memory_order_relaxed);
}

static void find_newest_phys(struct index_service *index) {
    atomic_store(&index->newest_phys, index->newest ? end_phys(index->newest) : -1);
}

static void list_add(struct index_service *index, struct index_file *file) {
    lock_take(&index->lock);
    if (index->count == index->capacity) {
        index->capacity = MAX(8, 2 * index->capacity);
        index->files = realloc(index->files, index->capacity * sizeof(struct index_file *));
        must(index->files);
    }
    index->files[index->count++] = file;
    index->newest = file;
    lock_give(&index->lock);
}

/* Takes the newest off the list; the caller releases it. */
static struct index_file *list_take_newest(struct index_service *index) {
    lock_take(&index->lock);
    struct index_file *file = index->files[--index->count];
    index->newest = index->count ? index->files[index->count - 1] : NULL;
    lock_give(&index->lock);
    return file;
}

/* Takes the oldest off if it ends below min_phys and another follows, else NULL; the caller releases it. */
static struct index_file *list_take_oldest(struct index_service *index, int64_t min_phys) {
    struct index_file *file = NULL;
    lock_take(&index->lock);
    if (index->count > 1 && end_phys(index->files[0]) < min_phys) {
        file = index->files[0];
        memmove(index->files, index->files + 1, --index->count * sizeof(struct index_file *));
    }
    lock_give(&index->lock);
    return file;
}

/* The files of this moment, held; the caller releases each. In the arena. */
static size_t list_hold(struct index_service *index, struct arena *arena, struct index_file ***out) {
    lock_take(&index->lock);
    size_t count = index->count;
    *out = arena_alloc(arena, (count + 1) * sizeof(struct index_file *));
    for (size_t i = 0; i < count; i++) (*out)[i] = index_file_hold(index->files[i]);
    lock_give(&index->lock);
    return count;
}

/* For good: it must not come back with a power cut, among newer files. */
static void remove_file(const struct index_service *index, struct index_file *file, const char *why) {
    log_info(STORE, "index file removed: path=%s why=%s", file->path, why);
    enum err err = file_unlink(file->path);
    if (err == ERR_OK) err = file_sync_dir(index->dir);
    if (err != ERR_OK) log_error(STORE, "index file stays: %s", err_detail(err));
    index_file_release(file);
}

/* --- start ----------------------------------------------------------------------------------------------- */

/* Damaged files are kept beside the folder for whoever wants to look: nothing else reads them. */
static void set_aside(const struct index_service *index, const char *path, const char *name) {
    char why[256];
    snprintf(why, sizeof why, "%s", err_detail(ERR_CORRUPT));
    struct arena arena = {0};
    struct bytes folder = arena_printf(&arena, "%s.damaged", index->dir);
    struct bytes to = arena_printf(&arena, "%s/%s", folder.data, name);
    enum err err = file_make_dirs(folder.data);
    if (err == ERR_OK) err = file_rename(path, to.data);
    if (err == ERR_OK)
        log_error(STORE, "index file damaged, set aside and rebuilt: why=%s now=%s (it may be deleted)", why, to.data);
    else
        log_error(STORE, "index file damaged and cannot be set aside: why=%s error=%s", why, err_detail(err));
    arena_close(&arena);
}

static bool is_index_name(const char *name) {
    size_t len = strlen(name);
    return len > 0 && len <= 18 && strspn(name, "0123456789") == len;
}

static int by_begin(const void *a, const void *b) {
    struct index_file *const *left = a, *const *right = b;
    int64_t l = atomic_load(&(*left)->begin_phys), r = atomic_load(&(*right)->begin_phys);
    return l < r ? -1 : l > r ? 1 : strcmp((*left)->path, (*right)->path);
}

/* The end time of a file that was mended once is only about right. */
static bool is_on_disk(const struct index_file *file, const struct index_options *options) {
    if (options->state.mark != 0) return index_file_full(file) && end_phys(file) <= options->state.end_phys;
    return end_ms(file) < options->checkpoint_ms;
}

/* Opens one file of the folder: into the list, set aside, or (disk full, no memory) the index stops. */
static enum err load_file(struct index_service *index, const struct index_options *options, const char *path,
                          const char *name) {
    struct index_file *file;
    enum err err = index_file_open(path, options->slots, options->entries, false, &file);
    bool suspect = err == ERR_OK && options->crashed && !is_on_disk(file, options);
    if (suspect) {
        index_file_release(file);
        err = index_file_open(path, options->slots, options->entries, true, &file);
    }
    if (err == ERR_CORRUPT) {
        set_aside(index, path, name);
    } else if (err != ERR_OK) {
        log_error(STORE, "index stops until the next start: %s", err_detail(err));
        index->stopped = true;
    } else if (index_file_empty(file)) {
        remove_file(index, file, "empty");
    } else {
        file->synced = !suspect;
        list_add(index, file);
    }
    return err;
}

/* All but the newest file are full, and follow each other. Behind the first that is not, all is made again. */
static void drop_behind_gap(struct index_service *index) {
    size_t keep = 1;
    while (keep < index->count && index_file_full(index->files[keep - 1]) &&
           end_phys(index->files[keep - 1]) <= atomic_load(&index->files[keep]->begin_phys))
        keep++;
    while (index->count > keep) remove_file(index, list_take_newest(index), "behind a damaged one");
}

static enum err load_files(struct index_service *index, const struct index_options *options) {
    struct arena arena = {0};
    const char **names;
    size_t count;
    enum err err = file_list(&arena, index->dir, &names, &count);
    bool damaged = false;
    for (size_t i = 0; err == ERR_OK && i < count; i++) {
        if (!is_index_name(names[i])) continue;
        const char *path = arena_printf(&arena, "%s/%s", index->dir, names[i]).data;
        if (!damaged) {
            damaged = load_file(index, options, path, names[i]) == ERR_CORRUPT;
        } else {
            log_warn(STORE, "index file removed: path=%s why=behind a damaged one, both are rebuilt", path);
            err = file_unlink(path);
        }
    }
    arena_close(&arena);
    if (index->count > 1) {
        qsort(index->files, index->count, sizeof(struct index_file *), by_begin);
        index->newest = index->files[index->count - 1];
    }
    drop_behind_gap(index);
    return err;
}

/* What the files say wins: who made them would read new ones with other sizes wrongly. */
static void adopt_sizes(struct index_service *index) {
    const struct index_file *file = index->newest;
    if (!file || (file->slots == index->slots && file->entries == index->entries)) return;
    log_warn(STORE,
             "index files keep their sizes: slots=%d entries=%d; maxHashSlotNum=%d and maxIndexNum=%d are not used",
             file->slots, file->entries, index->slots, index->entries);
    index->slots = file->slots;
    index->entries = file->entries;
}

static uint64_t mix(uint64_t value) {
    value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9u;
    value = (value ^ (value >> 27)) * 0x94D049BB133111EBu;
    return value ^ (value >> 31);
}

static uint64_t mark_of(struct index_file *const *files, size_t count) {
    uint64_t mark = 0;
    for (size_t i = 0; i < count; i++)
        mark += mix(mix((uint64_t)atomic_load(&files[i]->begin_phys) + 1) ^ (uint64_t)end_phys(files[i]));
    return mark | 1;
}

struct index_state index_state(struct index_service *index) {
    struct index_state state = {.end_phys = -1, .open_phys = -1};
    size_t safe = 0;
    lock_take(&index->lock);
    while (safe < index->count && index->files[safe]->synced && index_file_full(index->files[safe])) safe++;
    state.mark = mark_of(index->files, safe);
    if (safe > 0) state.end_phys = end_phys(index->files[safe - 1]);
    if (safe < index->count) state.open_phys = atomic_load(&index->files[safe]->begin_phys);
    lock_give(&index->lock);
    return state;
}

/* Only what is known to follow what is known to be on disk may stay: of files that were not synced a power cut may have
 * taken one and left the next. When one of the others is missing, all are made again. */
static void drop_unknown(struct index_service *index, const struct index_options *options) {
    const struct index_state *state = &options->state;
    size_t keep = 0;
    while (keep < index->count && is_on_disk(index->files[keep], options)) keep++;
    if (state->mark != 0 && mark_of(index->files, keep) != state->mark) {
        log_error(STORE, "index files are missing or damaged, all are made again: dir=%s", index->dir);
        keep = 0;
    } else if (keep < index->count && state->mark != 0 &&
               atomic_load(&index->files[keep]->begin_phys) == state->open_phys) {
        keep++;
    }
    while (index->count > keep) remove_file(index, list_take_newest(index), "not known to be complete");
}

enum err index_open(const struct index_options *options, struct index_service **out) {
    if (options->slots < 1 || options->entries < 2)
        return fail(ERR_BAD_CONFIG, "maxHashSlotNum %d must be at least 1, maxIndexNum %d at least 2", options->slots,
                    options->entries);
    struct index_service *index = calloc(1, sizeof *index);
    must(index);
    lock_init(&index->lock, LOCK_INDEX);
    index->dir = bytes_dup(bytes_of(options->dir));
    index->slots = options->slots;
    index->entries = options->entries;
    enum err err = load_files(index, options);
    if (err != ERR_OK) {
        index_close(index);
        return err;
    }
    adopt_sizes(index);
    if (options->state.mark != 0 || options->crashed) drop_unknown(index, options);
    for (size_t i = 0; i < index->count && index->files[i]->synced && index_file_full(index->files[i]); i++)
        atomic_store(&index->flushed_ms, end_ms(index->files[i]));
    /* A crash may have come between two keys of the last record, or the file with the rest of them be lost. */
    if (index->newest) index_truncate(index, end_phys(index->newest));
    find_newest_phys(index);
    log_info(STORE, "index opened: dir=%s files=%zu newest_phys=%" PRId64, index->dir, index->count,
             index_newest_phys(index));
    *out = index;
    return ERR_OK;
}

void index_close(struct index_service *index) {
    if (!index) return;
    for (size_t i = 0; i < index->count; i++) index_file_release(index->files[i]);
    free(index->noted);
    free(index->files);
    free(index->dir);
    lock_close(&index->lock);
    free(index);
}

/* --- puts ------------------------------------------------------------------------------------------------ */

static void cut(struct index_service *index, int64_t from_phys) {
    struct index_file *file;
    while ((file = index->newest) && end_phys(file) >= from_phys) {
        index_file_cut(file, from_phys);
        file->synced = false;
        if (index_file_empty(file)) remove_file(index, list_take_newest(index), "the log ends before it");
    }
}

void index_truncate(struct index_service *index, int64_t from_phys) {
    if (!index->newest || end_phys(index->newest) < from_phys) return;
    cut(index, from_phys);
    enum err err = index->newest ? index_file_clear_tail(index->newest) : ERR_OK;
    if (err != ERR_OK) {
        log_error(STORE, "index stops until the next start: %s", err_detail(err));
        index->stopped = true;
    }
    find_newest_phys(index);
}

int64_t index_newest_phys(const struct index_service *index) {
    return MAX(0, atomic_load(&index->newest_phys));
}

/* The time of creation in local time, and later than the name before it: Java sorts the files by name. */
static void next_name(const struct index_service *index, char out[32]) {
    int64_t now_ms = clock_wall_ms();
    time_t seconds = (time_t)(now_ms / 1000);
    struct tm local;
    localtime_r(&seconds, &local);
    size_t len = strftime(out, 24, "%Y%m%d%H%M%S", &local);
    snprintf(out + len, 32 - len, "%03d", (int)(now_ms % 1000));
    if (!index->newest) return;
    const char *last_name = strrchr(index->newest->path, '/') + 1;
    if (strcmp(out, last_name) <= 0) snprintf(out, 32, "%" PRId64, (int64_t)strtoll(last_name, NULL, 10) + 1);
}

static enum err add_file(struct index_service *index) {
    TRY(file_make_dirs(index->dir));
    char name[32];
    next_name(index, name);
    struct arena arena = {0};
    const char *path = arena_printf(&arena, "%s/%s", index->dir, name).data;
    struct index_file *file;
    enum err err = index_file_create(path, index->slots, index->entries, index->newest, &file);
    if (err == ERR_OK && (err = file_sync_dir(index->dir)) != ERR_OK) index_file_release(file);
    if (err == ERR_OK) {
        list_add(index, file);
        log_info(STORE, "index file created: path=%s size_bytes=%" PRId64, path, file->size_bytes);
    }
    arena_close(&arena);
    return err;
}

/* Non-negative, as the files have it. */
static int32_t index_hash(int32_t hash) {
    return hash == INT32_MIN ? 0 : abs(hash);
}

static int32_t topic_hash(struct bytes topic) {
    return java_string_hash_more(java_string_hash(topic), BYTES("#"));
}

static void note_key(struct index_service *index, int32_t hash_of_topic, struct bytes key,
                     const struct index_record *record) {
    if (index->noted_count == index->noted_cap) {
        index->noted_cap = MAX(64, 2 * index->noted_cap);
        index->noted = realloc(index->noted, index->noted_cap * sizeof *index->noted);
        must(index->noted);
    }
    int32_t hash = index_hash(java_string_hash_more(hash_of_topic, key));
    index->noted[index->noted_count++] = (struct noted_key){record->offset_phys, record->store_time_ms, hash};
}

void index_note(struct index_service *index, const struct index_record *record) {
    if (index->stopped || record->offset_phys <= atomic_load_explicit(&index->newest_phys, memory_order_relaxed))
        return;
    if (!record->uniq_key.len && !record->keys.len && !record->tags.len) return;
    int32_t hash = topic_hash(record->topic);
    if (record->uniq_key.len) note_key(index, hash, record->uniq_key, record);
    struct bytes rest = record->keys, word;
    while (bytes_split(&rest, ' ', &word))
        if (word.len) note_key(index, hash, word, record);
    if (record->tags.len) note_key(index, java_string_hash_more(hash, BYTES("T#")), record->tags, record);
}

/* Forgets the first `count`. */
static void drop_noted(struct index_service *index, size_t count) {
    index->noted_count -= count;
    if (index->noted_count > 0) memmove(index->noted, index->noted + count, index->noted_count * sizeof *index->noted);
    if (index->noted_count > 0 || index->noted_cap <= NOTED_KEPT_MAX) return;
    free(index->noted);
    index->noted = NULL;
    index->noted_cap = 0;
}

int64_t index_drop_noted(struct index_service *index) {
    int64_t first_phys = index->noted_count > 0 ? index->noted[0].offset_phys : -1;
    drop_noted(index, index->noted_count);
    return first_phys;
}

static enum err put_key(struct index_service *index, const struct noted_key *key) {
    if (!index->newest || index_file_full(index->newest)) TRY(add_file(index));
    return index_file_put(index->newest, key->hash, key->offset_phys, key->store_time_ms);
}

/* Keys [first, result) are of one record. */
static size_t record_end(const struct index_service *index, size_t first) {
    size_t end = first + 1;
    while (end < index->noted_count && index->noted[end].offset_phys == index->noted[first].offset_phys) end++;
    return end;
}

static enum err put_record(struct index_service *index, size_t first, size_t end) {
    for (size_t i = first; i < end; i++) {
        bool more = index->newest && i + FETCH_AHEAD < index->noted_count;
        if (more) index_file_fetch(index->newest, index->noted[i + FETCH_AHEAD].hash);
        enum err err = put_key(index, &index->noted[i]);
        if (err == ERR_OK) continue;
        index->stopped = !store_may_pass(err);
        cut(index, index->noted[first].offset_phys);
        return err;
    }
    atomic_store_explicit(&index->newest_phys, index->noted[first].offset_phys, memory_order_relaxed);
    return ERR_OK;
}

enum err index_put(struct index_service *index) {
    enum err err = ERR_OK;
    size_t first = 0;
    while (first < index->noted_count) {
        size_t end = record_end(index, first);
        err = put_record(index, first, end);
        if (err != ERR_OK) break;
        first = end;
    }
    drop_noted(index, index->stopped ? index->noted_count : first);
    return err;
}

void index_stop(struct index_service *index) {
    index->stopped = true;
    drop_noted(index, index->noted_count);
}

/* --- finding, flush, deletion ---------------------------------------------------------------------------- */

void index_find(struct index_service *index, struct bytes topic, struct bytes key, int32_t max_count, int64_t begin_ms,
                int64_t end_at_ms, struct arena *arena, struct index_found *out) {
    int32_t hash = index_hash(java_string_hash_more(topic_hash(topic), key));
    size_t max = max_count > 0 ? (size_t)max_count : 0;
    struct index_file **files;
    size_t count = list_hold(index, arena, &files);
    *out = (struct index_found){.offsets = arena_alloc(arena, (max + 1) * sizeof(int64_t))};
    if (count) {
        out->last_time_ms = end_ms(files[count - 1]);
        out->last_phys = end_phys(files[count - 1]);
    }
    for (size_t i = count; i > 0 && out->count < max; i--) {
        int64_t file_begin_ms = atomic_load(&files[i - 1]->begin_ms);
        if (begin_ms <= end_ms(files[i - 1]) && end_at_ms >= file_begin_ms)
            index_file_find(files[i - 1], hash, begin_ms, end_at_ms, out->offsets, max, &out->count);
        if (file_begin_ms < begin_ms) break; /* older files end before it */
    }
    for (size_t i = 0; i < count; i++) index_file_release(files[i]);
}

enum err index_flush(struct index_service *index, bool all, int64_t *flushed_ms) {
    struct arena arena = {0};
    struct index_file **files;
    size_t count = list_hold(index, &arena, &files);
    enum err err = ERR_OK;
    bool gap = false;
    for (size_t i = 0; i < count; i++) {
        bool full = index_file_full(files[i]);
        if (err == ERR_OK && ((full && !files[i]->synced) || all)) {
            err = index_file_sync(files[i]);
            files[i]->synced = err == ERR_OK && full;
        }
        gap = gap || !full || !files[i]->synced;
        if (!gap) atomic_store(&index->flushed_ms, end_ms(files[i]));
    }
    for (size_t i = 0; i < count; i++) index_file_release(files[i]);
    arena_close(&arena);
    if (flushed_ms) *flushed_ms = atomic_load(&index->flushed_ms);
    return err;
}

int index_delete_below(struct index_service *index, int64_t min_phys) {
    int deleted = 0;
    struct index_file *file;
    while ((file = list_take_oldest(index, min_phys))) {
        remove_file(index, file, "below the log");
        deleted++;
    }
    return deleted;
}
