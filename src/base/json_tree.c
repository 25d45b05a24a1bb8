/* json_tree.c - trees out of tokens, and lenient reading of their nodes. */
#include "base/json.h"

#include "base/check.h"

/* A container being filled. */
struct open {
    struct json *node;
    struct json **tail; /* where the next child goes */
    struct bytes key;   /* of the child that is due */
    const struct json *key_object;
    bool keyed; /* a key has come for the child that is due */
};

struct builder {
    struct arena *arena;
    struct json_reader reader;
    struct open stack[JSON_DEPTH_MAX];
    int depth;
    size_t nodes;
};

static struct bytes taken_text(struct builder *b) {
    if (!b->reader.escaped) return b->reader.text;
    char *plain = arena_alloc(b->arena, b->reader.text.len);
    return bytes_make(plain, json_unescape(b->reader.text, plain));
}

static struct json *new_node(struct builder *b, enum json_type type) {
    struct json *node = arena_calloc(b->arena, 1, sizeof *node);
    node->type = type;
    b->nodes++;
    return node;
}

/* Hangs the node into what is open; the top value stays alone. */
static void attach(struct builder *b, struct json *node) {
    if (b->depth == 0) return;
    struct open *open = &b->stack[b->depth - 1];
    if (open->keyed) {
        node->key = open->key;
        node->key_object = open->key_object;
        open->key = (struct bytes){0};
        open->key_object = NULL;
        open->keyed = false;
    } else if (open->node->type == JSON_TYPE_OBJECT) { /* an object where a key is due */
        open->key_object = node;
        open->keyed = true;
        return;
    }
    *open->tail = node;
    open->tail = &node->next;
    open->node->count++;
}

static void open_node(struct builder *b, struct json *node) {
    attach(b, node);
    b->stack[b->depth++] = (struct open){.node = node, .tail = &node->first};
}

static struct json *scalar_node(struct builder *b, enum json_token token) {
    switch (token) {
    case JSON_STRING:
    case JSON_NUMBER: {
        struct json *node = new_node(b, token == JSON_STRING ? JSON_TYPE_STRING : JSON_TYPE_NUMBER);
        node->text = taken_text(b);
        return node;
    }
    case JSON_TRUE:
    case JSON_FALSE: {
        struct json *node = new_node(b, JSON_TYPE_BOOL);
        node->boolean = token == JSON_TRUE;
        return node;
    }
    default:
        return new_node(b, JSON_TYPE_NULL);
    }
}

/* Takes one token into the tree; the node it made, or NULL. */
static struct json *take_token(struct builder *b, enum json_token token) {
    struct json *node = NULL;
    switch (token) {
    case JSON_OBJECT:
    case JSON_ARRAY:
        node = new_node(b, token == JSON_OBJECT ? JSON_TYPE_OBJECT : JSON_TYPE_ARRAY);
        open_node(b, node);
        break;
    case JSON_OBJECT_END:
    case JSON_ARRAY_END:
        b->depth--;
        break;
    case JSON_KEY:
        b->stack[b->depth - 1].key = taken_text(b);
        b->stack[b->depth - 1].keyed = true;
        break;
    default:
        node = scalar_node(b, token);
        attach(b, node);
    }
    return node;
}

enum err json_parse(struct arena *arena, struct bytes input, const struct json **out) {
    struct builder b; /* the stack's rows are set when they are opened */
    b.arena = arena;
    b.depth = 0;
    b.nodes = 0;
    json_reader_init(&b.reader, input);
    const char *start = b.reader.at;
    const struct json *top = NULL;
    enum json_token token;
    while ((token = json_next(&b.reader)) != JSON_EOF) {
        if (token == JSON_BAD) return fail(ERR_BAD_INPUT, "malformed JSON at byte %td", b.reader.at - start);
        if (b.nodes == JSON_NODES_MAX) return fail(ERR_BAD_INPUT, "JSON of more than %d values", JSON_NODES_MAX);
        const struct json *node = take_token(&b, token);
        if (top == NULL) top = node;
    }
    *out = top;
    return ERR_OK;
}

const struct json *json_get(const struct json *object, const char *key) {
    if (object == NULL || object->type != JSON_TYPE_OBJECT) return NULL;
    const struct bytes name = bytes_of(key);
    const struct json *found = NULL;
    for (const struct json *member = object->first; member != NULL; member = member->next)
        if (member->key_object == NULL && bytes_equal(member->key, name)) found = member;
    return found;
}

struct bytes json_text(const struct json *node) {
    if (node == NULL) return (struct bytes){0};
    switch (node->type) {
    case JSON_TYPE_STRING:
    case JSON_TYPE_NUMBER:
        return node->text;
    case JSON_TYPE_BOOL:
        return node->boolean ? BYTES("true") : BYTES("false");
    default:
        return (struct bytes){0};
    }
}

int64_t json_i64(const struct json *node, int64_t otherwise) {
    const struct bytes text = json_text(node);
    int64_t whole;
    if (bytes_to_i64(text, &whole)) return whole;
    double real;
    if (!bytes_to_double(text, &real) || !(real >= -0x1p63 && real < 0x1p63)) return otherwise;
    return (int64_t)real;
}

double json_double(const struct json *node, double otherwise) {
    double value;
    return bytes_to_double(json_text(node), &value) ? value : otherwise;
}

bool json_bool(const struct json *node, bool otherwise) {
    const struct bytes text = json_text(node);
    if (text.data == NULL || text.len == 0) return otherwise;
    return bytes_to_bool(text) || bytes_is(text, "1");
}

void json_texts(struct arena *arena, const struct json *array, const struct bytes **out, size_t *count) {
    struct bytes *texts = arena_alloc(arena, (array != NULL ? array->count : 0) * sizeof *texts);
    *out = texts;
    *count = 0;
    for (const struct json *element = json_first(array); element != NULL; element = element->next) {
        const struct bytes text = json_text(element);
        if (text.data != NULL) texts[(*count)++] = text;
    }
}

const struct json *json_first(const struct json *node) {
    return node != NULL ? node->first : NULL;
}
