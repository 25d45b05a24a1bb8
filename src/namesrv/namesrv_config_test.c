/* namesrv_config_test.c - defaults and remote updates. */
#include "namesrv/namesrv_config.h"

#include <stdlib.h>
#include "base/test.h"

static enum err update(struct namesrv_config *config, const char *text) {
    struct arena arena = {0};
    struct props props;
    assert_ok(props_parse(&arena, bytes_of(text), &props));
    const enum err err = namesrv_config_update(config, &props);
    arena_close(&arena);
    return err;
}

static void fills_in_paths(void **state) {
    (void)state;
    struct namesrv_config config;
    setenv("HOME", "/home/u", 1);
    namesrv_config_init(&config);
    namesrv_config_finish(&config, NULL);
    assert_bytes(config.kv_config_path, "/home/u/namesrv/kvConfig.json");
    assert_bytes(config.config_store_path, "/home/u/namesrv/namesrv.properties");
    namesrv_config_init(&config);
    namesrv_config_finish(&config, "/etc/namesrv.conf");
    assert_bytes(config.config_store_path, "/etc/namesrv.conf");
    assert_int_equal(config.listen_port, 9876);
}

static void updates_all_or_none(void **state) {
    (void)state;
    struct namesrv_config config;
    namesrv_config_init(&config);
    assert_ok(update(&config, "orderMessageEnable=true\nwaitSecondsForService=7\nserverWorkerThreads=9"));
    assert_true(config.order_message_enable);
    assert_int_equal(config.wait_seconds_for_service, 7);
    assert_err(update(&config, "orderMessageEnable=false\nwaitSecondsForService=x"), ERR_BAD_PARAMETER);
    assert_true(config.order_message_enable);
    assert_err(update(&config, "orderMesageEnable=false"), ERR_BAD_PARAMETER);
    assert_non_null(strstr(err_detail(ERR_BAD_PARAMETER), "orderMessageEnable"));
}

static void keeps_the_black_list(void **state) {
    (void)state;
    static const char *const listed[] = {"kvConfigPath=x", "configStorePath=x", "configBlackList=x", "listenPort=1"};
    struct namesrv_config config;
    namesrv_config_init(&config);
    config.config_black_list = BYTES("bindAddress; listenPort"); /* adds to those that are always on it */
    for (size_t i = 0; i < ARRAY_LEN(listed); i++) {
        assert_err(update(&config, listed[i]), ERR_NO_PERMISSION);
        assert_string_equal(err_detail(ERR_NO_PERMISSION), "Can not update config in black list.");
    }
    assert_ok(update(&config, "waitSecondsForService=7"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fills_in_paths),
        cmocka_unit_test(updates_all_or_none),
        cmocka_unit_test(keeps_the_black_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
