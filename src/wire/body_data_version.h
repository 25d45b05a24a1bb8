/* body_data_version.h - DataVersion: the number by which others see that a table changed.
 * @source shared facts: protocol 2.3 */
#ifndef RMQ_WIRE_BODY_DATA_VERSION_H
#define RMQ_WIRE_BODY_DATA_VERSION_H

#include "base/json.h"

struct data_version {
    int64_t state_version, timestamp_ms, counter;
};
bool data_version_equal(const struct data_version *a, const struct data_version *b);
/* Missing members and a missing node give zeros. */
struct data_version data_version_decode(const struct json *node);
void data_version_encode(struct json_writer *w, const struct data_version *version); /* a value */

#endif
