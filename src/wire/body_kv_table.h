/* body_kv_table.h - KVTable: {"table":{"key":"value",...}}, what name servers keep in a namespace and brokers tell of
 * their run time. @source shared facts: protocol 2.3 */
#ifndef RMQ_WIRE_BODY_KV_TABLE_H
#define RMQ_WIRE_BODY_KV_TABLE_H

#include "base/json.h"

struct kv {
    struct bytes key, value;
};
void kv_table_encode(const struct kv *items, size_t count, struct buf *out);
/* All in `arena` or pointing into `body`; members that are no text or number are left out. ERR_BAD_INPUT: no JSON
 * object. */
enum err kv_table_decode(struct arena *arena, struct bytes body, const struct kv **items, size_t *count) MUST_USE;

#endif
