/* broker_config_test.c - what the machine fills in, what is set and stays, addresses that are none. */
#include "broker/broker_config.h"

#include <stdlib.h>
#include "base/test.h"

static void machine_fills_in_what_is_left(void **state) {
    (void)state;
    static struct broker_config config; /* its texts live as long as the process */
    broker_config_init(&config);
    assert_int_equal(config.listen_port, 10911);
    assert_null(config.broker_name.data);
    setenv("NAMESRV_ADDR", "127.0.0.1:9876;localhost:9877", 1);
    assert_ok(broker_config_finish(&config));
    assert_true(config.broker_name.len > 0 && config.broker_ip1.len >= 7);
    assert_true(bytes_equal(config.broker_ip1, config.broker_ip2));
    assert_bytes(config.namesrv_addr, "127.0.0.1:9876;localhost:9877");
    assert_in_range(config.server_selector_threads, 1, 4);
    unsetenv("NAMESRV_ADDR");
}

static void what_is_set_stays(void **state) {
    (void)state;
    static struct broker_config config;
    struct config_section section = {"BrokerConfig", &config, broker_config_keys, broker_config_key_count};
    broker_config_init(&config);
    setenv("NAMESRV_ADDR", "other:1", 1);
    assert_ok(config_set(&section, 1, BYTES("brokerName"), BYTES("b"), NULL));
    assert_ok(config_set(&section, 1, BYTES("brokerIP1"), BYTES("10.0.0.1"), NULL));
    assert_ok(config_set(&section, 1, BYTES("namesrvAddr"), BYTES("10.0.0.2:9876"), NULL));
    assert_ok(config_set(&section, 1, BYTES("serverSelectorThreads"), BYTES("7"), NULL));
    assert_err(config_set(&section, 1, BYTES("listenPort"), BYTES("65536"), NULL), ERR_BAD_CONFIG);
    assert_err(config_set(&section, 1, BYTES("noSuchKey"), BYTES("1"), NULL), ERR_NOT_FOUND);
    assert_ok(config_set(&section, 1, BYTES("sendMessageThreadPoolNums"), BYTES("16"), NULL)); /* a Java key */
    assert_ok(broker_config_finish(&config));
    assert_bytes(config.broker_name, "b");
    assert_bytes(config.broker_ip1, "10.0.0.1");
    assert_bytes(config.broker_ip2, "10.0.0.1");
    assert_bytes(config.namesrv_addr, "10.0.0.2:9876");
    assert_int_equal(config.server_selector_threads, 7);
    unsetenv("NAMESRV_ADDR");
}

static void name_servers_are_addresses(void **state) {
    (void)state;
    assert_ok(namesrv_addresses_check(BYTES("")));
    assert_ok(namesrv_addresses_check(BYTES("a:1; b:2 ;[::1]:3")));
    assert_err(namesrv_addresses_check(BYTES("a:1;b")), ERR_BAD_CONFIG);
    assert_string_equal(err_detail(ERR_BAD_CONFIG), "The Name Server Address[a:1;b] illegal, please set it as follows, "
                                                    "\"127.0.0.1:9876;192.168.0.1:9876\"");
    assert_err(namesrv_addresses_check(BYTES("a:port")), ERR_BAD_CONFIG);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(machine_fills_in_what_is_left),
        cmocka_unit_test(what_is_set_stays),
        cmocka_unit_test(name_servers_are_addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
