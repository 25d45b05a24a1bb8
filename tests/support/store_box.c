/* The messages are built with record_encode, as the broker does it. */
#include "support/store_box.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/check.h"
#include "message/properties.h"
#include "os/clock.h"
#include "os/file.h"

enum { BODY_MAX = 700, BATCH_MAX = 8, SETTLE_MS = 20000, FOUND_MAX = 2000 };
#define FIRST_BORN_MS INT64_C(1795479112729)

static void make_root(struct box *box, const char *parent) {
    snprintf(box->root, sizeof box->root, "%s/box-XXXXXX", parent);
    must(mkdtemp(box->root));
    box->config.store_path_root_dir = bytes_of(box->root);
}

/* In memory where that is possible: what the tests look at is not the disk, and its syncs cost minutes. */
static const char *fast_folder(void) {
    return file_exists("/dev/shm") ? "/dev/shm" : "/tmp";
}

void box_init(struct box *box) {
    box_init_in(box, fast_folder());
}

void box_init_in(struct box *box, const char *parent) {
    store_config_init(&box->config);
    make_root(box, parent);
    box->config.mapped_file_size_commit_log = 16384;
    box->config.mapped_file_size_consume_queue = 400;
    box->config.mapper_file_size_batch_consume_queue = 920;
    box->config.max_hash_slot_num = 50;
    box->config.max_index_num = 100;
    box->config.prealloc_ahead_bytes = 65536;
    box->config.prealloc_step_bytes = 65536;
    box->config.max_message_size = 8192;
}

void box_close(struct box *box) {
    must(file_remove_tree(box->root) == ERR_OK);
}

static void path_in(const struct box *box, const char *name, char path[256]) {
    must(snprintf(path, 256, "%s/%s", box->root, name) < 256);
}

void box_remove(const struct box *box, const char *name) {
    char path[256];
    path_in(box, name, path);
    if (remove(path) != 0) must(file_remove_tree(path) == ERR_OK);
}

bool box_has(const struct box *box, const char *name) {
    char path[256];
    path_in(box, name, path);
    return file_exists(path);
}

void box_copy(const struct box *from, struct box *to) {
    *to = *from;
    make_root(to, fast_folder());
    char command[256];
    snprintf(command, sizeof command, "cp -a --sparse=always '%s/.' '%s'", from->root, to->root);
    must(system(command) == 0);
}

bool box_queue_kind(void *owner, struct bytes topic, enum queue_kind *out) {
    (void)owner;
    *out = bytes_is(topic, BOX_BATCH_TOPIC) ? QUEUE_BATCH : QUEUE_SIMPLE;
    return true;
}

enum err box_try_open(struct box *box, struct store **out) {
    struct store_events events = {.queue_kind = box_queue_kind};
    return store_open(&box->config, &events, out);
}

struct store *box_open(struct box *box) {
    struct store *store;
    enum err err = box_try_open(box, &store);
    if (err != ERR_OK) fprintf(stderr, "%s: %s\n", box->root, err_detail(err));
    must(err == ERR_OK);
    return store;
}

/* --- messages -------------------------------------------------------------------------------------------- */

static void topic_of(int64_t number, char topic[16]) {
    snprintf(topic, 16, "Topic%d", (int)(number % BOX_TOPICS));
}

static int32_t queue_id_of(int64_t number) {
    return (int32_t)(number / BOX_TOPICS % BOX_QUEUES);
}

struct queue *box_queue(struct store *store, int64_t number) {
    char topic[16];
    topic_of(number, topic);
    struct queue *queue = store_queue(store, bytes_of(topic), queue_id_of(number), true);
    must(queue);
    return queue;
}

int32_t box_messages(int64_t number, struct bytes topic) {
    return bytes_is(topic, BOX_BATCH_TOPIC) && number % 4 > 0 ? (int32_t)(number % 4) : 1;
}

/* Is its record marked as one that holds a batch, be it of one? */
static bool is_batch(int64_t number, struct bytes topic) {
    return bytes_is(topic, BOX_BATCH_TOPIC) && number % 4 > 0;
}

static size_t body_of(int64_t number, char body[BODY_MAX]) {
    size_t len = (size_t)(number * 7919 % BODY_MAX);
    for (size_t i = 0; i < len; i++) body[i] = (char)(number + (int64_t)i * 31);
    return len;
}

