/* index_view.c - finding the sizes, entries, hashes. */
#include "tools/mqstore/index_view.h"

#include <stdlib.h>
#include "base/check.h"
#include "base/endian.h"
#include "base/hash.h"
#include "message/properties.h"
#include "os/file.h"
#include "tools/mqstore/chain.h"

static const char *entry_at(const struct index_view *view, int32_t number) {
    return view->data + INDEX_HEADER_BYTES + (int64_t)view->slots * INDEX_SLOT_BYTES +
           (int64_t)number * INDEX_ENTRY_BYTES;
}

struct index_entry index_view_entry(const struct index_view *view, int32_t number) {
    const char *at = entry_at(view, number);
    return (struct index_entry){load_i32be(at), load_i64be(at + 4), load_i32be(at + 12), load_i32be(at + 16)};
}

int32_t index_view_slot(const struct index_view *view, int32_t slot) {
    return load_i32be(view->data + INDEX_HEADER_BYTES + (int64_t)slot * INDEX_SLOT_BYTES);
}

static bool sizes_fit(const struct index_view *view) {
    struct index_entry first = index_view_entry(view, 1), last = index_view_entry(view, view->count - 1);
    return first.offset_phys == view->begin_phys && last.offset_phys == view->end_phys && first.hash != 0 &&
           index_view_entry(view, 0).offset_phys == 0 && load_i32be(entry_at(view, 0)) == 0;
}

static bool find_sizes(struct index_view *view) {
    for (view->slots = 1; view->slots < view->size_bytes / INDEX_SLOT_BYTES; view->slots++) {
        int64_t left = view->size_bytes - INDEX_HEADER_BYTES - (int64_t)view->slots * INDEX_SLOT_BYTES;
        view->entries = (int32_t)(left / INDEX_ENTRY_BYTES);
        if (view->count > view->entries) return false;
        if (left % INDEX_ENTRY_BYTES == 0 && sizes_fit(view)) return true;
    }
    return false;
}

enum err index_view_open(const char *dir, const char *name, struct index_view *view) {
    *view = (struct index_view){.path = chain_path(dir, name), .name = name};
    TRY(chain_map_file(view->path, &view->data, &view->size_bytes));
    if (view->size_bytes < INDEX_HEADER_BYTES + INDEX_SLOT_BYTES + 2 * INDEX_ENTRY_BYTES)
        return fail(ERR_CORRUPT, "%s: too short for an index file", view->path);
    view->begin_ms = load_i64be(view->data);
    view->end_ms = load_i64be(view->data + 8);
    view->begin_phys = load_i64be(view->data + 16);
    view->end_phys = load_i64be(view->data + 24);
    view->count = load_i32be(view->data + 36);
    if (view->count <= 1) return fail(ERR_NOT_FOUND, "%s: no entries", view->path);
    if (!find_sizes(view)) return fail(ERR_CORRUPT, "%s: header and entries do not agree", view->path);
    return ERR_OK;
}

void index_view_close(struct index_view *view) {
    if (view->data) file_unmap(view->data, view->size_bytes);
    view->data = NULL;
}

static int by_begin(const void *a, const void *b) {
    const struct index_view *left = a, *right = b;
    return left->begin_phys < right->begin_phys ? -1 : left->begin_phys > right->begin_phys ? 1 : 0;
}

enum err index_view_list(const char *dir, void (*bad)(void *ctx, const char *why), void *ctx, struct index_view **views,
                         size_t *count) {
    const char **names;
    size_t name_count;
    TRY(file_list(&mqstore_arena, dir, &names, &name_count));
    *views = arena_calloc(&mqstore_arena, name_count + 1, sizeof **views);
    *count = 0;
    for (size_t i = 0; i < name_count; i++) {
        struct index_view *view = &(*views)[*count];
        enum err err = index_view_open(dir, names[i], view);
        if (err == ERR_OK) {
            ++*count;
            continue;
        }
        index_view_close(view);
        bad(ctx, err_detail(err));
    }
    qsort(*views, *count, sizeof **views, by_begin);
    return ERR_OK;
}

int32_t index_view_hash(struct bytes topic, struct bytes key) {
    int32_t hash = java_string_hash_more(java_string_hash(topic), BYTES("#"));
    hash = java_string_hash_more(hash, key);
    return hash == INT32_MIN ? 0 : abs(hash);
}

static void add_hash(struct index_hashes *hashes, int32_t hash) {
    if (hashes->count == hashes->cap) {
        hashes->cap = hashes->cap ? hashes->cap * 2 : 16;
        hashes->values = realloc(hashes->values, hashes->cap * sizeof *hashes->values);
        must(hashes->values);
    }
    hashes->values[hashes->count++] = hash;
}

void index_hashes_of(const struct record *record, struct index_hashes *out) {
    out->count = 0;
    out->has_tags = false;
    if ((record->sys_flag & SYS_FLAG_TRANSACTION_MASK) == SYS_FLAG_ROLLBACK) return;
    struct bytes key = properties_get(record->properties, PROPERTY_UNIQ_KEY);
    if (key.len) add_hash(out, index_view_hash(record->topic, key));
    struct bytes rest = properties_get(record->properties, PROPERTY_KEYS);
    while (bytes_split(&rest, ' ', &key))
        if (key.len) add_hash(out, index_view_hash(record->topic, key));
    struct bytes tags = properties_get(record->properties, PROPERTY_TAGS);
    if (!tags.len) return;
    int32_t hash = java_string_hash_more(java_string_hash(record->topic), BYTES("#T#"));
    hash = java_string_hash_more(hash, tags);
    out->tags = hash == INT32_MIN ? 0 : abs(hash);
    out->has_tags = true;
}

void index_hashes_close(struct index_hashes *hashes) {
    free(hashes->values);
}
