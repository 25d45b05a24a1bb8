/* What a store makes of files that a crash, an accident or a person has damaged: nothing that was stored is lost as
 * long as the log has it, and what the log has not is gone everywhere. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/endian.h"
#include "base/test.h"
#include "message/record.h"
#include "os/file.h"
#include "support/store_box.h"

enum { MESSAGES = 150, LAST = MESSAGES - 1 };

static struct box original;
static struct box_put stored[MESSAGES + 1];

static int make_original(void **state) {
    (void)state;
    box_init(&original);
    struct store *store = box_open(&original);
    for (int n = 0; n < MESSAGES; n++) box_put(store, n, &stored[n]);
    store_close(store);
    return 0;
}

static int remove_original(void **state) {
    (void)state;
    box_close(&original);
    return 0;
}

/* All messages below `count`, no other; then the store goes on, stops and starts again. */
static void expect_messages(struct box *box, int count) {
    for (int round = 0; round < 2; round++) {
        struct store *store = box_open(box);
        assert_true(box_has(box, "abort"));
        assert_int_equal(box_check_queues(store), count + round);
        for (int n = 0; n < count; n++) box_check(store, &stored[n]);
        if (round == 0) {
            if (count < MESSAGES) box_check_gone(store, &stored[count]);
            box_put(store, MESSAGES, &stored[MESSAGES]);
            box_settle(store);
        }
        box_check(store, &stored[MESSAGES]);
        store_close(store);
        assert_false(box_has(box, "abort"));
    }
}

static void make_abort(const struct box *box) {
    char path[256];
    snprintf(path, sizeof path, "%s/abort", box->root);
    assert_int_equal(file_replace(path, BYTES(""), false), ERR_OK);
}

static void clean_stop_loses_nothing(void **state) {
    (void)state;
    struct box box;
    box_copy(&original, &box);
    expect_messages(&box, MESSAGES);
    box_close(&box);
}

/* --- derived files --------------------------------------------------------------------------------------- */

static const char *const derived[] = {"consumequeue", "batchconsumequeue/Topic1", "consumequeue/Topic2/1",
                                      "index",        "consumequeue/Topic0/1",    "checkpoint",
                                      "lock"};

static void lost_files_are_made_again(void **state) {
    (void)state;
    for (int crashed = 0; crashed < 2; crashed++)
        for (size_t i = 0; i < ARRAY_LEN(derived); i++) {
            struct box box;
            box_copy(&original, &box);
            box_remove(&box, derived[i]);
            if (crashed) make_abort(&box);
            expect_messages(&box, MESSAGES);
            box_close(&box);
        }
}

static void all_lost_at_once(void **state) {
    (void)state;
    for (int crashed = 0; crashed < 2; crashed++) {
        struct box box;
        box_copy(&original, &box);
        box_remove(&box, "consumequeue");
        box_remove(&box, "batchconsumequeue");
        box_remove(&box, "index");
        box_remove(&box, "checkpoint");
        box_remove(&box, "lock");
        if (crashed) make_abort(&box);
        expect_messages(&box, MESSAGES);
        box_close(&box);
    }
}

static const char *nth_file(const struct box *box, const char *folder, size_t n, char path[512]) {
    struct arena arena = {0};
    const char **names;
    size_t count;
    char dir[256];
    snprintf(dir, sizeof dir, "%s/%s", box->root, folder);
    assert_int_equal(file_list(&arena, dir, &names, &count), ERR_OK);
    if (n < count) snprintf(path, 512, "%s/%s", dir, names[n]);
    arena_close(&arena);
    return n < count ? path : NULL;
}

static void overwrite(const char *path, int64_t at, const void *data, size_t len) {
    int fd;
    assert_int_equal(file_open(path, FILE_READ_WRITE, &fd), ERR_OK);
    assert_int_equal(file_pwrite(fd, path, data, len, at), ERR_OK);
    file_close(fd);
}

/* After a crash every file of the index may hold anything, and so may the checkpoint. */
static void damaged_index_is_made_again(void **state) {
    (void)state;
    char path[512], noise[300];
    memset(noise, 0x5A, sizeof noise);
    for (int crashed = 0; crashed < 2; crashed++)
        for (size_t n = 0; nth_file(&original, "index", n, path); n++) {
            struct box box;
            box_copy(&original, &box);
            overwrite(nth_file(&box, "index", n, path), 0, noise, sizeof noise);
            if (crashed) make_abort(&box);
            expect_messages(&box, MESSAGES);
            box_close(&box);
        }
}

