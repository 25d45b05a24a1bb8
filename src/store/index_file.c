/* Header, slots and entries of one file, and how they are mended. */
#include "store/index_file.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/check.h"
#include "base/endian.h"
#include "os/file.h"

enum header_at {
    AT_BEGIN_TIME = 0,
    AT_END_TIME = 8,
    AT_BEGIN_PHYS = 16,
    AT_END_PHYS = 24,
    AT_USED_SLOTS = 32,
    AT_COUNT = 36
};
enum entry_at { AT_HASH = 0, AT_PHYS = 4, AT_AFTER = 12, AT_PREV = 16 };
enum { RESERVE_STEP_BYTES = 4 << 20 };

static int64_t entry_position(const struct index_file *file, int64_t number) {
    return INDEX_HEADER_BYTES + (int64_t)file->slots * INDEX_SLOT_BYTES + number * INDEX_ENTRY_BYTES;
}

static char *entry_at(const struct index_file *file, int32_t number) {
    return file->data + entry_position(file, number);
}

static char *slot_at(const struct index_file *file, int32_t hash) {
    return file->data + INDEX_HEADER_BYTES + (int64_t)(hash % file->slots) * INDEX_SLOT_BYTES;
}

/* Slots lie on multiples of four, so that finders can read them while they change. */
static int32_t slot_load(const char *slot) {
    const uint32_t *word = (const uint32_t *)(const void *)slot;
    return (int32_t)__builtin_bswap32(__atomic_load_n(word, __ATOMIC_ACQUIRE));
}

static void slot_store(char *slot, int32_t number) {
    __atomic_store_n((uint32_t *)(void *)slot, __builtin_bswap32((uint32_t)number), __ATOMIC_RELEASE);
}

static int64_t get(const _Atomic int64_t *value) {
    return atomic_load_explicit(value, memory_order_relaxed);
}

static void set(_Atomic int64_t *value, int64_t to) {
    atomic_store_explicit(value, to, memory_order_relaxed);
}

struct index_entry index_file_entry(const struct index_file *file, int32_t number) {
    const char *at = entry_at(file, number);
    return (struct index_entry){
        .hash = load_i32be(at + AT_HASH),
        .offset_phys = load_i64be(at + AT_PHYS),
        .after_s = load_i32be(at + AT_AFTER),
        .prev = load_i32be(at + AT_PREV),
    };
}

static void header_load(struct index_file *file) {
    set(&file->begin_ms, load_i64be(file->data + AT_BEGIN_TIME));
    set(&file->end_ms, load_i64be(file->data + AT_END_TIME));
    set(&file->begin_phys, load_i64be(file->data + AT_BEGIN_PHYS));
    set(&file->end_phys, load_i64be(file->data + AT_END_PHYS));
    file->used_slots = load_i32be(file->data + AT_USED_SLOTS);
    int32_t count = load_i32be(file->data + AT_COUNT);
    atomic_store(&file->count, count == 0 ? 1 : count); /* a file is born with 0 */
}

static void header_store(struct index_file *file) {
    store_u64be(file->data + AT_BEGIN_TIME, (uint64_t)get(&file->begin_ms));
    store_u64be(file->data + AT_END_TIME, (uint64_t)get(&file->end_ms));
    store_u64be(file->data + AT_BEGIN_PHYS, (uint64_t)get(&file->begin_phys));
    store_u64be(file->data + AT_END_PHYS, (uint64_t)get(&file->end_phys));
    store_u32be(file->data + AT_USED_SLOTS, (uint32_t)file->used_slots);
    store_u32be(file->data + AT_COUNT, (uint32_t)atomic_load(&file->count));
}

/* A write into a hole of the mapping on a full disk kills the process: have blocks first, and some more ahead. */
static enum err reserve(struct index_file *file, int64_t end) {
    if (end <= file->reserved_bytes) return ERR_OK;
    int64_t from = file->reserved_bytes;
    int64_t to = MIN(file->size_bytes, MAX(end, from + RESERVE_STEP_BYTES));
    TRY(file_reserve(file->fd, file->path, from, to - from));
    file->reserved_bytes = to;
    return ERR_OK;
}

static int64_t size_of(int64_t slots, int64_t entries) {
    return INDEX_HEADER_BYTES + slots * INDEX_SLOT_BYTES + entries * INDEX_ENTRY_BYTES;
}

static struct index_file *file_new(const char *path, int32_t slots, int32_t entries) {
    struct index_file *file = calloc(1, sizeof *file);
    must(file);
    file->path = bytes_dup(bytes_of(path));
    file->fd = -1;
    file->slots = slots;
    file->entries = entries;
    file->size_bytes = size_of(slots, entries);
    atomic_init(&file->refs, 1);
    atomic_init(&file->count, 1);
    return file;
}

