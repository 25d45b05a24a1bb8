/* log.c - makes the line and hands it to the sink. */
#include "base/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 4096 };

static const char *const level_names[] = {"DEBUG", "INFO", "WARN", "ERROR"};
static _Atomic(int) lowest_level = LOG_INFO;
static _Atomic(log_sink *) current_sink;

void log_set_level(enum log_level level) {
    atomic_store_explicit(&lowest_level, (int)level, memory_order_relaxed);
}

void log_set_sink(log_sink *sink) {
    atomic_store(&current_sink, sink);
}

static void write_stderr(char *line, size_t len) {
    line[len++] = '\n';
    while (len > 0) {
        ssize_t wrote = write(STDERR_FILENO, line, len);
        if (wrote <= 0) return; /* nobody reads it: there is no other place to tell */
        line += wrote;
        len -= (size_t)wrote;
    }
}

static size_t write_head(char *out, size_t room, enum log_level level) {
    char thread[16] = "?";
    pthread_getname_np(pthread_self(), thread, sizeof thread);
    struct timespec now;
    struct tm local;
    clock_gettime(CLOCK_REALTIME, &now);
    localtime_r(&now.tv_sec, &local);
    size_t len = strftime(out, room, "%Y-%m-%d %H:%M:%S", &local);
    return len + (size_t)snprintf(out + len, room - len, " %s %s - ", level_names[level], thread);
}

void log_line(enum log_level level, enum log_topic topic, const char *format, ...) {
    if ((int)level < atomic_load_explicit(&lowest_level, memory_order_relaxed)) return;
    char line[LINE_MAX_BYTES];
    const size_t room = sizeof line - 1; /* one byte stays for the newline of write_stderr */
    size_t head = write_head(line, room, level);
    va_list args;
    va_start(args, format);
    int wanted = vsnprintf(line + head, room - head, format, args);
    va_end(args);
    if (wanted < 0) return;
    size_t len = head + (size_t)wanted;
    if (len >= room) { /* cut: say so */
        len = room - 1;
        for (size_t i = len - 3; i < len; i++) line[i] = '.';
    }
    for (size_t i = head; i < len; i++) /* text of peers must not forge lines */
        if ((unsigned char)line[i] < ' ') line[i] = ' ';
    log_sink *sink = atomic_load(&current_sink);
    if (sink != NULL)
        sink(level, topic, line, len);
    else
        write_stderr(line, len);
}

bool log_allowed(struct log_limit *limit, int64_t ms, uint32_t *left_out) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    int64_t now_ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
    int64_t next_ms = atomic_load(&limit->next_ms);
    if (now_ms < next_ms || !atomic_compare_exchange_strong(&limit->next_ms, &next_ms, now_ms + ms)) {
        atomic_fetch_add(&limit->left_out, 1);
        return false;
    }
    *left_out = atomic_exchange(&limit->left_out, 0);
    return true;
}
