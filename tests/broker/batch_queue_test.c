/* Topics with queue.type=BatchCQ: a batch is stored as one record, which takes as many queue offsets as it has
 * messages; messages that come alone lie between. */
#include <stdio.h>
#include "base/test.h"
#include "broker/tables/topics.h"
#include "message/batch.h"
#include "message/properties.h"
#include "os/clock.h"
#include "os/file.h"
#include "support/broker_box.h"

#define TOPIC "Batches"

static struct broker_box box;
static struct peer peer;

static void make_topic(const char *name) {
    struct attribute_changes attributes;
    assert_ok(attribute_changes_parse(BYTES("+queue.type=BatchCQ"), &attributes));
    struct topic_change change = {.name = bytes_of(name),
                                  .read_queues = 1,
                                  .write_queues = 1,
                                  .perm = PERM_READ | PERM_WRITE,
                                  .attributes = &attributes};
    assert_ok(topics_update(box.broker.topics, &change));
}

static int start(void **state) {
    (void)state;
    broker_box_init(&box);
    broker_box_start(&box);
    make_topic(TOPIC);
    peer_open(&peer, box.broker.port);
    return 0;
}

static int stop(void **state) {
    (void)state;
    peer_close(&peer);
    broker_box_close(&box);
    return 0;
}

static struct queue *the_queue(void) {
    return store_queue(box.broker.store, BYTES(TOPIC), 0, false);
}

static void wait_for_max(int64_t max) {
    for (int i = 0; i < 5000 && (!the_queue() || queue_max(the_queue()) < max); i++) clock_sleep_ms(1);
    assert_int_equal(queue_max(the_queue()), max);
}

static void make_body(int count, struct buf *out) {
    for (int i = 0; i < count; i++) {
        char text[32];
        snprintf(text, sizeof text, "body %d", i);
        batch_append(out, &(struct batch_item){i, bytes_of(text), BYTES("TAGS\001t\002")});
    }
}

/* Sends a batch of `count`; `id` NULL: it has none. */
static struct hdr_send_result send_batch_to(const char *topic, int count, const char *id, int32_t code) {
    char properties[64];
    struct buf body = {0};
    struct command answer;
    struct hdr_send_result result = {0};
    snprintf(properties, sizeof properties, "%s%s%sWAIT\001true\002", id ? "UNIQ_KEY\001" : "", id ? id : "",
             id ? "\002" : "");
    struct hdr_send_message_v2 header = send_header(topic, properties);
    header.batch = true;
    make_body(count, &body);
    peer_call(&peer, REQUEST_SEND_BATCH_MESSAGE, layout_send_message_v2(), &header, buf_bytes(&body), &answer);
    assert_int_equal(answer.code, code);
    if (code == RESPONSE_SUCCESS) assert_ok(header_decode(layout_send_result(), &answer, &result));
    buf_close(&body);
    return result;
}

static struct hdr_send_result send_batch(int count, const char *id, int32_t code) {
    return send_batch_to(TOPIC, count, id, code);
}

/* The records from `offset` on for the group's tags, with which the client then begins again. */
static size_t pull(int64_t offset, int32_t max, const char *tags, struct record *out, int64_t *next) {
    struct hdr_pull_message header = pull_header("G", TOPIC, 0, offset);
    struct hdr_pull_result result;
    struct command answer;
    header.max_msg_nums = max;
    header.subscription = bytes_of(tags);
    peer_call(&peer, REQUEST_PULL_MESSAGE, layout_pull_message(), &header, BYTES(""), &answer);
    assert_int_equal(answer.code, RESPONSE_SUCCESS);
    assert_ok(header_decode(layout_pull_result(), &answer, &result));
    *next = result.next_begin_offset;
    return pull_records(answer.body, out, 8);
}

