/* property_edit.h - a message's property text with some properties set or taken out; the others stay as they came. */
#ifndef RMQ_BROKER_PROPERTY_EDIT_H
#define RMQ_BROKER_PROPERTY_EDIT_H

#include "base/arena.h"
#include "message/properties.h"

struct property_edit {
    struct bytes name;
    struct bytes value; /* absent: taken out */
};
enum { PROPERTY_EDITS_MAX = 24 };
struct property_edits {
    struct property_edit items[PROPERTY_EDITS_MAX];
    size_t count;
};
/* Adds an edit, or changes the one of that name. The texts are borrowed until properties_edit. */
void property_set(struct property_edits *edits, struct bytes name, struct bytes value);
void property_remove(struct property_edits *edits, struct bytes name);
/* The same for a number; its text is in the arena. */
void property_set_i64(struct property_edits *edits, struct bytes name, int64_t value, struct arena *arena);
/* The new text, in the arena: what is kept in its order, then what is set. */
struct bytes properties_edit(struct arena *arena, struct bytes text, const struct property_edits *edits);

#endif
