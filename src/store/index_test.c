/* Keys found over many small files, and after every kind of end: stop, crash, power cut, damage, full disk. */
#include "store/index.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/check.h"
#include "base/endian.h"
#include "base/test.h"
#include "os/file.h"
#include "store/index_file.h"

enum { SLOTS = 7, ENTRIES = 10 }; /* nine entries a file */
#define BEGIN_MS INT64_C(1795479112729)

static char root[64], dir[80];

static int make_dir(void **state) {
    (void)state;
    snprintf(root, sizeof root, "/tmp/index-XXXXXX");
    assert_non_null(mkdtemp(root));
    snprintf(dir, sizeof dir, "%s/index", root);
    return 0;
}

static int remove_dir(void **state) {
    (void)state;
    return file_remove_tree(root) == ERR_OK ? 0 : -1;
}

static struct index_state known; /* of the last close_known; mark 0 = not known */

static struct index_service *open_with(int32_t slots, int32_t entries, bool crashed, int64_t checkpoint_ms) {
    struct index_options options = {dir, slots, entries, crashed, checkpoint_ms, known};
    struct index_service *index;
    assert_int_equal(index_open(&options, &index), ERR_OK);
    known = (struct index_state){0};
    return index;
}

/* The next open knows what is on disk, as from a checkpoint. */
static void close_known(struct index_service *index) {
    known = index_state(index);
    index_close(index);
}

static struct index_service *open_clean(void) {
    return open_with(SLOTS, ENTRIES, false, 0);
}

/* Record n lies at 100 n, is stored at 500 n ms, has the keys u<n> and "all" and, if odd, "odd". */
static struct index_record record_n(int n, char uniq_key[16]) {
    snprintf(uniq_key, 16, "u%d", n);
    struct bytes keys = n % 2 ? BYTES("all  odd") : BYTES("all");
    return (struct index_record){100 * n, BEGIN_MS + 500 * n, BYTES("TopicA"), bytes_of(uniq_key), keys, {0}};
}

static enum err put(struct index_service *index, const struct index_record *record) {
    index_note(index, record);
    return index_put(index);
}

static void put_from(struct index_service *index, int from, int to) {
    for (int n = from; n < to; n++) {
        char uniq_key[16];
        struct index_record record = record_n(n, uniq_key);
        assert_int_equal(put(index, &record), ERR_OK);
    }
}

/* "3 1" = physical offsets 300, 100, in this order. */
static void expect_range(struct index_service *index, const char *key, int64_t begin_ms, int64_t end_ms, int max,
                         const char *expected) {
    struct arena arena = {0};
    struct index_found found;
    index_find(index, BYTES("TopicA"), bytes_of(key), max, begin_ms, end_ms, &arena, &found);
    struct buf text = {0};
    for (size_t i = 0; i < found.count; i++) buf_printf(&text, "%s%d", i ? " " : "", (int)found.offsets[i] / 100);
    buf_append_char(&text, 0);
    assert_string_equal(text.data, expected);
    buf_close(&text);
    arena_close(&arena);
}

static void expect(struct index_service *index, const char *key, const char *expected) {
    expect_range(index, key, 0, INT64_MAX, 64, expected);
}

static void expect_all(struct index_service *index, int count) {
    struct buf all = {0}, odd = {0};
    for (int n = count - 1; n >= 0; n--) {
        char key[16], number[16];
        record_n(n, key);
        snprintf(number, sizeof number, "%d", n);
        expect(index, key, number);
        buf_printf(&all, "%s%d", all.len ? " " : "", n);
        if (n % 2) buf_printf(&odd, "%s%d", odd.len ? " " : "", n);
    }
    buf_append_char(&all, 0);
    buf_append_char(&odd, 0);
    expect(index, "all", all.data);
    expect(index, "odd", odd.data);
    buf_close(&all);
    buf_close(&odd);
}

static size_t list_files(struct arena *arena, const char ***names) {
    size_t count;
    assert_int_equal(file_list(arena, dir, names, &count), ERR_OK);
    return count;
}

static size_t file_count(void) {
    struct arena arena = {0};
    const char **names;
    size_t count = list_files(&arena, &names);
    arena_close(&arena);
    return count;
}

