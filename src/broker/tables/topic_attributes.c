/* topic_attributes.c - parses and checks changes of attributes */
#include "broker/tables/topic_attributes.h"

#include "base/check.h"

static const struct attribute {
    const char *name;
    bool changeable;
    const char *values;
} attributes[] = {
#define ATTRIBUTE(name, changeable, values) {name, changeable, values},
#include "broker/tables/topic_attributes.def"
#undef ATTRIBUTE
};

enum { CHANGES_MAX = 16 };
struct change {
    bool delete;
    struct bytes key, value;
};

static enum err change_parse(struct bytes piece, struct change *out) {
    const char *equals = memchr(piece.data, '=', piece.len);
    struct bytes key = equals ? bytes_make(piece.data, (size_t)(equals - piece.data)) : piece;
    char sign = equals ? '+' : '-';
    if (!memchr(key.data, sign, key.len))
        return fail(ERR_FAILED,
                    equals ? "add/alter attribute format is wrong: %.*s" : "delete attribute format is wrong: %.*s",
                    BYTES_ARG(key));
    if (key.data[0] != sign) return fail(ERR_FAILED, "wrong format key: %.*s", BYTES_ARG(bytes_skip(key, 1)));
    out->delete = !equals;
    out->key = bytes_skip(key, 1);
    out->value = equals ? bytes_skip(piece, key.len + 1) : BYTES("");
    if (out->key.len == 0 || memchr(out->key.data, '+', out->key.len) || memchr(out->key.data, '-', out->key.len))
        return fail(ERR_FAILED, "kv string format wrong.");
    return ERR_OK;
}

static enum err changes_parse(struct bytes text, struct change *out, size_t *count) {
    struct bytes piece;
    *count = 0;
    while (bytes_split(&text, ',', &piece)) {
        if (piece.len == 0) continue;
        if (*count == CHANGES_MAX) return fail(ERR_FAILED, "more than %d attributes at once", CHANGES_MAX);
        struct change *change = &out[*count];
        TRY(change_parse(piece, change));
        for (size_t i = 0; i < *count; i++)
            if (bytes_equal(out[i].key, change->key))
                return fail(ERR_FAILED, "alter duplication key. key: %.*s", BYTES_ARG(change->key));
        ++*count;
    }
    return ERR_OK;
}

static const struct attribute *attribute_find(struct bytes key) {
    for (size_t i = 0; i < ARRAY_LEN(attributes); i++)
        if (bytes_is(key, attributes[i].name)) return &attributes[i];
    return NULL;
}

static enum err change_check(const struct change *change, bool create, const struct json *current) {
    struct arena arena = {0};
    bool exists = json_get(current, arena_strdup(&arena, change->key)) != NULL;
    arena_close(&arena);
    if (create && change->delete)
        return fail(ERR_FAILED, "only add attribute is supported while creating topic. key: %.*s",
                    BYTES_ARG(change->key));
    if (change->delete &&!exists)
        return fail(ERR_FAILED, "attempt to delete a nonexistent key: %.*s", BYTES_ARG(change->key));
    if (bytes_is(change->key, "reserve.time")) return fail(ERR_FAILED, "Update topic reserveTime not supported");
    const struct attribute *attribute = attribute_find(change->key);
    if (!attribute) return fail(ERR_FAILED, "unsupported key: %.*s", BYTES_ARG(change->key));
    if (!create && !attribute->changeable)
        return fail(ERR_FAILED, "attempt to update an unchangeable attribute. key: %.*s", BYTES_ARG(change->key));
    if (change->delete) return ERR_OK;
    struct bytes values = bytes_of(attribute->values), value;
    while (bytes_split(&values, ' ', &value))
        if (bytes_equal(value, change->value)) return ERR_OK;
    return fail(ERR_FAILED, "value is not in set: [%s]", attribute->values);
}

static const struct change *changed(const struct change *changes, size_t count, struct bytes key) {
    for (size_t i = 0; i < count; i++)
        if (bytes_equal(changes[i].key, key)) return &changes[i];
    return NULL;
}

enum err topic_attributes_alter(struct arena *arena, bool create, struct bytes current, struct bytes change,
                                struct bytes *out) {
    struct change changes[CHANGES_MAX];
    const struct json *tree;
    size_t count;
    TRY(json_parse(arena, current, &tree));
    TRY(changes_parse(change, changes, &count));
    for (size_t i = 0; i < count; i++) TRY(change_check(&changes[i], create, tree));

    struct buf text = {0};
    struct json_writer w = {.out = &text};
    json_begin_object(&w);
    for (const struct json *old = json_first(tree); old; old = old->next)
        if (!changed(changes, count, old->key)) {
            json_key(&w, old->key);
            json_string(&w, json_text(old));
        }
    for (size_t i = 0; i < count; i++)
        if (!changes[i].delete) {
            json_key(&w, changes[i].key);
            json_string(&w, changes[i].value);
        }
    json_end_object(&w);
    *out = arena_copy(arena, buf_bytes(&text));
    buf_close(&text);
    return ERR_OK;
}
