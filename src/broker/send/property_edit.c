/* property_edit.c - one pass over a property text, and what is set behind it. */
#include "broker/send/property_edit.h"

#include <inttypes.h>
#include "base/check.h"

static struct property_edit *edit_of(struct property_edits *edits, struct bytes name) {
    for (size_t i = 0; i < edits->count; i++)
        if (bytes_equal(edits->items[i].name, name)) return &edits->items[i];
    must(edits->count < PROPERTY_EDITS_MAX);
    edits->items[edits->count].name = name;
    return &edits->items[edits->count++];
}

void property_set(struct property_edits *edits, struct bytes name, struct bytes value) {
    edit_of(edits, name)->value = value;
}

void property_remove(struct property_edits *edits, struct bytes name) {
    edit_of(edits, name)->value = (struct bytes){NULL, 0};
}

void property_set_i64(struct property_edits *edits, struct bytes name, int64_t value, struct arena *arena) {
    property_set(edits, name, arena_printf(arena, "%" PRId64, value));
}

static bool edited(const struct property_edits *edits, struct bytes name) {
    for (size_t i = 0; i < edits->count; i++)
        if (bytes_equal(edits->items[i].name, name)) return true;
    return false;
}

static char *put_property(char *at, struct bytes name, struct bytes value) {
    memcpy(at, name.data, name.len);
    at += name.len;
    *at++ = 1;
    memcpy(at, value.data, value.len);
    at += value.len;
    *at++ = 2;
    return at;
}

static char *put_run(char *at, const char *run, const char *run_end) {
    if (run_end > run) memcpy(at, run, (size_t)(run_end - run));
    return at + (run_end - run);
}

/* Properties that stay are neighbours mostly, and copied as one run. */
static char *keep_others(char *at, struct bytes text, const struct property_edits *edits) {
    const char *run = text.data, *run_end = text.data;
    struct bytes name, value;
    for (struct bytes rest = text; properties_next(&rest, &name, &value);) {
        if (edited(edits, name)) continue;
        if (name.data != run_end) {
            at = put_run(at, run, run_end);
            run = name.data;
        }
        const char *value_end = value.data + value.len;
        run_end = value_end < text.data + text.len ? value_end + 1 : value_end;
    }
    return put_run(at, run, run_end);
}

struct bytes properties_edit(struct arena *arena, struct bytes text, const struct property_edits *edits) {
    size_t room = text.len + 1;
    for (size_t i = 0; i < edits->count; i++) room += edits->items[i].name.len + edits->items[i].value.len + 2;
    char *out = arena_alloc(arena, room), *at = keep_others(out, text, edits);
    if (at > out && at[-1] != 2) *at++ = 2; /* the last one may come without its end */
    for (size_t i = 0; i < edits->count; i++)
        if (edits->items[i].value.len > 0) at = put_property(at, edits->items[i].name, edits->items[i].value);
    return bytes_make(out, (size_t)(at - out));
}