static void damaged_checkpoint_is_no_harm(void **state) {
    (void)state;
    char path[512], noise[40];
    int bytes[] = {0x00, 0x11, 0x7F, 0x80, 0xFF};
    for (size_t i = 0; i < ARRAY_LEN(bytes); i++) {
        struct box box;
        box_copy(&original, &box);
        memset(noise, bytes[i], sizeof noise);
        snprintf(path, sizeof path, "%s/checkpoint", box.root);
        overwrite(path, 0, noise, sizeof noise);
        make_abort(&box);
        box_remove(&box, "consumequeue");
        expect_messages(&box, MESSAGES);
        box_close(&box);
    }
}

/* What a power cut leaves: the end of a queue file not written. */
static void torn_queues_are_completed_after_a_crash(void **state) {
    (void)state;
    static const char zeros[400];
    for (int lost = 20; lost <= 400; lost += 20) {
        char path[512], last[512];
        struct box box;
        box_copy(&original, &box);
        size_t n = 0;
        while (nth_file(&box, "consumequeue/Topic0/0", n, path)) n++;
        overwrite(nth_file(&box, "consumequeue/Topic0/0", n - 1, last), 400 - lost, zeros, (size_t)lost);
        make_abort(&box);
        expect_messages(&box, MESSAGES);
        box_close(&box);
    }
}

/* --- the end of the log ---------------------------------------------------------------------------------- */

static const char *file_of(const struct box *box, int64_t offset_phys, char path[512]) {
    int64_t size = box->config.mapped_file_size_commit_log;
    return nth_file(box, "commitlog", (size_t)(offset_phys / size), path);
}

/* What a crash leaves. Without the checkpoint nothing vouches for the end of the log. */
static void make_unsure_crash(const struct box *box) {
    make_abort(box);
    if (box_has(box, "checkpoint")) box_remove(box, "checkpoint");
}

/* Is the last message, or the one in its place, whole or gone, and does the log go on? */
static void expect_whole_or_gone(struct box *box, bool whole) {
    make_unsure_crash(box);
    struct store *store = box_open(box);
    struct store_facts facts;
    store_facts(store, &facts);
    assert_int_equal(facts.max_phys, whole ? stored[LAST].end_phys : stored[LAST].offset_phys);
    assert_int_equal(box_check_queues(store), whole ? MESSAGES : LAST);
    if (whole)
        box_check(store, &stored[LAST]);
    else
        box_check_gone(store, &stored[LAST]);
    box_check(store, &stored[LAST - 1]);
    struct box_put next;
    box_put(store, LAST, &next);
    assert_int_equal(next.offset_queue, stored[LAST].offset_queue + whole);
    box_settle(store);
    box_check(store, &next);
    store_close(store);
}

/* Bytes [from, to) of the file that holds offset_phys become `fill`; returns whether that changed anything. */
static bool tear(const struct box *box, int64_t offset_phys, int64_t from, int64_t to, int fill) {
    char path[512], old[4096], torn[4096];
    int fd;
    size_t len = (size_t)(to - from);
    assert_true(len <= sizeof torn);
    memset(torn, fill, len);
    assert_int_equal(file_open(file_of(box, offset_phys, path), FILE_READ_ONLY, &fd), ERR_OK);
    assert_int_equal(file_pread(fd, path, old, len, from), ERR_OK);
    file_close(fd);
    overwrite(path, from, torn, len);
    return memcmp(old, torn, len) != 0;
}

/* Header and body: each byte counts. */
static void body_of_the_last_record_torn_at_each_byte(void **state) {
    (void)state;
    int64_t start = stored[LAST].offset_phys % original.config.mapped_file_size_commit_log;
    int64_t end = start + RECORD_FIXED_V1_IPV4 - 3 + (int64_t)(LAST * 7919 % 700); /* as support/store_box.c makes it */
    for (int fill = 0; fill < 256; fill += 0x5B)
        for (int64_t from = start; from < end; from += fill == 0 ? 1 : 29) {
            struct box box;
            box_copy(&original, &box);
            expect_whole_or_gone(&box, !tear(&box, stored[LAST].offset_phys, from, end, fill));
            box_close(&box);
        }
}

/* Topic and properties have no check sum: what a power cut does to them is to leave out sectors. */
static void sectors_of_the_last_record_lost(void **state) {
    (void)state;
    enum { SECTOR = 512 };
    for (int number = LAST; number < LAST + 60; number++) {
        struct box grown;
        box_copy(&original, &grown);
        struct store *store = box_open(&grown);
        struct box_put last;
        box_put(store, number, &last);
        store_close(store);
        int64_t start = last.offset_phys % grown.config.mapped_file_size_commit_log, end = start + last.size_bytes;
        for (int64_t sector = start / SECTOR; sector * SECTOR < end; sector++) {
            struct box box;
            box_copy(&grown, &box);
            bool whole = !tear(&box, last.offset_phys, MAX(start, sector * SECTOR), MIN(end, (sector + 1) * SECTOR), 0);
            make_unsure_crash(&box);
            store = box_open(&box);
            assert_int_equal(box_check_queues(store), MESSAGES + whole);
            if (!whole) box_check_gone(store, &last);
            store_close(store);
            box_close(&box);
        }
        box_close(&grown);
    }
}