struct index_file *index_file_hold(struct index_file *file) {
    atomic_fetch_add(&file->refs, 1);
    return file;
}

void index_file_release(struct index_file *file) {
    if (atomic_fetch_sub(&file->refs, 1) != 1) return;
    if (file->data) file_unmap(file->data, file->size_bytes);
    if (file->fd >= 0) file_close(file->fd);
    free(file->path);
    free(file);
}

/* Without entries yet. */
static void header_begin(struct index_file *file, const struct index_file *after) {
    int64_t time_ms = get(&after->end_ms), phys = get(&after->end_phys);
    set(&file->begin_ms, time_ms);
    set(&file->end_ms, time_ms);
    set(&file->begin_phys, phys);
    set(&file->end_phys, phys);
    header_store(file);
    store_u32be(file->data + AT_COUNT, 0);
}

enum err index_file_create(const char *path, int32_t slots, int32_t entries, const struct index_file *after,
                           struct index_file **out) {
    must(slots > 0 && entries > 1);
    if (file_exists(path)) return fail(ERR_EXISTS, "%s exists already", path);
    struct index_file *file = file_new(path, slots, entries);
    enum err err = file_open(path, FILE_CREATE, &file->fd);
    if (err == ERR_OK) err = file_resize(file->fd, path, file->size_bytes);
    if (err == ERR_OK) err = reserve(file, entry_position(file, 1));
    if (err == ERR_OK) err = file_map(file->fd, path, file->size_bytes, true, &file->data);
    /* Slots are hit at random: fault them in at once, not one by one on the way of messages. */
    if (err == ERR_OK) err = file_populate(file->data, (size_t)entry_position(file, 1));
    if (err != ERR_OK) {
        char why[256];
        snprintf(why, sizeof why, "%s", err_detail(err));
        bool stays = file->fd >= 0 && file_unlink(path) != ERR_OK;
        index_file_release(file);
        return fail(err, "%s%s", why, stays ? " (and the file stays behind)" : "");
    }
    if (after) header_begin(file, after);
    *out = file;
    return ERR_OK;
}

/* --- opening --------------------------------------------------------------------------------------------- */

static bool entry_blank(const struct index_file *file, int32_t number) {
    static const char zeros[INDEX_ENTRY_BYTES];
    return memcmp(entry_at(file, number), zeros, sizeof zeros) == 0;
}

/* Far beyond any clock, and safe to add seconds to. */
#define TIME_MAX_MS (INT64_C(1) << 52)

static bool time_possible(int64_t time_ms) {
    return time_ms > 0 && time_ms < TIME_MAX_MS;
}

/* Does the header agree with the first and the last entry? Cheap, and tells right sizes from wrong ones. */
static bool header_agrees(const struct index_file *file) {
    int32_t count = atomic_load(&file->count);
    if (count < 1 || count > file->entries || file->used_slots < 0) return false;
    if (count == 1) return entry_blank(file, 1);
    return time_possible(get(&file->begin_ms)) && time_possible(get(&file->end_ms)) &&
           index_file_entry(file, 1).offset_phys == get(&file->begin_phys) &&
           index_file_entry(file, count - 1).offset_phys == get(&file->end_phys) &&
           get(&file->begin_phys) <= get(&file->end_phys) && get(&file->begin_phys) >= 0;
}

/* Number of the first entry that cannot follow the ones before it. An entry may lie over the end of a sector and have
 * lost a part: its hash, its times. (A key whose hash is truly 0 costs that it is indexed again.) */
static int32_t sound_entries(const struct index_file *file) {
    int64_t last_phys = 0;
    int32_t number = 1, last_after_s = 0;
    for (; number < file->entries && !entry_blank(file, number); number++) {
        struct index_entry entry = index_file_entry(file, number);
        if (entry.hash <= 0 || entry.offset_phys < last_phys || entry.after_s < last_after_s || entry.prev < 0 ||
            entry.prev >= number)
            break;
        last_phys = entry.offset_phys;
        last_after_s = entry.after_s;
    }
    return number;
}

