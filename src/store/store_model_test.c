/* A store and a simple model of it do the same random things; they must agree after each restart and in between. */
#include "store/store.h"

#include "store/expire.h"
#include "store/store_internal.h"
#include "store/store_testing.h"

enum { QUEUES = 6, MESSAGES_MAX = 40000, STEPS = 1500 };

struct model_queue {
    uint32_t seeds[MESSAGES_MAX]; /* of the body, by queue offset */
    int64_t phys[MESSAGES_MAX];
    int64_t count;
};
struct model {
    struct testing t;
    struct model_queue queues[QUEUES];
    uint64_t random;
    int64_t last_time_ms;
};

static uint32_t next_random(struct model *model, uint32_t limit) {
    model->random = model->random * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(model->random >> 33) % limit;
}

static struct bytes make_body(uint32_t seed, char *out) {
    size_t len = seed % 37 == 0 ? 20000 + seed % 20000 : seed % 900;
    for (size_t i = 0; i < len; i++) out[i] = (char)(seed * 31 + i * 7);
    return bytes_make(out, len);
}

static struct queue *queue_of(struct model *model, int q) {
    char topic[32];
    snprintf(topic, sizeof topic, "Topic%d", q / 2);
    return store_queue(model->t.store, bytes_of(topic), q % 2, true);
}

/* One to eight messages to random queues, some of them bound together. */
static void append(struct model *model) {
    enum { MAX = 8, CAP = 41000 };
    static char records[MAX][CAP], body[CAP];
    struct put puts[MAX];
    int owner[MAX], count = 1 + (int)next_random(model, MAX);
    bool bound = next_random(model, 3) == 0;
    for (int i = 0; i < count; i++) {
        uint32_t seed = bound ? next_random(model, 900) * 37 + 1 : next_random(model, 1u << 30);
        int q = owner[i] = bound && i > 0 ? owner[0] : (int)next_random(model, QUEUES);
        struct queue *queue = queue_of(model, q);
        uint32_t size =
            testing_record(queue_topic(queue), queue_id(queue), make_body(seed, body), BYTES(""), 0, records[i], CAP);
        puts[i] =
            (struct put){.queue = queue, .record = records[i], .size_bytes = size, .with_next = bound && i + 1 < count};
        struct model_queue *expected = &model->queues[q];
        if (expected->count == MESSAGES_MAX) return;
        expected->seeds[expected->count] = seed;
        expected->count++;
    }
    int64_t end_phys, next[QUEUES];
    for (int q = 0; q < QUEUES; q++) next[q] = queue_next(queue_of(model, q));
    assert_ok(store_append(model->t.store, puts, (size_t)count, &end_phys));
    int64_t file_bytes = model->t.config.mapped_file_size_commit_log;
    for (int i = 0; i < count; i++) {
        assert_int_equal(puts[i].offset_queue, next[owner[i]]++);
        model->queues[owner[i]].phys[puts[i].offset_queue] = puts[i].offset_phys;
        assert_true(puts[i].store_time_ms >= model->last_time_ms);
        model->last_time_ms = puts[i].store_time_ms;
        if (bound) assert_int_equal(puts[i].offset_phys / file_bytes, puts[0].offset_phys / file_bytes);
        assert_true((puts[i].offset_phys + puts[i].size_bytes - 1) / file_bytes == puts[i].offset_phys / file_bytes);
    }
    assert_int_equal(end_phys, puts[count - 1].offset_phys + puts[count - 1].size_bytes);
}

static void check_record(struct model *model, int q, int64_t offset, struct bytes input, struct record *record) {
    static char body[41000];
    assert_ok(record_decode(input, RECORD_CHECK_BODY_CRC, record));
    assert_int_equal(record->offset_queue, offset);
    assert_int_equal(record->offset_phys, model->queues[q].phys[offset]);
    assert_true(bytes_equal(record->body, make_body(model->queues[q].seeds[offset], body)));
}

