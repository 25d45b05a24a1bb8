/* config_update_test.c - settings changed while running: at once, at the next start, not at all */
#include "broker/broker_testing.h"
#include "broker/admin/config_update.h"

static void open_sections(struct testing *t) {
    testing_init(t);
    t->broker.sections[0] =
        (struct config_section){"BrokerConfig", &t->broker.config, broker_config_keys, broker_config_key_count};
    t->broker.sections[1] = (struct config_section){"MessageStoreConfig", &t->broker.store_config, store_config_keys,
                                                    store_config_key_count};
    t->broker.section_count = 2;
}

static void edits_keep_what_they_do_not_change(void **state) {
    (void)state;
    static const struct {
        const char *file, *changes, *becomes;
    } cases[] = {
        {"", "a=1\n", "a=1\n"},
        {"# note\na = 0\n\nb=2\n", "a=1\n", "# note\na=1\n\nb=2\n"},
        {"a=0", "b=2\n", "a=0\nb=2\n"},
        {"a=0\na=3\n", "a=1\n", "a=1\n"},
        {"a=x\\\n  y\nb=2\n", "a=1\n", "a=1\nb=2\n"},
        {"b=2\n", "a=1\na=3\n", "b=2\na=3\n"},
        {"#a=0\n", "a=1\n", "#a=0\na=1\n"},
        {"ab=0\n", "a=1\n", "ab=0\na=1\n"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena arena = {0};
        struct props changes;
        struct buf out = {0};
        assert_ok(props_parse(&arena, bytes_of(cases[i].changes), &changes));
        config_text_edit(bytes_of(cases[i].file), &changes, &out);
        assert_bytes(buf_bytes(&out), cases[i].becomes);
        buf_close(&out);
        arena_close(&arena);
    }
}

static void dynamic_numbers_change_at_once(void **state) {
    (void)state;
    struct testing t;
    open_sections(&t);
    assert_ok(config_update(&t.broker, BYTES("longPollingEnable=false\nshortPollingTimeMills=250\nnoSuchKey=1\n")));
    assert_false(t.broker.config.long_polling_enable);
    assert_int_equal(t.broker.config.short_polling_time_ms, 250);
    assert_int_equal(atomic_load(&t.broker.config_changes), 1);
    testing_done(&t);
}

static void all_or_nothing(void **state) {
    (void)state;
    struct testing t;
    open_sections(&t);
    assert_err(config_update(&t.broker,
                             BYTES("shortPollingTimeMills=250\nlongPollingEnable=false\nchannelExpiredTimeout=0\n")),
               ERR_BAD_CONFIG);
    assert_int_equal(t.broker.config.short_polling_time_ms, 1000);
    assert_true(t.broker.config.long_polling_enable);
    assert_err(config_update(&t.broker, BYTES("longPollingEnable=false\nbrokerConfigPath=/x\n")), ERR_NO_PERMISSION);
    assert_true(t.broker.config.long_polling_enable);
    assert_err(config_update(&t.broker, BYTES("longPollingEnable=false\nlistenPort=1\n")), ERR_BAD_CONFIG);
    assert_true(t.broker.config.long_polling_enable);
    assert_int_equal(atomic_load(&t.broker.config_changes), 0);
    testing_done(&t);
}

static void the_file_gets_all(void **state) {
    (void)state;
    struct testing t;
    struct arena arena = {0};
    open_sections(&t);
    testing_write(&t, "broker.conf", "# ours\nlistenPort=10911\n");
    t.broker.config_path = broker_config_file(&t.broker, &arena, "broker.conf");
    assert_ok(config_update(&t.broker, BYTES("listenPort=20911\nlongPollingEnable=false\nnoSuchKey=1\n")));
    assert_int_equal(t.broker.config.listen_port, 10911); /* at the next start */
    assert_err(config_update(&t.broker, BYTES("longPollingEnable=true\nlistenPort=65536\n")), ERR_BAD_CONFIG);
    assert_false(t.broker.config.long_polling_enable);
    struct buf text = testing_read(&t, "broker.conf"), bak = testing_read(&t, "broker.conf.bak");
    assert_bytes(buf_bytes(&text), "# ours\nlistenPort=20911\nlongPollingEnable=false\n");
    assert_bytes(buf_bytes(&bak), "# ours\nlistenPort=10911\n");
    t.broker.config_path = broker_config_file(&t.broker, &arena, "no_such.conf");
    assert_err(config_update(&t.broker, BYTES("longPollingEnable=true\n")), ERR_NOT_FOUND);
    assert_false(t.broker.config.long_polling_enable); /* what cannot be kept is not changed */
    buf_close(&text);
    buf_close(&bak);
    arena_close(&arena);
    testing_done(&t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(edits_keep_what_they_do_not_change),
        cmocka_unit_test(dynamic_numbers_change_at_once),
        cmocka_unit_test(all_or_nothing),
        cmocka_unit_test(the_file_gets_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
