/* sql92_internal.h - the tree that the grammar builds and the evaluation walks. */
#ifndef RMQ_FILTER_SQL92_INTERNAL_H
#define RMQ_FILTER_SQL92_INTERNAL_H

#include "base/arena.h"
#include "filter/sql92.h"

enum sql92_kind {
    SQL92_NULL,
    SQL92_BOOL,
    SQL92_INT,
    SQL92_REAL,
    SQL92_TEXT, /* literals */
    SQL92_PROPERTY,
    SQL92_NEGATE, /* values */
    SQL92_AND,
    SQL92_OR,
    SQL92_NOT,
    SQL92_EQUAL,
    SQL92_IS_NULL,
    SQL92_GREATER,
    SQL92_GREATER_EQUAL,
    SQL92_LESS,
    SQL92_LESS_EQUAL,
    SQL92_CONTAINS,
    SQL92_STARTS_WITH,
    SQL92_ENDS_WITH,
    SQL92_IN /* conditions from SQL92_AND on */
};
struct sql92_node {
    enum sql92_kind kind;
    bool negated; /* NOT CONTAINS, NOT STARTSWITH, NOT ENDSWITH, NOT IN */
    const struct sql92_node *left, *right;
    bool boolean;
    int64_t integer;
    double real;
    struct bytes text;             /* SQL92_TEXT; what is searched for */
    size_t slot;                   /* SQL92_PROPERTY: its index in sql92_names */
    const struct sql92_node *next; /* the texts of IN */
};
/* The different properties of a condition, found by name: a match takes their values out of a message in one pass. */
enum { SQL92_SLOTS = 2 * SQL92_PROPERTIES_MAX };
struct sql92_names {
    struct bytes items[SQL92_PROPERTIES_MAX];
    size_t count;
    uint16_t table[SQL92_SLOTS]; /* open addressing: numbers from 1, those of items[0] on; 0 is free */
};
/* The place in the table that has the name, or the free one where it belongs. */
size_t sql92_name_place(const struct sql92_names *names, struct bytes name);

struct sql92 {
    struct arena arena;
    const struct sql92_node *root;
    struct sql92_names names;
};
/* A token as the lexer hands it to the grammar. */
struct sql92_token {
    struct bytes text;
};
struct sql92_parse {
    struct arena *arena;
    struct sql92_names *names;
    const char *start, *at, *end; /* the text; where the lexer stands */
    const char *token;            /* start of the token under way */
    const struct sql92_node *root;
    bool failed; /* fail() has the reason */
};
enum { SQL92_END = 0, SQL92_LEXER_ERROR = -1 };
/* Next token code of the grammar, SQL92_END, or SQL92_LEXER_ERROR. */
int sql92_lex(struct sql92_parse *parse, struct sql92_token *out);

/* Builders; each checks what the Java parser checks when it builds and sets parse->failed. */
const struct sql92_node *sql92_build_text(struct sql92_parse *parse, struct sql92_token token);
const struct sql92_node *sql92_build_integer(struct sql92_parse *parse, struct sql92_token token);
const struct sql92_node *sql92_build_real(struct sql92_parse *parse, struct sql92_token token);
const struct sql92_node *sql92_build_bool(struct sql92_parse *parse, bool value);
const struct sql92_node *sql92_build_null(struct sql92_parse *parse);
const struct sql92_node *sql92_build_property(struct sql92_parse *parse, struct sql92_token token);
const struct sql92_node *sql92_build_unary(struct sql92_parse *parse, enum sql92_kind kind,
                                           const struct sql92_node *operand);
const struct sql92_node *sql92_build_logic(struct sql92_parse *parse, enum sql92_kind kind,
                                           const struct sql92_node *left, const struct sql92_node *right);
const struct sql92_node *sql92_build_equal(struct sql92_parse *parse, const struct sql92_node *left,
                                           const struct sql92_node *right);
const struct sql92_node *sql92_build_order(struct sql92_parse *parse, enum sql92_kind kind,
                                           const struct sql92_node *left, const struct sql92_node *right);
const struct sql92_node *sql92_build_between(struct sql92_parse *parse, bool negated, const struct sql92_node *value,
                                             const struct sql92_node *low, const struct sql92_node *high);
const struct sql92_node *sql92_build_search(struct sql92_parse *parse, enum sql92_kind kind, bool negated,
                                            const struct sql92_node *value, const struct sql92_node *text);
/* texts: linked by `next`, the last one first */
const struct sql92_node *sql92_build_in(struct sql92_parse *parse, bool negated, const struct sql92_node *value,
                                        const struct sql92_node *texts);
const struct sql92_node *sql92_link(struct sql92_parse *parse, const struct sql92_node *text,
                                    const struct sql92_node *rest);

/* Compares two values as the operators do: sets *order (<0, 0, >0); false when they cannot be compared. */
struct sql92_value {
    enum sql92_kind kind; /* SQL92_NULL .. SQL92_TEXT */
    bool boolean;
    int64_t integer;
    double real;
    struct bytes text;
};
bool sql92_compare(const struct sql92_value *left, const struct sql92_value *right, int *order);
struct sql92_value sql92_literal(const struct sql92_node *node);

#endif
