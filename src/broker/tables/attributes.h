/* attributes.h - attributes of topics and groups: name and value texts that admins add, change and take away. Which
 * there are: attributes.def. Kept as the text of a JSON object. */
#ifndef RMQ_BROKER_ATTRIBUTES_H
#define RMQ_BROKER_ATTRIBUTES_H

#include "base/json.h"

enum attributes_owner { ATTRIBUTES_TOPIC, ATTRIBUTES_GROUP };

/* Changes to be made. */
enum { ATTRIBUTE_CHANGES_MAX = 16 };
struct attribute_changes {
    struct attribute_change {
        bool delete;
        struct bytes key, value;
    } items[ATTRIBUTE_CHANGES_MAX];
    size_t count;
};
/* From the text of request 17, "+message.type=FIFO,-reserve.time"; absent or empty: none. ERR_FAILED with the text of
 * the Java broker. Borrows. */
enum err attribute_changes_parse(struct bytes text, struct attribute_changes *out) MUST_USE;
/* From the object of requests 18, 200 and 225, {"+message.type":"FIFO","-reserve.time":""}; NULL: none. */
enum err attribute_changes_of(const struct json *object, bool create, struct attribute_changes *out) MUST_USE;

/* Applies the changes to `current`, a JSON object text, and gives the new object text, in `arena`. `create`: the owner
 * is being made, so only additions are allowed. ERR_FAILED with the text of the Java broker for what it refuses, and
 * for values that we do not serve. */
enum err attributes_alter(struct arena *arena, enum attributes_owner owner, bool create, struct bytes current,
                          const struct attribute_changes *changes, struct bytes *out) MUST_USE;

/* The value of an attribute in such an object; absent if it has none. In the arena. */
struct bytes attributes_get(struct arena *arena, struct bytes attributes, const char *name);

#endif
