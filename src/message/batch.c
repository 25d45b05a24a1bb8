/* batch.c - bodies of batch sends */
#include "message/batch.h"

#include "base/check.h"
#include "base/endian.h"
#include "message/record.h"

enum { AT_FLAG = 12, AT_BODY_LEN = 16, AT_BODY = 20, PROPERTIES_LEN_SIZE = BATCH_ITEM_FIXED - AT_BODY };

enum err batch_next(struct bytes *rest, struct batch_item *out, bool *more) {
    *more = rest->len > 0;
    if (!*more) return ERR_OK;
    if (rest->len < AT_BODY + PROPERTIES_LEN_SIZE) return fail(ERR_BAD_INPUT, "batch ends inside a message");
    uint32_t size = load_u32be(rest->data), body_len = load_u32be(rest->data + AT_BODY_LEN);
    if (size > rest->len || size < AT_BODY + PROPERTIES_LEN_SIZE || body_len > size - AT_BODY - PROPERTIES_LEN_SIZE)
        return fail(ERR_BAD_INPUT, "batch has a message of %u bytes with a body of %u", size, body_len);
    const char *behind_body = rest->data + AT_BODY + body_len;
    size_t properties_len = load_u16be(behind_body);
    if (properties_len > RECORD_PROPERTIES_MAX || AT_BODY + body_len + PROPERTIES_LEN_SIZE + properties_len != size)
        return fail(ERR_BAD_INPUT, "batch has properties of %zu bytes in a message of %u", properties_len, size);
    out->flag = load_i32be(rest->data + AT_FLAG);
    out->body = bytes_make(rest->data + AT_BODY, body_len);
    out->properties = bytes_make(behind_body + PROPERTIES_LEN_SIZE, properties_len);
    *rest = bytes_skip(*rest, size);
    return ERR_OK;
}

int32_t batch_item_count(struct bytes body) {
    struct batch_item item;
    bool more;
    for (int32_t count = 0;; count++) {
        if (batch_next(&body, &item, &more) != ERR_OK) return -1;
        if (!more) return count;
    }
}

void batch_append(struct buf *out, const struct batch_item *item) {
    must(item->properties.len <= RECORD_PROPERTIES_MAX);
    buf_append_u32be(out, (uint32_t)(AT_BODY + item->body.len + PROPERTIES_LEN_SIZE + item->properties.len));
    buf_append_u32be(out, 0);
    buf_append_u32be(out, 0);
    buf_append_u32be(out, (uint32_t)item->flag);
    buf_append_u32be(out, (uint32_t)item->body.len);
    buf_append_bytes(out, item->body);
    buf_append_u16be(out, (uint16_t)item->properties.len);
    buf_append_bytes(out, item->properties);
}