/* Content of file number i, and its path. */
static void read_file_n(size_t i, struct buf *out, char path[160]) {
    struct arena arena = {0};
    const char **names;
    assert_true(list_files(&arena, &names) > i);
    snprintf(path, 160, "%s/%s", dir, names[i]);
    buf_clear(out);
    assert_int_equal(file_read_all(path, 1 << 20, out), ERR_OK);
    arena_close(&arena);
}

static void write_file(const char *path, struct bytes content) {
    assert_int_equal(file_replace(path, content, false), ERR_OK);
}

/* --- layout ---------------------------------------------------------------------------------------------- */

/* Numbers of the first record of a Java broker's store. @source shared facts: store 14 */
static void layout_is_the_java_brokers(void **state) {
    (void)state;
    struct index_service *index = open_with(1000, 1000, false, 0);
    struct index_record record = {0,
                                  BEGIN_MS,
                                  BYTES("TopicA"),
                                  BYTES("FD0000000000000000000000000000022EE25FFD2B27767D23B50000"),
                                  BYTES("kA0 all-a"),
                                  {0}};
    assert_int_equal(put(index, &record), ERR_OK);
    record = (struct index_record){565, BEGIN_MS + 2500, BYTES("TopicA"), {0}, BYTES("kA0"), {0}};
    assert_int_equal(put(index, &record), ERR_OK);
    index_close(index);

    struct buf content = {0};
    char path[160];
    read_file_n(0, &content, path);
    assert_int_equal(content.len, 40 + 4 * 1000 + 20 * 1000);
    assert_int_equal(load_i64be(content.data), BEGIN_MS);
    assert_int_equal(load_i64be(content.data + 8), BEGIN_MS + 2500);
    assert_int_equal(load_i64be(content.data + 16), 0);
    assert_int_equal(load_i64be(content.data + 24), 565);
    assert_int_equal(load_i32be(content.data + 32), 3); /* slots in use */
    assert_int_equal(load_i32be(content.data + 36), 5); /* next entry */
    int32_t expected[][4] = {
        {1225470773, 0, 0, 0}, {1129082569, 0, 0, 0}, {1586272124, 0, 0, 0}, {1129082569, 565, 2, 2}};
    for (int i = 0; i < 4; i++) {
        const char *entry = content.data + 40 + 4000 + 20 * (i + 1);
        assert_int_equal(load_i32be(entry), expected[i][0]);
        assert_int_equal(load_i64be(entry + 4), expected[i][1]);
        assert_int_equal(load_i32be(entry + 12), expected[i][2]);
        assert_int_equal(load_i32be(entry + 16), expected[i][3]);
    }
    assert_int_equal(load_i32be(content.data + 40 + 4 * (1225470773 % 1000)), 1);
    assert_int_equal(load_i32be(content.data + 40 + 4 * (1129082569 % 1000)), 4);
    assert_int_equal(strlen(strrchr(path, '/') + 1), 17);
    buf_close(&content);
}

/* --- finding --------------------------------------------------------------------------------------------- */

/* As a kill leaves it before the first entry: a Java broker goes on behind what it says. */
static void new_file_begins_where_the_one_before_ends(void **state) {
    (void)state;
    struct index_service *index = open_clean();
    put_from(index, 0, 3);
    index_close(index);
    char path[160];
    struct buf content = {0};
    struct index_file *before, *file;
    read_file_n(0, &content, path);
    assert_int_equal(index_file_open(path, SLOTS, ENTRIES, false, &before), ERR_OK);
    path[strlen(path) - 17] = '9';
    assert_int_equal(index_file_create(path, SLOTS, ENTRIES, before, &file), ERR_OK);
    index_file_release(file);
    index_file_release(before);
    buf_close(&content);
    read_file_n(1, &content, path);
    const int64_t expected[] = {BEGIN_MS + 1000, BEGIN_MS + 1000, 200, 200, 0};
    for (size_t i = 0; i < ARRAY_LEN(expected); i++) assert_int_equal(load_i64be(content.data + 8 * i), expected[i]);
    buf_close(&content);
    index = open_clean(); /* an empty file goes */
    assert_int_equal(file_count(), 1);
    index_close(index);
}

