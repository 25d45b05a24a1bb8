/* data_version.h - the number by which others see that a table changed. @source shared facts: store 6 */
#ifndef RMQ_BROKER_DATA_VERSION_H
#define RMQ_BROKER_DATA_VERSION_H

#include "wire/body_data_version.h"

void data_version_init(struct data_version *version);                               /* counter 0, now */
void data_version_next(struct data_version *version);                               /* a change */
void data_version_read(const struct json *json, struct data_version *out);          /* NULL leaves *out as it is */
void data_version_write(struct json_writer *w, const struct data_version *version); /* as a value */

#endif
