/* state_file_test.c - damaged files, backups, failing disks */
#include "broker/broker_testing.h"
#include "broker/tables/state_file.h"

#include <errno.h>
#include "broker/work.h"
#include "os/clock.h"

static int number;

static void write_number(void *table, struct json_writer *w) {
    json_begin_object(w);
    json_member_int(w, "number", *(int *)table);
    json_end_object(w);
}

/* The number that a start would read; -1 when there is no file. */
static enum err load(struct testing *t, int64_t *out) {
    struct state_file file;
    struct arena arena = {0};
    struct buf text = {0};
    const struct json *json = NULL;
    state_file_init(&file, &t->broker, "number.json", &number, write_number);
    enum err err = state_file_load(&file, &arena, &text, &json);
    *out = json_i64(json_get(json, "number"), -1);
    number = (int)*out;
    state_file_close(&file);
    arena_close(&arena);
    buf_close(&text);
    return err;
}

static void save(struct testing *t, int value) {
    struct state_file file;
    number = value;
    state_file_init(&file, &t->broker, "number.json", &number, write_number);
    state_file_changed(&file);
    state_file_save(&file);
    state_file_close(&file);
}

static void comes_back(void **state) {
    (void)state;
    struct testing t;
    int64_t found;
    testing_init(&t);
    assert_ok(load(&t, &found));
    assert_int_equal(found, -1);
    save(&t, 7);
    assert_ok(load(&t, &found));
    assert_int_equal(found, 7);
    save(&t, 8);
    struct buf bak = testing_read(&t, "number.json.bak");
    assert_bytes(buf_bytes(&bak), "{\n\t\"number\":7\n}");
    buf_close(&bak);
    testing_done(&t);
}

static void backup_counts_when_the_file_does_not(void **state) {
    (void)state;
    static const char *const damaged[] = {"", "  \n", "{\"number\":", "[1]", "\xff"};
    for (size_t i = 0; i < ARRAY_LEN(damaged); i++) {
        struct testing t;
        int64_t found;
        testing_init(&t);
        save(&t, 7);
        save(&t, 8);
        testing_write(&t, "number.json", damaged[i]);
        assert_ok(load(&t, &found)); /* closing it saves what the backup said */
        assert_int_equal(found, 7);
        struct buf bak = testing_read(&t, "number.json.bak");
        assert_bytes(buf_bytes(&bak), "{\n\t\"number\":7\n}"); /* the damaged one did not go over it */
        buf_close(&bak);
        assert_ok(load(&t, &found));
        assert_int_equal(found, 7);
        testing_done(&t);
    }
}

static void refuses_when_both_are_damaged(void **state) {
    (void)state;
    struct testing t;
    int64_t found;
    testing_init(&t);
    testing_write(&t, "number.json", "{");
    testing_write(&t, "number.json.bak", "");
    assert_err(load(&t, &found), ERR_CORRUPT);
    testing_done(&t);
}

static int no_writes(enum file_call call, const char *path) {
    (void)path;
    return call == FILE_WRITE ? ENOSPC : 0;
}

static void tries_again_after_a_failure(void **state) {
    (void)state;
    struct testing t;
    struct state_file file;
    int64_t found;
    testing_init(&t);
    number = 9;
    state_file_init(&file, &t.broker, "number.json", &number, write_number);
    state_file_changed(&file);
    file_set_fault(no_writes);
    state_file_save(&file);
    file_set_fault(NULL);
    assert_true(atomic_load(&file.changed));
    state_file_close(&file);
    assert_ok(load(&t, &found));
    assert_int_equal(found, 9);
    testing_done(&t);
}

static void saves_on_a_work_thread(void **state) {
    (void)state;
    struct testing t;
    struct state_file file;
    testing_init(&t);
    assert_ok(work_open(1, 10, &t.broker.work));
    state_file_init(&file, &t.broker, "number.json", &number, write_number);
    number = 3;
    state_file_save_soon(&file);
    state_file_save_soon(&file);
    work_close(t.broker.work); /* runs what waits */
    t.broker.work = NULL;
    struct buf text = testing_read(&t, "number.json");
    assert_bytes(buf_bytes(&text), "{\n\t\"number\":3\n}");
    buf_close(&text);
    state_file_close(&file);
    testing_done(&t);
}

static void trees_are_written_as_they_were(void **state) {
    (void)state;
    static const char text[] =
        "{\"a\":[1,2.5,\"x\\\"y\",true,null],\"b\":{},{\"brokerName\":\"b\",\"queueId\":0}:{\"c\":false}}";
    struct arena arena = {0};
    struct buf out = {0};
    const struct json *json;
    assert_ok(json_parse(&arena, bytes_of(text), &json));
    json_write_tree(&(struct json_writer){.out = &out}, json);
    assert_bytes(buf_bytes(&out), text);
    buf_close(&out);
    arena_close(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comes_back),
        cmocka_unit_test(backup_counts_when_the_file_does_not),
        cmocka_unit_test(refuses_when_both_are_damaged),
        cmocka_unit_test(tries_again_after_a_failure),
        cmocka_unit_test(saves_on_a_work_thread),
        cmocka_unit_test(trees_are_written_as_they_were),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
