/* props.h - Java .properties texts: broker.conf, and the bodies of the config requests. */
#ifndef RMQ_BASE_PROPS_H
#define RMQ_BASE_PROPS_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

struct prop {
    struct bytes key, value; /* unescaped, value trimmed at the end */
    int line;
};
struct props {
    struct prop *items; /* in the order of the text; a repeated key appears again, the last one counts */
    size_t count;
};
/* Comments (#, !), `=`, `:` or blank as separator, continuation lines, backslash u escapes. Lives in `arena`. */
enum err props_parse(struct arena *arena, struct bytes text, struct props *out) MUST_USE;
struct bytes props_get(const struct props *props, const char *key); /* absent if missing */
/* Appends key=value and a newline; escapes nothing but newlines and backslashes, as the Java broker's printer. */
void props_append(struct buf *out, struct bytes key, struct bytes value);

#endif
