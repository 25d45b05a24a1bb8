/* Stores of Java brokers 5.3.3 and 4.2.0, stopped and killed: our store must show every message that they had. */
#include <stdio.h>
#include <stdlib.h>
#include "base/test.h"
#include "message/properties.h"
#include "os/file.h"
#include "support/golden_store.h"

/* PREPARED and ROLLBACK records have no entry. */
static bool has_entry(const struct json *message) {
    int64_t kind = json_i64(json_get(message, "sysFlag"), 0) & SYS_FLAG_TRANSACTION_MASK;
    return kind != SYS_FLAG_PREPARED && kind != SYS_FLAG_ROLLBACK;
}

/* Messages in it: what Java's consumer makes of a batch. */
static int64_t messages_in(const struct json *message) {
    const struct json *inner = json_get(message, "javaInnerMessages");
    return inner ? (int64_t)inner->count : 1;
}

static struct queue *queue_of(struct store *store, const struct json *node) {
    return store_queue(store, json_text(json_get(node, "topic")), (int32_t)json_i64(json_get(node, "queueId"), -1),
                       false);
}

#define EXPECT_INT(actual, message, member)                                                                            \
    assert_int_equal((int64_t)(actual), json_i64(json_get((message), (member)), INT64_MIN))
#define EXPECT_TEXT(actual, message, member)                                                                           \
    assert_true(bytes_equal((actual), json_text(json_get((message), (member)))))

static void expect_host(const struct host *host, const struct json *message, const char *member) {
    char text[64];
    assert_true(bytes_is(json_text(json_get(message, member)), host_text(host, text)));
}

static void expect_properties(struct bytes text, const struct json *expected) {
    for (const struct json *p = json_first(expected); p; p = p->next)
        assert_true(bytes_equal(properties_get(text, p->key), json_text(p)));
    struct bytes name, value;
    while (properties_next(&text, &name, &value)) {
        char key[256];
        snprintf(key, sizeof key, "%.*s", BYTES_ARG(name));
        assert_non_null(json_get(expected, key));
    }
}

static void expect_record(struct bytes bytes, const struct json *message) {
    struct record record;
    assert_int_equal(record_decode(bytes, RECORD_CHECK_BODY_CRC, &record), ERR_OK);
    EXPECT_INT(record.size_bytes, message, "size");
    assert_int_equal(record.size_bytes, bytes.len);
    EXPECT_INT(record.queue_id, message, "queueId");
    EXPECT_INT(record.offset_queue, message, "queueOffset");
    EXPECT_INT(record.offset_phys, message, "physOffset");
    EXPECT_INT(record.sys_flag, message, "sysFlag");
    EXPECT_INT(record.flag, message, "flag");
    EXPECT_INT(record.body_crc, message, "bodyCrc");
    EXPECT_INT(record.born_time_ms, message, "bornTimestamp");
    EXPECT_INT(record.store_time_ms, message, "storeTimestamp");
    EXPECT_INT(record.reconsume_times, message, "reconsumeTimes");
    EXPECT_INT(record.prepared_offset, message, "preparedTransactionOffset");
    EXPECT_TEXT(record.topic, message, "topic");
    bool compressed = json_get(message, "bodyLenOnDisk") != NULL;
    EXPECT_INT(record.body.len, message, compressed ? "bodyLenOnDisk" : "bodyLen");
    expect_host(&record.born_host, message, "bornHost");
    expect_host(&record.store_host, message, "storeHost");
    expect_properties(record.properties, json_get(message, "properties"));
}

static void expect_at_phys(struct store *store, const struct json *message) {
    struct store_slice slice;
    int64_t offset_phys = json_i64(json_get(message, "physOffset"), -1);
    assert_int_equal(store_record_at(store, offset_phys, &slice), ERR_OK);
    expect_record(slice.bytes, message);
    store_release(slice.hold);
    assert_int_equal(store_record_at(store, offset_phys + 1, &slice), ERR_NOT_FOUND);
}

/* @source shared facts: store 3.1 */
static bool is_extension_address(int64_t tags_code) {
    return tags_code < INT32_MIN;
}

static void expect_in_queue(struct store *store, const struct json *where, const struct json *message) {
    struct queue *queue = queue_of(store, where);
    assert_non_null(queue);
    int64_t offset_queue = json_i64(json_get(where, "queueOffset"), -1);
    struct queue_entry entry;
    assert_int_equal(queue_entry_at(store, queue, offset_queue, &entry), ERR_OK);
    EXPECT_INT(entry.offset_phys, message, "physOffset");
    EXPECT_INT(entry.size_bytes, message, "size");
    /* The manifest has it for one of the queues a message is in; an address of the extension file for another. */
    if (json_bool(json_get(message, "inConsumeQueue"), false) && !is_extension_address(entry.tags_code))
        EXPECT_INT(entry.tags_code, message, "tagsCode");

    assert_int_equal(entry.offset_queue, offset_queue);
    assert_int_equal(entry.count, messages_in(message));
    for (int32_t i = 0; i < entry.count; i++) {
        struct arena arena = {0};
        struct get get = {.queue = queue, .offset_queue = offset_queue + i, .max_count = 1, .may_wait = true};
        store_get(store, &arena, &get);
        assert_int_equal(get.status, GET_FOUND);
        assert_int_equal(get.count, entry.count);
        assert_int_equal(get.slice_count, 1);
        assert_int_equal(get.next_offset, offset_queue + entry.count);
        EXPECT_INT(get.total_bytes, message, "size");
        expect_record(get.slices[0].bytes, message);
        store_release(get.slices[0].hold);
        arena_close(&arena);
    }
}