static void finds_newest_first_over_files(void **state) {
    (void)state;
    struct index_service *index = open_clean();
    expect(index, "all", "");
    put_from(index, 0, 20);
    assert_int_equal(file_count(), 6); /* 50 entries */
    expect_all(index, 20);
    expect_range(index, "all", 0, INT64_MAX, 3, "19 18 17");
    expect_range(index, "all", 0, INT64_MAX, 0, "");
    expect(index, "none", "");
    index_close(index);
}

/* Entries keep whole seconds from the begin of their file: nothing stored in the range is missed. */
static void time_range_misses_nothing(void **state) {
    (void)state;
    struct index_service *index = open_clean();
    put_from(index, 0, 20);
    for (int from = 0; from < 20; from++)
        for (int to = from; to < 20; to++) {
            struct arena arena = {0};
            struct index_found found;
            index_find(index, BYTES("TopicA"), BYTES("all"), 64, BEGIN_MS + 500 * from, BEGIN_MS + 500 * to, &arena,
                       &found);
            size_t inside = 0;
            for (size_t i = 0; i < found.count; i++) {
                int n = (int)found.offsets[i] / 100;
                assert_in_range(n + 2, from, to + 4); /* a second more on both sides */
                inside += n >= from && n <= to;
            }
            assert_int_equal(inside, to - from + 1);
            assert_int_equal(found.last_phys, 1900);
            assert_int_equal(found.last_time_ms, BEGIN_MS + 9500);
            arena_close(&arena);
        }
    index_close(index);
}

static void repeated_keys_are_found_once(void **state) {
    (void)state;
    struct index_service *index = open_clean();
    struct index_record record = {100, BEGIN_MS, BYTES("TopicA"), BYTES("k"), BYTES(" k k "), BYTES("tag")};
    assert_int_equal(put(index, &record), ERR_OK);
    expect(index, "k", "1");
    expect(index, "T#tag", "1");
    expect(index, "tag", "");
    index_close(index);
}

static void put_below_next_is_passed_over(void **state) {
    (void)state;
    struct index_service *index = open_clean();
    assert_int_equal(index_newest_phys(index), 0);
    put_from(index, 0, 5);
    assert_int_equal(index_newest_phys(index), 400);
    put_from(index, 0, 7);
    expect_all(index, 7);
    index_close(index);
    index = open_clean();
    assert_int_equal(index_newest_phys(index), 500); /* the last record is put again */
    put_from(index, 0, 9);
    expect_all(index, 9);
    index_close(index);
}

/* --- start ----------------------------------------------------------------------------------------------- */

static void expect_rebuilt(int count) {
    struct index_service *index = open_clean();
    put_from(index, (int)index_newest_phys(index) / 100, count);
    expect_all(index, count);
    index_close(index);
    index = open_clean();
    assert_int_equal(index_newest_phys(index), 100 * (count - 2));
    expect_all(index, count - 1);
    index_close(index);
}

static void truncation_forgets_and_goes_on(void **state) {
    (void)state;
    for (int end = 0; end <= 20; end++) {
        struct index_service *index = open_clean();
        put_from(index, 0, 20);
        index_truncate(index, 100 * end);
        expect_all(index, end);
        assert_int_equal(index_newest_phys(index), end ? 100 * (end - 1) : 0);
        put_from(index, end, 20);
        expect_all(index, 20);
        index_close(index);
        expect_rebuilt(20);
        assert_int_equal(file_remove_tree(dir), ERR_OK);
    }
}

/* What the disk holds after a power cut: each page of the file as it was at some moment before. Pages are made small
 * here: the header, the slots and each entry can be of different ages, entries only without one that was written
 * before a lost one. Putting the log again from index_newest_phys must give the very same file. */
