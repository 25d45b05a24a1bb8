/* log.h - log lines, never blocking the thread that writes them.
 * A line is formatted by the caller into a bounded ring and written to the log files by the thread `log`
 * (os/log_file.h), which also prints how many lines were dropped when the ring was full.
 * Form: "2026-11-24 07:45:41 INFO net-0 - segment created: path=... size_bytes=..."; fixed words first, then key=value.
 * Without log_open lines go to stderr (tests, tools). */
#ifndef RMQ_BASE_LOG_H
#define RMQ_BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };
/* What the line is about: also says into which file it goes besides the program's own. */
enum log_topic { LOG_MAIN, LOG_NET, LOG_STORE, LOG_CLIENT };

void log_line(enum log_level level, enum log_topic topic, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
#define log_debug(topic, ...) log_line(LOG_DEBUG, LOG_##topic, __VA_ARGS__)
#define log_info(topic, ...)  log_line(LOG_INFO, LOG_##topic, __VA_ARGS__)
#define log_warn(topic, ...)  log_line(LOG_WARN, LOG_##topic, __VA_ARGS__)
#define log_error(topic, ...) log_line(LOG_ERROR, LOG_##topic, __VA_ARGS__)
/* At most one line each `ms` from this place in the code, with the number left out. */
#define log_every_ms(ms, level, topic, format, ...)                                                                    \
    do {                                                                                                               \
        static struct log_limit limit_;                                                                                \
        uint32_t left_out_;                                                                                            \
        if (log_allowed(&limit_, (ms), &left_out_))                                                                    \
            log_line(LOG_##level, LOG_##topic, format " left_out=%u", ##__VA_ARGS__, left_out_);                       \
    } while (0)
struct log_limit {
    _Atomic int64_t next_ms;
    _Atomic uint32_t left_out;
};
bool log_allowed(struct log_limit *limit, int64_t ms, uint32_t *left_out);

void log_set_level(enum log_level level); /* lines below are not made; default LOG_INFO */

/* The seam for os/log_file.c: where finished lines go. NULL = stderr. `line` has no newline. */
typedef void log_sink(enum log_level level, enum log_topic topic, const char *line, size_t len);
void log_set_sink(log_sink *sink);

#endif
