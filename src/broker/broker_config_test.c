/* broker_config_test.c - what the machine fills in, what is set and stays, addresses that are none. */
#include "broker/broker_config.h"

#include <stdio.h>
#include <stdlib.h>
#include "base/arena.h"
#include "base/test.h"
#include "os/file.h"
#include "store/store.h"

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

static void assert_no_text_changes_while_running(const struct config_key *keys, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (keys[i].type == CONFIG_text) assert_false(keys[i].flags & CONFIG_DYNAMIC);
}

/* Readers take no lock: see base/config.h. */
static void texts_change_with_a_start_alone(void **state) {
    (void)state;
    assert_no_text_changes_while_running(broker_config_keys, broker_config_key_count);
    assert_no_text_changes_while_running(store_config_keys, store_config_key_count);
}

/* --- a file of a Java broker yields no warning about unknown keys ------------------------------------------ */

static bool known(struct bytes key) {
    struct config_section sections[] = {
        {"BrokerConfig", NULL, broker_config_keys, broker_config_key_count},
        {"MessageStoreConfig", NULL, store_config_keys, store_config_key_count},
    };
    const struct config_section *section;
    return config_find(sections, 2, key, &section) != NULL;
}

/* Facts that lie beside the checkout; skips where they are missing. The caller closes it. */
static struct buf read_facts(const char *name) {
    const char *golden = getenv("RMQ_GOLDEN");
    char path[512];
    struct buf text = {0};
    snprintf(path, sizeof path, "%s/../spec/%s", golden ? golden : "", name);
    if (!golden || !file_exists(path)) skip();
    assert_ok(file_read_all(path, SIZE_MAX, &text));
    return text;
}

static struct bytes column(struct bytes line, char separator, int number) {
    struct bytes out = BYTES("");
    while (number-- >= 0)
        if (!bytes_split(&line, separator, &out)) return BYTES("");
    return bytes_trim(out);
}

static void keys_of_5_3_3_are_known(void **state) {
    (void)state;
    static const char *const classes[] = {"BrokerConfig",      "BrokerIdentity",    "MessageStoreConfig",
                                          "NettyServerConfig", "NettyClientConfig", "AuthConfig"};
    struct buf text = read_facts("config-keys.tsv");
    struct bytes rest = buf_bytes(&text), line;
    int count = 0;
    while (bytes_split(&rest, '\n', &line)) {
        struct bytes class = column(line, '\t', 0), key = column(line, '\t', 1);
        bool ours = false;
        for (size_t i = 0; i < ARRAY_LEN(classes); i++) ours |= bytes_is(class, classes[i]);
        if (!ours) continue;
        if (!known(key)) fail_msg("%.*s of %.*s has no row", BYTES_ARG(key), BYTES_ARG(class));
        count++;
    }
    assert_true(count > 400);
    buf_close(&text);
}

static bool whole_word(struct bytes word) {
    for (size_t i = 0; i < word.len; i++) {
        char c = word.data[i] | 32;
        if (c < 'a' || c > 'z') return false;
    }
    return word.len > 0;
}

/* The table of new keys: "| B one, two; three | defaults | ...", B of the broker, M of the store. Abbreviated ones,
 * a{B,C} and ..., are left out. */
static void newer_keys_are_known(void **state) {
    (void)state;
    struct buf text = read_facts("since-5.3.3.md");
    struct bytes rest = buf_bytes(&text), line, word;
    int count = 0;
    while (bytes_split(&rest, '\n', &line)) {
        if (!bytes_starts_with(line, BYTES("| B ")) && !bytes_starts_with(line, BYTES("| M "))) continue;
        struct bytes keys = bytes_skip(column(line, '|', 1), 2);
        while (bytes_split(&keys, ' ', &word)) {
            while (word.len > 0 && (word.data[word.len - 1] == ',' || word.data[word.len - 1] == ';')) word.len--;
            if (!whole_word(word) || bytes_is(word, "each")) continue;
            if (!known(word)) fail_msg("%.*s has no row", BYTES_ARG(word));
            count++;
        }
    }
    assert_true(count > 50);
    buf_close(&text);
}

static void no_key_has_two_rows(void **state) {
    (void)state;
    const struct config_key *tables[] = {broker_config_keys, store_config_keys};
    const size_t counts[] = {broker_config_key_count, store_config_key_count};
    for (int t = 0; t < 2; t++)
        for (size_t i = 0; i < counts[t]; i++)
            for (int u = 0; u <= t; u++)
                for (size_t j = 0; j < (u == t ? i : counts[u]); j++)
                    if (strcmp(tables[t][i].name, tables[u][j].name) == 0) fail_msg("%s", tables[t][i].name);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(machine_fills_in_what_is_left),
        cmocka_unit_test(what_is_set_stays),
        cmocka_unit_test(name_servers_are_addresses),
        cmocka_unit_test(keys_of_5_3_3_are_known),
        cmocka_unit_test(newer_keys_are_known),
        cmocka_unit_test(no_key_has_two_rows),
        cmocka_unit_test(texts_change_with_a_start_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
