/* topic_attributes.h - what request 17 may say of a topic's attributes: "+message.type=FIFO,-reserve.time". */
#ifndef RMQ_BROKER_TOPIC_ATTRIBUTES_H
#define RMQ_BROKER_TOPIC_ATTRIBUTES_H

#include "base/json.h"

/* Applies `change` (absent or empty: nothing) to the attributes in `current`, a JSON object text, and gives the new
 * object text, in `arena`. `create`: the topic is being made, so only additions are allowed.
 * ERR_FAILED with the text of the Java broker for what it refuses, and for values that we do not serve. */
enum err topic_attributes_alter(struct arena *arena, bool create, struct bytes current, struct bytes change,
                                struct bytes *out) MUST_USE;

#endif
