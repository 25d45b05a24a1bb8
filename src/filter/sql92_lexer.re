/* sql92_lexer.re - cuts the text of a condition into tokens (re2c makes sql92_lexer.c of it). */
#include "filter/sql92_internal.h"
#include "filter/sql92_grammar.h"

int sql92_lex(struct sql92_parse *parse, struct sql92_token *out) {
    const char *at = parse->at, *marker = NULL;
    int code;
again:
    parse->token = at;
    /*!re2c
    re2c:define:YYCTYPE = "unsigned char";
    re2c:define:YYCURSOR = at;
    re2c:define:YYMARKER = marker;
    re2c:yyfill:enable = 0;

    digit    = [0-9];
    exponent = [eE] [+-]? digit+;
    end      = "\x00";

    end                         { parse->at = at - 1; return at - 1 == parse->end ? SQL92_END : SQL92_LEXER_ERROR; }
    [ \t\n\r\f]+                { goto again; }
    "--" [^\n\r\x00]*           { goto again; }
    "/*" ([^*\x00] | [*]+ [^*\x2F\x00])* [*]+ "/" { goto again; }

    'NOT'        { code = SQL92_TOKEN_NOT; goto done; }
    'AND'        { code = SQL92_TOKEN_AND; goto done; }
    'OR'         { code = SQL92_TOKEN_OR; goto done; }
    'BETWEEN'    { code = SQL92_TOKEN_BETWEEN; goto done; }
    'IN'         { code = SQL92_TOKEN_IN; goto done; }
    'TRUE'       { code = SQL92_TOKEN_TRUE; goto done; }
    'FALSE'      { code = SQL92_TOKEN_FALSE; goto done; }
    'NULL'       { code = SQL92_TOKEN_NULL; goto done; }
    'IS'         { code = SQL92_TOKEN_IS; goto done; }
    'CONTAINS'   { code = SQL92_TOKEN_CONTAINS; goto done; }
    'STARTSWITH' { code = SQL92_TOKEN_STARTSWITH; goto done; }
    'ENDSWITH'   { code = SQL92_TOKEN_ENDSWITH; goto done; }

    "=="         { parse->at = at; return SQL92_LEXER_ERROR; }
    "="          { code = SQL92_TOKEN_EQ; goto done; }
    "<>"         { code = SQL92_TOKEN_NE; goto done; }
    ">="         { code = SQL92_TOKEN_GE; goto done; }
    "<="         { code = SQL92_TOKEN_LE; goto done; }
    ">"          { code = SQL92_TOKEN_GT; goto done; }
    "<"          { code = SQL92_TOKEN_LT; goto done; }
    "+"          { code = SQL92_TOKEN_PLUS; goto done; }
    "-"          { code = SQL92_TOKEN_MINUS; goto done; }
    "("          { code = SQL92_TOKEN_OPEN; goto done; }
    ")"          { code = SQL92_TOKEN_CLOSE; goto done; }
    ","          { code = SQL92_TOKEN_COMMA; goto done; }

    "0" | [1-9] digit* [lL]?                                            { code = SQL92_TOKEN_INTEGER; goto done; }
    digit+ "." digit* exponent? | "." digit+ exponent? | digit+ exponent { code = SQL92_TOKEN_REAL; goto done; }
    "'" ("''" | [^'\x00])* "'"                                          { code = SQL92_TOKEN_STRING; goto done; }
    [a-zA-Z_$] [a-zA-Z0-9_$]*                                           { code = SQL92_TOKEN_ID; goto done; }
    *            { parse->at = at; return SQL92_LEXER_ERROR; }
    */
done:
    out->text = bytes_make(parse->token, (size_t)(at - parse->token));
    parse->at = at;
    return code;
}