/* `base`: the value of INNER_BASE in batches. */
static void properties_of(int64_t number, struct bytes topic, const char *base, struct buf *out) {
    char text[64];
    snprintf(text, sizeof text, "n%" PRId64, number);
    properties_append(out, PROPERTY_UNIQ_KEY, bytes_of(text));
    snprintf(text, sizeof text, "k%d all", (int)(number % 7));
    properties_append(out, PROPERTY_KEYS, bytes_of(text));
    properties_append(out, PROPERTY_TAGS, BYTES("TagA"));
    if (!is_batch(number, topic)) return;
    snprintf(text, sizeof text, "%d", box_messages(number, topic));
    properties_append(out, PROPERTY_INNER_NUM, bytes_of(text));
    properties_append(out, PROPERTY_INNER_BASE, bytes_of(base));
}

static char *encode(int64_t number, int64_t queue_number, uint32_t *size_bytes) {
    char topic[16], body[BODY_MAX];
    struct buf properties = {0};
    topic_of(queue_number, topic);
    properties_of(number, bytes_of(topic), "00000000000000000000", &properties);
    struct record record = {
        .queue_id = queue_id_of(queue_number),
        .sys_flag = is_batch(number, bytes_of(topic)) ? SYS_FLAG_INNER_BATCH | SYS_FLAG_NEED_UNWRAP : 0,
        .flag = (int32_t)number,
        .born_time_ms = FIRST_BORN_MS + number,
        .born_host = {.ip = {127, 0, 0, 1}, .port = 1},
        .store_host = {.ip = {127, 0, 0, 1}, .port = 10911},
        .body = bytes_make(body, body_of(number, body)),
        .topic = bytes_of(topic),
        .properties = buf_bytes(&properties),
    };
    *size_bytes = record_size(&record);
    char *encoded = malloc(*size_bytes);
    must(encoded);
    record_encode(&record, encoded);
    buf_close(&properties);
    return encoded;
}

enum err box_put_batch(struct store *store, int64_t number, int count, struct box_put *out) {
    must(count <= BATCH_MAX);
    struct put puts[BATCH_MAX] = {0};
    int64_t end_phys;
    for (int i = 0; i < count; i++) {
        puts[i].queue = box_queue(store, number);
        puts[i].record = encode(number + i, number, &puts[i].size_bytes);
        puts[i].with_next = i + 1 < count;
        if (is_batch(number + i, queue_topic(puts[i].queue)))
            puts[i].batch_count = box_messages(number + i, queue_topic(puts[i].queue));
    }
    enum err err = store_append(store, puts, (size_t)count, &end_phys);
    for (int i = 0; i < count; i++) {
        if (err == ERR_OK)
            out[i] =
                (struct box_put){number + i, puts[i].offset_phys, puts[i].offset_queue, end_phys, puts[i].size_bytes};
        free(puts[i].record);
    }
    return err;
}

void box_put(struct store *store, int64_t number, struct box_put *out) {
    enum err err = box_put_batch(store, number, 1, out);
    if (err != ERR_OK) fprintf(stderr, "message %" PRId64 ": %s\n", number, err_detail(err));
    must(err == ERR_OK);
}

static int64_t number_of(const struct record *record) {
    return record->born_time_ms - FIRST_BORN_MS;
}

/* --- checks ---------------------------------------------------------------------------------------------- */

static void check_content(const struct record *record) {
    int64_t number = number_of(record);
    char body[BODY_MAX];
    must(bytes_equal(record->body, bytes_make(body, body_of(number, body))));
    must(record->flag == (int32_t)number);
    struct buf properties = {0};
    char base[24];
    snprintf(base, sizeof base, "%" PRId64, record->offset_queue);
    properties_of(number, record->topic, base, &properties);
    must(bytes_equal(record->properties, buf_bytes(&properties)));
    buf_close(&properties);
}

void box_check_record(struct bytes bytes, const struct box_put *put) {
    struct record record;
    must(record_decode(bytes, RECORD_CHECK_BODY_CRC, &record) == ERR_OK);
    must(number_of(&record) == put->number);
    must(record.size_bytes == put->size_bytes && bytes.len == put->size_bytes);
    must(record.offset_phys == put->offset_phys && record.offset_queue == put->offset_queue);
    check_content(&record);
}

