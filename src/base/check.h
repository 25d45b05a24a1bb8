/* check.h - programming errors end the process, in release builds too. */
#ifndef RMQ_BASE_CHECK_H
#define RMQ_BASE_CHECK_H

#include <stddef.h> /* offsetof */

/* must(cond): prints file, line, thread and the condition, then aborts when it is false. */
#define must(cond) (__builtin_expect(!!(cond), 1) ? (void)0 : must_failed(#cond, __FILE__, __LINE__))
_Noreturn void must_failed(const char *cond, const char *file, int line);

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define MIN(a, b)    ((a) < (b) ? (a) : (b))
#define MAX(a, b)    ((a) > (b) ? (a) : (b))
/* The struct that holds `member` at `ptr`. */
#define CONTAINER_OF(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

#endif
