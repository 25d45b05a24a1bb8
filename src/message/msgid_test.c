/* msgid_test.c - offset ids of Java; unique ids over threads, forks and months */
#include "message/msgid.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "base/test.h"
#include "os/clock.h"

static void offset_ids_are_javas(void **state) {
    (void)state;
    struct host host, back;
    int64_t offset;
    char text[MSGID_TEXT_MAX];
    assert_ok(host_parse(BYTES("127.0.0.1:20911"), &host));
    assert_int_equal(msgid_offset_text(&host, 0x1A2, text), 32);
    assert_string_equal(text, "7F000001000051AF00000000000001A2");
    assert_ok(msgid_offset_parse(bytes_of(text), &back, &offset));
    assert_int_equal(offset, 0x1A2);
    assert_memory_equal(&host, &back, sizeof host);
    assert_ok(host_parse(BYTES("[2001:db8::1]:1"), &host));
    assert_int_equal(msgid_offset_text(&host, -1, text), 56);
    assert_string_equal(text, "20010DB800000000000000000000000100000001FFFFFFFFFFFFFFFF");
    assert_ok(msgid_offset_parse(bytes_of(text), &back, &offset));
    assert_int_equal(offset, -1);
    assert_memory_equal(&host, &back, sizeof host);
    assert_ok(msgid_offset_parse(BYTES("7f000001000051af00000000000001a2"), &back, &offset));
    assert_int_equal(back.port, 20911);
}

static void what_is_no_id_is_refused(void **state) {
    (void)state;
    static const char *const bad[] = {"",
                                      "7F",
                                      "7F000001000051AF00000000000001A",
                                      "7F000001000051AF00000000000001A2F",
                                      "7G000001000051AF00000000000001A2",
                                      "7F000001000051AF00000000000001 2"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct host host;
        int64_t value;
        assert_err(msgid_offset_parse(bytes_of(bad[i]), &host, &value), ERR_BAD_INPUT);
        assert_err(msgid_unique_time_ms(bytes_of(bad[i]), 0, &value), ERR_BAD_INPUT);
    }
}

enum { THREADS = 4, IDS = 5000 };
static char ids[THREADS][IDS][MSGID_TEXT_MAX];

static void *make_ids(void *arg) {
    char(*mine)[MSGID_TEXT_MAX] = arg;
    for (size_t i = 0; i < IDS; i++) msgid_unique_text(mine[i]);
    return NULL;
}

static int compare_ids(const void *a, const void *b) {
    return memcmp(a, b, MSGID_TEXT_MAX);
}

static void unique_ids_are_unique_over_threads(void **state) {
    (void)state;
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++) assert_int_equal(pthread_create(&threads[i], NULL, make_ids, ids[i]), 0);
    for (size_t i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    char(*all)[MSGID_TEXT_MAX] = ids[0];
    qsort(all, THREADS * IDS, MSGID_TEXT_MAX, compare_ids);
    for (size_t i = 1; i < THREADS * IDS; i++) assert_string_not_equal(all[i - 1], all[i]);
}

static void unique_ids_differ_in_a_forked_process(void **state) {
    (void)state;
    char mine[MSGID_TEXT_MAX], theirs[MSGID_TEXT_MAX] = "";
    int ends[2];
    msgid_unique_text(mine);
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        msgid_unique_text(theirs);
        _exit(write(ends[1], theirs, sizeof theirs) != sizeof theirs);
    }
    assert_true(child > 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_int_equal(read(ends[0], theirs, sizeof theirs), sizeof theirs);
    close(ends[0]);
    close(ends[1]);
    assert_memory_not_equal(mine + 8, theirs + 8, 12); /* process id and salt, not just the counter */
}

static void unique_ids_tell_their_time(void **state) {
    (void)state;
    char text[MSGID_TEXT_MAX];
    int64_t before_ms = clock_wall_ms(), time_ms;
    assert_int_equal(msgid_unique_text(text), 32);
    assert_int_equal(strspn(text, "0123456789ABCDEF"), 32);
    int64_t after_ms = clock_wall_ms();
    assert_ok(msgid_unique_time_ms(bytes_of(text), after_ms, &time_ms));
    assert_in_range(time_ms, before_ms, after_ms);
}

static void set_zone(const char *zone) {
    assert_int_equal(setenv("TZ", zone, 1), 0);
    tzset();
}

static void assert_time(const char *id, int64_t now_ms, int64_t expected_ms) {
    int64_t time_ms;
    assert_ok(msgid_unique_time_ms(bytes_of(id), now_ms, &time_ms));
    assert_int_equal(time_ms, expected_ms);
}

static void unique_times_know_the_month_before(void **state) {
    (void)state;
    static const char id[] = "7F0000010001000000000000000F0000"; /* 15 ms into its month */
    int64_t march_ms = 1772323200000;                            /* 2026-03-01T00:00:00Z */
    set_zone("UTC");
    assert_time(id, march_ms + 100, march_ms + 15);
    assert_time(id, march_ms + 10, march_ms - 28 * 86400000LL + 15);
    assert_time("FD0000000000000000000000000000010001000000000000000F0000", march_ms + 100, march_ms + 15);
}

static void unique_times_are_read_at_the_end_of_months(void **state) {
    (void)state;
    static const char late[] = "7F000001000100000000903210000000"; /* 28 days into its month: over 2^31 ms */
    int64_t march_ms = 1772323200000;
    set_zone("UTC");
    assert_time(late, march_ms + 30 * 86400000LL, march_ms + 28 * 86400000LL);
}

static void months_begin_at_local_midnight(void **state) {
    (void)state;
    static const char id[] = "7F0000010001000000000000000F0000";
    set_zone("CET-1CEST,M3.5.0,M10.5.0/3"); /* clocks are put forward on 2026-03-29 */
    int64_t march_ms = 1772319600000;       /* 2026-03-01T00:00:00+01:00 */
    assert_time(id, march_ms + 20 * 86400000LL, march_ms + 15);
    assert_time(id, march_ms + 30 * 86400000LL, march_ms + 15);
    int64_t april_ms = march_ms + 31 * 86400000LL - 3600000;
    assert_time(id, april_ms + 100, april_ms + 15);
    assert_time(id, april_ms + 10, march_ms + 15);
    set_zone("UTC");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(offset_ids_are_javas),
        cmocka_unit_test(what_is_no_id_is_refused),
        cmocka_unit_test(unique_ids_are_unique_over_threads),
        cmocka_unit_test(unique_ids_differ_in_a_forked_process),
        cmocka_unit_test(unique_ids_tell_their_time),
        cmocka_unit_test(unique_times_know_the_month_before),
        cmocka_unit_test(unique_times_are_read_at_the_end_of_months),
        cmocka_unit_test(months_begin_at_local_midnight),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
