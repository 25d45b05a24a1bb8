/* attributes.c - parses, checks and applies changes of attributes. @source apache/rocketmq AttributeUtil */
#include "broker/tables/attributes.h"

#include "base/check.h"

enum kind { KIND_CHOICE, KIND_NUMBER, KIND_SWITCH, KIND_TEXT };

static const struct attribute {
    enum attributes_owner owner;
    const char *name;
    bool changeable;
    enum kind kind;
    const char *values; /* choices, separated by a comma and a blank */
    int64_t min, max;
} known[] = {
#define CHOICE(owner, name, changeable, values)   {ATTRIBUTES_##owner, name, changeable, KIND_CHOICE, values, 0, 0},
#define NUMBER(owner, name, changeable, min, max) {ATTRIBUTES_##owner, name, changeable, KIND_NUMBER, NULL, min, max},
#define SWITCH(owner, name, changeable)           {ATTRIBUTES_##owner, name, changeable, KIND_SWITCH, NULL, 0, 0},
#define TEXT(owner, name, changeable)             {ATTRIBUTES_##owner, name, changeable, KIND_TEXT, NULL, 0, 0},
#include "broker/tables/attributes.def"
};

/* --- changes ----------------------------------------------------------------------------------------------- */

static enum err changes_add(struct attribute_changes *changes, bool delete, struct bytes key, struct bytes value) {
    if (key.len == 0 || memchr(key.data, '+', key.len) || memchr(key.data, '-', key.len))
        return fail(ERR_FAILED, "kv string format wrong.");
    for (size_t i = 0; i < changes->count; i++)
        if (bytes_equal(changes->items[i].key, key))
            return fail(ERR_FAILED, "alter duplication key. key: %.*s", BYTES_ARG(key));
    if (changes->count == ATTRIBUTE_CHANGES_MAX)
        return fail(ERR_FAILED, "more than %d attributes at once", ATTRIBUTE_CHANGES_MAX);
    changes->items[changes->count++] = (struct attribute_change){delete, key, value};
    return ERR_OK;
}

static enum err piece_parse(struct attribute_changes *changes, struct bytes piece) {
    const char *equals = memchr(piece.data, '=', piece.len);
    struct bytes key = equals ? bytes_make(piece.data, (size_t)(equals - piece.data)) : piece;
    char sign = equals ? '+' : '-';
    if (!memchr(key.data, sign, key.len))
        return fail(ERR_FAILED,
                    equals ? "add/alter attribute format is wrong: %.*s" : "delete attribute format is wrong: %.*s",
                    BYTES_ARG(key));
    if (key.data[0] != sign) return fail(ERR_FAILED, "wrong format key: %.*s", BYTES_ARG(bytes_skip(key, 1)));
    return changes_add(changes, !equals, bytes_skip(key, 1), equals ? bytes_skip(piece, key.len + 1) : BYTES(""));
}

enum err attribute_changes_parse(struct bytes text, struct attribute_changes *out) {
    struct bytes piece;
    out->count = 0;
    while (bytes_split(&text, ',', &piece))
        if (piece.len > 0) TRY(piece_parse(out, piece));
    return ERR_OK;
}

enum err attribute_changes_of(const struct json *object, bool create, struct attribute_changes *out) {
    out->count = 0;
    for (const struct json *a = json_first(object); a; a = a->next) {
        char sign = a->key.len > 0 ? a->key.data[0] : 0;
        struct bytes key = bytes_skip(a->key, a->key.len > 0);
        if (sign != '+' && (create || sign != '-'))
            return fail(ERR_FAILED,
                        create ? "only add attribute is supported while creating topic. key: %.*s"
                               : "wrong format key: %.*s",
                        BYTES_ARG(key));
        TRY(changes_add(out, sign == '-', key, json_text(a)));
    }
    return ERR_OK;
}

/* --- checks ------------------------------------------------------------------------------------------------ */

