/* Cuts the power again and again: a second folder gets of each file only what was synced, at the moment of its sync. A
 * store opened on a copy of that folder must have every message acknowledged under SYNC_FLUSH, and in any case a
 * beginning of each queue without gaps, each message whole and found by its key. */
#include "store/store.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <sys/stat.h>
#include "store/store_testing.h"

enum { QUEUES = 4, ROUNDS = 10, MESSAGES = 60, BODY_BYTES = 1700, FILE_MAX_BYTES = 1 << 20 };

static char root[64], disk[64]; /* the store, and what is on the simulated disk */
static pthread_mutex_t disk_lock = PTHREAD_MUTEX_INITIALIZER;

static void make_folders_above(const char *path) {
    char part[512];
    for (const char *at = strchr(path + 1, '/'); at; at = strchr(at + 1, '/')) {
        snprintf(part, sizeof part, "%.*s", (int)(at - path), path);
        mkdir(part, 0755);
    }
}

static void copy_file(const char *from, const char *to) {
    static char data[FILE_MAX_BYTES];
    FILE *in = fopen(from, "rb");
    if (!in) return;
    size_t len = fread(data, 1, sizeof data, in);
    fclose(in);
    must(len < sizeof data);
    make_folders_above(to);
    FILE *out = fopen(to, "wb");
    must(out && fwrite(data, 1, len, out) == len);
    fclose(out);
}

static void copy_tree(const char *from, const char *to) {
    DIR *dir = opendir(from);
    must(dir);
    for (struct dirent *entry; (entry = readdir(dir));) {
        char source[512], target[512];
        struct stat st;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        snprintf(source, sizeof source, "%s/%s", from, entry->d_name);
        snprintf(target, sizeof target, "%s/%s", to, entry->d_name);
        if (stat(source, &st) != 0) continue;
        S_ISDIR(st.st_mode) ? copy_tree(source, target) : copy_file(source, target);
    }
    closedir(dir);
}

/* Not a fault, but the place where each sync passes by. Names last with the first sync of their file. */
static int on_call(enum file_call call, const char *path) {
    struct stat st;
    char target[512];
    size_t len = strlen(root);
    if ((call != FILE_SYNC && call != FILE_UNLINK) || strncmp(path, root, len) != 0) return 0;
    snprintf(target, sizeof target, "%s%s", disk, path + len);
    pthread_mutex_lock(&disk_lock);
    if (call == FILE_UNLINK) {
        remove(target);
    } else if (path[len] == '\0') {
        copy_tree(root, disk); /* the sync of all */
    } else if (stat(path, &st) == 0 && S_ISREG(st.st_mode)) {
        copy_file(path, target);
    }
    pthread_mutex_unlock(&disk_lock);
    return 0;
}

static void make_body(int64_t i, char body[BODY_BYTES]) {
    memset(body, 'a' + (int)(i % 26), BODY_BYTES);
    snprintf(body, BODY_BYTES, "message %lld", (long long)i);
}

static void send_messages(struct testing *t, int64_t from, int64_t end) {
    char body[BODY_BYTES], properties[64];
    for (int64_t i = from; i < end; i++) {
        make_body(i, body);
        snprintf(properties, sizeof properties, "UNIQ_KEY\1u%lld\2KEYS\1k%lld\2", (long long)i, (long long)i);
        struct bytes bytes = bytes_make(body, BODY_BYTES);
        assert_ok(testing_try_send(t, "Topic", (int32_t)(i % QUEUES), bytes, properties, NULL));
    }
}

static void assert_key(struct testing *t, struct arena *arena, int64_t i, int64_t expected_phys) {
    char key[32];
    int64_t *offsets, last_time_ms, last_phys;
    size_t count;
    snprintf(key, sizeof key, "k%lld", (long long)i);
    assert_ok(store_find_key(t->store, BYTES("Topic"), bytes_of(key), 64, 0, INT64_MAX, arena, &offsets, &count,
                             &last_time_ms, &last_phys));
    for (size_t k = 0; k < count; k++) {
        if (offsets[k] == expected_phys) return;
    }
    fail_msg("message %lld is not found by its key", (long long)i);
}

/* The power comes back: everything below `acknowledged` is there. */
static void check_disk(const struct testing *running, int64_t acknowledged) {
    struct testing t = *running;
    struct arena arena = {0};
    char body[BODY_BYTES];
    strcpy(t.root, "/tmp/rmq_power_XXXXXX");
    assert_non_null(mkdtemp(t.root));
    pthread_mutex_lock(&disk_lock);
    copy_tree(disk, t.root);
    pthread_mutex_unlock(&disk_lock);
    t.config.store_path_root_dir = bytes_of(t.root);
    testing_open(&t);
    for (int q = 0; q < QUEUES; q++) {
        struct queue *queue = store_queue(t.store, BYTES("Topic"), q, true);
        assert_true(queue_max(queue) * QUEUES + q >= acknowledged);
        for (int64_t offset = 0; offset < queue_max(queue); offset++) {
            struct queue_entry entry;
            make_body(offset * QUEUES + q, body);
            assert_true(bytes_equal(testing_body(&t, &arena, queue, offset), bytes_make(body, BODY_BYTES)));
            assert_ok(queue_entry_at(t.store, queue, offset, &entry));
            assert_key(&t, &arena, offset * QUEUES + q, entry.offset_phys);
            arena_reset(&arena);
        }
    }
    arena_close(&arena);
    testing_done(&t);
}

static void cut_again_and_again(const char *flush_disk_type, bool is_sync) {
    struct testing t;
    testing_init(&t);
    snprintf(root, sizeof root, "%s", t.root);
    strcpy(disk, "/tmp/rmq_disk_XXXXXX");
    assert_non_null(mkdtemp(disk));
    t.config.flush_disk_type = bytes_of(flush_disk_type);
    t.config.flush_interval_consume_queue_ms = 5; /* a checkpoint that says too much would be noticed */
    t.config.flush_consume_queue_thorough_interval_ms = 40;
    t.config.max_index_num = 300;
    file_set_fault(on_call);
    testing_open(&t);
    for (int round = 0; round < ROUNDS; round++) {
        send_messages(&t, round * MESSAGES, (round + 1) * MESSAGES);
        if (round % 5 == 2) clock_sleep_ms(1100); /* the queues are synced once a second */
        check_disk(&t, is_sync ? (round + 1) * MESSAGES : 0);
    }
    testing_close(&t);
    file_set_fault(NULL);
    assert_ok(file_remove_tree(disk));
    testing_done(&t);
}

static void test_sync(void **state) {
    (void)state;
    cut_again_and_again("SYNC_FLUSH", true);
}

static void test_async(void **state) {
    (void)state;
    cut_again_and_again("ASYNC_FLUSH", false);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sync),
        cmocka_unit_test(test_async),
    };
    log_set_level(LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
