/* data_version.c - versions of the tables */
#include "broker/tables/data_version.h"

#include "os/clock.h"

void data_version_init(struct data_version *version) {
    *version = (struct data_version){.timestamp_ms = clock_wall_ms()};
}

void data_version_next(struct data_version *version) {
    version->timestamp_ms = clock_wall_ms();
    version->counter++;
}
