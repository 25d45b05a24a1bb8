/* args.c - words to options. */
#include "admin/args.h"

#include <inttypes.h>
#include <strings.h>
#include "base/buf.h"
#include "base/check.h"
#include "base/similar.h"

const struct option common_options[COMMON_OPTIONS] = {
    {"h", "help", OPTION_FLAG, MAY, offsetof(struct common_args, help), 0, 0, 1, "show this"},
    {"n", "namesrvAddr", OPTION_TEXT, MAY, offsetof(struct common_args, name_servers), 0, 0, 0,
     "name servers: host:port;host:port; the environment's NAMESRV_ADDR"},
};
enum { OPTIONS_MAX = 64 };

struct parsing {
    const struct cmd *command;
    char *args;
    struct common_args *common;
    bool given[OPTIONS_MAX]; /* by the number of the option in the command */
};
/* An option found in a word. */
struct found {
    const struct option *option;
    void *member;
    bool *given;        /* NULL: an option of every command */
    struct bytes value; /* in the same word; absent if none */
};

/* ---- finding ------------------------------------------------------------------------------------------- */

static struct found find_exact(struct parsing *parsing, struct bytes name, bool brief) {
    for (size_t i = 0; i < parsing->command->option_count; i++) {
        const struct option *option = &parsing->command->options[i];
        if (bytes_is(name, brief ? option->brief : option->name))
            return (struct found){option, parsing->args + option->offset, &parsing->given[i], {0}};
    }
    for (size_t i = 0; i < COMMON_OPTIONS; i++) {
        const struct option *option = &common_options[i];
        if (bytes_is(name, brief ? option->brief : option->name))
            return (struct found){option, (char *)parsing->common + option->offset, NULL, {0}};
    }
    return (struct found){0};
}

/* "-x", "-x=value", "--x", "--x=value" and, when `glued`, "-xvalue"; option NULL when the word is none. */
static struct found find_option(struct parsing *parsing, struct bytes word, bool glued) {
    struct found found = {0};
    if (word.len < 2 || word.data[0] != '-') return found;
    bool two = word.data[1] == '-';
    struct bytes rest = bytes_skip(word, two ? 2 : 1), name = rest, value = {0};
    if (rest.len == 0) return found;
    const char *equals = memchr(rest.data, '=', rest.len);
    if (equals) {
        name.len = (size_t)(equals - rest.data);
        value = bytes_skip(rest, name.len + 1);
    }
    if (!two) found = find_exact(parsing, name, true);
    if (!found.option) found = find_exact(parsing, name, false);
    if (found.option || two || !glued) {
        found.value = value;
        return found;
    }
    for (size_t len = MIN(rest.len - 1, 2); len > 0 && !found.option; len--) { /* -tX */
        found = find_exact(parsing, bytes_make(rest.data, len), true);
        if (found.option && found.option->type == OPTION_FLAG) found.option = NULL;
        found.value = bytes_skip(rest, len);
    }
    return found;
}

static enum err fail_unknown(const struct cmd *command, struct bytes word) {
    struct bytes name = word;
    while (name.len > 0 && name.data[0] == '-') name = bytes_skip(name, 1);
    struct similar similar = similar_begin(name);
    for (size_t i = 0; i < command->option_count; i++) similar_consider(&similar, command->options[i].name);
    for (size_t i = 0; i < COMMON_OPTIONS; i++) similar_consider(&similar, common_options[i].name);
    if (!similar.best) return fail(ERR_BAD_PARAMETER, "Unrecognized option: %.*s", BYTES_ARG(word));
    return fail(ERR_BAD_PARAMETER, "Unrecognized option: %.*s (did you mean --%s?)", BYTES_ARG(word), similar.best);
}

/* ---- values -------------------------------------------------------------------------------------------- */

const char *option_shown(const struct option *option) {
    return *option->brief ? option->brief : option->name;
}

static enum err set_value(const struct found *found, struct bytes value) {
    const struct option *option = found->option;
    switch (option->type) {
    case OPTION_TEXT:
        *(struct bytes *)found->member = bytes_trim(value);
        break;
    case OPTION_NUMBER: {
        int64_t number;
        if (!bytes_to_i64(bytes_trim(value), &number) || number < option->min || number > option->max)
            return fail(ERR_BAD_PARAMETER, "Option %s must be a number from %" PRId64 " to %" PRId64 ", not '%.*s'",
                        option_shown(option), option->min, option->max, BYTES_ARG(value));
        *(int64_t *)found->member = number;
        break;
    }
    case OPTION_SWITCH: {
        struct bytes word = bytes_trim(value);
        bool yes = word.len == 4 && strncasecmp(word.data, "true", 4) == 0;
        if (!yes && !(word.len == 5 && strncasecmp(word.data, "false", 5) == 0))
            return fail(ERR_BAD_PARAMETER, "Option %s must be true or false, not '%.*s'", option_shown(option),
                        BYTES_ARG(value));
        *(bool *)found->member = yes;
        break;
    }
    case OPTION_FLAG:
        *(bool *)found->member = true;
        break;
    }
    return ERR_OK;
}

