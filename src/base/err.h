/* err.h - how functions fail.
 * A fallible function returns `enum err` (ERR_OK = 0) and gives results through its last pointers.
 * fail() keeps a text for whoever handles the error (reply remark or log line); nothing is logged on the way,
 * an error is logged once, where it is handled. The text is per thread and valid until the thread's next fail(). */
#ifndef RMQ_BASE_ERR_H
#define RMQ_BASE_ERR_H

#include <stdbool.h>

enum err {
#define ERR(name, response, text) ERR_##name,
#include "base/err.def"
#undef ERR
    ERR_COUNT
};

#define MUST_USE __attribute__((warn_unused_result))

/* "CORRUPT" and "stored data is damaged". */
const char *err_name(enum err err);
const char *err_text(enum err err);
/* The text of this thread's last fail(), or err_text if `err` is not the error it was for. */
const char *err_detail(enum err err);
/* return fail(ERR_CORRUPT, "%s: bad magic at %" PRId64, path, offset); */
enum err fail(enum err err, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same with ": " and strerror(errno) behind it. What may pass turns ERR_IO into another: ENOSPC, EDQUOT into
 * ERR_DISK_FULL, EMFILE, ENFILE into ERR_NO_FILES, ENOMEM into ERR_NO_MEMORY. */
enum err fail_errno(enum err err, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define TRY(call)                                                                                                      \
    do {                                                                                                               \
        enum err try_err_ = (call);                                                                                    \
        if (try_err_ != ERR_OK) return try_err_;                                                                       \
    } while (0)

#endif
