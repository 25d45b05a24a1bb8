/* expire.h - what retention may take away, and the removal of whole queues. */
#ifndef RMQ_STORE_EXPIRE_H
#define RMQ_STORE_EXPIRE_H

#include "store/retention.h"
#include "store/store.h"

/* The store's side of retention. */
struct retention_files expire_files(struct store *store);

#endif
