/* error.h - how calls of this library fail.
 * Every fallible function returns an rmq_error_t, RMQ_OK being 0. What went wrong in words, and the code a server
 * answered with, can be asked for on the same thread until its next failing call. */
#ifndef ROCKETMQ_ERROR_H
#define ROCKETMQ_ERROR_H

#include <stdint.h>

#if defined(__GNUC__)
#define RMQ_API __attribute__((visibility("default")))
#else
#define RMQ_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* X(name, text) for every error. */
#define RMQ_ERROR_LIST(X)                                                                                              \
    X(OK, "success")                                                                                                   \
    X(INVALID_ARGUMENT, "an argument is not valid")                                                                    \
    X(WRONG_STATE, "not possible in this state: not started, started already or shut down")                            \
    X(MESSAGE_ILLEGAL, "the message is illegal: topic, size or properties")                                            \
    X(NO_NAME_SERVER, "no name server answered")                                                                       \
    X(NO_ROUTE, "no name server knows a broker for the topic")                                                         \
    X(NO_BROKER, "the broker is not known or has no master")                                                           \
    X(CONNECT, "cannot connect")                                                                                       \
    X(CLOSED, "the connection was closed")                                                                             \
    X(TIMEOUT, "no answer in time")                                                                                    \
    X(BUSY, "too many asynchronous sends are under way: wait for some callbacks")                                      \
    X(BROKER, "the server answered with an error: see rmq_last_response_code")                                         \
    X(NOT_FOUND, "nothing found")                                                                                      \
    X(BAD_ANSWER, "the server's answer cannot be read")                                                                \
    X(IO, "a file cannot be read or written")                                                                          \
    X(CANCELLED, "the client was shut down meanwhile")                                                                 \
    X(INTERNAL, "out of memory or threads")

typedef enum rmq_error {
#define RMQ_ERROR_NAME(name, text) RMQ_##name,
    RMQ_ERROR_LIST(RMQ_ERROR_NAME)
#undef RMQ_ERROR_NAME
} rmq_error_t;

/* The name of an error: "TIMEOUT". Never NULL, also for numbers that are no error. Threads: any. */
RMQ_API const char *rmq_error_name(rmq_error_t error);
/* What the error means in general: "no answer in time". Never NULL. Threads: any. */
RMQ_API const char *rmq_error_text(rmq_error_t error);
/* What went wrong with the last failing call of this thread, with names and numbers; "" if none has failed.
 * Valid until the next failing call of this thread. */
RMQ_API const char *rmq_last_error(void);
/* The response code of the server if the last failing call of this thread returned RMQ_BROKER (for example 16 for no
 * permission, 17 for no such topic), else -1. */
RMQ_API int32_t rmq_last_response_code(void);

/* Takes one line of the library's log, without a newline. level: 0 debug, 1 info, 2 warning, 3 error.
 * Called from any thread of the library, with no lock held; it must not call the library. */
typedef void rmq_log_fn(int32_t level, const char *line);
/* Sends the log of the whole process to `fn` (NULL: to stderr, which is the default) and leaves out lines below
 * `level` (default 2). Threads: call it before the first client is created. */
RMQ_API void rmq_set_log(rmq_log_fn *fn, int32_t level);

#ifdef __cplusplus
}
#endif

#endif
