/* timer_checkpoint.h - config/timercheck: how far the timer had come when its files were last saved. One page of
 * big-endian longs; docs/disk/timer.md. @source shared facts: store 9; store/timer/TimerCheckpoint */
#ifndef RMQ_STORE_TIMER_CHECKPOINT_H
#define RMQ_STORE_TIMER_CHECKPOINT_H

#include "base/err.h"
#include <stdint.h>

enum { TIMER_CHECKPOINT_BYTES = 56, TIMER_CHECKPOINT_FILE_BYTES = 4096 };
struct timer_checkpoint {
    int64_t read_ms;             /* slots before are done; 0 = nothing is known */
    int64_t log_end;             /* of the timer log */
    int64_t queue_offset;        /* of the timer topic: next to be put into the wheel */
    int64_t master_queue_offset; /* the same for slaves to see */
    int64_t state_version, changed_ms, changes;
};
/* A missing file, one of another length, and impossible values give zeros; the log says so. Waits for the disk. */
enum err timer_checkpoint_load(const char *path, struct timer_checkpoint *out) MUST_USE;
/* Writes and syncs. @thread one at a time */
enum err timer_checkpoint_save(const char *path, const struct timer_checkpoint *checkpoint) MUST_USE;
/* The body of the answer to request 60. */
void timer_checkpoint_encode(const struct timer_checkpoint *checkpoint, char out[TIMER_CHECKPOINT_BYTES]);
void timer_checkpoint_decode(const char in[TIMER_CHECKPOINT_BYTES], struct timer_checkpoint *out);

#endif
