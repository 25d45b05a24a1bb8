/* config_test.c - values of each type, what is refused, nearest names, files with faults in them. */
#include "base/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>
#include "base/check.h"

struct test_config {
#define KEY     CONFIG_MEMBER
#define IGNORED CONFIG_NOTHING
#include "base/config_test.def"
#undef KEY
#undef IGNORED
};
#define CONFIG_STRUCT struct test_config
static const struct config_key test_keys[] = {
#define KEY     CONFIG_ROW
#define IGNORED CONFIG_IGNORED_ROW
#include "base/config_test.def"
#undef KEY
#undef IGNORED
};

static struct test_config values;
static const struct config_section section = {"TestConfig", &values, test_keys, ARRAY_LEN(test_keys)};

static int set_defaults(void **state) {
    (void)state;
    struct test_config *c = &values;
#define KEY     CONFIG_DEFAULT
#define IGNORED CONFIG_NOTHING
#include "base/config_test.def"
#undef KEY
#undef IGNORED
    return 0;
}

static enum err set(const char *key, const char *value, const char **nearest) {
    return config_set(&section, 1, bytes_of(key), bytes_of(value), nearest);
}

static void values_of_each_type_are_set(void **state) {
    (void)state;
    assert_int_equal(set("listenPort", " 9876 ", NULL), ERR_OK);
    assert_int_equal(values.port, 9876);
    assert_int_equal(set("mappedFileSize", "5000000000", NULL), ERR_OK);
    assert_true(values.size_bytes == 5000000000);
    assert_int_equal(set("autoCreateTopicEnable", "no", NULL), ERR_OK);
    assert_false(values.auto_create);
    assert_int_equal(set("autoCreateTopicEnable", "TRUE", NULL), ERR_OK);
    assert_true(values.auto_create);
    assert_int_equal(set("ratio", "0.5", NULL), ERR_OK);
    assert_true(values.ratio == 0.5);
    char text[] = "SYNC_FLUSH";
    assert_int_equal(set("flushDiskType", text, NULL), ERR_OK);
    text[0] = 'X'; /* the value is a copy */
    assert_true(bytes_is(values.flush_type, "SYNC_FLUSH"));
}

static void bad_values_leave_the_old_one_and_tell_the_range(void **state) {
    (void)state;
    static const char *const bad[] = {"0", "65536", "x", "", "99999999999999999999"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_int_equal(set("listenPort", bad[i], NULL), ERR_BAD_CONFIG);
        assert_non_null(strstr(err_detail(ERR_BAD_CONFIG), "from 1 to 65535"));
    }
    assert_int_equal(values.port, 10911);
    assert_int_equal(set("ratio", "half", NULL), ERR_BAD_CONFIG);
    assert_true(values.ratio == 0.75);
}

static void an_unknown_key_gives_the_nearest_name(void **state) {
    (void)state;
    const char *nearest;
    assert_int_equal(set("flushDiskTyp", "x", &nearest), ERR_NOT_FOUND);
    assert_string_equal(nearest, "flushDiskType");
    assert_int_equal(set("LISTENPORT", "1", &nearest), ERR_NOT_FOUND);
    assert_string_equal(nearest, "listenPort");
    assert_int_equal(set("somethingElse", "x", &nearest), ERR_NOT_FOUND);
    assert_null(nearest);
    char huge[300];
    memset(huge, 'k', sizeof huge - 1);
    huge[sizeof huge - 1] = '\0';
    assert_int_equal(set(huge, "x", &nearest), ERR_NOT_FOUND);
    assert_null(nearest);
}

static void ignored_keys_are_taken_without_effect(void **state) {
    (void)state;
    struct buf before = {0}, after = {0};
    config_print(&section, 1, 0, &before);
    assert_int_equal(set("sendThreadPoolQueueCapacity", "5", NULL), ERR_OK);
    config_print(&section, 1, 0, &after);
    assert_true(bytes_equal(buf_bytes(&before), buf_bytes(&after)));
    buf_close(&before);
    buf_close(&after);
}

static void printing_shows_all_or_the_important(void **state) {
    (void)state;
    struct buf out = {0};
    config_print(&section, 1, 0, &out);
    assert_true(bytes_is(buf_bytes(&out), "listenPort=10911\nmappedFileSize=1073741824\nautoCreateTopicEnable=true\n"
                                          "ratio=0.75\nflushDiskType=ASYNC_FLUSH\nnamesrvAddr=\n"));
    buf_clear(&out);
    config_print(&section, 1, CONFIG_IMPORTANT, &out);
    assert_true(bytes_is(buf_bytes(&out), "listenPort=10911\nflushDiskType=ASYNC_FLUSH\n"));
    buf_close(&out);
}

static void a_file_is_loaded_with_warnings(void **state) {
    (void)state;
    char path[] = "/tmp/config_test.XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    dprintf(fd, "# sample\nlistenPort = 10912\nflushDiskTyp=SYNC_FLUSH\nratio=x\nsendThreadPoolQueueCapacity=1\n");
    close(fd);
    struct buf warnings = {0};
    enum err err = config_load_file(&section, 1, path, &warnings);
    unlink(path);
    assert_int_equal(err, ERR_OK);
    assert_int_equal(values.port, 10912);
    buf_append_char(&warnings, '\0');
    assert_non_null(strstr(warnings.data, ":3: unknown key flushDiskTyp, did you mean flushDiskType?\n"));
    assert_non_null(strstr(warnings.data, ":4: ratio=x: must be a number\n"));
    assert_non_null(
        strstr(warnings.data, ":5: sendThreadPoolQueueCapacity has no effect: there are no thread pools\n"));
    buf_close(&warnings);
    assert_int_equal(config_load_file(&section, 1, path, &warnings), ERR_NOT_FOUND);
    assert_non_null(strstr(err_detail(ERR_NOT_FOUND), path));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(values_of_each_type_are_set, set_defaults),
        cmocka_unit_test_setup(bad_values_leave_the_old_one_and_tell_the_range, set_defaults),
        cmocka_unit_test_setup(an_unknown_key_gives_the_nearest_name, set_defaults),
        cmocka_unit_test_setup(ignored_keys_are_taken_without_effect, set_defaults),
        cmocka_unit_test_setup(printing_shows_all_or_the_important, set_defaults),
        cmocka_unit_test_setup(a_file_is_loaded_with_warnings, set_defaults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
