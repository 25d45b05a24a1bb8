/* body_subscription.h - SubscriptionData: what a consumer group wants of one topic.
 * @source shared facts: protocol 2.3 */
#ifndef RMQ_WIRE_BODY_SUBSCRIPTION_H
#define RMQ_WIRE_BODY_SUBSCRIPTION_H

#include "base/json.h"

struct subscription {
    struct bytes topic;
    struct bytes expression;      /* subString: "*", "TagA || TagB" or SQL */
    struct bytes expression_type; /* "TAG" or "SQL92"; absent means TAG */
    int64_t version_ms;           /* the newer one counts */
    const struct bytes *tags;     /* none: all messages, or not of type TAG */
    size_t tag_count;
    const int32_t *codes; /* java_string_hash of the tags */
    size_t code_count;
    bool class_filter_mode;
};
bool subscription_is_tag(const struct subscription *subscription);
/* An expression as the user gave it, taken apart: absent, "" and "*" are everything, tags are separated by "||".
 * type absent = TAG. Texts are views, arrays live in `arena`. ERR_BAD_SUBSCRIPTION: no tag in the expression. */
enum err subscription_parse(struct arena *arena, struct bytes topic, struct bytes expression, struct bytes type,
                            struct subscription *out) MUST_USE;
/* Lenient: missing members are zero, the type is TAG then. Texts live with the tree, arrays in `arena`. */
struct subscription subscription_decode(struct arena *arena, const struct json *node);
void subscription_encode(struct json_writer *w, const struct subscription *subscription); /* a value */

#endif
