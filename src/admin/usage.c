/* usage.c - the layout of commons-cli's HelpFormatter, with its quirks, since people compare.
 * @source shared golden outputs: mqadmin help.*, error.* */
#include "admin/usage.h"

#include <stdlib.h>
#include <strings.h>
#include "admin/args.h"
#include "base/check.h"

enum { WIDTH = 110, USAGE_INDENT = 7, DESCRIPTION_GAP = 3, OPTIONS_MAX = 64 };

static struct bytes trim_right(struct bytes text) {
    while (text.len > 0 && text.data[text.len - 1] == ' ') text.len--;
    return text;
}

/* Where a line that begins with `text` is to be cut; its length if it fits. */
static size_t wrap_at(struct bytes text, size_t width) {
    if (text.len <= width) return text.len;
    for (size_t at = width; at > 0; at--)
        if (text.data[at] == ' ') return at;
    return width;
}

/* Lines behind the first are indented. */
static void append_wrapped(struct buf *out, struct bytes text, size_t indent) {
    for (size_t margin = 0;; margin = indent) {
        size_t len = wrap_at(text, WIDTH - margin);
        struct bytes line = trim_right(bytes_make(text.data, len));
        buf_printf(out, "%*s%.*s\n", (int)margin, "", BYTES_ARG(line));
        text = bytes_trim(bytes_skip(text, len));
        if (text.len == 0) return;
    }
}

static int by_letter(const void *a, const void *b) {
    const struct option *const *left = a, *const *right = b;
    return strcasecmp(option_shown(*left), option_shown(*right));
}

static size_t sorted_options(const struct cmd *command, const struct option *out[OPTIONS_MAX]) {
    size_t count = 0;
    must(command->option_count + COMMON_OPTIONS <= OPTIONS_MAX);
    for (size_t i = 0; i < command->option_count; i++) out[count++] = &command->options[i];
    for (size_t i = 0; i < COMMON_OPTIONS; i++) out[count++] = &common_options[i];
    qsort(out, count, sizeof *out, by_letter);
    return count;
}

/* "-t <arg>" or "[-t <arg>]" */
static void append_option(struct buf *out, const struct option *option) {
    if (option->need == MAY) buf_append_char(out, '[');
    buf_printf(out, "%s%s%s", *option->brief ? "-" : "--", option_shown(option),
               option->type == OPTION_FLAG ? "" : " <arg>");
    if (option->need == MAY) buf_append_char(out, ']');
}

static void append_group(struct buf *out, const struct option *const *options, size_t count) {
    const char *separator = "";
    for (size_t i = 0; i < count; i++) {
        if (options[i]->need != ONE_OF) continue;
        buf_append_text(out, separator);
        append_option(out, options[i]);
        separator = " | ";
    }
}

static void append_synopsis(const struct cmd *command, const struct option *const *options, size_t count,
                            struct buf *out) {
    struct buf line = {0};
    bool group_done = false;
    buf_printf(&line, "usage: mqadmin %s ", command->name);
    for (size_t i = 0; i < count; i++) {
        if (options[i]->need != ONE_OF)
            append_option(&line, options[i]);
        else if (!group_done)
            append_group(&line, options, count);
        group_done |= options[i]->need == ONE_OF;
        if (i + 1 < count) buf_append_char(&line, ' ');
    }
    append_wrapped(out, buf_bytes(&line), USAGE_INDENT);
    buf_close(&line);
}

/* " -t,--topic <arg>" */
static void append_names(struct buf *out, const struct option *option) {
    if (*option->brief)
        buf_printf(out, " -%s%s%s", option->brief, *option->name ? ",--" : "", option->name);
    else
        buf_printf(out, "    --%s", option->name);
    if (option->type != OPTION_FLAG) buf_append_text(out, " <arg>");
}

void usage_of_command(const struct cmd *command, struct buf *out) {
    const struct option *options[OPTIONS_MAX];
    size_t count = sorted_options(command, options), widest = 0;
    struct buf line = {0};
    append_synopsis(command, options, count, out);
    for (size_t i = 0; i < count; i++) {
        buf_clear(&line);
        append_names(&line, options[i]);
        widest = MAX(widest, line.len);
    }
    for (size_t i = 0; i < count; i++) {
        buf_clear(&line);
        append_names(&line, options[i]);
        buf_printf(&line, "%*s%s", (int)(widest + DESCRIPTION_GAP - line.len), "", options[i]->about);
        append_wrapped(out, buf_bytes(&line), widest + DESCRIPTION_GAP);
    }
    buf_close(&line);
}

void usage_of_all(struct buf *out) {
    buf_append_text(out, "The most commonly used mqadmin commands are:\n");
    for (size_t i = 0; i < cmd_count(); i++) buf_printf(out, "   %-35s %s\n", cmd_at(i)->name, cmd_at(i)->about);
    buf_append_text(out, "\nSee 'mqadmin help <command>' for more information on a specific command.\n");
}
