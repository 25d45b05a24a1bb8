/* dispatch_record.h - what one record of the log gives: entries in queues, keys for the index. */
#ifndef RMQ_STORE_DISPATCH_RECORD_H
#define RMQ_STORE_DISPATCH_RECORD_H

#include "store/dispatch.h"

/* Puts the record's entries into the tails of its queues, then notes its keys for the index. With may_wait false
 * ERR_BUSY when a file would have to be written first: the record is for another try, entries that are there already
 * are passed over then. @thread holder of LOCK_DISPATCH */
enum err dispatch_record(struct dispatch *dispatch, const struct record *record, bool may_wait) MUST_USE;
/* How many messages the batch has that the record holds; 0: it holds none, it is a message. */
int32_t dispatch_batch_count(const struct record *record);
/* How many queue offsets it takes in a queue of that kind. */
int32_t dispatch_entry_count(enum queue_kind kind, const struct record *record);
/* What a queue entry carries for the record: hash of its tags, or the deliver time in the delay queues. */
int64_t dispatch_tags_code(const struct store *store, const struct record *record);

#endif
