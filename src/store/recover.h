/* recover.h - brings log, queues and index to one state when a store is opened.
 * After a clean stop the work does not depend on the amount of data: the log is checked from the record of the newest
 * queue entry on. After a crash from the last file that the checkpoint vouches for. @source shared facts: store 10.2,
 * 15 */
#ifndef RMQ_STORE_RECOVER_H
#define RMQ_STORE_RECOVER_H

#include "store/store.h"

/* Fails with ERR_NOT_SUPPORTED when the folder is of a store we cannot serve. Before anything is opened. */
enum err recover_check_format(const struct store *store) MUST_USE;
/* Log, checkpoint and index are open. `crashed`: the last stop was none. */
enum err recover_run(struct store *store, bool crashed) MUST_USE;

#endif
