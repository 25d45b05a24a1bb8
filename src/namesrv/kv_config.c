/* kv_config.c - one hash table over (namespace, key). */
#include "namesrv/kv_config.h"

#include <stdlib.h>
#include <uthash.h>
#include "base/check.h"
#include "base/log.h"
#include "os/file.h"

enum { FILE_MAX_BYTES = 8 * KV_TOTAL_MAX_BYTES /* escapes are longer than what they stand for */ };

struct kv_entry {
    struct bytes id; /* namespace, '\0', key: own copy */
    size_t namespace_len;
    char *value;
    UT_hash_handle hh; /* by id */
};
struct kv_config {
    struct kv_entry *entries;
    size_t total_bytes;
};

static struct bytes namespace_of(const struct kv_entry *entry) {
    return bytes_make(entry->id.data, entry->namespace_len);
}

static struct bytes key_of(const struct kv_entry *entry) {
    return bytes_skip(entry->id, entry->namespace_len + 1);
}

static void append_id(struct buf *out, struct bytes namespace, struct bytes key) {
    buf_append_bytes(out, namespace);
    buf_append_char(out, '\0');
    buf_append_bytes(out, key);
}

static struct kv_entry *find(const struct kv_config *config, struct bytes namespace, struct bytes key) {
    struct kv_entry *entry;
    struct buf id = {0};
    append_id(&id, namespace, key);
    HASH_FIND(hh, config->entries, id.data, id.len, entry);
    buf_close(&id);
    return entry;
}

static void remove_entry(struct kv_config *config, struct kv_entry *entry) {
    HASH_DEL(config->entries, entry);
    config->total_bytes -= entry->id.len + strlen(entry->value);
    free((void *)(uintptr_t)entry->id.data);
    free(entry->value);
    free(entry);
}

static enum err load(struct kv_config *config, const struct json *table) {
    for (const struct json *namespace = json_first(table); namespace != NULL; namespace = namespace->next)
        for (const struct json *item = json_first(namespace); item != NULL; item = item->next)
            if (json_text(item).data != NULL) TRY(kv_config_put(config, namespace->key, item->key, json_text(item)));
    return ERR_OK;
}

enum err kv_config_open(const char *path, struct kv_config **out) {
    struct kv_config *config = calloc(1, sizeof *config);
    must(config != NULL);
    struct buf text = {0};
    struct arena arena = {0};
    const struct json *tree = NULL;
    enum err err = file_read_all(path, FILE_MAX_BYTES, &text);
    if (err == ERR_OK && bytes_trim(buf_bytes(&text)).len > 0) {
        err = json_parse(&arena, buf_bytes(&text), &tree);
        if (err == ERR_OK) err = load(config, json_get(tree, "configTable"));
        if (err != ERR_OK) err = fail(ERR_CORRUPT, "%s: %s; repair it or start without it", path, err_detail(err));
    }
    arena_close(&arena);
    buf_close(&text);
    if (err != ERR_OK && err != ERR_NOT_FOUND) {
        kv_config_close(config);
        return err;
    }
    *out = config;
    return ERR_OK;
}

void kv_config_close(struct kv_config *config) {
    struct kv_entry *entry, *next;
    HASH_ITER(hh, config->entries, entry, next) remove_entry(config, entry);
    free(config);
}

static struct kv_entry *add(struct kv_config *config, struct bytes namespace, struct bytes key) {
    struct kv_entry *entry = calloc(1, sizeof *entry);
    must(entry != NULL);
    struct buf id = {0};
    append_id(&id, namespace, key);
    entry->id = bytes_make(bytes_dup(buf_bytes(&id)), id.len);
    entry->namespace_len = namespace.len;
    HASH_ADD_KEYPTR(hh, config->entries, entry->id.data, entry->id.len, entry);
    buf_close(&id);
    config->total_bytes += entry->id.len;
    return entry;
}

enum err kv_config_put(struct kv_config *config, struct bytes namespace, struct bytes key, struct bytes value) {
    if (config->total_bytes + namespace.len + key.len + value.len > KV_TOTAL_MAX_BYTES)
        return fail(ERR_TOO_BIG, "the KV table is full: at most %d bytes; delete what is not needed",
                    KV_TOTAL_MAX_BYTES);
    struct kv_entry *entry = find(config, namespace, key);
    if (entry == NULL)
        entry = add(config, namespace, key);
    else
        config->total_bytes -= strlen(entry->value);
    free(entry->value);
    entry->value = bytes_dup(value);
    config->total_bytes += strlen(entry->value);
    return ERR_OK;
}

void kv_config_delete(struct kv_config *config, struct bytes namespace, struct bytes key) {
    struct kv_entry *entry = find(config, namespace, key);
    if (entry != NULL) remove_entry(config, entry);
}

struct bytes kv_config_get(const struct kv_config *config, struct bytes namespace, struct bytes key) {
    const struct kv_entry *entry = find(config, namespace, key);
    return bytes_of(entry != NULL ? entry->value : NULL);
}

size_t kv_config_list(const struct kv_config *config, struct arena *arena, struct bytes namespace,
                      const struct kv **items) {
    struct kv *list = arena_alloc(arena, HASH_COUNT(config->entries) * sizeof *list);
    size_t count = 0;
    for (const struct kv_entry *entry = config->entries; entry != NULL; entry = entry->hh.next)
        if (bytes_equal(namespace_of(entry), namespace))
            list[count++] = (struct kv){key_of(entry), bytes_of(entry->value)};
    *items = list;
    return count;
}

static int by_id(const struct kv_entry *a, const struct kv_entry *b) {
    return bytes_compare(a->id, b->id);
}

void kv_config_write(struct kv_config *config, struct buf *out) {
    HASH_SORT(config->entries, by_id);
    struct json_writer w = {.out = out, .pretty = true};
    const struct kv_entry *before = NULL;
    json_begin_object(&w);
    json_key_text(&w, "configTable");
    json_begin_object(&w);
    for (const struct kv_entry *entry = config->entries; entry != NULL; before = entry, entry = entry->hh.next) {
        if (before == NULL || !bytes_equal(namespace_of(before), namespace_of(entry))) {
            if (before != NULL) json_end_object(&w);
            json_key(&w, namespace_of(entry));
            json_begin_object(&w);
        }
        json_key(&w, key_of(entry));
        json_string(&w, bytes_of(entry->value));
    }
    if (before != NULL) json_end_object(&w);
    json_end_object(&w);
    json_end_object(&w);
}

void kv_config_log(const struct kv_config *config) {
    for (const struct kv_entry *entry = config->entries; entry != NULL; entry = entry->hh.next)
        log_info(MAIN, "kv: namespace=%.*s key=%.*s value=%s", BYTES_ARG(namespace_of(entry)), BYTES_ARG(key_of(entry)),
                 entry->value);
}
