/* sql92.c - compiling and matching conditions. */
#include "filter/sql92.h"

#include <math.h>
#include <stdlib.h>

#include "filter/sql92_grammar.h"
#include "filter/sql92_internal.h"
#include "message/properties.h"

/* lemon's entry points */
void *sql92_grammarAlloc(void *(*allocate)(size_t));
void sql92_grammarFree(void *parser, void (*release)(void *));
void sql92_grammar(void *parser, int code, struct sql92_token token, struct sql92_parse *parse);

static bool may_be_root(const struct sql92_node *root) {
    return root->kind >= SQL92_AND || root->kind == SQL92_BOOL || root->kind == SQL92_NULL ||
           root->kind == SQL92_PROPERTY;
}

enum err sql92_compile(struct bytes text, struct sql92 **out) {
    if (text.len > SQL92_TEXT_MAX)
        return fail(ERR_TOO_BIG, "the SQL92 expression has %zu bytes, at most %d are allowed", text.len,
                    SQL92_TEXT_MAX);
    struct sql92 *made = calloc(1, sizeof *made);
    if (!made) return fail(ERR_NO_MEMORY, "no memory for a filter");
    struct bytes copy = arena_copy(&made->arena, text.data ? text : BYTES(""));
    struct sql92_parse parse = {.arena = &made->arena,
                                .names = &made->names,
                                .start = copy.data,
                                .at = copy.data,
                                .end = copy.data + copy.len,
                                .token = copy.data};
    void *parser = sql92_grammarAlloc(malloc);
    int code;
    do {
        struct sql92_token token = {0};
        code = sql92_lex(&parse, &token);
        if (code == SQL92_LEXER_ERROR) {
            parse.failed = true;
            (void)fail(ERR_BAD_SUBSCRIPTION, "the SQL92 expression is wrong at character %zu: '%.20s'",
                       (size_t)(parse.token - parse.start) + 1, parse.token);
            break;
        }
        sql92_grammar(parser, code, token, &parse);
    } while (code != SQL92_END && !parse.failed);
    sql92_grammarFree(parser, free);
    if (!parse.failed && !may_be_root(parse.root)) {
        parse.failed = true;
        (void)fail(ERR_BAD_SUBSCRIPTION, "the SQL92 expression is a value, not a condition");
    }
    if (parse.failed) {
        sql92_free(made);
        return ERR_BAD_SUBSCRIPTION;
    }
    made->root = parse.root;
    *out = made;
    return ERR_OK;
}

void sql92_free(struct sql92 *filter) {
    if (!filter) return;
    struct arena arena = filter->arena; /* holds all but the struct itself */
    arena_close(&arena);
    free(filter);
}

/* --- evaluation --------------------------------------------------------------------------------------- */

/* Unknown is SQL92_NULL; FAULT ends the evaluation: the message does not match. */
enum truth { FALSE, TRUE, UNKNOWN, FAULT };

struct sql92_value sql92_literal(const struct sql92_node *n) {
    return (struct sql92_value){
        .kind = n->kind, .boolean = n->boolean, .integer = n->integer, .real = n->real, .text = n->text};
}
/* Reads a text as a number: whole ones exactly, others as doubles. */
static bool read_number(struct bytes text, struct sql92_value *out) {
    out->kind = SQL92_INT;
    if (bytes_to_i64(text, &out->integer)) return true;
    out->kind = SQL92_REAL;
    return bytes_to_double(text, &out->real);
}
static double as_real(const struct sql92_value *v) {
    return v->kind == SQL92_INT ? (double)v->integer : v->real;
}
/* Double.compare: NaN is equal to itself and above everything. */
static int compare_reals(double a, double b) {
    if (isnan(a) || isnan(b)) return (isnan(a) != 0) - (isnan(b) != 0);
    return (a > b) - (a < b);
}
static bool is_number(const struct sql92_value *v) {
    return v->kind == SQL92_INT || v->kind == SQL92_REAL;
}

bool sql92_compare(const struct sql92_value *left, const struct sql92_value *right, int *order) {
    struct sql92_value a = *left, b = *right;
    if (a.kind == SQL92_TEXT && b.kind == SQL92_TEXT) {
        *order = bytes_compare(a.text, b.text);
        return true;
    }
    if (a.kind == SQL92_BOOL && b.kind == SQL92_TEXT)
        b = (struct sql92_value){.kind = SQL92_BOOL, .boolean = bytes_to_bool(b.text)};
    if (b.kind == SQL92_BOOL && a.kind == SQL92_TEXT)
        a = (struct sql92_value){.kind = SQL92_BOOL, .boolean = bytes_to_bool(a.text)};
    if (a.kind == SQL92_BOOL || b.kind == SQL92_BOOL) {
        if (a.kind != b.kind) return false;
        *order = (int)a.boolean - (int)b.boolean;
        return true;
    }
    if (a.kind == SQL92_TEXT && !read_number(a.text, &a)) return false;
    if (b.kind == SQL92_TEXT && !read_number(b.text, &b)) return false;
    if (!is_number(&a) || !is_number(&b)) return false;
    if (a.kind == SQL92_INT && b.kind == SQL92_INT)
        *order = (a.integer > b.integer) - (a.integer < b.integer);
    else
        *order = compare_reals(as_real(&a), as_real(&b));
    return true;
}

static enum truth evaluate(const struct sql92_node *n, const struct bytes *values);