static void assert_batch(const struct record *record, int count, int64_t base) {
    struct buf body = {0};
    char text[24];
    make_body(count, &body);
    assert_true(bytes_equal(record->body, buf_bytes(&body)));
    assert_int_equal(record->sys_flag & (SYS_FLAG_INNER_BATCH | SYS_FLAG_NEED_UNWRAP),
                     SYS_FLAG_INNER_BATCH | SYS_FLAG_NEED_UNWRAP);
    assert_int_equal(record->offset_queue, base);
    snprintf(text, sizeof text, "%d", (int)base);
    assert_bytes(properties_get(record->properties, PROPERTY_INNER_BASE), text);
    snprintf(text, sizeof text, "%d", count);
    assert_bytes(properties_get(record->properties, PROPERTY_INNER_NUM), text);
    buf_close(&body);
}

/* 0-2 a batch, 3 alone, 4-15 a batch, 16 and 17 a batch without an id: as messages in a row. */
static void batches_and_messages_lie_in_a_row(void **state) {
    (void)state;
    struct record records[8];
    struct store_facts before, after;
    int64_t next;
    store_facts(box.broker.store, &before);
    struct hdr_send_result result = send_batch(3, "B1", RESPONSE_SUCCESS);
    assert_int_equal(result.queue_offset, 0);
    assert_bytes(result.batch_uniq_id, "B1");
    assert_false(memchr(result.msg_id.data, ',', result.msg_id.len));
    assert_int_equal(peer_send_message(&peer, TOPIC, NULL, "alone", RESPONSE_SUCCESS).queue_offset, 3);
    assert_int_equal(send_batch(12, "B2", RESPONSE_SUCCESS).queue_offset, 4);
    result = send_batch(2, NULL, RESPONSE_SUCCESS);
    assert_int_equal(result.queue_offset, 16);
    assert_false(result.has.batch_uniq_id);
    assert_non_null(memchr(result.msg_id.data, ',', result.msg_id.len));
    wait_for_max(18);
    store_facts(box.broker.store, &after);
    assert_int_equal(after.put_count - before.put_count, 18);

    assert_int_equal(pull(0, 32, "*", records, &next), 5);
    assert_int_equal(next, 18);
    assert_batch(&records[0], 3, 0);
    assert_bytes(records[1].body, "alone");
    assert_batch(&records[2], 12, 4);
    assert_int_equal(records[3].offset_queue, 16);
    assert_bytes(records[4].body, "body 1");
}

/* Who asks for a message in the middle of a batch gets the batch; one batch at least, whatever he asks for. */
static void pulls_get_whole_batches(void **state) {
    (void)state;
    struct record records[8];
    int64_t next;
    for (int64_t offset = 4; offset < 16; offset++) {
        assert_int_equal(pull(offset, 1, "*", records, &next), 1);
        assert_batch(&records[0], 12, 4);
        assert_int_equal(next, 16);
    }
    assert_int_equal(pull(1, 15, "*", records, &next), 2); /* there is no room for all 12 of the next batch */
    assert_int_equal(next, 4);
    assert_int_equal(pull(1, 16, "*", records, &next), 3);
    assert_int_equal(next, 16);
}

/* The tags are those of the messages inside: consumers look at them. */
static void batches_are_for_all_tags(void **state) {
    (void)state;
    struct record records[8];
    int64_t next;
    assert_int_equal(pull(3, 32, "u || v", records, &next), 1); /* neither the one alone, nor those of the last */
    assert_batch(&records[0], 12, 4);
    assert_int_equal(next, 18);
    assert_int_equal(pull(3, 32, "u || t", records, &next), 3);
}

static int32_t made_batch(const char *topic, const char *properties, int32_t sys_flag) {
    struct hdr_send_message_v2 header = send_header(topic, properties);
    struct command answer;
    header.sys_flag = sys_flag;
    peer_call(&peer, REQUEST_SEND_MESSAGE_V2, layout_send_message_v2(), &header, BYTES("any"), &answer);
    return answer.code;
}

