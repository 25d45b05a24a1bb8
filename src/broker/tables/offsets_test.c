/* offsets_test.c - commits, resets, views; files of Java brokers */
#include "broker/broker_testing.h"
#include "broker/tables/offsets.h"

#include "os/thread.h"

static void commits_and_resets(void **state) {
    (void)state;
    struct testing t;
    struct offsets *offsets;
    testing_init(&t);
    assert_ok(offsets_open(&t.broker, &offsets));
    assert_null(offsets_progress(offsets, BYTES("T"), BYTES("G"), false));
    struct progress *progress = offsets_progress(offsets, BYTES("T"), BYTES("G"), true);
    assert_bytes(progress->topic, "T");
    assert_bytes(progress->group, "G");
    assert_int_equal(progress_committed(progress, 0), OFFSET_NONE);
    progress_commit(offsets, progress, 300, 7);
    progress_commit(offsets, progress, 0, 9);
    progress_commit(offsets, progress, 0, 5); /* lower ones count too */
    progress_commit(offsets, progress, -1, 5);
    progress_commit(offsets, progress, OFFSETS_QUEUE_ID_MAX + 1, 5);
    assert_int_equal(progress_committed(progress, 0), 5);
    assert_int_equal(progress_committed(progress, 300), 7);
    assert_int_equal(progress_committed(progress, 1), OFFSET_NONE);
    assert_int_equal(progress_committed(progress, -1), OFFSET_NONE);
    progress_note_pull(offsets, progress, 0, 11);
    assert_int_equal(progress_pulled(progress, 0), 11);

    assert_int_equal(progress_take_reset(progress, 0), OFFSET_NONE);
    progress_reset(offsets, progress, 0, 2);
    assert_int_equal(progress_pending_reset(progress, 0), 2);
    assert_int_equal(progress_committed(progress, 0), 2);
    assert_int_equal(progress_take_reset(progress, 0), 2);
    assert_int_equal(progress_take_reset(progress, 0), OFFSET_NONE);
    offsets_close(offsets);

    assert_ok(offsets_open(&t.broker, &offsets));
    progress = offsets_progress(offsets, BYTES("T"), BYTES("G"), false);
    assert_int_equal(progress_committed(progress, 0), 2);
    assert_int_equal(progress_committed(progress, 300), 7);
    offsets_close(offsets);
    testing_done(&t);
}

static void names_of_the_table_are_found(void **state) {
    (void)state;
    struct testing t;
    struct offsets *offsets;
    struct arena arena = {0};
    struct bytes *names;
    size_t count;
    testing_init(&t);
    assert_ok(offsets_open(&t.broker, &offsets));
    progress_commit(offsets, offsets_progress(offsets, BYTES("B"), BYTES("G"), true), 0, 1);
    progress_commit(offsets, offsets_progress(offsets, BYTES("A"), BYTES("G"), true), 0, 1);
    progress_commit(offsets, offsets_progress(offsets, BYTES("A"), BYTES("H"), true), 3, 4);
    offsets_progress(offsets, BYTES("C"), BYTES("G"), true); /* nothing committed */
    offsets_topics_of_group(offsets, BYTES("G"), &arena, &names, &count);
    assert_int_equal(count, 2);
    assert_bytes(names[0], "A");
    assert_bytes(names[1], "B");
    offsets_groups_of_topic(offsets, BYTES("A"), &arena, &names, &count);
    assert_int_equal(count, 2);
    assert_bytes(names[1], "H");

    offsets_clone(offsets, BYTES("A"), BYTES("H"), BYTES("New"));
    assert_int_equal(progress_committed(offsets_progress(offsets, BYTES("A"), BYTES("New"), false), 3), 4);
    offsets_forget_group(offsets, BYTES("G"));
    offsets_topics_of_group(offsets, BYTES("G"), &arena, &names, &count);
    assert_int_equal(count, 0);
    offsets_forget_topic(offsets, BYTES("A"));
    offsets_groups_of_topic(offsets, BYTES("A"), &arena, &names, &count);
    assert_int_equal(count, 0);
    arena_close(&arena);
    offsets_close(offsets);
    testing_done(&t);
}

static void the_file_is_that_of_java(void **state) {
    (void)state;
    struct testing t;
    struct offsets *offsets;
    struct buf out = {0};
    testing_init(&t);
    testing_write(&t, "consumerOffset.json",
                  "{\"dataVersion\":{\"counter\":4,\"stateVersion\":0,\"timestamp\":5},"
                  "\"offsetTable\":{\"T@G\":{0:122,\"1\":13},\"noseparator\":{0:1}}}");
    assert_ok(offsets_open(&t.broker, &offsets));
    offsets_write(offsets, &(struct json_writer){.out = &out, .bare_int_keys = true});
    assert_bytes(buf_bytes(&out), "{\"dataVersion\":{\"counter\":4,\"stateVersion\":0,\"timestamp\":5},"
                                  "\"groupTopicMap\":{\"G\":[\"T\"]},\"offsetTable\":{\"T@G\":{0:122,1:13}}}");
    buf_close(&out);
    offsets_close(offsets);
    testing_done(&t);
}

static void recorded(const char *store) {
    struct testing t;
    struct offsets *offsets;
    testing_init(&t);
    testing_unpack(&t, store);
    struct buf before = testing_read(&t, "consumerOffset.json");
    assert_ok(offsets_open(&t.broker, &offsets));
    struct progress *progress = offsets_progress(offsets, BYTES("Any"), BYTES("New"), true);
    progress_commit(offsets, progress, 0, 1); /* so that there is something to save */
    offsets_close(offsets);
    struct buf after = testing_read(&t, "consumerOffset.json");
    assert_json_kept(buf_bytes(&before), buf_bytes(&after), "offsetTable");
    buf_close(&before);
    buf_close(&after);
    testing_done(&t);
}

static void keeps_what_java_wrote(void **state) {
    (void)state;
    recorded("v533-clean");
    recorded("v420-clean");
}

enum { QUEUES = 200, ROUNDS = 200 };
struct committing {
    struct offsets *offsets;
    int32_t first;
};

static void commit_many(void *arg) {
    struct committing *c = arg;
    for (int64_t round = 1; round <= ROUNDS; round++)
        for (int32_t q = c->first; q < QUEUES; q += 2) {
            struct progress *progress = offsets_progress(c->offsets, BYTES("T"), BYTES("G"), true);
            progress_commit(c->offsets, progress, q, round);
        }
}

static void commits_of_threads_are_all_kept(void **state) {
    (void)state;
    struct testing t;
    struct offsets *offsets;
    pthread_t threads[2];
    testing_init(&t);
    assert_ok(offsets_open(&t.broker, &offsets));
    struct committing work[2] = {{offsets, 0}, {offsets, 1}};
    for (int i = 0; i < 2; i++) assert_ok(thread_start(&threads[i], "commit", commit_many, &work[i]));
    for (int i = 0; i < 50; i++) offsets_save(offsets);
    for (int i = 0; i < 2; i++) thread_join(threads[i]);
    offsets_close(offsets);
    assert_ok(offsets_open(&t.broker, &offsets));
    struct progress *progress = offsets_progress(offsets, BYTES("T"), BYTES("G"), false);
    for (int32_t q = 0; q < QUEUES; q++) assert_int_equal(progress_committed(progress, q), ROUNDS);
    offsets_close(offsets);
    testing_done(&t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commits_and_resets),
        cmocka_unit_test(names_of_the_table_are_found),
        cmocka_unit_test(the_file_is_that_of_java),
        cmocka_unit_test(keeps_what_java_wrote),
        cmocka_unit_test(commits_of_threads_are_all_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
