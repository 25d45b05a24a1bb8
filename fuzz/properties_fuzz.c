/* properties_fuzz.c - property texts: items come in order, the last of equal names is found, removing one removes all
 * of its name and nothing else. */
#include "base/check.h"
#include "message/properties.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t count_items(struct bytes text) {
    struct bytes name, value;
    size_t count = 0;
    while (properties_next(&text, &name, &value)) {
        must(name.len > 0 && value.len > 0);
        count++;
    }
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct bytes text = bytes_make(data, size), rest = text, name, value;
    struct buf out = {0};
    size_t count = count_items(text);
    if (properties_next(&rest, &name, &value)) {
        struct bytes found = properties_get(text, name);
        must(found.data != NULL && found.data >= value.data);
        properties_without(text, name, &out);
        must(properties_get(buf_bytes(&out), name).data == NULL);
        must(count_items(buf_bytes(&out)) < count);
        size_t left = count_items(buf_bytes(&out));
        properties_append(&out, name, found);
        must(count_items(buf_bytes(&out)) == left + 1);
        must(bytes_equal(properties_get(buf_bytes(&out), name), found));
    } else {
        properties_without(text, PROPERTY_TAGS, &out);
        must(bytes_equal(buf_bytes(&out), text));
    }
    buf_close(&out);
    return 0;
}
