/* outcome.h - how an operation ended, carried from the I/O thread to the thread of the caller, where it becomes the
 * return value and what rmq_last_error tells. */
#ifndef RMQ_CLIENT_OUTCOME_H
#define RMQ_CLIENT_OUTCOME_H

#include "base/err.h"
#include "rocketmq/error.h"
#include "wire/command.h"

struct outcome {
    rmq_error_t error;
    int32_t response_code; /* with RMQ_BROKER, else -1 */
    char detail[256];      /* only when error is not RMQ_OK */
};
/* All of them return outcome->error. */
rmq_error_t outcome_ok(struct outcome *outcome);
rmq_error_t outcome_fail(struct outcome *outcome, rmq_error_t error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* An error of ours, with err_detail of this thread. */
rmq_error_t outcome_err(struct outcome *outcome, enum err err);
/* RMQ_BROKER with the code and remark of an answer. */
rmq_error_t outcome_response(struct outcome *outcome, const struct command *response);
/* On the caller's thread: keeps it for rmq_last_error and returns outcome->error. */
rmq_error_t outcome_report(const struct outcome *outcome);
/* A failure found on the caller's thread. */
rmq_error_t report(rmq_error_t error, const char *format, ...) __attribute__((format(printf, 2, 3)));
rmq_error_t report_err(enum err err);
/* A library is quiet: lines below warnings are left out unless rmq_set_log has said otherwise. */
void outcome_log_defaults(void);

#endif
