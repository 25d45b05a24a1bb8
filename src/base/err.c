/* err.c - names, texts, and the text of the last failure of each thread. */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "base/check.h"

enum { DETAIL_MAX = 512 };

static _Thread_local struct {
    enum err err;
    char text[DETAIL_MAX];
} last;

static const char *const names[ERR_COUNT] = {
#define ERR(name, response, text) #name,
#include "base/err.def"
#undef ERR
};

static const char *const texts[ERR_COUNT] = {
#define ERR(name, response, text) text,
#include "base/err.def"
#undef ERR
};

const char *err_name(enum err err) {
    must((unsigned)err < ERR_COUNT);
    return names[err];
}

const char *err_text(enum err err) {
    must((unsigned)err < ERR_COUNT);
    return texts[err];
}

const char *err_detail(enum err err) {
    return err != ERR_OK && last.err == err ? last.text : err_text(err);
}

/* Formats aside first: the arguments may hold the text of the fail() before. `cause` may be NULL. */
__attribute__((format(printf, 2, 0))) static void keep(enum err err, const char *format, va_list args,
                                                       const char *cause) {
    char text[DETAIL_MAX];
    int len = vsnprintf(text, sizeof text, format, args);
    if (cause != NULL && len >= 0 && (size_t)len < sizeof text)
        snprintf(text + len, sizeof text - (size_t)len, ": %s", cause);
    last.err = err;
    memcpy(last.text, text, sizeof text);
}

enum err fail(enum err err, const char *format, ...) {
    va_list args;
    va_start(args, format);
    keep(err, format, args, NULL);
    va_end(args);
    return err;
}

/* ERR_IO, or what the system has no more of. */
static enum err lacking(int number) {
    if (number == ENOSPC || number == EDQUOT) return ERR_DISK_FULL;
    if (number == EMFILE || number == ENFILE) return ERR_NO_FILES;
    return number == ENOMEM ? ERR_NO_MEMORY : ERR_IO;
}

enum err fail_errno(enum err err, const char *format, ...) {
    int number = errno;
    char reason[128];
    if (err == ERR_IO) err = lacking(number);
    va_list args;
    va_start(args, format);
    keep(err, format, args, strerror_r(number, reason, sizeof reason));
    va_end(args);
    return err;
}
