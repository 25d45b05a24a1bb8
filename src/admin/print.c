/* print.c - cells padded to their columns, times, versions. */
#include "admin/print.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "base/check.h"
#include "base/props.h"
#include "os/clock.h"
#include "wire/command.h"

/* ---- tables -------------------------------------------------------------------------------------------- */

static void print_cell(struct table *table, struct bytes text) {
    const struct column *column = &table->columns[table->at];
    size_t width = (size_t)(column->width < 0 ? -column->width : column->width);
    int pad = text.len < width ? (int)(width - text.len) : 0;
    if (column->width > 0) fprintf(table->out, "%*s", pad, "");
    fwrite(text.data, 1, text.len, table->out);
    if (column->width < 0) fprintf(table->out, "%*s", pad, "");
    fprintf(table->out, "%*s", column->gap, "");
    if (++table->at < table->count) return;
    fputc('\n', table->out);
    table->at = 0;
}

struct table table_begin(FILE *out, const struct column *columns, size_t count) {
    struct table table = {.out = out, .columns = columns, .count = count};
    for (size_t i = 0; i < count; i++) print_cell(&table, bytes_of(columns[i].title));
    return table;
}

void table_cell(struct table *table, const char *format, ...) {
    char *text = NULL;
    va_list args;
    va_start(args, format);
    int len = vasprintf(&text, format, args);
    va_end(args);
    must(len >= 0);
    print_cell(table, bytes_make(text, (size_t)len));
    free(text);
}

void table_text(struct table *table, struct bytes text) {
    print_cell(table, text.data ? text : BYTES(""));
}

void table_int(struct table *table, int64_t value) {
    table_cell(table, "%" PRId64, value);
}

static int by_key(const void *a, const void *b) {
    return bytes_compare(((const struct prop *)a)->key, ((const struct prop *)b)->key);
}

enum err print_props(FILE *out, struct arena *arena, struct bytes text) {
    struct props props;
    TRY(props_parse(arena, text, &props));
    if (props.count > 0) qsort(props.items, props.count, sizeof *props.items, by_key);
    for (size_t i = 0; i < props.count; i++)
        fprintf(out, "%-50.*s=  %.*s\n", BYTES_ARG(props.items[i].key), BYTES_ARG(props.items[i].value));
    return ERR_OK;
}

/* ---- times --------------------------------------------------------------------------------------------- */

struct bytes print_time(struct arena *arena, int64_t time_ms, enum time_form form) {
    time_t seconds = (time_t)(time_ms / 1000);
    struct tm parts;
    char text[64];
    must(localtime_r(&seconds, &parts)); /* the year of any number of milliseconds fits */
    must((form == TIME_COMPACT ? strftime(text, sizeof text, "%Y%m%d%H%M%S", &parts)
                               : strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &parts)) > 0);
    if (form == TIME_SECONDS) return arena_copy(arena, bytes_of(text));
    return arena_printf(arena, "%s%s%03d", text, form == TIME_COMPACT ? "" : ",", (int)(time_ms % 1000));
}

enum err print_parse_time(struct bytes text, int64_t *time_ms) {
    if (bytes_is(text, "now")) {
        *time_ms = clock_wall_ms();
        return ERR_OK;
    }
    if (bytes_to_i64(text, time_ms)) return ERR_OK;
    char copy[64];
    struct tm parts = {.tm_isdst = -1};
    snprintf(copy, sizeof copy, "%.*s", BYTES_ARG(text));
    const char *end = strptime(copy, "%Y-%m-%d#%H:%M:%S", &parts);
    int ms = 0, len = 0;
    if (end && *end == ':' && sscanf(end, ":%3d%n", &ms, &len) == 1 && ms >= 0) end += len;
    if (!end || *end) {
        return fail(ERR_BAD_PARAMETER,
                    "'%.*s' is no time: give now, milliseconds since 1970, or yyyy-MM-dd#HH:mm:ss:SSS",
                    BYTES_ARG(text));
    }
    *time_ms = (int64_t)mktime(&parts) * 1000 + ms;
    return ERR_OK;
}

/* ---- names --------------------------------------------------------------------------------------------- */

/* From 4.0.0 on every release has two ordinals, its snapshot and itself, and there are ten releases to each second
 * number. */
struct bytes print_version(struct arena *arena, int32_t version) {
    enum { FIRST_REGULAR = 212, PER_SECOND_NUMBER = 10, HIGHER = 612 };
    if (version >= HIGHER) return BYTES("HIGHER_VERSION");
    if (version < FIRST_REGULAR) return arena_printf(arena, "V3 (%d)", version);
    int release = 400 + (version - FIRST_REGULAR) / 2;
    return arena_printf(arena, "V%d_%d_%d%s", release / 100, release / PER_SECOND_NUMBER % 10, release % 10,
                        version % 2 == 0 ? "_SNAPSHOT" : "");
}

const char *print_perm(int32_t perm) {
    static const char *const names[] = {"---", "--X", "-W-", "-WX", "R--", "R-X", "RW-", "RWX"};
    return names[perm & 7];
}
