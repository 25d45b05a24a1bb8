/* sql92_grammar.y - the grammar of sql92.h (lemon makes sql92_grammar.c of it). */
%include {
#include <assert.h>
#include "filter/sql92_internal.h"
}
%name sql92_grammar
%token_prefix SQL92_TOKEN_
%token_type {struct sql92_token}
%default_type {const struct sql92_node *}
%extra_argument {struct sql92_parse *parse}
%start_symbol start

%syntax_error {
    if (!parse->failed) {
        parse->failed = true;
        (void)TOKEN;
        (void)fail(ERR_BAD_SUBSCRIPTION, "the SQL92 expression is wrong at character %zu: '%.20s'",
                   (size_t)(parse->token - parse->start) + 1, parse->token);
    }
}
%stack_overflow {
    parse->failed = true;
    (void)fail(ERR_BAD_SUBSCRIPTION, "the SQL92 expression is nested too deep");
}

start ::= or(A). { parse->root = A; }

or(A) ::= and(B). { A = B; }
or(A) ::= or(B) OR and(C). { A = sql92_build_logic(parse, SQL92_OR, B, C); }
and(A) ::= equal(B). { A = B; }
and(A) ::= and(B) AND equal(C). { A = sql92_build_logic(parse, SQL92_AND, B, C); }

equal(A) ::= compare(B). { A = B; }
equal(A) ::= equal(B) EQ compare(C). { A = sql92_build_equal(parse, B, C); }
equal(A) ::= equal(B) NE compare(C). { A = sql92_build_unary(parse, SQL92_NOT, sql92_build_equal(parse, B, C)); }
equal(A) ::= equal(B) IS NULL. { A = sql92_build_unary(parse, SQL92_IS_NULL, B); }
equal(A) ::= equal(B) IS NOT NULL. {
    A = sql92_build_unary(parse, SQL92_NOT, sql92_build_unary(parse, SQL92_IS_NULL, B));
}

compare(A) ::= unary(B). { A = B; }
compare(A) ::= compare(B) GT unary(C). { A = sql92_build_order(parse, SQL92_GREATER, B, C); }
compare(A) ::= compare(B) GE unary(C). { A = sql92_build_order(parse, SQL92_GREATER_EQUAL, B, C); }
compare(A) ::= compare(B) LT unary(C). { A = sql92_build_order(parse, SQL92_LESS, B, C); }
compare(A) ::= compare(B) LE unary(C). { A = sql92_build_order(parse, SQL92_LESS_EQUAL, B, C); }
compare(A) ::= compare(B) CONTAINS text(C). { A = sql92_build_search(parse, SQL92_CONTAINS, false, B, C); }
compare(A) ::= compare(B) NOT CONTAINS text(C). { A = sql92_build_search(parse, SQL92_CONTAINS, true, B, C); }
compare(A) ::= compare(B) STARTSWITH text(C). { A = sql92_build_search(parse, SQL92_STARTS_WITH, false, B, C); }
compare(A) ::= compare(B) NOT STARTSWITH text(C). { A = sql92_build_search(parse, SQL92_STARTS_WITH, true, B, C); }
compare(A) ::= compare(B) ENDSWITH text(C). { A = sql92_build_search(parse, SQL92_ENDS_WITH, false, B, C); }
compare(A) ::= compare(B) NOT ENDSWITH text(C). { A = sql92_build_search(parse, SQL92_ENDS_WITH, true, B, C); }
compare(A) ::= compare(B) BETWEEN unary(C) AND unary(D). { A = sql92_build_between(parse, false, B, C, D); }
compare(A) ::= compare(B) NOT BETWEEN unary(C) AND unary(D). { A = sql92_build_between(parse, true, B, C, D); }
compare(A) ::= compare(B) IN OPEN texts(C) CLOSE. { A = sql92_build_in(parse, false, B, C); }
compare(A) ::= compare(B) NOT IN OPEN texts(C) CLOSE. { A = sql92_build_in(parse, true, B, C); }

texts(A) ::= text(B). { A = B; }
texts(A) ::= texts(B) COMMA text(C). { A = sql92_link(parse, C, B); }

unary(A) ::= PLUS unary(B). { A = B; }
unary(A) ::= MINUS unary(B). { A = sql92_build_unary(parse, SQL92_NEGATE, B); }
unary(A) ::= NOT unary(B). { A = sql92_build_unary(parse, SQL92_NOT, B); }
unary(A) ::= text(B). { A = B; }
unary(A) ::= INTEGER(B). { A = sql92_build_integer(parse, B); }
unary(A) ::= REAL(B). { A = sql92_build_real(parse, B); }
unary(A) ::= TRUE. { A = sql92_build_bool(parse, true); }
unary(A) ::= FALSE. { A = sql92_build_bool(parse, false); }
unary(A) ::= NULL. { A = sql92_build_null(parse); }
unary(A) ::= ID(B). { A = sql92_build_property(parse, B); }
unary(A) ::= OPEN or(B) CLOSE. { A = B; }

text(A) ::= STRING(B). { A = sql92_build_text(parse, B); }