static void check_key(struct store *store, const struct record *record, const char *key) {
    struct arena arena = {0};
    int64_t *offsets, last_time_ms, last_phys;
    size_t count;
    must(store_find_key(store, record->topic, bytes_of(key), FOUND_MAX, record->store_time_ms, record->store_time_ms,
                        &arena, &offsets, &count, &last_time_ms, &last_phys) == ERR_OK);
    bool found = false;
    for (size_t i = 0; i < count; i++) {
        found |= offsets[i] == record->offset_phys;
        must(i == 0 || offsets[i] < offsets[i - 1]);
    }
    if (!found) fprintf(stderr, "key %s of the record at %" PRId64 " is not found\n", key, record->offset_phys);
    must(found);
    arena_close(&arena);
}

void box_check(struct store *store, const struct box_put *put) {
    struct store_slice slice;
    struct record record;
    must(store_record_at(store, put->offset_phys, &slice) == ERR_OK);
    box_check_record(slice.bytes, put);
    must(record_decode(slice.bytes, RECORD_CHECK_SHAPE, &record) == ERR_OK);
    struct queue *queue = store_queue(store, record.topic, record.queue_id, false);
    struct queue_entry entry;
    must(queue);
    must(queue_entry_at(store, queue, put->offset_queue, &entry) == ERR_OK);
    must(entry.offset_phys == put->offset_phys && entry.size_bytes == (int32_t)put->size_bytes);
    must(entry.offset_queue == put->offset_queue && entry.count == box_messages(put->number, record.topic));
    char key[32];
    snprintf(key, sizeof key, "n%" PRId64, put->number);
    check_key(store, &record, key);
    if (put->number % 8 == 0) { /* of the keys that many share: they take their time */
        snprintf(key, sizeof key, "k%d", (int)(put->number % 7));
        check_key(store, &record, key);
        check_key(store, &record, "all");
    }
    store_release(slice.hold);
}

struct sum {
    struct store *store;
    int64_t count;
};

static void check_queue(struct queue *queue, void *arg) {
    struct sum *sum = arg;
    int64_t last_phys = -1;
    must(queue_next(queue) == queue_max(queue));
    for (int64_t offset_queue = queue_min(queue); offset_queue < queue_max(queue);) {
        struct arena arena = {0};
        struct get get = {.queue = queue, .offset_queue = offset_queue, .max_count = 32, .may_wait = true};
        store_get(sum->store, &arena, &get);
        must(get.status == GET_FOUND);
        for (size_t i = 0; i < get.slice_count; i++) {
            struct bytes rest = get.slices[i].bytes;
            for (struct record record; rest.len; rest = bytes_skip(rest, record.size_bytes)) {
                must(record_decode(rest, RECORD_CHECK_BODY_CRC, &record) == ERR_OK);
                must(bytes_equal(record.topic, queue_topic(queue)) && record.queue_id == queue_id(queue));
                must(record.offset_queue == offset_queue && record.offset_phys > last_phys);
                offset_queue += box_messages(number_of(&record), record.topic);
                last_phys = record.offset_phys;
                check_content(&record);
                sum->count++;
            }
            store_release(get.slices[i].hold);
        }
        must(get.next_offset == offset_queue);
        arena_close(&arena);
    }
}

int64_t box_check_queues(struct store *store) {
    struct sum sum = {.store = store};
    store_each_queue(store, check_queue, &sum);
    return sum.count;
}

void box_check_gone(struct store *store, const struct box_put *put) {
    struct store_slice slice;
    enum err err = store_record_at(store, put->offset_phys, &slice);
    if (err == ERR_OK) { /* another message may have got the place */
        struct record record;
        must(record_decode(slice.bytes, RECORD_CHECK_BODY_CRC, &record) == ERR_OK);
        must(number_of(&record) != put->number);
        store_release(slice.hold);
    } else {
        must(err == ERR_NOT_FOUND);
    }
    struct queue *queue = box_queue(store, put->number);
    must(put->offset_queue >= queue_max(queue));
}

void box_settle(struct store *store) {
    struct store_facts facts;
    int64_t deadline_ms = clock_monotonic_ms() + SETTLE_MS;
    for (store_facts(store, &facts); facts.dispatched_phys < facts.max_phys; store_facts(store, &facts)) {
        must(clock_monotonic_ms() < deadline_ms);
        clock_sleep_ms(1);
    }
}
