/* print.h - what commands print: tables with the columns of the Java tools, times, and values as Java prints them. */
#ifndef RMQ_ADMIN_PRINT_H
#define RMQ_ADMIN_PRINT_H

#include <stdio.h>
#include "base/arena.h"
#include "base/buf.h"

struct column {
    const char *title;
    int width; /* as printf has it: negative is left-aligned; what is wider is not cut */
    int gap;   /* blanks behind it */
};
/* A table being printed, cell by cell; the line ends with its last cell. */
struct table {
    FILE *out;
    const struct column *columns;
    size_t count, at;
};
/* Prints the titles. The columns live as long as the table. */
struct table table_begin(FILE *out, const struct column *columns, size_t count);
void table_cell(struct table *table, const char *format, ...) __attribute__((format(printf, 2, 3)));
void table_text(struct table *table, struct bytes text); /* absent is empty */
void table_int(struct table *table, int64_t value);

/* The settings of a Java properties text, by name: "name   =  value". ERR_BAD_INPUT: it is none. */
enum err print_props(FILE *out, struct arena *arena, struct bytes text) MUST_USE;

enum time_form { TIME_SECONDS, TIME_MILLIS /* with ",123" */, TIME_COMPACT /* 20261123235512385 */ };
/* "2026-11-23 23:55:12" in the local time zone. @source apache/rocketmq common/.../UtilAll.java
 * timeMillisToHumanString2
 */
struct bytes print_time(struct arena *arena, int64_t time_ms, enum time_form form);
/* now, ms since 1970, or yyyy-MM-dd#HH:mm:ss:SSS in the local time zone. ERR_BAD_PARAMETER names these forms. */
enum err print_parse_time(struct bytes text, int64_t *time_ms) MUST_USE;
/* "V5_3_3" for an MQVersion ordinal. @source apache/rocketmq common/.../MQVersion.java */
struct bytes print_version(struct arena *arena, int32_t version);
/* "RW-": read, write, inherit. @source apache/rocketmq common/.../PermName.java */
const char *print_perm(int32_t perm);
static inline const char *print_bool(bool value) {
    return value ? "true" : "false";
}

#endif