static void power_cut_loses_no_key(void **state) {
    (void)state;
    struct buf whole = {0}, old[5] = {0};
    char path[160];
    struct index_service *index = open_with(SLOTS, 20, false, 0);
    for (int n = 0; n < 5; n++) {
        put_from(index, n, n + 1);
        read_file_n(0, &old[n], path);
    }
    put_from(index, 5, 7);
    index_close(index);
    read_file_n(0, &whole, path);
    size_t entries_at = 40 + 4 * SLOTS;
    for (int header = 0; header < 5; header++)
        for (int slots = 0; slots < 5; slots++)
            for (size_t kept = 0; kept <= 18; kept++) {
                struct buf torn = {0};
                buf_append(&torn, old[header].data, 40);
                buf_append(&torn, old[slots].data + 40, 4 * SLOTS);
                buf_append(&torn, whole.data + entries_at, 20 * (kept + 1));
                size_t missing = whole.len - torn.len;
                memset(buf_reserve(&torn, missing), 0, missing);
                torn.len += missing;
                write_file(path, buf_bytes(&torn));
                index = open_with(SLOTS, 20, true, 0);
                int from = (int)index_newest_phys(index) / 100;
                assert_true(from <= (int)(kept * 2 / 5));
                put_from(index, from, 7);
                expect_all(index, 7);
                index_close(index);
                struct buf again = {0};
                char again_path[160];
                read_file_n(0, &again, again_path);
                assert_int_equal(file_count(), 1);
                assert_true(bytes_equal(buf_bytes(&again), buf_bytes(&whole)));
                if (strcmp(path, again_path) != 0) assert_int_equal(file_rename(again_path, path), ERR_OK);
                buf_close(&again);
                buf_close(&torn);
            }
    for (int n = 0; n < 5; n++) buf_close(&old[n]);
    buf_close(&whole);
}

/* A crash between two keys of a record, also when they lie in different files. */
static void crash_within_a_record(void **state) {
    (void)state;
    for (int entries = 2; entries < 14; entries++)
        for (int lost = 0; lost < 3; lost++) {
            struct index_service *index = open_with(SLOTS, entries, false, 0);
            put_from(index, 0, 6);
            close_known(index);
            for (int i = 0; i < lost; i++) { /* take the last entry off as if it had not been put yet */
                struct buf content = {0};
                char path[160];
                read_file_n(file_count() - 1, &content, path);
                int32_t count = load_i32be(content.data + 36);
                memset(content.data + 40 + 4 * SLOTS + 20 * (count - 1), 0, 20);
                store_u32be(content.data + 36, (uint32_t)count - 1);
                if (count == 2)
                    assert_int_equal(file_unlink(path), ERR_OK);
                else
                    write_file(path, buf_bytes(&content));
                buf_close(&content);
            }
            index = open_with(SLOTS, entries, true, 0);
            int from = (int)index_newest_phys(index) / 100;
            assert_true(from <= 4); /* the record before is whole; only the first file is known to follow nothing */
            put_from(index, from, 6);
            expect_all(index, 6);
            index_close(index);
            assert_int_equal(file_remove_tree(dir), ERR_OK);
        }
}

static void damaged_file_is_set_aside_and_rebuilt(void **state) {
    (void)state;
    for (size_t victim = 0; victim < 6; victim++)
        for (int kind = 0; kind < 4; kind++) {
            struct index_service *index = open_clean();
            put_from(index, 0, 20);
            index_close(index);
            struct buf content = {0};
            char path[160], aside[160];
            read_file_n(victim, &content, path);
            if (kind == 0) memset(content.data, 0xA5, content.len);
            if (kind == 1) memset(content.data, 0, 40);
            if (kind == 2) content.len -= 3;
            if (kind == 3) content.len = 0;
            write_file(path, buf_bytes(&content));
            buf_close(&content);
            expect_rebuilt(20);
            snprintf(aside, sizeof aside, "%s.damaged/%s", dir, strrchr(path, '/') + 1);
            assert_true(file_exists(aside));
            assert_int_equal(file_remove_tree(root), ERR_OK);
        }
}

static void lost_file_or_folder_is_rebuilt(void **state) {
    (void)state;
    struct index_service *index = open_clean();
    put_from(index, 0, 20);
    index_close(index);
    struct buf content = {0};
    char path[160];
    read_file_n(5, &content, path);
    assert_int_equal(file_unlink(path), ERR_OK);
    expect_rebuilt(20);
    assert_int_equal(file_remove_tree(dir), ERR_OK);
    expect_rebuilt(20);
    buf_close(&content);
}

static void other_names_are_left_alone(void **state) {
    (void)state;
    char path[160];
    assert_int_equal(file_make_dirs(dir), ERR_OK);
    snprintf(path, sizeof path, "%s/notes.txt", dir);
    write_file(path, BYTES("mine"));
    expect_rebuilt(20);
    assert_true(file_exists(path));
}