static void expect_messages(struct store *store, const struct json *manifest) {
    const struct json *messages = json_get(manifest, "messages");
    assert_true(messages->count > 0);
    for (const struct json *message = json_first(messages); message; message = message->next) {
        expect_at_phys(store, message);
        if (has_entry(message)) expect_in_queue(store, message, message);
        for (const struct json *also = json_first(json_get(message, "alsoIn")); also; also = also->next)
            expect_in_queue(store, also, message);
    }
}

static void expect_queues(struct store *store, const struct json *manifest) {
    for (const struct json *node = json_first(json_get(manifest, "queues")); node; node = node->next) {
        struct queue *queue = queue_of(store, node);
        int64_t java_max = json_i64(json_get(node, "javaMax"), -1);
        assert_non_null(queue);
        EXPECT_INT(queue_min(queue), node, "javaMin");
        assert_int_equal(queue_max(queue), java_max);
        assert_int_equal(queue_next(queue), java_max);
        struct queue_entry entry;
        assert_int_equal(queue_entry_at(store, queue, java_max, &entry), ERR_NOT_FOUND);
        assert_int_equal(queue_entry_at(store, queue, -1, &entry), ERR_NOT_FOUND);
    }
}

/* "topic#key" -> offsets, newest first, as they were on disk: an index that was behind has got more since. */
static void expect_lookups(struct store *store, const struct json *manifest) {
    const struct json *lookups = json_get(manifest, "indexLookups");
    assert_true(lookups->count > 0);
    bool behind =
        json_i64(json_get(manifest, "indexEntriesOnDisk"), 0) < json_i64(json_get(manifest, "indexEntriesExpected"), 0);
    for (const struct json *lookup = json_first(lookups); lookup; lookup = lookup->next) {
        struct bytes key = json_text(json_get(lookup, "key")), topic;
        assert_true(bytes_split(&key, '#', &topic));
        const struct json *expected = json_get(lookup, "physOffsets");
        struct arena arena = {0};
        int64_t *offsets, last_time_ms, last_phys;
        size_t count;
        assert_int_equal(
            store_find_key(store, topic, key, 1000, 0, INT64_MAX, &arena, &offsets, &count, &last_time_ms, &last_phys),
            ERR_OK);
        if (behind)
            assert_true(count >= expected->count);
        else
            assert_int_equal(count, expected->count);
        size_t i = count - expected->count;
        for (const struct json *n = json_first(expected); n; n = n->next)
            assert_int_equal(offsets[i++], json_i64(n, -1));
        arena_close(&arena);
    }
}

/* Every record is found by its unique key and by each of its keys. */
static void expect_all_keys(struct store *store, const struct json *manifest) {
    for (const struct json *message = json_first(json_get(manifest, "messages")); message; message = message->next) {
        if ((json_i64(json_get(message, "sysFlag"), 0) & SYS_FLAG_TRANSACTION_MASK) == SYS_FLAG_ROLLBACK) continue;
        struct bytes keys[] = {json_text(json_get(message, "uniqKey")), json_text(json_get(message, "keys"))};
        for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
            struct bytes key, rest = keys[i];
            while (bytes_split(&rest, ' ', &key)) {
                if (!key.len) continue;
                struct arena arena = {0};
                int64_t *offsets, last_time_ms, last_phys, store_time_ms;
                store_time_ms = json_i64(json_get(message, "storeTimestamp"), 0);
                size_t count, found = 0;
                assert_int_equal(store_find_key(store, json_text(json_get(message, "topic")), key, 1000, store_time_ms,
                                                store_time_ms, &arena, &offsets, &count, &last_time_ms, &last_phys),
                                 ERR_OK);
                for (size_t n = 0; n < count; n++) found += offsets[n] == json_i64(json_get(message, "physOffset"), -1);
                assert_int_equal(found, 1);
                arena_close(&arena);
            }
        }
    }
}

static void expect_log(struct store *store, const struct json *manifest) {
    const struct json *log = json_get(manifest, "commitLog");
    struct store_facts facts;
    store_facts(store, &facts);
    EXPECT_INT(facts.max_phys, log, "maxOffset");
    EXPECT_INT(facts.min_phys, log, "minOffset");
    EXPECT_INT(facts.dispatched_phys, log, "maxOffset");
    EXPECT_INT(facts.flushed_phys, log, "maxOffset");
    const struct json *after = json_get(manifest, "afterJavaRecovery");
    if (json_first(after)) EXPECT_INT(facts.max_phys, after, "recoveredEnd");
    const struct json *first = json_first(json_get(manifest, "messages"));
    EXPECT_INT(store_earliest_time(store), first, "storeTimestamp");
}

