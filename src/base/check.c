/* check.c - the end of a process with a broken promise. */
#include "base/check.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

void must_failed(const char *cond, const char *file, int line) {
    char thread[16] = "?";
    pthread_getname_np(pthread_self(), thread, sizeof thread);
    fprintf(stderr, "%s:%d: thread %s: broken promise: %s\n", file, line, thread, cond);
    abort();
}
