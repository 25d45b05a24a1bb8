/* log_file.h - the thread that writes log files: DIR/NAME.log, store lines also to DIR/store.log, rotated at
 * `rotate_bytes` into DIR/otherdays/NAME.N.log, the oldest of `keep` removed.
 * DIR defaults to $HOME/logs/rocketmqlogs as the Java programs have it. */
#ifndef RMQ_OS_LOG_FILE_H
#define RMQ_OS_LOG_FILE_H

#include <stdint.h>
#include "base/err.h"

struct log_file_options {
    const char *dir;      /* NULL: $HOME/logs/rocketmqlogs */
    const char *name;     /* "broker", "namesrv" */
    int64_t rotate_bytes; /* 0: 128 MiB */
    int keep;             /* 0: 10 */
};
enum err log_open(const struct log_file_options *options) MUST_USE;
void log_close(void); /* writes what is pending */

#endif