/* Links entries 1..count-1 and the slots anew; writes only what differs. */
static enum err relink(struct index_file *file, int32_t count) {
    uint32_t *newest = calloc((size_t)file->slots, sizeof *newest);
    if (!newest) return fail(ERR_NO_MEMORY, "%s: no memory for %d slots", file->path, file->slots);
    file->used_slots = 0;
    for (int32_t number = 1; number < count; number++) {
        struct index_entry entry = index_file_entry(file, number);
        uint32_t *slot = &newest[entry.hash % file->slots];
        uint32_t prev = __builtin_bswap32(*slot);
        if (prev == 0) file->used_slots++;
        if ((uint32_t)entry.prev != prev) store_u32be(entry_at(file, number) + AT_PREV, prev);
        *slot = __builtin_bswap32((uint32_t)number);
    }
    size_t bytes = (size_t)file->slots * sizeof *newest;
    if (memcmp(file->data + INDEX_HEADER_BYTES, newest, bytes) != 0)
        memcpy(file->data + INDEX_HEADER_BYTES, newest, bytes);
    free(newest);
    return ERR_OK;
}

/* The times of entries are counted in seconds from the begin: what is left may have been stored up to then. */
static void end_at_last_entry(struct index_file *file) {
    int32_t count = atomic_load(&file->count);
    if (count <= 1) return;
    struct index_entry last = index_file_entry(file, count - 1);
    int64_t end_ms = get(&file->begin_ms) + (int64_t)last.after_s * 1000 + 999;
    set(&file->end_ms, MIN(end_ms, MAX(get(&file->end_ms), get(&file->begin_ms))));
    set(&file->end_phys, last.offset_phys);
}

enum err index_file_clear_tail(struct index_file *file) {
    int64_t end = entry_position(file, atomic_load(&file->count));
    file->reserved_bytes = MIN(file->reserved_bytes, end); /* blocks are given back */
    return file_zero(file->fd, file->path, end, file->size_bytes - end);
}

static enum err repair(struct index_file *file) {
    int32_t sound = sound_entries(file);
    if (sound == 1 && atomic_load(&file->count) == 1) return index_file_clear_tail(file);
    /* The begin is written once, with the first entry: if it is not this file's, the times of all entries are lost. */
    if (sound == 1 || index_file_entry(file, 1).offset_phys != get(&file->begin_phys) ||
        !time_possible(get(&file->begin_ms)))
        return fail(ERR_CORRUPT, "%s: header and first entry do not belong together", file->path);
    TRY(reserve(file, entry_position(file, sound)));
    TRY(relink(file, sound));
    atomic_store(&file->count, sound);
    set(&file->end_ms, INT64_MAX);
    end_at_last_entry(file);
    header_store(file);
    return index_file_clear_tail(file);
}

static enum err load(const char *path, int fd, int64_t slots, int64_t entries, struct index_file **out) {
    struct index_file *file = file_new(path, (int32_t)slots, (int32_t)entries);
    enum err err = file_map(fd, path, file->size_bytes, true, &file->data);
    if (err != ERR_OK) {
        index_file_release(file);
        return err;
    }
    file->fd = fd;
    header_load(file);
    *out = file;
    return ERR_OK;
}

static bool fits(int64_t slots, int64_t entries, int64_t size_bytes) {
    return slots > 0 && slots <= INT32_MAX && entries > 1 && entries <= INT32_MAX &&
           size_of(slots, entries) == size_bytes;
}

/* Sizes are written nowhere: tries all that the length allows, from few slots on. */
static bool find_sizes(struct index_file *file) {
    enum { SLOTS_FOR_ENTRY = INDEX_ENTRY_BYTES / INDEX_SLOT_BYTES };
    for (; file->entries >= atomic_load(&file->count); file->slots += SLOTS_FOR_ENTRY, file->entries--)
        if (entry_blank(file, 0) && !entry_blank(file, 1) && header_agrees(file)) return true;
    return false;
}

/* A file of other sizes than the settings say: another number of entries, else of slots, else of both. */
static enum err load_other(const char *path, int fd, int32_t slots, int32_t entries, int64_t size_bytes,
                           struct index_file **out) {
    int64_t words = (size_bytes - INDEX_HEADER_BYTES) / INDEX_SLOT_BYTES, least = (words - 1) % 5 + 1;
    int64_t guesses[][2] = {
        {slots, (size_bytes - size_of(slots, 0)) / INDEX_ENTRY_BYTES},
        {(size_bytes - size_of(0, entries)) / INDEX_SLOT_BYTES, entries},
        {least, (words - least) / 5},
    };
    for (size_t i = 0; i < ARRAY_LEN(guesses); i++) {
        if (!fits(guesses[i][0], guesses[i][1], size_bytes)) continue;
        TRY(load(path, fd, guesses[i][0], guesses[i][1], out));
        bool last = i + 1 == ARRAY_LEN(guesses);
        if (!index_file_empty(*out) && (last ? find_sizes(*out) : header_agrees(*out))) return ERR_OK;
        (*out)->fd = -1;
        index_file_release(*out);
    }
    return fail(ERR_CORRUPT, "%s: header and entries do not agree, with %d slots and %d entries neither", path, slots,
                entries);
}

