/* config.c - how texts become settings: parsing with ranges, names that are nearly right, files, printing. */
#include "base/config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/check.h"
#include "base/json.h"
#include "base/similar.h"

enum { CONFIG_FILE_LIMIT_BYTES = 1 << 20 };

/* Texts live as long as the process, since others may hold views of former values; kept reachable here. */
struct kept_text {
    struct kept_text *next;
    char text[];
};
static _Atomic(struct kept_text *) kept_texts;

static struct bytes keep_text(struct bytes value) {
    struct kept_text *kept = malloc(sizeof *kept + value.len + 1);
    must(kept);
    if (value.len > 0) memcpy(kept->text, value.data, value.len);
    kept->text[value.len] = '\0';
    kept->next = atomic_load(&kept_texts);
    while (!atomic_compare_exchange_weak(&kept_texts, &kept->next, kept)) {
    }
    return bytes_make(kept->text, value.len);
}

/* The closest name; NULL when none is close. */
static const char *nearest_name(const struct config_section *sections, size_t count, struct bytes key) {
    struct similar similar = similar_begin(key);
    for (size_t s = 0; s < count; s++) {
        for (size_t k = 0; k < sections[s].key_count; k++) similar_consider(&similar, sections[s].keys[k].name);
    }
    return similar.best;
}

const struct config_key *config_find(const struct config_section *sections, size_t count, struct bytes key,
                                     const struct config_section **section) {
    for (size_t s = 0; s < count; s++) {
        for (size_t k = 0; k < sections[s].key_count; k++) {
            if (!bytes_is(key, sections[s].keys[k].name)) continue;
            if (section) *section = &sections[s];
            return &sections[s].keys[k];
        }
    }
    return NULL;
}

static enum err set_integer(const struct config_key *key, void *member, struct bytes value) {
    int64_t min = key->min, max = key->max, number;
    if (key->type == CONFIG_i32) {
        min = MAX(min, INT32_MIN);
        max = MIN(max, INT32_MAX);
    }
    if (!bytes_to_i64(value, &number) || number < min || number > max)
        return fail(ERR_BAD_CONFIG, "%s=%.*s: must be a whole number from %" PRId64 " to %" PRId64 "%s%s", key->name,
                    BYTES_ARG(value), min, max, key->unit[0] ? " " : "", key->unit);
    if (key->type == CONFIG_i32)
        *(int32_t *)member = (int32_t)number;
    else
        *(int64_t *)member = number;
    return ERR_OK;
}

static enum err set_value(const struct config_key *key, void *member, struct bytes value) {
    switch (key->type) {
    case CONFIG_i32:
    case CONFIG_i64:
        return set_integer(key, member, bytes_trim(value));
    case CONFIG_boolean:
        *(bool *)member = bytes_to_bool(bytes_trim(value));
        return ERR_OK;
    case CONFIG_real:
        if (!bytes_to_double(bytes_trim(value), member))
            return fail(ERR_BAD_CONFIG, "%s=%.*s: must be a number", key->name, BYTES_ARG(value));
        return ERR_OK;
    case CONFIG_text:
        *(struct bytes *)member = keep_text(value);
        return ERR_OK;
    }
    return fail(ERR_FAILED, "%s has no known type", key->name);
}

enum err config_check(const struct config_key *key, struct bytes value) {
    union {
        int32_t i32;
        int64_t i64;
        bool boolean;
        double real;
    } scratch;
    if (key->type == CONFIG_text) return ERR_OK; /* any text is one; setting it would keep a copy */
    return set_value(key, &scratch, value);
}

enum err config_set(const struct config_section *sections, size_t count, struct bytes key, struct bytes value,
                    const char **nearest) {
    const struct config_section *section;
    const struct config_key *found = config_find(sections, count, key, &section);
    if (found && (found->flags & CONFIG_IGNORED)) return ERR_OK;
    if (found) return set_value(found, (char *)section->values + found->offset, value);
    const char *closest = nearest ? nearest_name(sections, count, key) : NULL;
    if (nearest) *nearest = closest;
    if (closest) return fail(ERR_NOT_FOUND, "unknown key %.*s, did you mean %s?", BYTES_ARG(key), closest);
    return fail(ERR_NOT_FOUND, "unknown key %.*s", BYTES_ARG(key));
}

/* base has no files of its own (they are in os/): this one read at start-up is the exception. */
static enum err read_file(const char *path, struct buf *out) {
    FILE *file = fopen(path, "re");
    if (!file) return fail_errno(errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "cannot open %s", path);
    out->len = fread(buf_reserve(out, CONFIG_FILE_LIMIT_BYTES), 1, CONFIG_FILE_LIMIT_BYTES, file);
    enum err err = ERR_OK;
    if (ferror(file))
        err = fail_errno(ERR_IO, "cannot read %s", path);
    else if (out->len == CONFIG_FILE_LIMIT_BYTES)
        err = fail(ERR_TOO_BIG, "%s is larger than %d bytes: no configuration file", path, CONFIG_FILE_LIMIT_BYTES);
    fclose(file);
    return err;
}

enum err config_load_file(const struct config_section *sections, size_t count, const char *path, struct buf *warnings) {
    struct buf text = {0};
    struct arena arena = {0};
    struct props props;
    enum err err = read_file(path, &text);
    if (err == ERR_OK) err = props_parse(&arena, buf_bytes(&text), &props);
    for (size_t i = 0; err == ERR_OK && i < props.count; i++) {
        const struct prop *prop = &props.items[i];
        const char *nearest;
        const struct config_key *key = config_find(sections, count, prop->key, NULL);
        enum err set = config_set(sections, count, prop->key, prop->value, &nearest);
        if (set != ERR_OK)
            buf_printf(warnings, "%s:%d: %s\n", path, prop->line, err_detail(set));
        else if (key->flags & CONFIG_IGNORED)
            buf_printf(warnings, "%s:%d: %s has no effect: %s\n", path, prop->line, key->name, key->about);
    }
    arena_close(&arena);
    buf_close(&text);
    return err;
}

void config_value_text(const struct config_section *section, const struct config_key *key, struct buf *out) {
    if (key->flags & CONFIG_IGNORED) return;
    const void *member = (const char *)section->values + key->offset;
    switch (key->type) {
    case CONFIG_i32:
        buf_append_i64(out, *(const int32_t *)member);
        break;
    case CONFIG_i64:
        buf_append_i64(out, *(const int64_t *)member);
        break;
    case CONFIG_boolean:
        buf_append_text(out, *(const bool *)member ? "true" : "false");
        break;
    case CONFIG_real:
        json_real(&(struct json_writer){.out = out}, *(const double *)member);
        break;
    case CONFIG_text:
        buf_append_bytes(out, *(const struct bytes *)member);
        break;
    }
}

void config_print(const struct config_section *sections, size_t count, int only_flags, struct buf *out) {
    for (size_t s = 0; s < count; s++) {
        for (size_t k = 0; k < sections[s].key_count; k++) {
            const struct config_key *key = &sections[s].keys[k];
            if (key->flags & CONFIG_IGNORED || (key->flags & only_flags) != only_flags) continue;
            buf_printf(out, "%s=", key->name);
            config_value_text(&sections[s], key, out);
            buf_append_char(out, '\n');
        }
    }
}