static void set_defaults(struct parsing *parsing) {
    *parsing->common = (struct common_args){0};
    memset(parsing->args, 0, parsing->command->args_size);
    must(parsing->command->option_count <= OPTIONS_MAX);
    for (size_t i = 0; i < parsing->command->option_count; i++) {
        const struct option *option = &parsing->command->options[i];
        void *member = parsing->args + option->offset;
        if (option->type == OPTION_NUMBER) *(int64_t *)member = option->otherwise;
        if (option->type == OPTION_SWITCH) *(bool *)member = option->otherwise;
    }
}

/* ---- the whole line ------------------------------------------------------------------------------------ */

static enum err take_words(struct parsing *parsing, int argc, char **argv) {
    for (int i = 0; i < argc; i++) {
        struct bytes word = bytes_of(argv[i]);
        struct found found = find_option(parsing, word, true);
        if (!found.option) {
            if (word.len > 1 && word.data[0] == '-') return fail_unknown(parsing->command, word);
            return fail(ERR_BAD_PARAMETER, "What is '%.*s'? A value with blanks needs quotes", BYTES_ARG(word));
        }
        struct bytes value = found.value;
        if (found.option->type == OPTION_FLAG) {
            if (value.data)
                return fail(ERR_BAD_PARAMETER, "Option %s takes no value: %.*s", option_shown(found.option),
                            BYTES_ARG(word));
        } else if (!value.data) {
            if (i + 1 == argc || find_option(parsing, bytes_of(argv[i + 1]), false).option)
                return fail(ERR_BAD_PARAMETER, "Missing argument for option: %s", option_shown(found.option));
            value = bytes_of(argv[++i]);
        }
        if (found.given && *found.given) continue;
        TRY(set_value(&found, value));
        if (found.given) *found.given = true;
    }
    return ERR_OK;
}

static void append_group(const struct cmd *command, struct buf *out) {
    const char *separator = "[";
    for (size_t i = 0; i < command->option_count; i++) {
        const struct option *option = &command->options[i];
        if (option->need != ONE_OF) continue;
        buf_printf(out, "%s-%s %s", separator, option->brief, option->about);
        separator = ", ";
    }
    buf_append_text(out, "]");
}

static enum err check_group(const struct parsing *parsing) {
    const struct cmd *command = parsing->command;
    const struct option *chosen = NULL;
    bool has_group = false;
    for (size_t i = 0; i < command->option_count; i++) {
        const struct option *option = &command->options[i];
        if (option->need != ONE_OF) continue;
        has_group = true;
        if (!parsing->given[i]) continue;
        if (chosen)
            return fail(ERR_BAD_PARAMETER, "Options %s and %s exclude each other: give one of them",
                        option_shown(chosen), option_shown(option));
        chosen = option;
    }
    if (!has_group || chosen) return ERR_OK;
    struct buf missing = {0};
    append_group(command, &missing);
    enum err err = fail(ERR_BAD_PARAMETER, "Missing required option: %.*s", BYTES_ARG(buf_bytes(&missing)));
    buf_close(&missing);
    return err;
}

static enum err check_needed(const struct parsing *parsing) {
    const struct cmd *command = parsing->command;
    struct buf missing = {0};
    size_t count = 0;
    for (size_t i = 0; i < command->option_count; i++) {
        if (command->options[i].need != NEEDED || parsing->given[i]) continue;
        if (count++) buf_append_text(&missing, ", ");
        buf_append_text(&missing, option_shown(&command->options[i]));
    }
    enum err err = ERR_OK;
    if (count > 0)
        err = fail(ERR_BAD_PARAMETER, "Missing required option%s: %.*s", count > 1 ? "s" : "",
                   BYTES_ARG(buf_bytes(&missing)));
    buf_close(&missing);
    return err;
}

static bool asks_for_help(struct parsing *parsing, int argc, char **argv) {
    for (int i = 0; i < argc; i++) {
        struct found found = find_option(parsing, bytes_of(argv[i]), true);
        if (!found.option) continue;
        if (found.member == &parsing->common->help) return true;
        bool has_next = found.option->type != OPTION_FLAG && !found.value.data && i + 1 < argc;
        if (has_next && !find_option(parsing, bytes_of(argv[i + 1]), false).option) i++;
    }
    return false;
}

enum err args_parse(const struct cmd *command, int argc, char **argv, void *args, struct common_args *common) {
    struct parsing parsing = {.command = command, .args = args, .common = common};
    set_defaults(&parsing);
    if (asks_for_help(&parsing, argc, argv)) {
        common->help = true;
        return ERR_OK;
    }
    TRY(take_words(&parsing, argc, argv));
    TRY(check_group(&parsing));
    return check_needed(&parsing);
}
