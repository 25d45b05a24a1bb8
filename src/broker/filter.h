/* filter.h - a subscription ready to test messages: its tags as a sorted set of hashes.
 * Made once, then never changed; counted references, so that held pulls keep theirs. @thread any
 * @source shared facts: behaviour 6.5 */
#ifndef RMQ_BROKER_FILTER_H
#define RMQ_BROKER_FILTER_H

#include <stdatomic.h>
#include "wire/body_subscription.h"

struct filter {
    atomic_int references;
    bool match_all;                   /* "*" or class filter: every message */
    struct subscription subscription; /* as it came, a copy that lives as long as the filter; codes are sorted */
};
/* One reference for the caller. Of an expression other than tags (SQL92, subscription_is_tag is false) nothing matches:
 * pulls with it are refused. */
struct filter *filter_make(const struct subscription *subscription);
struct filter *filter_share(struct filter *filter); /* one more reference; NULL is fine */
void filter_release(struct filter *filter);         /* NULL is fine */
/* The tag test of a queue entry; has the form of store_get's match_tags, `filter` is its match_ctx. */
bool filter_match_tags(void *filter, int64_t tags_code);

#endif
