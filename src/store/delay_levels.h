/* delay_levels.h - the table of messageDelayLevel: "1s 5s 10s ..."; level 1 is the first. */
#ifndef RMQ_STORE_DELAY_LEVELS_H
#define RMQ_STORE_DELAY_LEVELS_H

#include "base/bytes.h"
#include "base/err.h"

enum { DELAY_LEVELS_MAX = 256 };
struct delay_levels {
    int32_t count;
    int64_t delay_ms[DELAY_LEVELS_MAX]; /* of level i + 1 */
};
/* ERR_BAD_CONFIG names the item that is wrong. Units: s m h d. */
enum err delay_levels_parse(struct bytes text, struct delay_levels *out) MUST_USE;
/* When a message of that level, stored then, is due. Levels over the last count as the last; a level without delay
 * counts as 1 s. @source shared facts: store 3 */
int64_t delay_levels_due_ms(const struct delay_levels *levels, int64_t level, int64_t store_time_ms);

#endif
