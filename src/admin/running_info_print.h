/* running_info_print.h - ConsumerRunningInfo, what a consumer tells of itself, as the Java tool prints it. */
#ifndef RMQ_ADMIN_RUNNING_INFO_PRINT_H
#define RMQ_ADMIN_RUNNING_INFO_PRINT_H

#include <stdio.h>
#include "base/json.h"

void running_info_print(FILE *out, struct arena *arena, const struct json *info);

#endif
