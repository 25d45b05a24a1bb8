/* reader.h - threads `read-i`: bring parts of the log that are not in memory there, for readers that may not wait.
 * A queue that is read from the disk is read on, some way ahead of who reads it (dataReadAheadEnable). The system is
 * not left to read ahead by itself: how much that is depends on the disk's settings, megabytes at a time hold up
 * whoever else wants the processor, and it knows nothing of queues, whose next messages need not be the log's.
 * While messages are sent, coldReadBytesPerSecond is the most that all reads together take from the disk. */
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
    int64_t free_ns;           /* when the next job may read, so that coldReadBytesPerSecond is kept */
    int64_t seen_puts, put_ns; /* messages stored when there were last more of them, and when that was */
    pthread_t *threads;
    int32_t thread_count;
};
enum err reader_start(struct reader *reader, struct store *store) MUST_USE;
/* Jobs that wait are done without reading: their callers find the store closing. */
void reader_stop(struct reader *reader);
enum err reader_add(struct reader *reader, const struct get *get, void (*done)(void *ctx), void *ctx) MUST_USE;
/* The queue has been read from the disk up to next_offset; looks whether it is time to read on. @thread any, no wait */
void reader_read_on(struct reader *reader, struct queue *queue, int64_t next_offset);
/* The records of up to max_count entries are on their way: for who waits for the disk himself. */
void reader_prefetch(struct store *store, struct queue *queue, int64_t offset_queue, int32_t max_count);

#endif
