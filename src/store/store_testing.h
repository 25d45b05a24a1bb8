/* store_testing.h - what the tests of this folder share: a store in a folder of its own, small messages, pulls. */
#ifndef RMQ_STORE_STORE_TESTING_H
#define RMQ_STORE_STORE_TESTING_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/test.h"
#include "base/log.h"
#include "os/clock.h"
#include "os/file.h"
#include "store/store.h"

struct testing {
    char root[64];
    struct store_config config;
    struct store *store;
};

static inline void testing_init_in(struct testing *t, const char *parent) {
    memset(t, 0, sizeof *t);
    snprintf(t->root, sizeof t->root, "%s/rmq_store_XXXXXX", parent);
    assert_non_null(mkdtemp(t->root));
    store_config_init(&t->config);
    t->config.store_path_root_dir = bytes_of(t->root);
    t->config.mapped_file_size_commit_log = 64 * 1024;
    t->config.mapped_file_size_consume_queue = 20 * 100;
    t->config.max_hash_slot_num = 100;
    t->config.max_index_num = 1000;
    t->config.prealloc_ahead_bytes = 64 * 1024;
    t->config.prealloc_step_bytes = 64 * 1024;
    t->config.flush_interval_commit_log_ms = 20;
}

static inline void testing_init(struct testing *t) {
    testing_init_in(t, "/tmp");
}

static inline void testing_open(struct testing *t) {
    assert_ok(store_open(&t->config, NULL, &t->store));
}

static inline void testing_close(struct testing *t) {
    store_close(t->store);
    t->store = NULL;
}

static inline void testing_reopen(struct testing *t) {
    testing_close(t);
    testing_open(t);
}

/* The next open takes the last stop for a crash. Not through os/file.h, whose calls tests count. */
static inline void testing_pretend_crash(struct testing *t) {
    char path[128];
    snprintf(path, sizeof path, "%s/abort", t->root);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fclose(file);
}

static inline void testing_done(struct testing *t) {
    if (t->store) testing_close(t);
    assert_ok(file_remove_tree(t->root));
}

/* An encoded message; returns its size. `out` has room for it. */
static inline uint32_t testing_record(struct bytes topic, int32_t queue_id, struct bytes body, struct bytes properties,
                                      int32_t sys_flag, char *out, size_t cap) {
    struct record record = {.queue_id = queue_id,
                            .sys_flag = sys_flag,
                            .born_time_ms = 1,
                            .born_host = {.ip = {127, 0, 0, 1}, .port = 1},
                            .store_host = {.ip = {127, 0, 0, 1}, .port = 10911},
                            .body = body,
                            .topic = topic,
                            .properties = properties};
    uint32_t size = record_size(&record);
    assert_true(size > 0 && size <= cap);
    record_encode(&record, out);
    return size;
}

static inline enum err testing_try_send(struct testing *t, const char *topic, int32_t queue_id, struct bytes body,
                                        const char *properties, struct put *out) {
    char *data = malloc(body.len + 1024);
    struct put put = {.queue = store_queue(t->store, bytes_of(topic), queue_id, true), .record = data};
    put.size_bytes = testing_record(bytes_of(topic), queue_id, body, bytes_of(properties), 0, data, body.len + 1024);
    int64_t end_phys;
    enum err err = store_append(t->store, &put, 1, &end_phys);
    if (err == ERR_OK && store_is_sync_flush(t->store)) err = store_wait_flushed(t->store, end_phys, 5000);
    put.record = NULL;
    if (out) *out = put;
    free(data);
    return err;
}

static inline struct put testing_send(struct testing *t, const char *topic, int32_t queue_id, const char *body) {
    struct put put;
    assert_ok(testing_try_send(t, topic, queue_id, bytes_of(body), "", &put));
    return put;
}

/* Until all of the queue's messages can be read. */
static inline void testing_settle(struct testing *t, struct queue *queue) {
    for (int i = 0; i < 5000 && queue_max(queue) < queue_next(queue); i++) clock_sleep_ms(1);
    assert_int_equal(queue_max(queue), queue_next(queue));
    struct store_facts facts;
    for (int i = 0; i < 5000; i++) {
        store_facts(t->store, &facts);
        if (facts.dispatched_phys == facts.max_phys) return;
        clock_sleep_ms(1);
    }
    assert_true(false);
}

/* Body of the message at that offset, in the arena. */
static inline struct bytes testing_body(struct testing *t, struct arena *arena, struct queue *queue, int64_t offset) {
    struct get get = {.queue = queue, .offset_queue = offset, .max_count = 1, .may_wait = true};
    store_get(t->store, arena, &get);
    assert_int_equal(get.status, GET_FOUND);
    assert_int_equal(get.count, 1);
    struct record record;
    assert_ok(record_decode(get.slices[0].bytes, RECORD_CHECK_BODY_CRC, &record));
    assert_int_equal(record.offset_queue, offset);
    struct bytes body = arena_copy(arena, record.body);
    store_release(get.slices[0].hold);
    return body;
}

#endif