static void expect_file_sizes(int64_t size_bytes) {
    struct arena arena = {0};
    const char **names;
    size_t count = list_files(&arena, &names);
    assert_true(count > 1);
    for (size_t i = 0; i < count; i++) {
        struct buf content = {0};
        char path[160];
        read_file_n(i, &content, path);
        assert_int_equal(content.len, size_bytes);
        buf_close(&content);
    }
    arena_close(&arena);
}

/* The sizes were changed in the configuration: all files have those of the files that are there. */
static void files_keep_their_sizes(void **state) {
    (void)state;
    const int32_t others[][2] = {{SLOTS, 2 * ENTRIES}, {3 * SLOTS, ENTRIES}, {2 * SLOTS, 2 * ENTRIES}, {1, 1000}};
    struct index_service *index = open_clean();
    put_from(index, 0, 5);
    assert_ok(index_flush(index, true, NULL));
    close_known(index);
    for (int i = 0; i < (int)ARRAY_LEN(others); i++) {
        index = open_with(others[i][0], others[i][1], i % 2, 0);
        assert_int_equal(index_newest_phys(index), 100 * (3 + 5 * i)); /* the last record is indexed again */
        put_from(index, 4 + 5 * i, 10 + 5 * i);
        expect_all(index, 10 + 5 * i);
        assert_ok(index_flush(index, true, NULL));
        close_known(index);
    }
    expect_file_sizes(INDEX_HEADER_BYTES + SLOTS * INDEX_SLOT_BYTES + ENTRIES * INDEX_ENTRY_BYTES);
}

static void bad_sizes_are_refused(void **state) {
    (void)state;
    struct index_service *index;
    struct index_options options = {dir, 0, ENTRIES, false, 0, {0}};
    assert_int_equal(index_open(&options, &index), ERR_BAD_CONFIG);
    options = (struct index_options){dir, SLOTS, 1, false, 0, {0}};
    assert_int_equal(index_open(&options, &index), ERR_BAD_CONFIG);
}

/* --- faults ---------------------------------------------------------------------------------------------- */

/* What is noted is found when it has been put; many at a time, over the ends of files. */
static void noted_keys_are_put_together(void **state) {
    (void)state;
    struct index_service *index = open_clean();
    assert_int_equal(index_drop_noted(index), -1);
    char uniq_keys[40][16];
    for (int n = 0; n < 40; n++) {
        struct index_record record = record_n(n, uniq_keys[n]);
        index_note(index, &record);
    }
    expect(index, "all", "");
    assert_int_equal(index_put(index), ERR_OK);
    expect_all(index, 40);
    struct index_record record = record_n(40, uniq_keys[0]), next = record_n(41, uniq_keys[1]);
    index_note(index, &record);
    index_note(index, &next);
    assert_int_equal(index_drop_noted(index), 4000);
    assert_int_equal(index_put(index), ERR_OK);
    expect_all(index, 40);
    index_close(index);
}

static int fault_after, fault_kind;

static int fail_one(enum file_call call, const char *path) {
    (void)path;
    return (int)call == fault_kind && fault_after-- == 0 ? ENOSPC : 0;
}

/* What is not there after a put that failed is there after the next. */
static void full_disk_passes(void **state) {
    (void)state;
    int kinds[] = {FILE_OPEN, FILE_RESIZE, FILE_RESERVE, FILE_MAP};
    for (size_t kind = 0; kind < ARRAY_LEN(kinds); kind++)
        for (int after = 0; after < 6; after++) {
            struct index_service *index = open_clean();
            fault_kind = kinds[kind];
            fault_after = after;
            file_set_fault(fail_one);
            for (int n = 0; n < 20; n++) {
                char uniq_key[16];
                struct index_record record = record_n(n, uniq_key);
                enum err err = put(index, &record);
                if (err == ERR_OK) continue;
                assert_int_equal(err, ERR_DISK_FULL);
                expect_all(index, n);
                assert_int_equal(index_put(index), ERR_OK); /* it is still noted */
            }
            file_set_fault(NULL);
            expect_all(index, 20);
            assert_int_equal(index_flush(index, true, NULL), ERR_OK);
            index_close(index);
            expect_rebuilt(20);
            assert_int_equal(file_remove_tree(dir), ERR_OK);
        }
}

/* --- flush and deletion ---------------------------------------------------------------------------------- */

