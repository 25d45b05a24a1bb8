/* A store with damaged files, with a queue of batches too: mqstore verify reads them within bounds; the start either
 * refuses or serves, every read of it keeps to its bounds, and messages put then are found. The input says which bytes
 * of a small store's files become what: flags(1), then patches: file(1) offset(2) length(1) bytes(length) */
#include <stdio.h>
#include <stdlib.h>
#include "base/check.h"
#include "base/endian.h"
#include "base/hash.h"
#include "base/log.h"
#include "message/properties.h"
#include "os/clock.h"
#include "os/file.h"
#include "store/store.h"
#include "tools/mqstore/survey.h"

enum { MESSAGES = 12, FILES_MAX = 16, FILE_MAX_BYTES = 1 << 17, WAIT_MS = 10000 };
enum flags { CRASHED = 1, NO_CHECKPOINT = 2, NO_QUEUES = 4, NO_INDEX = 8 };

static char root[64];
static struct store_config config;
static struct template_file {
    char path[192];
    struct buf content;
} files[FILES_MAX];
static size_t file_count;

static bool queue_kind_of(void *owner, struct bytes topic, enum queue_kind *out) {
    (void)owner;
    *out = bytes_is(topic, "B") ? QUEUE_BATCH : QUEUE_SIMPLE;
    return true;
}
static const struct store_events events = {.queue_kind = queue_kind_of};

static enum err put(struct store *store, int number) {
    char key[16];
    struct buf properties = {0};
    snprintf(key, sizeof key, "k%d", number);
    properties_append(&properties, PROPERTY_KEYS, bytes_of(key));
    properties_append(&properties, PROPERTY_TAGS, BYTES("TagA"));
    bool is_batch = number % 3 == 0;
    if (is_batch) {
        properties_append(&properties, PROPERTY_INNER_NUM, BYTES("3"));
        properties_append(&properties, PROPERTY_INNER_BASE, BYTES("00000000000000000000"));
    }
    struct record record = {.queue_id = number % 2,
                            .sys_flag = is_batch ? SYS_FLAG_INNER_BATCH : 0,
                            .born_time_ms = 1,
                            .body = bytes_of(key),
                            .topic = is_batch ? BYTES("B") : BYTES("T"),
                            .properties = buf_bytes(&properties)};
    struct put puts = {.size_bytes = record_size(&record), .batch_count = is_batch ? 3 : 0};
    puts.queue = store_queue(store, record.topic, record.queue_id, true);
    puts.record = malloc(puts.size_bytes);
    must(puts.record && puts.queue);
    record_encode(&record, puts.record);
    int64_t end_phys;
    enum err err = store_append(store, &puts, 1, &end_phys);
    free(puts.record);
    buf_close(&properties);
    return err;
}

static void read_template(const char *dir) {
    struct arena arena = {0};
    const char **names;
    size_t count;
    must(file_list(&arena, dir, &names, &count) == ERR_OK);
    for (size_t i = 0; i < count; i++) {
        const char *path = arena_printf(&arena, "%s/%s", dir, names[i]).data;
        struct buf content = {0};
        if (file_read_all(path, FILE_MAX_BYTES, &content) == ERR_OK) {
            must(file_count < FILES_MAX);
            snprintf(files[file_count].path, sizeof files[file_count].path, "%s", path);
            files[file_count++].content = content;
        } else {
            buf_close(&content);
            read_template(path);
        }
    }
    arena_close(&arena);
}

static void remove_root(void) {
    if (file_remove_tree(root) != ERR_OK) fprintf(stderr, "%s stays behind\n", root);
}

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc, (void)argv;
    log_set_level(LOG_ERROR + 1);
    snprintf(root, sizeof root, "%s/store-fuzz-XXXXXX", file_exists("/dev/shm") ? "/dev/shm" : "/tmp");
    must(mkdtemp(root));
    atexit(remove_root);
    store_config_init(&config);
    config.store_path_root_dir = bytes_of(root);
    config.mapped_file_size_commit_log = 65536;
    config.mapped_file_size_consume_queue = 200;
    config.mapper_file_size_batch_consume_queue = 92;
    config.max_hash_slot_num = 7;
    config.max_index_num = 20;
    config.prealloc_ahead_bytes = 65536;
    config.prealloc_step_bytes = 65536;
    struct store *store;
    must(store_open(&config, &events, &store) == ERR_OK);
    for (int i = 0; i < MESSAGES; i++) must(put(store, i) == ERR_OK);
    store_close(store);
    read_template(root);
    return 0;
}

/* --- one input --------------------------------------------------------------------------------------------- */

static void write_file(const char *path, struct bytes content) {
    int fd;
    must(file_open(path, FILE_CREATE, &fd) == ERR_OK);
    must(file_pwrite(fd, path, content.data, content.len, 0) == ERR_OK);
    file_close(fd);
}

