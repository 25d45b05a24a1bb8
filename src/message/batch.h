/* batch.h - the body of a batch send: per message total(4) magic(4) crc(4) flag(4) bodyLen(4) body propsLen(2) props.
 * @source shared facts: protocol 3.5 */
#ifndef RMQ_MESSAGE_BATCH_H
#define RMQ_MESSAGE_BATCH_H

#include "base/buf.h"
#include "base/bytes.h"
#include "base/err.h"

struct batch_item {
    int32_t flag;
    struct bytes body, properties;
};
/* Takes the next item off `*rest`. ERR_OK with *more = false at the end; ERR_BAD_INPUT for a body that is none. */
enum err batch_next(struct bytes *rest, struct batch_item *out, bool *more) MUST_USE;
void batch_append(struct buf *out, const struct batch_item *item);

#endif
