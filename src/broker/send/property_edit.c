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

struct bytes properties_edit(struct arena *arena, struct bytes text, const struct property_edits *edits) {
    size_t room = text.len + 1;
    for (size_t i = 0; i < edits->count; i++) room += edits->items[i].name.len + edits->items[i].value.len + 2;
    char *out = arena_alloc(arena, room), *at = out;
    struct bytes name, value;
    for (struct bytes rest = text; properties_next(&rest, &name, &value);)
        if (!edited(edits, name)) at = put_property(at, name, value);
    for (size_t i = 0; i < edits->count; i++)
        if (edits->items[i].value.len > 0) at = put_property(at, edits->items[i].name, edits->items[i].value);
    return bytes_make(out, (size_t)(at - out));
}
