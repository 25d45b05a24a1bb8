/* cold_control_test.c - who is held back, and for how long. */
#include "broker/broker_testing.h"
#include "broker/pull/cold_control.h"

static struct cold_control *start(struct testing *t) {
    struct cold_control *control;
    testing_init(t);
    t->broker.store_config.cold_data_flow_control_enable = true;
    t->broker.config.cg_cold_read_threshold_bytes = 1000;
    t->broker.config.global_cold_read_threshold_bytes = 5000;
    assert_ok(cold_control_open(&t->broker, &control));
    return control;
}

static void stop(struct testing *t, struct cold_control *control) {
    cold_control_close(control);
    testing_done(t);
}

static void groups_have_a_threshold(void **state) {
    (void)state;
    struct testing t;
    struct cold_control *control = start(&t);
    assert_false(cold_control_exceeded(control, BYTES("G")));
    cold_control_count(control, BYTES("G"), 999);
    assert_false(cold_control_exceeded(control, BYTES("G")));
    cold_control_count(control, BYTES("G"), 1);
    assert_true(cold_control_exceeded(control, BYTES("G")));
    assert_false(cold_control_exceeded(control, BYTES("H")));
    cold_control_count(control, BYTES("CID_RMQ_SYS_x"), 4000); /* all together have too much now */
    assert_false(cold_control_exceeded(control, BYTES("CID_RMQ_SYS_x")));
    assert_false(cold_control_exceeded(control, BYTES("H")));
    cold_control_count(control, BYTES("H"), 1);
    assert_true(cold_control_exceeded(control, BYTES("H")));
    t.broker.store_config.cold_data_flow_control_enable = false;
    assert_false(cold_control_exceeded(control, BYTES("G")));
    t.broker.store_config.cold_data_flow_control_enable = true;
    cold_control_next(control);
    assert_false(cold_control_exceeded(control, BYTES("G")));
    stop(&t, control);
}

static void admins_set_thresholds(void **state) {
    (void)state;
    struct testing t;
    struct cold_control *control = start(&t);
    struct buf out = {0};
    cold_control_set_threshold(control, BYTES("G"), 10);
    cold_control_count(control, BYTES("G"), 10);
    assert_true(cold_control_exceeded(control, BYTES("G")));
    cold_control_write(control, &(struct json_writer){.out = &out});
    buf_append_char(&out, 0);
    const char *text = out.data;
    assert_non_null(strstr(text, "{\"runtimeTable\":{\"G\":{\"coldAcc\":10,\"createTimeMills\":1"));
    assert_non_null(strstr(text, "\"configTable\":{\"G\":10},\"cgColdReadThreshold\":1000,"
                                 "\"globalColdReadThreshold\":5000,\"globalAcc\":10}"));
    cold_control_unset_threshold(control, BYTES("G"));
    assert_false(cold_control_exceeded(control, BYTES("G")));
    buf_close(&out);
    stop(&t, control);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(groups_have_a_threshold),
        cmocka_unit_test(admins_set_thresholds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
