/* sql92_test.c - conditions over the properties of one message, and texts that are none. */
#include "filter/sql92.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* The message of all cases: a=5 big=3000000000 neg=-7 price=5.5 ok=true no=false city=hz quote=it's TAGS=red word=abc
 */
static const char properties[] =
    "a\0015\002big\0013000000000\002neg\001-7\002price\0015.5\002ok\001true\002no\001false\002city\001hz\002"
    "quote\001it's\002TAGS\001red\002word\001abc\002b\0016\002";

enum answer { NO, YES, REFUSED };
static const struct sql92_case {
    const char *text;
    enum answer answer;
} cases[] = {
#define CASE(answer, text) {text, answer},
#include "filter/sql92_cases.def"
#undef CASE
};

static void answers(void **state) {
    (void)state;
    int wrong = 0;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sql92 *filter = NULL;
        enum err err = sql92_compile(bytes_of(cases[i].text), &filter);
        enum answer got = err ? REFUSED : sql92_match(filter, bytes_of(properties)) ? YES : NO;
        if (got != cases[i].answer) {
            static const char *const names[] = {"no", "yes", "refused"};
            print_error("%s: %s, not %s %s\n", cases[i].text, names[got], names[cases[i].answer],
                        err ? err_detail(err) : "");
            wrong++;
        }
        sql92_free(filter);
    }
    assert_int_equal(wrong, 0);
}

static void refusals_say_where(void **state) {
    (void)state;
    struct sql92 *filter;
    assert_int_equal(sql92_compile(BYTES("a = 5 AND ) "), &filter), ERR_BAD_SUBSCRIPTION);
    assert_non_null(strstr(err_detail(ERR_BAD_SUBSCRIPTION), "character 11"));
    assert_int_equal(sql92_compile(BYTES("a = #"), &filter), ERR_BAD_SUBSCRIPTION);
    assert_non_null(strstr(err_detail(ERR_BAD_SUBSCRIPTION), "character 5"));
}

static void long_and_deep_texts_are_bounded(void **state) {
    (void)state;
    struct sql92 *filter;
    char *text = malloc(SQL92_TEXT_MAX + 2);
    memset(text, '(', SQL92_TEXT_MAX + 1);
    assert_int_equal(sql92_compile(bytes_make(text, SQL92_TEXT_MAX + 1), &filter), ERR_TOO_BIG);
    assert_int_equal(sql92_compile(bytes_make(text, SQL92_TEXT_MAX), &filter), ERR_BAD_SUBSCRIPTION);
    size_t len = 0;
    while (len + 12 < SQL92_TEXT_MAX) len += (size_t)sprintf(text + len, len ? " OR a = 0" : "a = 0");
    assert_int_equal(sql92_compile(bytes_make(text, len), &filter), ERR_OK);
    assert_false(sql92_match(filter, bytes_of(properties)));
    sql92_free(filter);
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers),
        cmocka_unit_test(refusals_say_where),
        cmocka_unit_test(long_and_deep_texts_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
