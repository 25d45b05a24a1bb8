/* timer_wheel.c - slots in pages */
#include "store/timer_wheel.h"

#include <inttypes.h>
#include <stdlib.h>
#include "base/bytes.h"
#include "base/check.h"
#include "base/endian.h"
#include "os/file.h"

enum { AT_TIME = 0, AT_FIRST = 8, AT_LAST = 16, AT_COUNT = 24, PAGE_SLOTS = TIMER_PAGE_BYTES / TIMER_SLOT_BYTES };
_Static_assert(TIMER_WHEEL_BYTES % TIMER_PAGE_BYTES == 0, "the wheel is whole pages");

struct taken_page {
    int64_t page;
    char data[TIMER_PAGE_BYTES];
};

/* --- the file ----------------------------------------------------------------------------------------------- */

static enum err set_size(struct timer_wheel *wheel) {
    int64_t size_bytes;
    TRY(file_size(wheel->fd, &size_bytes));
    if (size_bytes == 0) return file_resize(wheel->fd, wheel->path, TIMER_WHEEL_BYTES);
    if (size_bytes == TIMER_WHEEL_BYTES) return ERR_OK;
    return fail(ERR_CORRUPT, "%s has %" PRId64 " bytes, a timer wheel has %d", wheel->path, size_bytes,
                TIMER_WHEEL_BYTES);
}

enum err timer_wheel_open(struct timer_wheel *wheel, const char *path, int64_t precision_ms) {
    *wheel = (struct timer_wheel){.fd = -1, .precision_ms = precision_ms, .seen_page = -1};
    lock_init(&wheel->lock, LOCK_TIMER_WHEEL);
    wheel->path = bytes_dup(bytes_of(path));
    enum err err = file_open(path, FILE_CREATE, &wheel->fd);
    if (err == ERR_OK) err = set_size(wheel);
    if (err != ERR_OK && err != ERR_CORRUPT) timer_wheel_close(wheel);
    return err;
}

void timer_wheel_close(struct timer_wheel *wheel) {
    for (size_t i = 0; i < TIMER_PAGES; i++) free(wheel->pages[i]);
    free(wheel->taken);
    free(wheel->path);
    if (wheel->fd >= 0) file_close(wheel->fd);
    lock_close(&wheel->lock);
}

enum err timer_wheel_clear(struct timer_wheel *wheel) {
    lock_take(&wheel->lock);
    for (size_t i = 0; i < TIMER_PAGES; i++) {
        free(wheel->pages[i]);
        wheel->pages[i] = NULL;
    }
    wheel->page_count = 0;
    lock_give(&wheel->lock);
    wheel->seen_page = -1;
    TRY(file_resize(wheel->fd, wheel->path, 0));
    return file_resize(wheel->fd, wheel->path, TIMER_WHEEL_BYTES);
}

/* --- slots -------------------------------------------------------------------------------------------------- */

static int64_t index_of(const struct timer_wheel *wheel, int64_t time_ms) {
    return time_ms / wheel->precision_ms % TIMER_WHEEL_SLOTS;
}

static struct timer_slot slot_decode(const struct timer_wheel *wheel, const char *at) {
    int64_t time = load_i64be(at + AT_TIME);
    if (time <= 0 || time > INT64_MAX / wheel->precision_ms) return (struct timer_slot){0};
    return (struct timer_slot){.time_ms = time * wheel->precision_ms,
                               .first = load_i64be(at + AT_FIRST),
                               .last = load_i64be(at + AT_LAST),
                               .count = load_i32be(at + AT_COUNT)};
}

/* The page as it is now, for reading. */
static enum err page_read(struct timer_wheel *wheel, int64_t page, const char **out) {
    if (wheel->pages[page]) {
        *out = wheel->pages[page]->data;
        return ERR_OK;
    }
    if (wheel->seen_page != page) {
        wheel->seen_page = -1;
        TRY(file_pread(wheel->fd, wheel->path, wheel->seen.data, TIMER_PAGE_BYTES, page * TIMER_PAGE_BYTES));
        wheel->seen_page = page;
    }
    *out = wheel->seen.data;
    return ERR_OK;
}

/* Brings it into memory, to be changed. */
static enum err page_keep(struct timer_wheel *wheel, int64_t page) {
    const char *data;
    if (wheel->pages[page]) return ERR_OK;
    TRY(page_read(wheel, page, &data));
    struct timer_page *kept = malloc(sizeof *kept);
    must(kept);
    memcpy(kept->data, data, TIMER_PAGE_BYTES);
    kept->changed = false;
    wheel->seen_page = -1;
    lock_take(&wheel->lock);
    wheel->pages[page] = kept;
    wheel->page_count++;
    lock_give(&wheel->lock);
    return ERR_OK;
}