/* A pull somewhere. */
static void pull(struct model *model, struct arena *arena) {
    int q = (int)next_random(model, QUEUES);
    struct queue *queue = queue_of(model, q);
    if (model->queues[q].count == 0) return;
    testing_settle(&model->t, queue);
    assert_int_equal(queue_max(queue), model->queues[q].count);
    int64_t offset = next_random(model, (uint32_t)model->queues[q].count + 2);
    struct get get = {
        .queue = queue, .offset_queue = offset, .max_count = 1 + (int32_t)next_random(model, 32), .may_wait = true};
    store_get(model->t.store, arena, &get);
    if (offset < queue_min(queue)) {
        assert_int_equal(get.status, GET_OFFSET_TOO_SMALL);
        assert_int_equal(get.next_offset, queue_min(queue));
        return;
    }
    if (offset >= model->queues[q].count) {
        assert_int_equal(get.status,
                         offset == model->queues[q].count ? GET_OFFSET_OVERFLOW_ONE : GET_OFFSET_OVERFLOW_BADLY);
        return;
    }
    assert_int_equal(get.status, GET_FOUND);
    assert_true(get.count >= 1 && get.count <= 32);
    for (size_t i = 0; i < get.slice_count; i++) {
        for (struct bytes rest = get.slices[i].bytes; rest.len > 0; offset++) {
            struct record record;
            check_record(model, q, offset, rest, &record);
            rest = bytes_skip(rest, record.size_bytes);
        }
        store_release(get.slices[i].hold);
    }
    assert_int_equal(offset, get.next_offset);
    arena_reset(arena);
}

static void check_all(struct model *model) {
    for (int q = 0; q < QUEUES; q++) {
        struct queue *queue = queue_of(model, q);
        testing_settle(&model->t, queue);
        assert_int_equal(queue_max(queue), model->queues[q].count);
        assert_int_equal(queue_next(queue), model->queues[q].count);
        for (int64_t i = queue_min(queue); i < model->queues[q].count; i++) {
            struct queue_entry entry;
            struct store_slice slice;
            struct record record;
            assert_ok(queue_entry_at(model->t.store, queue, i, &entry));
            assert_ok(store_record_at(model->t.store, entry.offset_phys, &slice));
            assert_int_equal(slice.bytes.len, entry.size_bytes);
            check_record(model, q, i, slice.bytes, &record);
            store_release(slice.hold);
        }
    }
}

/* What retention does when a file is old enough. */
static void drop_oldest(struct model *model) {
    struct retention_files files = expire_files(model->t.store);
    char path[256];
    if (!files.oldest_log_file(files.owner, path, sizeof path)) return;
    assert_ok(files.drop_oldest_log_file(files.owner));
    files.drop_derived(files.owner);
    assert_false(file_exists(path));
    int64_t min_phys = commitlog_min(&model->t.store->log);
    for (int q = 0; q < QUEUES; q++) {
        int64_t min = queue_min(queue_of(model, q));
        if (min < model->queues[q].count) assert_true(model->queues[q].phys[min] >= min_phys);
        if (min > 0) assert_true(model->queues[q].phys[min - 1] < min_phys);
    }
}

static void restart(struct model *model) {
    testing_close(&model->t);
    if (next_random(model, 2)) testing_pretend_crash(&model->t);
    testing_open(&model->t);
}

static void run_model(uint64_t seed) {
    struct model *model = calloc(1, sizeof *model);
    struct arena arena = {0};
    model->random = seed;
    testing_init(&model->t);
    model->t.config.queue_tails_in_memory = 8;
    model->t.config.max_open_queue_files = 8;
    testing_open(&model->t);
    for (int i = 0; i < STEPS; i++) {
        uint32_t dice = next_random(model, 100);
        if (dice < 70) {
            append(model);
        } else if (dice < 97) {
            pull(model, &arena);
        } else if (dice < 98) {
            drop_oldest(model);
        } else if (dice < 99) {
            restart(model);
        } else {
            check_all(model);
        }
    }
    check_all(model);
    arena_close(&arena);
    testing_done(&model->t);
    free(model);
}

static void test_random(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 4; seed++) run_model(seed);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random),
    };
    log_set_level(LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
