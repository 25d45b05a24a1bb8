/* sql92_build.c - the tree of a condition, with the checks that refuse one when it is made. */
#include "filter/sql92_internal.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

static struct sql92_node *node(struct sql92_parse *parse, enum sql92_kind kind) {
    struct sql92_node *made = arena_calloc(parse->arena, 1, sizeof *made);
    made->kind = kind;
    return made;
}
/* The first fault is the one that is told. Returns a node, so that building may go on. */
#define REFUSE(parse, ...)                                                                                             \
    do {                                                                                                               \
        if (!(parse)->failed) (void)fail(ERR_BAD_SUBSCRIPTION, __VA_ARGS__);                                           \
        (parse)->failed = true;                                                                                        \
        return node(parse, SQL92_NULL);                                                                                \
    } while (0)

static bool is_literal(const struct sql92_node *n) {
    return n->kind <= SQL92_TEXT;
}
static bool is_condition(const struct sql92_node *n) {
    return n->kind >= SQL92_AND;
}
/* Can stand where a condition must: a property does too (and is false: its value is a text). */
static bool may_be_condition(const struct sql92_node *n) {
    return is_condition(n) || n->kind == SQL92_BOOL || n->kind == SQL92_NULL || n->kind == SQL92_PROPERTY;
}

const struct sql92_node *sql92_build_text(struct sql92_parse *parse, struct sql92_token token) {
    struct sql92_node *made = node(parse, SQL92_TEXT);
    char *out = arena_alloc(parse->arena, token.text.len);
    size_t len = 0;
    for (size_t i = 1; i + 1 < token.text.len; i++) {
        if (token.text.data[i] == '\'') i++; /* '' is one quote */
        out[len++] = token.text.data[i];
    }
    made->text = bytes_make(out, len);
    return made;
}
const struct sql92_node *sql92_build_integer(struct sql92_parse *parse, struct sql92_token token) {
    struct sql92_node *made = node(parse, SQL92_INT);
    struct bytes digits = token.text;
    char last = digits.data[digits.len - 1];
    if (last == 'l' || last == 'L') digits.len--;
    if (!bytes_to_i64(digits, &made->integer))
        REFUSE(parse, "%.*s does not fit a 64 bit integer", BYTES_ARG(token.text));
    return made;
}
const struct sql92_node *sql92_build_real(struct sql92_parse *parse, struct sql92_token token) {
    struct sql92_node *made = node(parse, SQL92_REAL);
    made->real = strtod(token.text.data, NULL); /* ends at the token's end: the lexer has checked the form */
    if (isinf(made->real)) REFUSE(parse, "%.*s is larger than a double can be", BYTES_ARG(token.text));
    return made;
}
const struct sql92_node *sql92_build_bool(struct sql92_parse *parse, bool value) {
    struct sql92_node *made = node(parse, SQL92_BOOL);
    made->boolean = value;
    return made;
}
const struct sql92_node *sql92_build_null(struct sql92_parse *parse) {
    return node(parse, SQL92_NULL);
}
size_t sql92_name_place(const struct sql92_names *names, struct bytes name) {
    uint32_t hash = 2166136261u; /* FNV-1a */
    for (size_t i = 0; i < name.len; i++) hash = (hash ^ (unsigned char)name.data[i]) * 16777619u;
    size_t at = (hash ^ hash >> 16) % SQL92_SLOTS;
    while (names->table[at] > 0 && !bytes_equal(names->items[names->table[at] - 1], name)) at = (at + 1) % SQL92_SLOTS;
    return at;
}
const struct sql92_node *sql92_build_property(struct sql92_parse *parse, struct sql92_token token) {
    struct sql92_node *made = node(parse, SQL92_PROPERTY);
    struct sql92_names *names = parse->names;
    uint16_t *number = &names->table[sql92_name_place(names, token.text)];
    if (*number == 0) {
        if (names->count == SQL92_PROPERTIES_MAX)
            REFUSE(parse, "there are more than %d different properties", SQL92_PROPERTIES_MAX);
        names->items[names->count++] = token.text; /* in the arena's copy of the condition */
        *number = (uint16_t)names->count;
    }
    made->slot = *number - 1u;
    return made;
}

