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

/* "p0 = '0' AND p1 = '1' AND ..." and the properties that make it true. */
static size_t many_properties(int count, char *condition, char *props) {
    size_t used = 0, props_used = 0;
    for (int i = 0; i < count; i++) {
        used += (size_t)sprintf(condition + used, "%sp%d = '%d'", i > 0 ? " AND " : "", i, i);
        props_used += (size_t)sprintf(props + props_used, "p%d\001%d\002", i, i);
    }
    return used;
}

static void the_number_of_properties_is_bounded(void **state) {
    (void)state;
    static char condition[SQL92_TEXT_MAX], props[SQL92_TEXT_MAX];
    struct sql92 *filter;
    size_t len = many_properties(SQL92_PROPERTIES_MAX, condition, props);
    assert_int_equal(sql92_compile(bytes_make(condition, len), &filter), ERR_OK);
    assert_true(sql92_match(filter, bytes_of(props)));
    props[strlen(props) - 2] = 'x'; /* the last value */
    assert_false(sql92_match(filter, bytes_of(props)));
    sql92_free(filter);
    len = many_properties(SQL92_PROPERTIES_MAX + 1, condition, props);
    assert_int_equal(sql92_compile(bytes_make(condition, len), &filter), ERR_BAD_SUBSCRIPTION);
    assert_non_null(strstr(err_detail(ERR_BAD_SUBSCRIPTION), "more than 256 different properties"));
}

static void the_last_of_equal_names_counts(void **state) {
    (void)state;
    struct sql92 *filter;
    assert_int_equal(sql92_compile(BYTES("a = '2' AND a IN ('2') AND a IS NOT NULL"), &filter), ERR_OK);
    assert_true(sql92_match(filter, BYTES("a\0011\002a\0012\002")));
    assert_false(sql92_match(filter, BYTES("a\0012\002a\0011\002")));
    sql92_free(filter);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers),
        cmocka_unit_test(refusals_say_where),
        cmocka_unit_test(long_and_deep_texts_are_bounded),
        cmocka_unit_test(the_number_of_properties_is_bounded),
        cmocka_unit_test(the_last_of_equal_names_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
