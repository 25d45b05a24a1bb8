/* args.h - the words of a command line as the options of a command, in the ways of Apache's commons-cli. */
#ifndef RMQ_ADMIN_ARGS_H
#define RMQ_ADMIN_ARGS_H

#include "admin/cmd.h"

/* The options of every command. */
struct common_args {
    struct bytes name_servers; /* -n; absent when not given */
    bool help;
};
enum { COMMON_OPTIONS = 2 };
extern const struct option common_options[COMMON_OPTIONS];
/* Fills `args` (args_size bytes) from the words behind the command's name; texts point into them. Forms: -t X, -tX,
 * -t=X, --topic X, --topic=X, -topic X. The first of equal options counts. With -h nothing else is checked.
 * ERR_BAD_PARAMETER: what is wrong, in the words of commons-cli, with the name that was probably meant. */
enum err args_parse(const struct cmd *command, int argc, char **argv, void *args, struct common_args *common) MUST_USE;
/* The name by which messages speak of an option. */
const char *option_shown(const struct option *option);
#endif
