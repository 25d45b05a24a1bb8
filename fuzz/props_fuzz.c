/* props_fuzz.c - .properties texts: any bytes parse or fail, and what is printed of them reads back the same. */
#include "base/check.h"
#include "base/props.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool prints_plainly(const struct prop *prop) { /* keys are printed as they are: only plain ones read back */
    for (size_t i = 0; i < prop->key.len; i++) {
        const unsigned char c = (unsigned char)prop->key.data[i];
        if (c <= ' ' || c == '=' || c == ':' || c == '\\' || c == '#' || c == '!') return false;
    }
    for (size_t i = 0; i < prop->value.len; i++)
        if (prop->value.data[i] == '\r') return false;
    const char first = prop->value.len > 0 ? prop->value.data[0] : 'x';
    return prop->key.len > 0 && first != ' ' && first != '\t' && first != '\f';
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct arena arena = {0};
    struct props props, again;
    if (props_parse(&arena, bytes_make(data, size), &props) == ERR_OK) {
        struct buf text = {0};
        for (size_t i = 0; i < props.count; i++)
            if (prints_plainly(&props.items[i])) props_append(&text, props.items[i].key, props.items[i].value);
        must(props_parse(&arena, buf_bytes(&text), &again) == ERR_OK);
        for (size_t i = 0, k = 0; i < props.count; i++) {
            if (!prints_plainly(&props.items[i])) continue;
            must(bytes_equal(again.items[k].key, props.items[i].key));
            must(bytes_equal(again.items[k++].value, props.items[i].value));
        }
        buf_close(&text);
    }
    arena_close(&arena);
    return 0;
}