static void flush_tells_the_end_of_the_last_full_file(void **state) {
    (void)state;
    struct index_service *index = open_clean();
    int64_t flushed_ms = -1;
    put_from(index, 0, 3); /* 2 + 3 + 2 entries */
    assert_int_equal(index_flush(index, false, &flushed_ms), ERR_OK);
    assert_int_equal(flushed_ms, 0);
    assert_int_equal(index_flush(index, true, &flushed_ms), ERR_OK);
    assert_int_equal(flushed_ms, 0);
    put_from(index, 3, 4); /* the ninth entry is one of record 3 */
    assert_int_equal(index_flush(index, false, &flushed_ms), ERR_OK);
    assert_int_equal(flushed_ms, BEGIN_MS + 1500);
    fault_kind = FILE_SYNC;
    fault_after = 0;
    put_from(index, 4, 8);
    file_set_fault(fail_one);
    assert_int_not_equal(index_flush(index, false, &flushed_ms), ERR_OK);
    file_set_fault(NULL);
    assert_int_equal(flushed_ms, BEGIN_MS + 1500);
    close_known(index);
    index = open_with(SLOTS, ENTRIES, true, flushed_ms);
    put_from(index, (int)index_newest_phys(index) / 100, 8);
    assert_int_equal(index_flush(index, false, &flushed_ms), ERR_OK);
    assert_true(flushed_ms > BEGIN_MS + 1500);
    index_close(index);
}

static void deletion_leaves_the_last_file(void **state) {
    (void)state;
    struct index_service *index = open_clean();
    put_from(index, 0, 20);
    assert_int_equal(index_delete_below(index, 0), 0);
    assert_int_equal(index_delete_below(index, 301), 1); /* the first file ends with record 3 */
    expect(index, "u0", "");
    expect(index, "u4", "4");
    assert_int_equal(index_delete_below(index, INT64_MAX), 4);
    expect(index, "u19", "19");
    assert_int_equal(file_count(), 1);
    index_close(index);
}

struct race {
    struct index_service *index;
    _Atomic int put;
    _Atomic bool over;
};

static void *find_on(void *arg) {
    struct race *race = arg;
    struct arena arena = {0};
    while (!atomic_load(&race->over)) {
        int put = atomic_load(&race->put);
        struct index_found found;
        arena_reset(&arena);
        index_find(race->index, BYTES("TopicA"), BYTES("all"), 32, 0, INT64_MAX, &arena, &found);
        must((int)found.count >= MIN(put, 3));
        must(put == 0 || found.offsets[0] >= 100 * (put - 1));
        for (size_t i = 1; i < found.count; i++) must(found.offsets[i] < found.offsets[i - 1]);
        must(index_flush(race->index, false, NULL) == ERR_OK);
    }
    arena_close(&arena);
    return NULL;
}

static void finding_while_putting_and_deleting(void **state) {
    (void)state;
    struct race race = {.index = open_with(SLOTS, 200, false, 0)};
    pthread_t threads[2];
    for (int i = 0; i < 2; i++) assert_int_equal(pthread_create(&threads[i], NULL, find_on, &race), 0);
    for (int n = 0; n < 4000; n++) {
        put_from(race.index, n, n + 1);
        atomic_store(&race.put, n + 1);
        if (n % 500 == 499) index_delete_below(race.index, 100 * (n - 300));
    }
    atomic_store(&race.over, true);
    for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
    index_close(race.index);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_dir, remove_dir)
    const struct CMUnitTest tests[] = {
        TEST(layout_is_the_java_brokers),
        TEST(new_file_begins_where_the_one_before_ends),
        TEST(finds_newest_first_over_files),
        TEST(time_range_misses_nothing),
        TEST(repeated_keys_are_found_once),
        TEST(put_below_next_is_passed_over),
        TEST(truncation_forgets_and_goes_on),
        TEST(power_cut_loses_no_key),
        TEST(crash_within_a_record),
        TEST(damaged_file_is_set_aside_and_rebuilt),
        TEST(lost_file_or_folder_is_rebuilt),
        TEST(other_names_are_left_alone),
        TEST(files_keep_their_sizes),
        TEST(bad_sizes_are_refused),
        TEST(noted_keys_are_put_together),
        TEST(full_disk_passes),
        TEST(flush_tells_the_end_of_the_last_full_file),
        TEST(deletion_leaves_the_last_file),
        TEST(finding_while_putting_and_deleting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