static void expect_all(struct store *store, const struct json *manifest) {
    expect_log(store, manifest);
    expect_queues(store, manifest);
    expect_messages(store, manifest);
    expect_lookups(store, manifest);
    expect_all_keys(store, manifest);
}

/* Opens, closes cleanly and opens again: nothing may change. */
static void shows_what_java_stored(void **state) {
    if (!golden_store_dir()) skip();
    struct golden_store golden;
    golden_store_unpack(&golden, *state);
    char abort_path[256];
    snprintf(abort_path, sizeof abort_path, "%s/abort", golden.root);
    for (int round = 0; round < 2; round++) {
        struct store *store = golden_store_open(&golden);
        assert_true(file_exists(abort_path));
        expect_all(store, golden.manifest);
        store_close(store);
        assert_false(file_exists(abort_path));
    }
    golden_store_close(&golden);
}

static int32_t messages_of(const struct queue *queue, struct bytes stored) {
    struct record record;
    int32_t count = 1;
    assert_ok(record_decode(stored, RECORD_CHECK_BODY_CRC, &record));
    bool says = bytes_to_i32(properties_get(record.properties, PROPERTY_INNER_NUM), &count);
    assert_int_equal(says, queue_kind(queue) == QUEUE_BATCH);
    return count;
}

/* The whole log through one queue after the other, in pulls of 32. */
static void pulls_whole_queues(void **state) {
    if (!golden_store_dir()) skip();
    struct golden_store golden;
    golden_store_unpack(&golden, *state);
    struct store *store = golden_store_open(&golden);
    for (const struct json *node = json_first(json_get(golden.manifest, "queues")); node; node = node->next) {
        struct queue *queue = queue_of(store, node);
        if (!queue) continue;
        int64_t offset_queue = queue_min(queue), phys = -1;
        while (offset_queue < queue_max(queue)) {
            struct arena arena = {0};
            struct get get = {.queue = queue, .offset_queue = offset_queue, .max_count = 32, .may_wait = true};
            store_get(store, &arena, &get);
            assert_int_equal(get.status, GET_FOUND);
            assert_int_equal(get.next_offset, offset_queue + get.count);
            int32_t count = 0;
            for (size_t i = 0; i < get.slice_count; i++) {
                struct bytes rest = get.slices[i].bytes;
                for (struct record record; rest.len; rest = bytes_skip(rest, record.size_bytes)) {
                    count += messages_of(queue, rest);
                    assert_int_equal(record_decode(rest, RECORD_CHECK_BODY_CRC, &record), ERR_OK);
                    assert_true(record.offset_phys > phys);
                    phys = record.offset_phys;
                }
                store_release(get.slices[i].hold);
            }
            assert_int_equal(count, get.count);
            offset_queue = get.next_offset;
            arena_close(&arena);
        }
        assert_int_equal(offset_queue, json_i64(json_get(node, "javaMax"), -1));
    }
    store_close(store);
    golden_store_close(&golden);
}

/* What the log says of batches makes the same bytes that the Java broker wrote. */
static void makes_queues_of_batches_again(void **state) {
    if (!golden_store_dir()) skip();
    struct golden_store golden;
    golden_store_unpack(&golden, *state);
    char folder[256], path[512], abort_path[256];
    struct buf before = {0}, after = {0};
    snprintf(folder, sizeof folder, "%s/batchconsumequeue", golden.root);
    snprintf(path, sizeof path, "%s/TopicBcq/0/00000000000000000000", folder);
    snprintf(abort_path, sizeof abort_path, "%s/abort", golden.root);
    assert_ok(file_read_all(path, 1 << 28, &before));
    golden.config.mapper_file_size_batch_consume_queue = (int32_t)before.len;
    assert_ok(file_remove_tree(folder));
    assert_ok(file_replace(abort_path, BYTES(""), false));
    store_close(golden_store_open(&golden));
    assert_ok(file_read_all(path, 1 << 28, &after));
    assert_true(bytes_equal(buf_bytes(&after), buf_bytes(&before)));
    buf_close(&before);
    buf_close(&after);
    golden_store_close(&golden);
}

int main(void) {
    struct CMUnitTest tests[2 * 16 + 1];
    size_t count = 0;
    for (size_t i = 0; i < golden_store_count; i++) {
        void *name = (void *)(uintptr_t)golden_store_names[i];
        tests[count++] = (struct CMUnitTest){golden_store_names[i], shows_what_java_stored, NULL, NULL, name};
        tests[count++] = (struct CMUnitTest){golden_store_names[i], pulls_whole_queues, NULL, NULL, name};
    }
    tests[count++] = (struct CMUnitTest){"v533-options: batches", makes_queues_of_batches_again, NULL, NULL,
                                         (void *)(uintptr_t) "v533-options"};
    return _cmocka_run_group_tests("golden stores", tests, count, NULL, NULL);
}