const struct sql92_node *sql92_build_unary(struct sql92_parse *parse, enum sql92_kind kind,
                                           const struct sql92_node *operand) {
    if (kind == SQL92_NOT && !may_be_condition(operand)) REFUSE(parse, "NOT needs a condition");
    struct sql92_node *made = node(parse, kind);
    made->left = operand;
    return made;
}
const struct sql92_node *sql92_build_logic(struct sql92_parse *parse, enum sql92_kind kind,
                                           const struct sql92_node *left, const struct sql92_node *right) {
    if (!may_be_condition(left) || !may_be_condition(right))
        REFUSE(parse, "%s needs a condition on both sides", kind == SQL92_AND ? "AND" : "OR");
    struct sql92_node *made = node(parse, kind);
    made->left = left;
    made->right = right;
    return made;
}
const struct sql92_node *sql92_build_equal(struct sql92_parse *parse, const struct sql92_node *left,
                                           const struct sql92_node *right) {
    if (left->kind == SQL92_NULL || right->kind == SQL92_NULL) REFUSE(parse, "NULL cannot be compared: write IS NULL");
    if (left->kind == SQL92_BOOL && is_literal(right) && right->kind != SQL92_BOOL)
        REFUSE(parse, "a truth value cannot be compared with a number or a text");
    struct sql92_node *made = node(parse, SQL92_EQUAL);
    made->left = left;
    made->right = right;
    return made;
}
static bool has_order(const struct sql92_node *n) {
    return n->kind == SQL92_INT || n->kind == SQL92_REAL || n->kind == SQL92_PROPERTY || n->kind == SQL92_NEGATE;
}
const struct sql92_node *sql92_build_order(struct sql92_parse *parse, enum sql92_kind kind,
                                           const struct sql92_node *left, const struct sql92_node *right) {
    if (!has_order(left) || !has_order(right))
        REFUSE(parse, "only numbers and properties can be compared by <, <=, >, >=");
    struct sql92_node *made = node(parse, kind);
    made->left = left;
    made->right = right;
    return made;
}
const struct sql92_node *sql92_build_between(struct sql92_parse *parse, bool negated, const struct sql92_node *value,
                                             const struct sql92_node *low, const struct sql92_node *high) {
    if (negated)
        return sql92_build_logic(parse, SQL92_OR, sql92_build_order(parse, SQL92_LESS, value, low),
                                 sql92_build_order(parse, SQL92_GREATER, value, high));
    if (is_literal(low) && is_literal(high)) {
        struct sql92_value from = sql92_literal(low), to = sql92_literal(high);
        int order;
        if (!sql92_compare(&to, &from, &order) || order < 0) REFUSE(parse, "BETWEEN needs its lower bound first");
    }
    return sql92_build_logic(parse, SQL92_AND, sql92_build_order(parse, SQL92_GREATER_EQUAL, value, low),
                             sql92_build_order(parse, SQL92_LESS_EQUAL, value, high));
}
const struct sql92_node *sql92_build_search(struct sql92_parse *parse, enum sql92_kind kind, bool negated,
                                            const struct sql92_node *value, const struct sql92_node *text) {
    struct sql92_node *made = node(parse, kind);
    made->negated = negated;
    made->left = value;
    made->text = text->text;
    return made;
}
const struct sql92_node *sql92_build_in(struct sql92_parse *parse, bool negated, const struct sql92_node *value,
                                        const struct sql92_node *texts) {
    if (value->kind != SQL92_PROPERTY) REFUSE(parse, "IN needs a property on its left");
    struct sql92_node *made = node(parse, SQL92_IN);
    made->negated = negated;
    made->left = value;
    made->right = texts;
    return made;
}
const struct sql92_node *sql92_link(struct sql92_parse *parse, const struct sql92_node *text,
                                    const struct sql92_node *rest) {
    struct sql92_node *made = node(parse, SQL92_TEXT);
    made->text = text->text;
    made->next = rest;
    return made;
}
