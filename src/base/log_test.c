/* log_test.c - the form of a line, and what never becomes one. */
#include "base/log.h"

#include <regex.h>
#include <string.h>
#include "base/test.h"

static char last_line[8192];
static enum log_topic last_topic;
static int lines;

static void keep_line(enum log_level level, enum log_topic topic, const char *line, size_t len) {
    (void)level;
    memcpy(last_line, line, len);
    last_line[len] = '\0';
    last_topic = topic;
    lines++;
}

static void forms_the_line(void **state) {
    (void)state;
    log_warn(STORE, "segment created: size_bytes=%d", 7);
    regex_t form;
    assert_int_equal(regcomp(&form,
                             "^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2} WARN [^ ]+ - "
                             "segment created: size_bytes=7$",
                             REG_EXTENDED),
                     0);
    assert_int_equal(regexec(&form, last_line, 0, NULL, 0), 0);
    regfree(&form);
    assert_int_equal(last_topic, LOG_STORE);
}

static void leaves_out_lower_levels(void **state) {
    (void)state;
    lines = 0;
    log_debug(MAIN, "no");
    assert_int_equal(lines, 0);
    log_set_level(LOG_DEBUG);
    log_debug(MAIN, "yes");
    assert_int_equal(lines, 1);
    log_set_level(LOG_INFO);
}

static void keeps_a_line_a_line(void **state) {
    (void)state;
    log_info(MAIN, "remark=%s", "a\n2026-11-24 INFO forged");
    assert_null(strchr(last_line, '\n'));
    static char text[10000];
    memset(text, 'x', sizeof text - 1);
    log_info(MAIN, "%s", text);
    assert_true(strlen(last_line) < 4096);
    assert_string_equal(last_line + strlen(last_line) - 4, "x...");
}

static void limits_floods(void **state) {
    (void)state;
    struct log_limit limit = {0};
    uint32_t left_out = 99;
    assert_true(log_allowed(&limit, 3600000, &left_out));
    assert_int_equal(left_out, 0);
    for (int i = 0; i < 5; i++) assert_false(log_allowed(&limit, 3600000, &left_out));
    limit.next_ms = 0;
    assert_true(log_allowed(&limit, 3600000, &left_out));
    assert_int_equal(left_out, 5);
}

int main(void) {
    log_set_sink(keep_line);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forms_the_line),
        cmocka_unit_test(leaves_out_lower_levels),
        cmocka_unit_test(keeps_a_line_a_line),
        cmocka_unit_test(limits_floods),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
