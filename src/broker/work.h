/* work.h - threads for what may wait: disks, big answers, files to save. Also the broker's clock for periodic jobs.
 * @thread any, unless said otherwise */
#ifndef RMQ_BROKER_WORK_H
#define RMQ_BROKER_WORK_H

#include <stddef.h>
#include <stdint.h>
#include "base/err.h"

struct work;

/* `limit`: jobs that may wait at a time. */
enum err work_open(size_t thread_count, size_t limit, struct work **out) MUST_USE;
/* Jobs that wait are still run, periodic ones not any more; then the threads end. Nothing more is accepted. */
void work_stop(struct work *work);
void work_close(struct work *work); /* after work_stop, or stops it; NULL is fine */

/* run(arg) once on a work thread. ERR_BUSY when `limit` jobs wait, ERR_SHUTTING_DOWN after work_stop began. */
enum err work_submit(struct work *work, void (*run)(void *arg), void *arg) MUST_USE;

/* run(arg) on a work thread after delay_ms and then each period_ms (from end to start; never two at a time). */
void work_every(struct work *work, int64_t delay_ms, int64_t period_ms, void (*run)(void *arg), void *arg);

size_t work_waiting(struct work *work); /* jobs in the queue now */

#endif
