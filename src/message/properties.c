/* properties.c - property texts, searched and changed without taking them apart */
#include "message/properties.h"

#include "base/scan.h"

enum { NAME_END = 1, VALUE_END = 2 };

#define PROPERTY(name, text) const struct bytes PROPERTY_##name = {text, sizeof(text) - 1};
#include "message/properties.def"
#undef PROPERTY

/* An item has a name and a value; a value may hold further NAME_ENDs. */
static bool cut_item(struct bytes item, struct bytes *name, struct bytes *value) {
    const char *end = memchr(item.data, NAME_END, item.len);
    if (!end) return false;
    *name = bytes_make(item.data, (size_t)(end - item.data));
    *value = bytes_skip(item, name->len + 1);
    return name->len > 0 && value->len > 0;
}

bool properties_next(struct bytes *rest, struct bytes *name, struct bytes *value) {
    if (rest->len == 0) return false;
    const char *at = rest->data, *end = rest->data + rest->len;
    while (at < end) {
        const char *start = at, *mark = scan_for_either(at, end, NAME_END, VALUE_END);
        bool named = mark < end && *mark == NAME_END;
        const char *item_end = named ? scan_for(mark + 1, end, VALUE_END) : mark;
        at = item_end < end ? item_end + 1 : end;
        if (!named || mark == start || item_end == mark + 1) continue;
        *name = bytes_make(start, (size_t)(mark - start));
        *value = bytes_make(mark + 1, (size_t)(item_end - mark - 1));
        *rest = bytes_make(at, (size_t)(end - at));
        return true;
    }
    *rest = bytes_make(end, 0);
    return false;
}

struct bytes properties_get(struct bytes text, struct bytes name) {
    struct bytes found = {0}, key, value;
    while (properties_next(&text, &key, &value))
        if (bytes_equal(key, name)) found = value;
    return found;
}

static void end_item(struct buf *out) {
    if (out->len > 0 && out->data[out->len - 1] != VALUE_END) buf_append_char(out, VALUE_END);
}

void properties_append(struct buf *out, struct bytes name, struct bytes value) {
    end_item(out);
    buf_append_bytes(out, name);
    buf_append_char(out, NAME_END);
    buf_append_bytes(out, value);
    buf_append_char(out, VALUE_END);
}

void properties_without(struct bytes text, struct bytes name, struct buf *out) {
    struct bytes item, key, value;
    for (struct bytes rest = text; bytes_split(&rest, VALUE_END, &item);) {
        if (cut_item(item, &key, &value) && bytes_equal(key, name)) continue;
        bool ended = item.data + item.len < text.data + text.len;
        buf_append(out, item.data, item.len + ended);
    }
}
