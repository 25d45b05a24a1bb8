/* sql92.h - message filters written as SQL92 conditions over message properties.
 *
 *   or     := and (OR and)*                 and := equal (AND equal)*
 *   equal  := compare ( ("=" | "<>") compare | IS [NOT] NULL )*
 *   compare:= unary ( (">" | ">=" | "<" | "<=") unary | [NOT] (CONTAINS | STARTSWITH | ENDSWITH) 'text'
 *                   | [NOT] BETWEEN unary AND unary | [NOT] IN ('text', ...) )*
 *   unary  := "+" unary | "-" unary | NOT unary | literal | property | "(" or ")"
 *
 * Keywords in any case; a property is named as written; 'it''s' holds a quote; comments are -- to the end of the line
 * and between slash-star and star-slash. Conditions have three values: true, false, unknown; only true lets a message
 * pass. A missing property is unknown in comparisons and IN, false for CONTAINS and its kin (with NOT too), true for IS
 * NULL. A bare property as a condition is false: values are texts. Texts compared with a number or a truth value are
 * read as one; what cannot be read makes the whole condition false for that message.
 *
 * Where the Java parser is at fault we do what is meant, and never less: 0.0 and other doubles under 4.9E-324 are
 * numbers; a text that is a number is compared as that number, whatever its size and whether it has a fraction
 * (Java drops `a > 5` for a = "5.5" or "3000000000"); TRUE = p is p = TRUE; a comment may end with the text; words
 * behind a complete condition are refused (Java passes over them: `a LIKE 'x'` matches nothing there).
 * @source shared facts: behaviour 6.5 */
#ifndef RMQ_FILTER_SQL92_H
#define RMQ_FILTER_SQL92_H

#include "base/bytes.h"
#include "base/err.h"

enum { SQL92_TEXT_MAX = 32768, SQL92_PROPERTIES_MAX = 256 /* different ones in a condition */ };

struct sql92; /* compiled; immutable, any number of threads may match with it */

/* ERR_BAD_SUBSCRIPTION with the position and what was expected; ERR_TOO_BIG over SQL92_TEXT_MAX bytes. */
enum err sql92_compile(struct bytes text, struct sql92 **out) MUST_USE;
void sql92_free(struct sql92 *filter); /* NULL is fine */
/* Is the condition true for a message with these properties (the text of message/properties.h)? No allocation. */
bool sql92_match(const struct sql92 *filter, struct bytes properties);

#endif
