/* recover.h - brings log, queues and index to one state when a store is opened.
 * The work does not depend on the amount of data: the log is checked, and after a crash dispatched again, from the
 * place on that the checkpoint vouches for (all of it, after a clean stop). After a Java broker's clean stop that is
 * the record of the newest queue entry, after its crash the last file that the checkpoint's times vouch for. Queues
 * that are damaged or missing are made again from the log. @source shared facts: store 10.2, 15 */
#ifndef RMQ_STORE_RECOVER_H
#define RMQ_STORE_RECOVER_H

#include "store/store.h"

/* Fails with ERR_NOT_SUPPORTED when the folder is of a store we cannot serve. Before anything is opened. */
enum err recover_check_format(const struct store *store) MUST_USE;
/* Log, checkpoint and index are open. `crashed`: the last stop was none. */
enum err recover_run(struct store *store, bool crashed) MUST_USE;

#endif
