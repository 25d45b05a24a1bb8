/* cmd_skip_accumulated_message.c - skipAccumulatedMessage: a group goes to the end of a topic. */
#include "admin/admin.h"
#include "admin/cmd.h"
#include "admin/offset_reset.h"

enum err cmd_skip_accumulated_message(struct admin *admin, const struct args_skip_accumulated_message *args) {
    enum { THE_END = -1 };
    struct offset_reset reset = {args->topic, args->group, args->cluster, THE_END, args->force};
    return offset_reset(admin, &reset);
}
