/* message_ext_test.c - messages to send and messages received: properties, bodies of all compressions, damage. */
#include "client/message_ext.h"

#include <lz4frame.h>
#include <stdio.h>
#include <stdlib.h>
#include <zstd.h>
#include "base/log.h"
#include "base/test.h"
#include "client/message.h"
#include "message/batch.h"
#include "message/compress.h"
#include "message/properties.h"

static void append(struct buf *out, const char *topic, struct bytes body, int32_t sys_flag, struct bytes properties) {
    struct record record = {.sys_flag = sys_flag, .body = body, .topic = bytes_of(topic), .properties = properties};
    uint32_t size = record_size(&record);
    record_encode(&record, buf_reserve(out, size));
    out->len += size;
}

static const char text[] =
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab";

static void assert_body(const struct rmq_message_ext *message, const char *expected) {
    size_t size;
    assert_string_equal(rmq_message_ext_body(message, &size), expected);
    assert_int_equal(size, strlen(expected));
}

static void every_compression_is_read(void **state) {
    (void)state;
    struct buf all = {0}, zlib = {0};
    char packed[512];
    int32_t flag = 0;
    append(&all, "T", BYTES("plain"), 0, (struct bytes){"", 0});
    assert_ok(body_compress_zlib(bytes_of(text), 5, &zlib, &flag));
    append(&all, "T", buf_bytes(&zlib), flag, (struct bytes){"", 0});
    append(&all, "T", buf_bytes(&zlib), SYS_FLAG_COMPRESSED, (struct bytes){"", 0}); /* 4.2.0 names no type */
    size_t len = LZ4F_compressFrame(packed, sizeof packed, text, strlen(text), NULL);
    append(&all, "T", bytes_make(packed, len), SYS_FLAG_COMPRESSED | SYS_FLAG_LZ4, (struct bytes){"", 0});
    len = ZSTD_compress(packed, sizeof packed, text, strlen(text), 3);
    append(&all, "T", bytes_make(packed, len), SYS_FLAG_COMPRESSED | SYS_FLAG_ZSTD, (struct bytes){"", 0});
    append(&all, "T", BYTES("garbage"), SYS_FLAG_COMPRESSED, (struct bytes){"", 0}); /* is left out */
    append(&all, "T", BYTES("last"), 0, (struct bytes){"", 0});

    struct message_block *block = message_block_create(buf_bytes(&all), BYTES("b"), NULL, (struct bytes){0});
    assert_int_equal(block->count, 6);
    assert_body(&block->messages[0], "plain");
    for (size_t i = 1; i < 5; i++) assert_body(&block->messages[i], text);
    assert_body(&block->messages[5], "last");
    message_block_release(block);
    buf_close(&all);
    buf_close(&zlib);
}

static const char *const inner[] = {"first", "", "third"};

static struct bytes batch_body(struct buf *out) {
    for (size_t i = 0; i < ARRAY_LEN(inner); i++) {
        char properties[64];
        snprintf(properties, sizeof properties, "TAGS\1%s\2UNIQ_KEY\1ID%zu", i == 1 ? "B" : "A", i);
        batch_append(out, &(struct batch_item){(int32_t)i, bytes_of(inner[i]), bytes_of(properties)});
    }
    return buf_bytes(out);
}

/* A record that holds a batch is handed out as the messages that are in it; one that is marked so and holds something
 * else, as it is. */
static void batches_are_unwrapped(void **state) {
    (void)state;
    struct buf all = {0}, body = {0};
    int32_t flag = SYS_FLAG_INNER_BATCH | SYS_FLAG_NEED_UNWRAP;
    append(&all, "T", BYTES("before"), 0, (struct bytes){"", 0});
    append(&all, "T", batch_body(&body), flag, BYTES("INNER_NUM\0013\2"));
    append(&all, "T", BYTES("no batch"), flag, (struct bytes){"", 0});
    struct message_block *block = message_block_create(buf_bytes(&all), BYTES("b"), NULL, (struct bytes){0});
    assert_int_equal(block->count, 5);
    assert_body(&block->messages[0], "before");
    for (int i = 0; i < 3; i++) {
        const struct rmq_message_ext *message = &block->messages[1 + i];
        char id[8];
        snprintf(id, sizeof id, "ID%d", i);
        assert_body(message, inner[i]);
        assert_string_equal(rmq_message_ext_topic(message), "T");
        assert_string_equal(rmq_message_ext_msg_id(message), id);
        assert_string_equal(rmq_message_ext_tag(message), i == 1 ? "B" : "A");
        assert_int_equal(message->record.flag, i);
        assert_int_equal(message->record.offset_queue, i);
        assert_null(rmq_message_ext_property(message, "INNER_NUM"));
    }
    assert_body(&block->messages[4], "no batch");
    message_block_release(block);

    struct bytes tag = BYTES("B");
    struct subscription subscription = {.tags = &tag, .tag_count = 1};
    block = message_block_create(buf_bytes(&all), BYTES("b"), &subscription, (struct bytes){0});
    assert_int_equal(block->count, 1);
    assert_string_equal(rmq_message_ext_msg_id(&block->messages[0]), "ID1");
    message_block_release(block);
    buf_close(&all);
    buf_close(&body);
}

/* The end of a message's last text is written over the first byte of what follows: that must not make a record of it
 * which was none. */
static void what_was_no_record_becomes_none(void **state) {
    (void)state;
    struct buf all = {0}, body = {0};
    append(&all, "T", BYTES("first"), 0, BYTES("a\0011"));
    size_t second = all.len;
    append(&all, "T", batch_body(&body), SYS_FLAG_INNER_BATCH | SYS_FLAG_NEED_UNWRAP, BYTES("b\0012"));
    all.data[second] = 1;
    struct message_block *block = message_block_create(buf_bytes(&all), BYTES("b"), NULL, (struct bytes){0});
    assert_int_equal(block->count, 1);
    assert_body(&block->messages[0], "first");
    message_block_release(block);
    buf_close(&all);
    buf_close(&body);
}

