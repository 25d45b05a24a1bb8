/* config_update.h - settings changed while the broker runs (request 25).
 * Dynamic numbers and booleans take effect at once; all others are written to the file of -c for the next start. */
#ifndef RMQ_BROKER_CONFIG_UPDATE_H
#define RMQ_BROKER_CONFIG_UPDATE_H

#include "broker/broker.h"

/* `text`: key=value lines. All or nothing is applied. Unknown keys are passed over, as the Java broker does.
 * ERR_NO_PERMISSION for keys of the black list, ERR_BAD_CONFIG for values out of range or, without a file, keys that
 * only a start can change. Waits for the disk. @thread work; one at a time */
enum err config_update(struct broker *broker, struct bytes text) MUST_USE;

/* `file` with the values of `changes`: lines of those keys replaced, keys it does not have added behind. */
void config_text_edit(struct bytes file, const struct props *changes, struct buf *out);

#endif
