/* properties.h - the property text of a message: name 0x01 value 0x02 name 0x01 value 0x02 ...
 * The last of equal names wins; items without name or value are passed over; the last 0x02 may be missing.
 * Texts are kept as they came: order and duplicates are never rewritten.
 * @source shared facts: store 2.3, protocol 3.3 */
#ifndef RMQ_MESSAGE_PROPERTIES_H
#define RMQ_MESSAGE_PROPERTIES_H

#include "base/buf.h"
#include "base/bytes.h"

#define PROPERTY(name, text) extern const struct bytes PROPERTY_##name;
#include "message/properties.def"
#undef PROPERTY

/* The value of `name` (last one wins); absent if none. Points into `text`. */
struct bytes properties_get(struct bytes text, struct bytes name);
/* for (struct bytes at = text; properties_next(&at, &name, &value);) in order, with duplicates. */
bool properties_next(struct bytes *rest, struct bytes *name, struct bytes *value);
/* Appends one, adding a missing separator before it. */
void properties_append(struct buf *out, struct bytes name, struct bytes value);
/* Copies `text` to `out` without the items of that name. */
void properties_without(struct bytes text, struct bytes name, struct buf *out);

#endif
