/* parked_sends.h - answers of a reactor that wait until the log is on disk (SYNC_FLUSH), in the order of the log.
 * @thread the reactor's own, unless said otherwise. @source shared facts: behaviour 18, store 10 */
#ifndef RMQ_BROKER_PARKED_SENDS_H
#define RMQ_BROKER_PARKED_SENDS_H

#include "broker/send/send_batch.h"

struct parked_sends;
void parked_sends_open(struct reactor *reactor);      /* makes reactor->parked_sends */
void parked_sends_close(struct parked_sends *parked); /* drops what is parked; NULL is fine */
/* Answers what is on disk by now, the rest with FLUSH_DISK_TIMEOUT: the broker stops. */
void parked_sends_stop(struct parked_sends *parked);

/* Takes the batch; its answers come when end_phys of each is on disk, or FLUSH_DISK_TIMEOUT after syncFlushTimeout. */
void parked_sends_add(struct parked_sends *parked, struct send_batch *batch);
/* The store says that more is on disk. Does nothing when nothing is parked. @thread flush */
void parked_sends_flushed(struct parked_sends *parked);
/* The store failed: what is parked will never be on disk for sure. @thread any */
void parked_sends_failed(struct parked_sends *parked);

#endif
