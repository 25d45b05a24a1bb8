/* kv_config_test.c - the table and its file. */
#include "namesrv/kv_config.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/test.h"
#include "os/file.h"

static char dir[64], path[80];

static int set_up(void **state) {
    (void)state;
    strcpy(dir, "/tmp/rmq-kv.XXXXXX");
    if (mkdtemp(dir) == NULL) return -1;
    snprintf(path, sizeof path, "%s/kvConfig.json", dir);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    return file_remove_tree(dir) == ERR_OK ? 0 : -1;
}

static struct kv_config *open_table(void) {
    struct kv_config *config = NULL;
    assert_ok(kv_config_open(path, &config));
    return config;
}

static void keeps_texts_by_namespace_and_key(void **state) {
    (void)state;
    struct arena arena = {0};
    const struct kv *items;
    struct kv_config *config = open_table();
    assert_ok(kv_config_put(config, BYTES("N"), BYTES("k"), BYTES("1")));
    assert_ok(kv_config_put(config, BYTES("Nk"), BYTES(""), BYTES("other")));
    assert_ok(kv_config_put(config, BYTES("N"), BYTES("k2"), BYTES("")));
    assert_ok(kv_config_put(config, BYTES("N"), BYTES("k"), BYTES("2")));
    assert_bytes(kv_config_get(config, BYTES("N"), BYTES("k")), "2");
    assert_bytes(kv_config_get(config, BYTES("N"), BYTES("k2")), "");
    assert_null(kv_config_get(config, BYTES("N"), BYTES("k3")).data);
    assert_int_equal(kv_config_list(config, &arena, BYTES("N"), &items), 2);
    assert_int_equal(kv_config_list(config, &arena, BYTES("none"), &items), 0);
    kv_config_delete(config, BYTES("N"), BYTES("k"));
    kv_config_delete(config, BYTES("N"), BYTES("k"));
    assert_null(kv_config_get(config, BYTES("N"), BYTES("k")).data);
    kv_config_close(config);
    arena_close(&arena);
}

static void has_a_limit(void **state) {
    (void)state;
    struct kv_config *config = open_table();
    struct buf value = {0};
    memset(buf_reserve(&value, KV_TOTAL_MAX_BYTES / 2), 'x', KV_TOTAL_MAX_BYTES / 2);
    value.len = KV_TOTAL_MAX_BYTES / 2;
    assert_ok(kv_config_put(config, BYTES("N"), BYTES("a"), buf_bytes(&value)));
    assert_err(kv_config_put(config, BYTES("N"), BYTES("b"), buf_bytes(&value)), ERR_TOO_BIG);
    assert_null(kv_config_get(config, BYTES("N"), BYTES("b")).data);
    kv_config_delete(config, BYTES("N"), BYTES("a"));
    assert_ok(kv_config_put(config, BYTES("N"), BYTES("b"), buf_bytes(&value)));
    kv_config_close(config);
    buf_close(&value);
}

static void comes_back_from_its_file(void **state) {
    (void)state;
    struct kv_config *config = open_table();
    assert_ok(kv_config_put(config, BYTES("B"), BYTES("x\"y"), BYTES("标")));
    assert_ok(kv_config_put(config, BYTES("A"), BYTES("k"), BYTES("v")));
    assert_ok(kv_config_put(config, BYTES("B"), BYTES("a"), BYTES("broker-a:8;broker-b:8")));
    struct buf text = {0}, again = {0};
    kv_config_write(config, &text);
    assert_ok(file_replace(path, buf_bytes(&text), true));
    kv_config_close(config);
    config = open_table();
    assert_bytes(kv_config_get(config, BYTES("B"), BYTES("x\"y")), "标");
    kv_config_write(config, &again);
    assert_true(bytes_equal(buf_bytes(&text), buf_bytes(&again)));
    kv_config_close(config);
    buf_close(&text);
    buf_close(&again);
}

static void reads_the_file_of_the_java_server(void **state) {
    (void)state;
    assert_ok(file_replace(
        path, BYTES("{\n\t\"configTable\":{\n\t\t\"ORDER_TOPIC_CONFIG\":{\n\t\t\t\"T\":\"a:2\"\n\t\t}\n\t}\n}"),
        false));
    struct kv_config *config = open_table();
    assert_bytes(kv_config_get(config, NAMESPACE_ORDER_TOPIC_CONFIG, BYTES("T")), "a:2");
    kv_config_close(config);
    assert_ok(file_replace(path, BYTES("\n"), false)); /* empty is no table */
    kv_config_close(open_table());
}

static void refuses_a_damaged_file(void **state) {
    (void)state;
    struct kv_config *config;
    assert_ok(file_replace(path, BYTES("{\"configTable\":"), false));
    assert_err(kv_config_open(path, &config), ERR_CORRUPT);
    assert_non_null(strstr(err_detail(ERR_CORRUPT), path));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(keeps_texts_by_namespace_and_key, set_up, tear_down),
        cmocka_unit_test_setup_teardown(has_a_limit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(comes_back_from_its_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(reads_the_file_of_the_java_server, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_a_damaged_file, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
