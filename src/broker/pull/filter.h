/* filter.h - a subscription ready to test messages: its tags as sorted hashes, or its SQL92 condition compiled.
 * Made once, then never changed; counted references, so that held pulls keep theirs. @thread any
 * @source shared facts: behaviour 6.5 */
#ifndef RMQ_BROKER_FILTER_H
#define RMQ_BROKER_FILTER_H

#include <stdatomic.h>
#include "filter/sql92.h"
#include "wire/body_subscription.h"

struct filter {
    atomic_int references;
    bool match_all;                   /* "*" or class filter: every message */
    struct sql92 *sql;                /* of SQL92; NULL for tags, and when the expression does not compile */
    struct subscription subscription; /* as it came, a copy that lives as long as the filter; codes are sorted */
};
/* One reference for the caller. An expression that is no filter (filter_check) matches nothing: pulls with it are
 * refused. */
struct filter *filter_make(const struct subscription *subscription);
struct filter *filter_share(struct filter *filter); /* one more reference; NULL is fine */
void filter_release(struct filter *filter);         /* NULL is fine */
/* Is the subscription a filter: tags, or SQL92 that compiles? ERR_BAD_SUBSCRIPTION says what is wrong. */
enum err filter_check(const struct subscription *subscription) MUST_USE;
static inline bool filter_is_valid(const struct filter *filter) {
    return filter->match_all || filter->sql || subscription_is_tag(&filter->subscription);
}
/* The tests have the form of store_get's; `filter` is their match_ctx. SQL92 passes the test of tags and needs that of
 * records; for others the record need not be read. */
bool filter_match_tags(void *filter, int64_t tags_code);
bool filter_match_record(void *filter, struct bytes record);

#endif
