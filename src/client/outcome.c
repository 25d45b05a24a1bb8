/* outcome.c - errors between threads, what rmq_last_error tells, and the log of the library. */
#include "client/outcome.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include "base/check.h"
#include "base/log.h"
#include "wire/response.h"

static _Thread_local struct outcome last = {RMQ_OK, -1, ""};

rmq_error_t outcome_ok(struct outcome *outcome) {
    outcome->error = RMQ_OK;
    outcome->response_code = -1;
    return RMQ_OK;
}

rmq_error_t outcome_fail(struct outcome *outcome, rmq_error_t error, const char *format, ...) {
    outcome->error = error;
    outcome->response_code = -1;
    va_list args;
    va_start(args, format);
    vsnprintf(outcome->detail, sizeof outcome->detail, format, args);
    va_end(args);
    return error;
}

static rmq_error_t error_of(enum err err) {
    switch (err) {
    case ERR_OK:
        return RMQ_OK;
    case ERR_CONNECT:
        return RMQ_CONNECT;
    case ERR_CLOSED:
        return RMQ_CLOSED;
    case ERR_BUSY:
        return RMQ_BUSY;
    case ERR_TIMEOUT:
        return RMQ_TIMEOUT;
    case ERR_CANCELLED:
    case ERR_SHUTTING_DOWN:
        return RMQ_CANCELLED;
    case ERR_CORRUPT:
        return RMQ_BAD_ANSWER;
    case ERR_BAD_INPUT:
    case ERR_BAD_CONFIG:
    case ERR_BAD_SUBSCRIPTION:
    case ERR_BAD_PARAMETER:
        return RMQ_INVALID_ARGUMENT;
    case ERR_MESSAGE_ILLEGAL:
    case ERR_TOO_BIG:
        return RMQ_MESSAGE_ILLEGAL;
    case ERR_NOT_FOUND:
        return RMQ_NOT_FOUND;
    case ERR_IO:
    case ERR_DISK_FULL:
        return RMQ_IO;
    default:
        return RMQ_INTERNAL;
    }
}

rmq_error_t outcome_err(struct outcome *outcome, enum err err) {
    return err == ERR_OK ? outcome_ok(outcome) : outcome_fail(outcome, error_of(err), "%s", err_detail(err));
}

rmq_error_t outcome_response(struct outcome *outcome, const struct command *response) {
    outcome_fail(outcome, RMQ_BROKER, "answer %d %s: %.*s", response->code, response_name(response->code),
                 BYTES_ARG(response->remark));
    outcome->response_code = response->code;
    return RMQ_BROKER;
}

rmq_error_t outcome_report(const struct outcome *outcome) {
    if (outcome->error != RMQ_OK) last = *outcome;
    return outcome->error;
}

rmq_error_t report(rmq_error_t error, const char *format, ...) {
    last.error = error;
    last.response_code = -1;
    va_list args;
    va_start(args, format);
    vsnprintf(last.detail, sizeof last.detail, format, args);
    va_end(args);
    return error;
}

rmq_error_t report_err(enum err err) {
    return err == ERR_OK ? RMQ_OK : report(error_of(err), "%s", err_detail(err));
}

const char *rmq_last_error(void) {
    return last.detail;
}

int32_t rmq_last_response_code(void) {
    return last.response_code;
}

static const char *const names[] = {
#define NAME(name, text) #name,
    RMQ_ERROR_LIST(NAME)
#undef NAME
};
static const char *const texts[] = {
#define TEXT(name, text) text,
    RMQ_ERROR_LIST(TEXT)
#undef TEXT
};

const char *rmq_error_name(rmq_error_t error) {
    return (size_t)error < ARRAY_LEN(names) ? names[error] : "UNKNOWN";
}

const char *rmq_error_text(rmq_error_t error) {
    return (size_t)error < ARRAY_LEN(texts) ? texts[error] : "no error of this library";
}

static _Atomic(rmq_log_fn *) log_fn;
static pthread_once_t log_once = PTHREAD_ONCE_INIT;

static void be_quiet(void) {
    log_set_level(LOG_WARN);
}

void outcome_log_defaults(void) {
    pthread_once(&log_once, be_quiet);
}

static void give_line(enum log_level level, enum log_topic topic, const char *line, size_t len) {
    (void)topic;
    char text[4096];
    snprintf(text, sizeof text, "%.*s", (int)len, line);
    rmq_log_fn *fn = atomic_load(&log_fn);
    if (fn) fn((int32_t)level, text);
}

void rmq_set_log(rmq_log_fn *fn, int32_t level) {
    outcome_log_defaults();
    atomic_store(&log_fn, fn);
    log_set_sink(fn ? give_line : NULL);
    log_set_level((enum log_level)MAX(MIN(level, LOG_ERROR), LOG_DEBUG));
}