static enum err value_check(const struct attribute *attribute, struct bytes value) {
    struct bytes choices = attribute->values ? bytes_of(attribute->values) : BYTES(""), choice;
    int64_t number;
    switch (attribute->kind) {
    case KIND_CHOICE:
        while (bytes_split(&choices, ',', &choice))
            if (bytes_equal(bytes_trim(choice), value)) return ERR_OK;
        return fail(ERR_FAILED, "value is not in set: [%s]", attribute->values);
    case KIND_NUMBER:
        if (!bytes_to_i64(value, &number)) return fail(ERR_FAILED, "no number: \"%.*s\"", BYTES_ARG(value));
        if (number >= attribute->min && number <= attribute->max) return ERR_OK;
        return fail(ERR_FAILED, "value is not in range(%lld, %lld)", (long long)attribute->min,
                    (long long)attribute->max);
    case KIND_SWITCH:
        if (bytes_is(value, "true") || bytes_is(value, "false")) return ERR_OK;
        return fail(ERR_FAILED, "boolean attribute format is wrong.");
    case KIND_TEXT:
        return ERR_OK;
    }
    must(false);
}

static const struct attribute *attribute_find(enum attributes_owner owner, struct bytes name) {
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (known[i].owner == owner && bytes_is(name, known[i].name)) return &known[i];
    return NULL;
}

static enum err change_check(const struct attribute_change *change, enum attributes_owner owner, bool create,
                             const struct json *current) {
    struct arena arena = {0};
    bool exists = json_get(current, arena_strdup(&arena, change->key)) != NULL;
    arena_close(&arena);
    if (create && change->delete)
        return fail(ERR_FAILED, "only add attribute is supported while creating topic. key: %.*s",
                    BYTES_ARG(change->key));
    if (change->delete &&!exists)
        return fail(ERR_FAILED, "attempt to delete a nonexistent key: %.*s", BYTES_ARG(change->key));
    const struct attribute *attribute = attribute_find(owner, change->key);
    if (!attribute) return fail(ERR_FAILED, "unsupported key: %.*s", BYTES_ARG(change->key));
    if (!create && !attribute->changeable)
        return fail(ERR_FAILED, "attempt to update an unchangeable attribute. key: %.*s", BYTES_ARG(change->key));
    return change->delete ? ERR_OK : value_check(attribute, change->value);
}

/* --- objects ----------------------------------------------------------------------------------------------- */

static bool is_changed(const struct attribute_changes *changes, struct bytes key) {
    for (size_t i = 0; i < changes->count; i++)
        if (bytes_equal(changes->items[i].key, key)) return true;
    return false;
}

enum err attributes_alter(struct arena *arena, enum attributes_owner owner, bool create, struct bytes current,
                          const struct attribute_changes *changes, struct bytes *out) {
    const struct json *tree;
    TRY(json_parse(arena, current, &tree));
    for (size_t i = 0; i < changes->count; i++) TRY(change_check(&changes->items[i], owner, create, tree));

    struct buf text = {0};
    struct json_writer w = {.out = &text};
    json_begin_object(&w);
    for (const struct json *old = json_first(tree); old; old = old->next)
        if (!is_changed(changes, old->key)) {
            json_key(&w, old->key);
            json_string(&w, json_text(old));
        }
    for (size_t i = 0; i < changes->count; i++)
        if (!changes->items[i].delete) {
            json_key(&w, changes->items[i].key);
            json_string(&w, changes->items[i].value);
        }
    json_end_object(&w);
    *out = arena_copy(arena, buf_bytes(&text));
    buf_close(&text);
    return ERR_OK;
}

struct bytes attributes_get(struct arena *arena, struct bytes attributes, const char *name) {
    const struct json *tree;
    if (json_parse(arena, attributes, &tree) != ERR_OK) return (struct bytes){NULL, 0};
    const struct json *value = json_get(tree, name);
    return value ? json_text(value) : (struct bytes){NULL, 0};
}