static void what_is_no_batch_is_refused(void **state) {
    (void)state;
    int64_t end = queue_next(the_queue());
    (void)send_batch(0, "B3", RESPONSE_MESSAGE_ILLEGAL);
    assert_int_equal(made_batch(TOPIC, "INNER_NUM\0012\002", 0), RESPONSE_MESSAGE_ILLEGAL);
    assert_int_equal(made_batch("Simple", "INNER_NUM\0012\002", SYS_FLAG_INNER_BATCH), RESPONSE_MESSAGE_ILLEGAL);
    assert_int_equal(made_batch(TOPIC, "INNER_NUM\001x\002", SYS_FLAG_INNER_BATCH), RESPONSE_MESSAGE_ILLEGAL);
    assert_int_equal(made_batch(TOPIC, "INNER_NUM\0010\002", SYS_FLAG_INNER_BATCH), RESPONSE_MESSAGE_ILLEGAL);
    assert_int_equal(made_batch(TOPIC, "INNER_NUM\00132768\002", SYS_FLAG_INNER_BATCH), RESPONSE_MESSAGE_ILLEGAL);
    assert_int_equal(made_batch(TOPIC, "INNER_NUM\0012\002DELAY\0011\002", SYS_FLAG_INNER_BATCH),
                     RESPONSE_MESSAGE_ILLEGAL);
    assert_int_equal(queue_next(the_queue()), end);
    assert_int_equal(made_batch(TOPIC, "INNER_NUM\0015\002", SYS_FLAG_INNER_BATCH), RESPONSE_SUCCESS);
    assert_int_equal(queue_next(the_queue()), end + 5);
    wait_for_max(end + 5);
}

/* The consumer sends the one message that it could not handle to the retry topic itself then. */
static void a_batch_is_not_sent_back(void **state) {
    (void)state;
    struct record records[8];
    int64_t next;
    struct command answer;
    assert_int_equal(pull(4, 1, "*", records, &next), 1);
    struct hdr_consumer_send_msg_back header = {
        .present = HEADER_ALL, .offset = records[0].offset_phys, .group = BYTES("G"), .max_reconsume_times = 16};
    peer_call(&peer, REQUEST_CONSUMER_SEND_MSG_BACK, layout_consumer_send_msg_back(), &header, BYTES(""), &answer);
    assert_int_equal(answer.code, RESPONSE_SYSTEM_ERROR);
    assert_true(bytes_starts_with(answer.remark, BYTES("MESSAGE_ILLEGAL")));
}

/* A simple queue was there before the topic got its type: it stays one, and batches become messages in a row. */
static void what_the_queue_is_counts(void **state) {
    (void)state;
    assert_int_equal(queue_kind(store_queue(box.broker.store, BYTES("Left"), 0, true)), QUEUE_SIMPLE);
    make_topic("Left");
    assert_non_null(memchr(send_batch_to("Left", 3, "L1", RESPONSE_SUCCESS).msg_id.data, ',', 40));
    assert_int_equal(made_batch("Left", "INNER_NUM\0012\002", SYS_FLAG_INNER_BATCH), RESPONSE_MESSAGE_ILLEGAL);
    assert_int_equal(queue_next(store_queue(box.broker.store, BYTES("Left"), 0, false)), 3);
}

static void its_files_are_found_again(void **state) {
    (void)state;
    char path[128];
    struct record records[8];
    int64_t next, max = queue_max(the_queue());
    peer_close(&peer);
    for (int round = 0; round < 2; round++) {
        broker_box_stop(&box);
        snprintf(path, sizeof path, "%s/batchconsumequeue", box.root);
        assert_true(file_exists(path));
        if (round == 1) assert_ok(file_remove_tree(path)); /* made again from the log */
        broker_box_start(&box);
        assert_int_equal(queue_max(the_queue()), max);
        assert_int_equal(queue_next(the_queue()), max);
        assert_int_equal(queue_kind(the_queue()), QUEUE_BATCH);
    }
    peer_open(&peer, box.broker.port);
    assert_int_equal(pull(7, 32, "*", records, &next), 4);
    assert_batch(&records[0], 12, 4);
    assert_int_equal(send_batch(2, "B4", RESPONSE_SUCCESS).queue_offset, max);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(batches_and_messages_lie_in_a_row), cmocka_unit_test(pulls_get_whole_batches),
        cmocka_unit_test(batches_are_for_all_tags),          cmocka_unit_test(what_is_no_batch_is_refused),
        cmocka_unit_test(a_batch_is_not_sent_back),          cmocka_unit_test(what_the_queue_is_counts),
        cmocka_unit_test(its_files_are_found_again),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