static bool left_out(const char *path, int flags) {
    return (flags & NO_CHECKPOINT && strstr(path, "/checkpoint")) ||
           (flags & NO_QUEUES && strstr(path, "consumequeue/")) || (flags & NO_INDEX && strstr(path, "/index/"));
}

static void write_template(int flags) {
    must(file_remove_tree(root) == ERR_OK);
    for (size_t i = 0; i < file_count; i++) {
        char dir[192];
        if (left_out(files[i].path, flags)) continue;
        snprintf(dir, sizeof dir, "%.*s", (int)(strrchr(files[i].path, '/') - files[i].path), files[i].path);
        must(file_make_dirs(dir) == ERR_OK);
        write_file(files[i].path, buf_bytes(&files[i].content));
    }
    if (!(flags & CRASHED)) return;
    char path[192];
    snprintf(path, sizeof path, "%s/abort", root);
    write_file(path, BYTES("1"));
}

static void apply_patches(struct bytes patches, int flags) {
    while (patches.len > 4) {
        const struct template_file *file = &files[(uint8_t)patches.data[0] % file_count];
        size_t at = load_u16be(patches.data + 1), len = (uint8_t)patches.data[3];
        patches = bytes_skip(patches, 4);
        len = MIN(len, patches.len);
        if (at < file->content.len && !left_out(file->path, flags)) {
            int fd;
            must(file_open(file->path, FILE_READ_WRITE, &fd) == ERR_OK);
            len = MIN(len, file->content.len - at);
            must(file_pwrite(fd, file->path, patches.data, len, (int64_t)at) == ERR_OK);
            file_close(fd);
        }
        patches = bytes_skip(patches, len);
    }
}

static void read_queue(struct queue *queue, void *arg) {
    struct store *store = arg;
    must(queue_min(queue) >= 0 && queue_min(queue) <= queue_max(queue) && queue_max(queue) <= queue_next(queue));
    int64_t offset_queue = queue_min(queue);
    for (int turn = 0; turn < 100 && offset_queue < queue_max(queue); turn++) {
        struct arena arena = {0};
        struct get get = {.queue = queue, .offset_queue = offset_queue, .max_count = 32, .may_wait = true};
        store_get(store, &arena, &get);
        must(get.next_offset > offset_queue);
        int64_t total_bytes = 0;
        for (size_t i = 0; i < get.slice_count; i++) {
            crc32_java(get.slices[i].bytes); /* all of it can be read; what it says is for the consumer to check */
            total_bytes += (int64_t)get.slices[i].bytes.len;
            store_release(get.slices[i].hold);
        }
        must(total_bytes == get.total_bytes);
        offset_queue = get.next_offset;
        arena_close(&arena);
    }
    (void)store_time_at(store, queue, queue_min(queue));
    (void)store_offset_by_time(store, queue, clock_wall_ms(), BOUNDARY_LOWER);
}

static size_t find(struct store *store, const char *key) {
    struct arena arena = {0};
    int64_t *offsets, last_time_ms, last_phys;
    size_t count;
    must(store_find_key(store, BYTES("T"), bytes_of(key), 64, INT64_MIN, INT64_MAX, &arena, &offsets, &count,
                        &last_time_ms, &last_phys) == ERR_OK);
    for (size_t i = 0; i < count; i++) {
        struct store_slice slice;
        if (store_record_at(store, offsets[i], &slice) == ERR_OK) store_release(slice.hold);
    }
    arena_close(&arena);
    return count;
}

static void settle(struct store *store) {
    struct store_facts facts;
    int64_t deadline_ms = clock_monotonic_ms() + WAIT_MS;
    for (store_facts(store, &facts); facts.dispatched_phys < facts.max_phys; store_facts(store, &facts)) {
        must(clock_monotonic_ms() < deadline_ms);
        clock_sleep_ms(1);
    }
}

static void survey_store(void) {
    struct survey survey;
    (void)!survey_run(root, true, &survey);
    survey_close(&survey);
    arena_reset(&mqstore_arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 1) return 0;
    write_template(data[0]);
    apply_patches(bytes_make(data + 1, size - 1), data[0]);
    survey_store();
    struct store *store;
    if (store_open(&config, &events, &store) != ERR_OK) return 0;
    store_each_queue(store, read_queue, store);
    for (int i = 0; i < MESSAGES; i++) {
        char key[16];
        snprintf(key, sizeof key, "k%d", i);
        find(store, key);
    }
    must(put(store, 1000) == ERR_OK);
    settle(store);
    must(find(store, "k1000") == 1);
    store_each_queue(store, read_queue, store);
    store_close(store);
    return 0;
}
