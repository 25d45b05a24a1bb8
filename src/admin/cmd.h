/* cmd.h - the commands of mqadmin as rows, and their options as structs. A row of commands.def NAME makes
 *   struct args_NAME { a member for each option };
 *   enum err cmd_NAME(struct admin *admin, const struct args_NAME *args);   which cmd_NAME.c defines
 * and a struct cmd for parsing and help. */
#ifndef RMQ_ADMIN_CMD_H
#define RMQ_ADMIN_CMD_H

#include <stdint.h>
#include "base/bytes.h"
#include "base/err.h"

struct admin;

enum option_type { OPTION_TEXT, OPTION_NUMBER, OPTION_SWITCH, OPTION_FLAG };
enum option_need { MAY, NEEDED, ONE_OF };
struct option {
    const char *brief, *name; /* "t" and "topic"; "" is none */
    enum option_type type;
    enum option_need need;
    size_t offset; /* in struct args_NAME */
    int64_t otherwise, min, max;
    const char *about;
};
struct cmd {
    const char *name, *about;
    const struct option *options;
    size_t option_count;
    size_t args_size;
    enum err (*run)(struct admin *admin, const void *args);
};

/* clang-format off */
#define COMMAND_BEGIN(function, name, about) struct args_##function {
#define TEXT(member, brief, name, need, about) struct bytes member;
#define NUMBER(member, brief, name, need, otherwise, min, max, about) int64_t member;
#define SWITCH(member, brief, name, need, otherwise, about) bool member;
#define FLAG(member, brief, name, about) bool member;
#define COMMAND_END(function) \
    } \
    ; \
    enum err cmd_##function(struct admin *admin, const struct args_##function *args) MUST_USE;
#include "admin/commands.def"
#undef COMMAND_BEGIN
#undef TEXT
#undef NUMBER
#undef SWITCH
#undef FLAG
#undef COMMAND_END
/* clang-format on */

size_t cmd_count(void);
const struct cmd *cmd_at(size_t i); /* in the order of commands.def */
/* In any case; NULL if there is none, then *nearest (NULL: not wanted) is the name that was probably meant, or NULL. */
const struct cmd *cmd_find(struct bytes name, const char **nearest);

#endif
