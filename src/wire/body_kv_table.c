/* body_kv_table.c - KVTable as JSON. */
#include "wire/body_kv_table.h"

void kv_table_encode(const struct kv *items, size_t count, struct buf *out) {
    struct json_writer w = {.out = out};
    json_begin_object(&w);
    json_key_text(&w, "table");
    json_begin_object(&w);
    for (size_t i = 0; i < count; i++) {
        json_key(&w, items[i].key);
        json_string(&w, items[i].value);
    }
    json_end_object(&w);
    json_end_object(&w);
}

enum err kv_table_decode(struct arena *arena, struct bytes body, const struct kv **items, size_t *count) {
    const struct json *top;
    TRY(json_parse(arena, body, &top));
    if (top->type != JSON_TYPE_OBJECT) return fail(ERR_BAD_INPUT, "KV table is no JSON object");
    const struct json *table = json_get(top, "table");
    struct kv *pairs = arena_alloc(arena, (table != NULL ? table->count : 0) * sizeof *pairs);
    *items = pairs;
    *count = 0;
    for (const struct json *node = json_first(table); node != NULL; node = node->next) {
        const struct bytes value = json_text(node);
        if (node->key.data != NULL && value.data != NULL) pairs[(*count)++] = (struct kv){node->key, value};
    }
    return ERR_OK;
}