enum err timer_wheel_get(struct timer_wheel *wheel, int64_t time_ms, struct timer_slot *out) {
    int64_t index = index_of(wheel, time_ms);
    const char *data;
    TRY(page_read(wheel, index / PAGE_SLOTS, &data));
    *out = slot_decode(wheel, data + index % PAGE_SLOTS * TIMER_SLOT_BYTES);
    return ERR_OK;
}

enum err timer_wheel_put(struct timer_wheel *wheel, int64_t time_ms, const struct timer_slot *slot) {
    int64_t index = index_of(wheel, time_ms);
    TRY(page_keep(wheel, index / PAGE_SLOTS));
    struct timer_page *page = wheel->pages[index / PAGE_SLOTS];
    char *at = page->data + index % PAGE_SLOTS * TIMER_SLOT_BYTES;
    lock_take(&wheel->lock);
    memset(at, 0, TIMER_SLOT_BYTES);
    if (slot->time_ms != 0) {
        store_u64be(at + AT_TIME, (uint64_t)(slot->time_ms / wheel->precision_ms));
        store_u64be(at + AT_FIRST, (uint64_t)slot->first);
        store_u64be(at + AT_LAST, (uint64_t)slot->last);
        store_u32be(at + AT_COUNT, (uint32_t)slot->count);
    }
    page->changed = true;
    lock_give(&wheel->lock);
    return ERR_OK;
}

enum err timer_wheel_next(struct timer_wheel *wheel, int64_t from_ms, int64_t until_ms, struct timer_slot *out) {
    for (int64_t time_ms = from_ms; time_ms < until_ms; time_ms += wheel->precision_ms) {
        TRY(timer_wheel_get(wheel, time_ms, out));
        if (out->time_ms == time_ms) return ERR_OK;
    }
    *out = (struct timer_slot){0};
    return ERR_OK;
}

enum err timer_wheel_first(struct timer_wheel *wheel, int64_t *out) {
    struct timer_slot slot;
    *out = 0;
    for (int64_t i = 0; i < TIMER_WHEEL_SLOTS; i++) {
        TRY(timer_wheel_get(wheel, i * wheel->precision_ms, &slot));
        if (slot.time_ms != 0 && (*out == 0 || slot.time_ms < *out)) *out = slot.time_ms;
    }
    return ERR_OK;
}

int32_t timer_wheel_count(struct timer_wheel *wheel, int64_t time_ms) {
    int64_t index = index_of(wheel, time_ms);
    char raw[TIMER_SLOT_BYTES];
    lock_take(&wheel->lock);
    const struct timer_page *page = wheel->pages[index / PAGE_SLOTS];
    if (page) memcpy(raw, page->data + index % PAGE_SLOTS * TIMER_SLOT_BYTES, sizeof raw);
    lock_give(&wheel->lock);
    if (!page && file_pread_cached(wheel->fd, wheel->path, raw, sizeof raw, index * TIMER_SLOT_BYTES) != ERR_OK)
        return 0;
    struct timer_slot slot = slot_decode(wheel, raw);
    return slot.time_ms == time_ms ? slot.count : 0;
}

/* --- saving ------------------------------------------------------------------------------------------------- */

void timer_wheel_take(struct timer_wheel *wheel) {
    must(wheel->taken_count == 0);
    if (wheel->page_count == 0) return;
    wheel->taken = malloc(wheel->page_count * sizeof *wheel->taken);
    must(wheel->taken);
    for (int64_t i = 0; i < TIMER_PAGES; i++) {
        struct timer_page *page = wheel->pages[i];
        if (!page || !page->changed) continue;
        struct taken_page *taken = &wheel->taken[wheel->taken_count++];
        taken->page = i;
        memcpy(taken->data, page->data, TIMER_PAGE_BYTES);
        page->changed = false;
    }
}

enum err timer_wheel_save(struct timer_wheel *wheel) {
    for (size_t i = 0; i < wheel->taken_count; i++)
        TRY(file_pwrite(wheel->fd, wheel->path, wheel->taken[i].data, TIMER_PAGE_BYTES,
                        wheel->taken[i].page * TIMER_PAGE_BYTES));
    return wheel->taken_count > 0 ? file_sync(wheel->fd, wheel->path) : ERR_OK;
}

void timer_wheel_saved(struct timer_wheel *wheel) {
    free(wheel->taken);
    wheel->taken = NULL;
    wheel->taken_count = 0;
    lock_take(&wheel->lock);
    for (size_t i = 0; i < TIMER_PAGES; i++) {
        if (!wheel->pages[i] || wheel->pages[i]->changed) continue;
        free(wheel->pages[i]);
        wheel->pages[i] = NULL;
        wheel->page_count--;
    }
    lock_give(&wheel->lock);
    wheel->seen_page = -1;
}
