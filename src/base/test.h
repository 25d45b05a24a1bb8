/* test.h - what the unit tests share: cmocka with the headers it wants before it, and checks for our types. */
#ifndef RMQ_BASE_TEST_H
#define RMQ_BASE_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* cmocka's macro of that name hides our fail() and is part of its fail_msg. */
#undef fail
#undef fail_msg
#define fail_msg(...) (print_error(__VA_ARGS__), print_error("\n"), _fail(__FILE__, __LINE__))
#include "base/bytes.h"
#include "base/check.h"
#include "base/err.h"

/* The bytes are this text; shows both when they are not. */
#define assert_bytes(actual, text)                                                                                     \
    do {                                                                                                               \
        const struct bytes actual_ = (actual);                                                                         \
        if (!bytes_is(actual_, (text))) fail_msg("\"%.*s\" is not \"%s\"", BYTES_ARG(actual_), (text));                \
    } while (0)
#define assert_ok(call)                                                                                                \
    do {                                                                                                               \
        const enum err err_ = (call);                                                                                  \
        if (err_ != ERR_OK) fail_msg("%s: %s", err_name(err_), err_detail(err_));                                      \
    } while (0)
#define assert_err(call, expected) assert_string_equal(err_name(call), err_name(expected))

#endif
