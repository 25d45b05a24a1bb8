/* subscription.h - what a group reads of a topic: SubscriptionData, with its tags as hashes.
 * Made once, then never changed; counted references, so that held pulls keep theirs. @thread any
 * @source shared facts: behaviour 6.5, protocol 2.3 */
#ifndef RMQ_BROKER_SUBSCRIPTION_H
#define RMQ_BROKER_SUBSCRIPTION_H

#include <stdatomic.h>
#include "base/json.h"

struct subscription {
    atomic_int references;
    struct bytes topic, sub_string;
    struct bytes expression_type; /* absent = TAG */
    int64_t sub_version;
    bool class_filter_mode;
    bool match_all;     /* "*" */
    struct bytes *tags; /* as they came */
    size_t tag_count;
    int32_t *codes; /* their Java hashes, sorted */
    size_t code_count;
};

/* From the text of a pull or of a client that asks for a check. An absent or empty `sub_string` is "*".
 * ERR_BAD_SUBSCRIPTION for what does not parse, ERR_FAILED for SQL92 (not served yet). One reference. */
enum err subscription_make(struct bytes topic, struct bytes sub_string, struct bytes expression_type,
                           int64_t sub_version, struct subscription **out) MUST_USE;
/* From the SubscriptionData object of a heartbeat. ERR_BAD_INPUT without a topic. One reference. */
enum err subscription_read(const struct json *json, struct subscription **out) MUST_USE;
struct subscription *subscription_share(struct subscription *subscription); /* one more reference; NULL is fine */
void subscription_release(struct subscription *subscription);               /* NULL is fine */

bool subscription_is_sql(const struct subscription *subscription);
/* The tag test of a queue entry; has the form of store_get's match_tags, `subscription` is its match_ctx. */
bool subscription_match_tags(void *subscription, int64_t tags_code);
bool subscription_equal(const struct subscription *a, const struct subscription *b);
void subscription_write(struct json_writer *w, const struct subscription *subscription); /* as a value */

#endif
