/* cmd.c - the table of commands. */
#include "admin/cmd.h"

#include <strings.h>
#include "base/check.h"
#include "base/similar.h"

/* clang-format off */
#define COMMAND_BEGIN(function, name, about) \
    static enum err run_##function(struct admin *admin, const void *args) { \
        return cmd_##function(admin, args); \
    } \
    static const struct cmd *row_##function(void) { \
        typedef struct args_##function row; \
        static const char row_name[] = name, row_about[] = about; \
        static const struct option options[] = {
#define TEXT(member, brief, name, need, about) {brief, name, OPTION_TEXT, need, offsetof(row, member), 0, 0, 0, about},
#define NUMBER(member, brief, name, need, otherwise, min, max, about) \
    {brief, name, OPTION_NUMBER, need, offsetof(row, member), otherwise, min, max, about},
#define SWITCH(member, brief, name, need, otherwise, about) \
    {brief, name, OPTION_SWITCH, need, offsetof(row, member), otherwise, 0, 1, about},
#define FLAG(member, brief, name, about) {brief, name, OPTION_FLAG, MAY, offsetof(row, member), 0, 0, 1, about},
#define COMMAND_END(function) \
        }; \
        static const struct cmd command = {.name = row_name, \
                                               .about = row_about, \
                                               .options = options, \
                                               .option_count = ARRAY_LEN(options), \
                                               .args_size = sizeof(row), \
                                               .run = run_##function}; \
        return &command; \
    }
#include "admin/commands.def"
#undef COMMAND_BEGIN
#undef TEXT
#undef NUMBER
#undef SWITCH
#undef FLAG
#undef COMMAND_END

static const struct cmd *(*const rows[])(void) = {
#define COMMAND_BEGIN(function, name, about) row_##function,
#define TEXT(member, brief, name, need, about)
#define NUMBER(member, brief, name, need, otherwise, min, max, about)
#define SWITCH(member, brief, name, need, otherwise, about)
#define FLAG(member, brief, name, about)
#define COMMAND_END(function)
#include "admin/commands.def"
};
/* clang-format on */

size_t cmd_count(void) {
    return ARRAY_LEN(rows);
}

const struct cmd *cmd_at(size_t i) {
    return rows[i]();
}

const struct cmd *cmd_find(struct bytes name, const char **nearest) {
    struct similar similar = similar_begin(name);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct cmd *command = rows[i]();
        if (name.len == strlen(command->name) && strncasecmp(command->name, name.data, name.len) == 0) return command;
        similar_consider(&similar, command->name);
    }
    if (nearest) *nearest = similar.best;
    return NULL;
}