/* A length that no broker leaves: a person has to look, and nothing is touched before. */
static void log_file_of_wrong_length_is_refused(void **state) {
    (void)state;
    char path[512];
    struct box box;
    box_copy(&original, &box);
    int64_t size = box.config.mapped_file_size_commit_log;
    file_of(&box, stored[LAST].offset_phys, path);
    for (int64_t length = 1; length < size; length += 1000) {
        struct store *store;
        assert_int_equal(truncate(path, length), 0);
        assert_int_equal(store_open(&box.config, NULL, &store), ERR_CORRUPT);
        assert_non_null(strstr(err_detail(ERR_CORRUPT), path));
    }
    assert_int_equal(truncate(path, 0), 0); /* made, but never written to */
    make_abort(&box);
    int kept = MESSAGES;
    while (kept > 0 && stored[kept - 1].offset_phys >= stored[LAST].offset_phys / size * size) kept--;
    expect_messages(&box, kept);
    box_close(&box);
}

/* Everything in front of a record in the middle of the log is kept, all behind it is gone, in the queues and the index
 * too, and messages that take the place of the lost ones are found. */
static void damage_in_the_middle_ends_the_log(void **state) {
    (void)state;
    for (int n = MESSAGES - 2; n > MESSAGES - 60; n -= 7) {
        char path[512];
        struct box box;
        box_copy(&original, &box);
        int64_t size = box.config.mapped_file_size_commit_log;
        overwrite(file_of(&box, stored[n].offset_phys, path), stored[n].offset_phys % size, "xxxx", 4);
        make_unsure_crash(&box);
        expect_messages(&box, n);
        box_close(&box);
    }
}

/* What the checkpoint vouches for was whole on the disk: damage there costs the messages it hits, no others. */
static void damage_in_what_was_synced_does_not_end_the_log(void **state) {
    (void)state;
    for (int n = 0; n < MESSAGES; n += 11) {
        char path[512];
        struct box box;
        box_copy(&original, &box);
        int64_t size = box.config.mapped_file_size_commit_log;
        overwrite(file_of(&box, stored[n].offset_phys, path), stored[n].offset_phys % size, "xxxxxxxx", 8);
        if (n % 2) make_abort(&box);
        if (n % 3) box_remove(&box, "consumequeue");
        struct store *store = box_open(&box);
        for (int i = 0; i < MESSAGES; i++)
            if (i != n) box_check(store, &stored[i]);
        struct box_put next;
        box_put(store, MESSAGES, &next);
        assert_true(next.offset_phys >= stored[LAST].end_phys);
        box_settle(store);
        box_check(store, &next);
        store_close(store);
        box_close(&box);
    }
}

/* --- numbers ---------------------------------------------------------------------------------------------- */

static void set_number(const struct box *box, const struct box_put *put, int64_t offset_queue) {
    char path[512], bytes[8];
    store_u64be(bytes, (uint64_t)offset_queue);
    overwrite(file_of(box, put->offset_phys, path),
              put->offset_phys % box->config.mapped_file_size_commit_log + RECORD_AT_QUEUE_OFFSET, bytes, sizeof bytes);
}

static void set_queue(const struct box *box, const struct box_put *put, int32_t queue_id) {
    char path[512], bytes[4];
    store_u32be(bytes, (uint32_t)queue_id);
    overwrite(file_of(box, put->offset_phys, path),
              put->offset_phys % box->config.mapped_file_size_commit_log + RECORD_AT_QUEUE_ID, bytes, sizeof bytes);
}

/* How many messages a consumer of that queue gets. */
static void assert_served(struct store *store, struct bytes topic, int32_t queue_id, int count) {
    struct arena arena = {0};
    struct get get = {.queue = store_queue(store, topic, queue_id, false), .max_count = 32, .may_wait = true};
    int served = 0;
    for (; get.queue && get.offset_queue < queue_max(get.queue); get.offset_queue = get.next_offset) {
        store_get(store, &arena, &get);
        served += get.count;
        for (size_t i = 0; i < get.slice_count; i++) store_release(get.slices[i].hold);
        assert_true(get.next_offset > get.offset_queue);
    }
    assert_int_equal(served, count);
    arena_close(&arena);
}

