/* batch.h - the body of a batch send: per message total(4) magic(4) crc(4) flag(4) bodyLen(4) body propsLen(2) props.
 * @source shared facts: protocol 3.5 */
#ifndef RMQ_MESSAGE_BATCH_H
#define RMQ_MESSAGE_BATCH_H

#include "base/buf.h"
#include "base/bytes.h"
#include "base/err.h"

enum { BATCH_ITEM_FIXED = 22 }; /* bytes of an item that has neither body nor properties */

struct batch_item {
    int32_t flag;
    struct bytes body, properties;
};
/* Takes the next item off `*rest`. ERR_OK with *more = false at the end; ERR_BAD_INPUT for a body that is none. */
enum err batch_next(struct bytes *rest, struct batch_item *out, bool *more) MUST_USE;
/* How many items it has; -1 for a body that is none. */
int32_t batch_item_count(struct bytes body);
void batch_append(struct buf *out, const struct batch_item *item);

#endif
