/* resident.c - a table of what was seen, by stretch. */
#include "store/resident.h"

#include "base/check.h"
#include "os/file.h"

enum { TRUSTED_MS = 100, MS_BITS = 24, MS_MASK = (1 << MS_BITS) - 1 };

static _Atomic uint64_t *seen_of(struct resident *resident, int64_t number) {
    return &resident->seen[number % RESIDENT_STRETCHES];
}

static bool was_seen(struct resident *resident, int64_t number, int64_t now_ms) {
    uint64_t seen = atomic_load_explicit(seen_of(resident, number), memory_order_relaxed);
    return seen >> MS_BITS == (uint64_t)number && (((uint64_t)now_ms - seen) & MS_MASK) < TRUSTED_MS;
}

static void note(struct resident *resident, int64_t number, int64_t now_ms) {
    uint64_t seen = (uint64_t)number << MS_BITS | ((uint64_t)now_ms & MS_MASK);
    atomic_store_explicit(seen_of(resident, number), seen, memory_order_relaxed);
}

static int64_t look(const struct mapped_file *file, int64_t from_phys, int64_t to_phys) {
    const char *data = file->data + (from_phys - file->start_phys);
    return from_phys + (int64_t)file_resident_bytes(data, (size_t)(to_phys - from_phys));
}

int64_t resident_until(struct resident *resident, const struct mapped_file *file, int64_t phys, int64_t least,
                       int64_t limit_phys, int64_t now_ms) {
    int64_t number = phys / RESIDENT_STRETCH_BYTES, start = number * RESIDENT_STRETCH_BYTES;
    int64_t end = start + RESIDENT_STRETCH_BYTES, until = phys;
    bool whole = start >= file->start_phys && end <= limit_phys;
    if (whole && was_seen(resident, number, now_ms)) {
        until = end;
    } else if (whole) {
        until = look(file, start, end);
        if (until == end) note(resident, number, now_ms);
    }
    /* the begin of the stretch is not there, or the stretch is not all of what is wanted */
    if (until <= phys) return look(file, phys, MAX(phys + least, MIN(end, limit_phys)));
    return until == end && phys + least > end ? look(file, end, phys + least) : until;
}
