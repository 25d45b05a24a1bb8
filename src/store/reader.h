/* reader.h - threads `read-i`: bring parts of the log that are not in memory there, for readers that may not wait. */
#ifndef RMQ_STORE_READER_H
#define RMQ_STORE_READER_H

#include <pthread.h>
#include "base/lock.h"
#include "store/store.h"

struct reader_job;
struct reader {
    struct store *store;
    struct lock lock; /* LOCK_WORK */
    struct cond more;
    struct reader_job *jobs; /* ring of `cap` */
    int32_t cap, head, count;
    bool stop;
    pthread_t *threads;
    int32_t thread_count;
};
enum err reader_start(struct reader *reader, struct store *store) MUST_USE;
/* Jobs that wait are done without reading: their callers find the store closing. */
void reader_stop(struct reader *reader);
enum err reader_add(struct reader *reader, const struct get *get, void (*done)(void *ctx), void *ctx) MUST_USE;

#endif