static void properties_are_told_and_walked(void **state) {
    (void)state;
    struct buf all = {0};
    append(&all, "T", BYTES("1"), 0,
           BYTES("KEYS\x01k1 k2\x02"
                 "a\x01"
                 "1\x02"
                 "bad\x02"
                 "a\x01"
                 "2\x02"
                 "e\x01\x02"
                 "UNIQ_KEY\x01ID"));
    append(&all, "T", BYTES("2"), 0, (struct bytes){"", 0});
    struct message_block *block = message_block_create(buf_bytes(&all), BYTES("b"), NULL, (struct bytes){0});
    assert_int_equal(block->count, 2);
    const struct rmq_message_ext *message = &block->messages[0];
    assert_string_equal(rmq_message_ext_keys(message), "k1 k2");
    assert_string_equal(rmq_message_ext_property(message, "a"), "2"); /* the last of equal names */
    assert_null(rmq_message_ext_property(message, "bad"));
    assert_null(rmq_message_ext_property(message, "e"));
    assert_null(rmq_message_ext_tag(message));
    assert_string_equal(rmq_message_ext_msg_id(message), "ID");
    const char *name, *value;
    size_t count = 0;
    for (size_t at = 0; (at = rmq_message_ext_next_property(message, at, &name, &value)) != 0;) count++;
    assert_int_equal(count, 4);
    message = &block->messages[1];
    assert_int_equal(rmq_message_ext_next_property(message, 0, &name, &value), 0);
    assert_string_equal(rmq_message_ext_msg_id(message), rmq_message_ext_offset_msg_id(message));
    message_block_release(block);
    buf_close(&all);
}

static void tags_are_compared_as_texts(void **state) {
    (void)state;
    struct buf all = {0};
    append(&all, "T", BYTES("1"), 0,
           BYTES("TAGS\x01"
                 "AaAa\x02"));
    append(&all, "T", BYTES("2"), 0,
           BYTES("TAGS\x01"
                 "BBBB\x02")); /* the same hash, so that brokers cannot tell */
    append(&all, "T", BYTES("3"), 0, (struct bytes){"", 0});
    const struct bytes tag = BYTES("AaAa");
    const struct subscription subscription = {.tags = &tag, .tag_count = 1};
    struct message_block *block = message_block_create(buf_bytes(&all), BYTES("b"), &subscription, (struct bytes){0});
    assert_int_equal(block->count, 1);
    assert_body(&block->messages[0], "1");
    message_block_release(block);
    buf_close(&all);
}

static void damage_ends_the_list(void **state) {
    (void)state;
    struct buf all = {0};
    append(&all, "T", BYTES("1"), 0, (struct bytes){"", 0});
    size_t whole = all.len;
    append(&all, "T", BYTES("2"), 0, (struct bytes){"", 0});
    for (size_t len = whole; len < all.len; len++) {
        struct message_block *block =
            message_block_create(bytes_make(all.data, len), BYTES("b"), NULL, (struct bytes){0});
        assert_int_equal(block->count, 1);
        message_block_release(block);
    }
    all.data[whole + RECORD_AT_MAGIC] = 0;
    struct message_block *block = message_block_create(buf_bytes(&all), BYTES("b"), NULL, (struct bytes){0});
    assert_int_equal(block->count, 1);
    message_block_release(block);
    buf_close(&all);
}

static void messages_to_send_keep_one_value_a_name(void **state) {
    (void)state;
    assert_null(rmq_message_create(NULL, NULL, NULL, NULL, 0));
    rmq_message_t *message = rmq_message_create("T", "A", "k", "body", 4);
    struct bytes properties = buf_bytes(&message->properties);
    assert_bytes(properties_get(properties, PROPERTY_TAGS), "A");
    assert_bytes(properties_get(properties, PROPERTY_WAIT), "true");
    assert_int_equal(rmq_message_set_tag(message, "B"), RMQ_OK);
    assert_int_equal(rmq_message_set_keys(message, NULL), RMQ_OK);
    assert_int_equal(rmq_message_set_delay_level(message, 3), RMQ_OK);
    assert_int_equal(rmq_message_set_delay_level(message, -1), RMQ_INVALID_ARGUMENT);
    assert_int_equal(rmq_message_set_property(message, "", "x"), RMQ_INVALID_ARGUMENT);
    rmq_message_set_wait_store(message, false);
    properties = buf_bytes(&message->properties);
    assert_bytes(properties_get(properties, PROPERTY_TAGS), "B");
    assert_bytes(properties_get(properties, PROPERTY_WAIT), "false");
    assert_bytes(properties_get(properties, PROPERTY_DELAY), "3");
    assert_null(properties_get(properties, PROPERTY_KEYS).data);
    assert_int_equal(rmq_message_set_delay_level(message, 0), RMQ_OK);
    assert_null(properties_get(buf_bytes(&message->properties), PROPERTY_DELAY).data);
    rmq_message_destroy(message);
}

static int be_quiet(void **state) {
    (void)state;
    log_set_level(LOG_ERROR + 1);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_compression_is_read),
        cmocka_unit_test(batches_are_unwrapped),
        cmocka_unit_test(what_was_no_record_becomes_none),
        cmocka_unit_test(properties_are_told_and_walked),
        cmocka_unit_test(tags_are_compared_as_texts),
        cmocka_unit_test(damage_ends_the_list),
        cmocka_unit_test(messages_to_send_keep_one_value_a_name),
    };
    return cmocka_run_group_tests(tests, be_quiet, NULL);
}
