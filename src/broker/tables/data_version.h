/* data_version.h - how the broker counts changes of its tables. @source shared facts: store 6 */
#ifndef RMQ_BROKER_DATA_VERSION_H
#define RMQ_BROKER_DATA_VERSION_H

#include "wire/body_data_version.h"

void data_version_init(struct data_version *version); /* counter 0, now */
void data_version_next(struct data_version *version); /* a change */

#endif
