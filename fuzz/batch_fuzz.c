/* batch_fuzz.c - bodies of batch sends: what is taken apart is put together to the same bytes, but for the two words
 * that are not used. */
#include "base/check.h"
#include "message/batch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    enum { UNUSED_AT = 4, UNUSED_END = 12 };
    struct bytes rest = bytes_make(data, size);
    struct batch_item item;
    struct buf out = {0};
    bool more;
    while (rest.len > 0) {
        const char *start = rest.data;
        if (batch_next(&rest, &item, &more) != ERR_OK) break;
        must(more);
        buf_clear(&out);
        batch_append(&out, &item);
        must(out.len == (size_t)(rest.data - start) && memcmp(out.data, start, UNUSED_AT) == 0);
        must(memcmp(out.data + UNUSED_END, start + UNUSED_END, out.len - UNUSED_END) == 0);
    }
    buf_close(&out);
    return 0;
}