static enum err load_sized(const char *path, int fd, int32_t slots, int32_t entries, struct index_file **out) {
    int64_t size_bytes;
    TRY(file_size(fd, &size_bytes));
    if (fits(slots, entries, size_bytes)) return load(path, fd, slots, entries, out);
    return load_other(path, fd, slots, entries, size_bytes, out);
}

enum err index_file_open(const char *path, int32_t slots, int32_t entries, bool suspect, struct index_file **out) {
    int fd;
    TRY(file_open(path, FILE_READ_WRITE, &fd));
    struct index_file *file;
    enum err err = load_sized(path, fd, slots, entries, &file);
    if (err != ERR_OK) {
        file_close(fd);
        return err;
    }
    if (suspect || !header_agrees(file))
        err = repair(file);
    else if (!index_file_full(file) && !entry_blank(file, atomic_load(&file->count)))
        err = index_file_clear_tail(file);
    if (err != ERR_OK) {
        index_file_release(file);
        return err;
    }
    *out = file;
    return ERR_OK;
}

/* --- entries --------------------------------------------------------------------------------------------- */

static int32_t seconds_after(int64_t begin_ms, int64_t time_ms) {
    if (begin_ms <= 0 || time_ms <= begin_ms) return 0;
    return (int32_t)MIN((time_ms - begin_ms) / 1000, INT32_MAX);
}

void index_file_fetch(const struct index_file *file, int32_t hash) {
    __builtin_prefetch(slot_at(file, hash), 1);
}

enum err index_file_put(struct index_file *file, int32_t hash, int64_t offset_phys, int64_t store_time_ms) {
    int32_t number = atomic_load_explicit(&file->count, memory_order_relaxed);
    must(number < file->entries && hash >= 0);
    TRY(reserve(file, entry_position(file, number + 1)));
    if (number == 1) {
        set(&file->begin_ms, store_time_ms);
        set(&file->begin_phys, offset_phys);
    }
    char *slot = slot_at(file, hash), *at = entry_at(file, number);
    int32_t prev = slot_load(slot);
    if (prev < 0 || prev >= number) prev = 0;
    store_u32be(at + AT_HASH, (uint32_t)hash);
    store_u64be(at + AT_PHYS, (uint64_t)offset_phys);
    store_u32be(at + AT_AFTER, (uint32_t)seconds_after(get(&file->begin_ms), store_time_ms));
    store_u32be(at + AT_PREV, (uint32_t)prev);
    if (prev == 0) file->used_slots++;
    set(&file->end_ms, store_time_ms);
    set(&file->end_phys, offset_phys);
    /* A finder that meets the number in the slot must find it below the count, and the entry written. */
    atomic_store_explicit(&file->count, number + 1, memory_order_release);
    slot_store(slot, number);
    header_store(file);
    return ERR_OK;
}

void index_file_cut(struct index_file *file, int64_t offset_phys) {
    int32_t count = atomic_load(&file->count), keep = count;
    for (; keep > 1; keep--) {
        struct index_entry entry = index_file_entry(file, keep - 1);
        if (entry.offset_phys < offset_phys) break;
        char *slot = slot_at(file, entry.hash);
        if (slot_load(slot) != keep - 1) continue; /* stale: nothing to undo */
        slot_store(slot, entry.prev);
        if (entry.prev == 0 && file->used_slots > 0) file->used_slots--;
    }
    if (keep == count) return;
    atomic_store(&file->count, keep);
    end_at_last_entry(file);
    header_store(file);
}

int32_t index_file_newest(const struct index_file *file, int32_t hash) {
    int32_t number = slot_load(slot_at(file, hash));
    return number > 0 && number < atomic_load_explicit(&file->count, memory_order_acquire) ? number : 0;
}

void index_file_find(const struct index_file *file, int32_t hash, int64_t begin_ms, int64_t end_ms, int64_t *offsets,
                     size_t max, size_t *found) {
    int64_t file_begin_ms = get(&file->begin_ms);
    int32_t number = index_file_newest(file, hash);
    while (number > 0 && *found < max) {
        struct index_entry entry = index_file_entry(file, number);
        int64_t earliest_ms = file_begin_ms + (int64_t)entry.after_s * 1000;
        bool in_range = earliest_ms <= end_ms && earliest_ms + 999 >= begin_ms;
        bool again = *found > 0 && offsets[*found - 1] == entry.offset_phys;
        if (entry.hash == hash && in_range && !again) offsets[(*found)++] = entry.offset_phys;
        number = entry.prev < number ? entry.prev : 0; /* chains lead to older entries only */
    }
}

enum err index_file_sync(struct index_file *file) {
    return file_sync(file->fd, file->path);
}