/* A node's value; a condition's is a truth value. False on a fault. */
static bool value_of(const struct sql92_node *n, const struct bytes *values, struct sql92_value *out) {
    *out = (struct sql92_value){.kind = SQL92_NULL};
    if (n->kind <= SQL92_TEXT) {
        *out = sql92_literal(n);
    } else if (n->kind == SQL92_PROPERTY) {
        out->text = values[n->slot];
        if (out->text.data) out->kind = SQL92_TEXT;
    } else if (n->kind == SQL92_NEGATE) {
        struct sql92_value operand;
        if (!value_of(n->left, values, &operand)) return false;
        if (!is_number(&operand)) return true; /* unknown */
        *out = operand;
        out->integer = (int64_t)(0 - (uint64_t)operand.integer);
        out->real = -operand.real;
    } else {
        enum truth truth = evaluate(n, values);
        if (truth == FAULT) return false;
        if (truth != UNKNOWN) *out = (struct sql92_value){.kind = SQL92_BOOL, .boolean = truth == TRUE};
    }
    return true;
}

static enum truth evaluate_equal(const struct sql92_node *n, const struct bytes *values) {
    struct sql92_value left, right;
    int order;
    if (!value_of(n->left, values, &left) || !value_of(n->right, values, &right)) return FAULT;
    if (left.kind == SQL92_NULL) return right.kind == SQL92_NULL ? TRUE : UNKNOWN;
    if (right.kind == SQL92_NULL) return FALSE;
    /* a truth value against a number is a plain no; a text that does not read as the other's kind is a fault */
    if ((left.kind == SQL92_BOOL && is_number(&right)) || (right.kind == SQL92_BOOL && is_number(&left))) return FALSE;
    if (!sql92_compare(&left, &right, &order)) return FAULT;
    return order == 0 ? TRUE : FALSE;
}

static enum truth evaluate_order(const struct sql92_node *n, const struct bytes *values) {
    struct sql92_value left, right;
    int order;
    if (!value_of(n->left, values, &left) || !value_of(n->right, values, &right)) return FAULT;
    if (left.kind == SQL92_NULL || right.kind == SQL92_NULL) return UNKNOWN;
    if (left.kind == SQL92_TEXT && right.kind == SQL92_TEXT && !read_number(left.text, &left)) return FAULT;
    if (!sql92_compare(&left, &right, &order)) return FAULT;
    switch (n->kind) {
    case SQL92_GREATER:
        return order > 0 ? TRUE : FALSE;
    case SQL92_GREATER_EQUAL:
        return order >= 0 ? TRUE : FALSE;
    case SQL92_LESS:
        return order < 0 ? TRUE : FALSE;
    default:
        return order <= 0 ? TRUE : FALSE;
    }
}

static enum truth evaluate_search(const struct sql92_node *n, const struct bytes *values) {
    struct sql92_value value;
    if (!value_of(n->left, values, &value)) return FAULT;
    if (value.kind != SQL92_TEXT || n->text.len == 0) return FALSE; /* negated too */
    bool found;
    if (n->kind == SQL92_CONTAINS)
        found = memmem(value.text.data, value.text.len, n->text.data, n->text.len) != NULL;
    else if (n->kind == SQL92_STARTS_WITH)
        found = bytes_starts_with(value.text, n->text);
    else
        found = bytes_ends_with(value.text, n->text);
    return found != n->negated ? TRUE : FALSE;
}

static enum truth evaluate_in(const struct sql92_node *n, const struct bytes *values) {
    struct bytes value = values[n->left->slot];
    if (!value.data) return UNKNOWN;
    bool found = false;
    for (const struct sql92_node *text = n->right; text && !found; text = text->next)
        found = bytes_equal(value, text->text);
    return found != n->negated ? TRUE : FALSE;
}

static enum truth evaluate_logic(const struct sql92_node *n, const struct bytes *values) {
    enum truth decides = n->kind == SQL92_AND ? FALSE : TRUE;
    enum truth left = evaluate(n->left, values);
    if (left == decides || left == FAULT) return left;
    enum truth right = evaluate(n->right, values);
    if (right == decides || right == FAULT) return right;
    if (left == UNKNOWN || right == UNKNOWN) return UNKNOWN;
    return decides == TRUE ? FALSE : TRUE;
}

static enum truth evaluate(const struct sql92_node *n, const struct bytes *values) {
    switch (n->kind) {
    case SQL92_BOOL:
        return n->boolean ? TRUE : FALSE;
    case SQL92_NULL:
        return UNKNOWN;
    case SQL92_PROPERTY:
        return values[n->slot].data ? FALSE : UNKNOWN;
    case SQL92_AND:
    case SQL92_OR:
        return evaluate_logic(n, values);
    case SQL92_NOT: {
        enum truth truth = evaluate(n->left, values);
        return truth == TRUE ? FALSE : truth == FALSE ? TRUE : truth;
    }
    case SQL92_EQUAL:
        return evaluate_equal(n, values);
    case SQL92_IS_NULL: {
        struct sql92_value value;
        if (!value_of(n->left, values, &value)) return FAULT;
        return value.kind == SQL92_NULL ? TRUE : FALSE;
    }
    case SQL92_CONTAINS:
    case SQL92_STARTS_WITH:
    case SQL92_ENDS_WITH:
        return evaluate_search(n, values);
    case SQL92_IN:
        return evaluate_in(n, values);
    default:
        return evaluate_order(n, values);
    }
}

bool sql92_match(const struct sql92 *filter, struct bytes properties) {
    struct bytes values[SQL92_PROPERTIES_MAX], name, value; /* by slot; absent ones have no data */
    memset(values, 0, filter->names.count * sizeof *values);
    while (properties_next(&properties, &name, &value)) {
        uint16_t number = filter->names.table[sql92_name_place(&filter->names, name)];
        if (number > 0) values[number - 1] = value; /* the last of equal names wins */
    }
    return evaluate(filter->root, values) == TRUE;
}