/* A record that says another number than it has is not shown, all others are, with the numbers they have. */
static void a_wrong_number_costs_one_message(void **state) {
    (void)state;
    for (int n = 20; n < MESSAGES; n++) {
        struct box box;
        box_copy(&original, &box);
        int64_t right = stored[n].offset_queue;
        set_number(&box, &stored[n], n % 3 == 0 ? right ^ 1 : n % 3 == 1 ? right ^ 64 : right ^ 2);
        box_remove(&box, "consumequeue");
        if (n % 2) make_abort(&box);
        for (int round = 0; round < 2; round++) {
            struct store *store = box_open(&box);
            for (int i = 0; i < MESSAGES; i++)
                if (i != n) box_check(store, &stored[i]);
            int last = LAST - (LAST - n) % (BOX_TOPICS * BOX_QUEUES);
            struct bytes topic = queue_topic(box_queue(store, n));
            assert_int_equal(queue_max(box_queue(store, n)),
                             stored[last].offset_queue + box_messages(last, topic) + round * box_messages(n, topic));
            struct box_put next;
            if (round == 0) box_put(store, n, &next);
            store_close(store);
        }
        box_close(&box);
    }
}

/* Nor has the number of its queue a check sum. A record that says another queue appears in none: not when the queues
 * are there, though the index may have it dispatched again, and not when they are made again, where it says that it is
 * not the first of that queue. */
static void a_wrong_queue_costs_one_message(void **state) {
    (void)state;
    static const int32_t bits[] = {1 << 2, 1 << 9, 1 << 30};
    for (size_t i = 0; i < 4 * ARRAY_LEN(bits); i++) {
        struct box box;
        box_copy(&original, &box);
        set_queue(&box, &stored[LAST], LAST / BOX_TOPICS % BOX_QUEUES ^ bits[i / 4]);
        if (i % 2) make_abort(&box);
        bool rebuilt = i % 4 / 2;
        if (rebuilt) box_remove(&box, "consumequeue");
        struct store *store = box_open(&box);
        for (int n = 0; n < LAST; n++) box_check(store, &stored[n]);
        assert_served(store, queue_topic(box_queue(store, LAST)), LAST / BOX_TOPICS % BOX_QUEUES ^ bits[i / 4], 0);
        struct box_put next;
        box_put(store, LAST, &next);
        box_settle(store);
        assert_int_equal(next.offset_queue, stored[LAST].offset_queue + !rebuilt);
        box_check(store, &next);
        store_close(store);
        box_close(&box);
    }
}

/* A topic that was deleted and made again counts from 0 again, and so does its queue when it is made from the log. */
static void a_topic_made_again_keeps_its_new_messages(void **state) {
    (void)state;
    for (int fresh = 2; fresh < 60; fresh += 19) {
        struct box box;
        struct box_put puts[64];
        box_copy(&original, &box);
        struct store *store = box_open(&box);
        assert_int_equal(store_delete_topic(store, queue_topic(box_queue(store, 0))), ERR_OK);
        for (int i = 0; i < fresh; i++) box_put(store, 600 + i * BOX_TOPICS * BOX_QUEUES, &puts[i]);
        box_settle(store);
        store_close(store);
        for (int round = 0; round < 2; round++) {
            if (round == 0) box_remove(&box, "consumequeue");
            store = box_open(&box);
            assert_int_equal(queue_max(box_queue(store, 600)), fresh);
            for (int i = 0; i < fresh; i++) box_check(store, &puts[i]);
            store_close(store);
        }
        box_close(&box);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clean_stop_loses_nothing),
        cmocka_unit_test(lost_files_are_made_again),
        cmocka_unit_test(all_lost_at_once),
        cmocka_unit_test(damaged_index_is_made_again),
        cmocka_unit_test(damaged_checkpoint_is_no_harm),
        cmocka_unit_test(torn_queues_are_completed_after_a_crash),
        cmocka_unit_test(body_of_the_last_record_torn_at_each_byte),
        cmocka_unit_test(sectors_of_the_last_record_lost),
        cmocka_unit_test(log_file_of_wrong_length_is_refused),
        cmocka_unit_test(damage_in_the_middle_ends_the_log),
        cmocka_unit_test(damage_in_what_was_synced_does_not_end_the_log),
        cmocka_unit_test(a_wrong_number_costs_one_message),
        cmocka_unit_test(a_wrong_queue_costs_one_message),
        cmocka_unit_test(a_topic_made_again_keeps_its_new_messages),
    };
    return cmocka_run_group_tests(tests, make_original, remove_original);
}
