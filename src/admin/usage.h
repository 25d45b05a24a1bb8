/* usage.h - help made from the rows of commands.def, laid out as Apache's commons-cli does: wrapped at 110 columns,
 * options by letter. */
#ifndef RMQ_ADMIN_USAGE_H
#define RMQ_ADMIN_USAGE_H

#include "admin/cmd.h"
#include "base/buf.h"

/* "usage: mqadmin NAME ..." and a line for every option. */
void usage_of_command(const struct cmd *command, struct buf *out);
/* All commands with what they do. */
void usage_of_all(struct buf *out);

#endif
