/* What producers see: answers, refusals, what is stored; one connection and many; a disk that fails. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/test.h"
#include "message/batch.h"
#include "message/msgid.h"
#include "message/properties.h"
#include "os/clock.h"
#include "os/file.h"
#include "support/broker_box.h"

static struct broker_box box;

static int start(void **state) {
    (void)state;
    broker_box_init(&box);
    broker_box_start(&box);
    return 0;
}

static int stop(void **state) {
    (void)state;
    broker_box_close(&box);
    return 0;
}

/* The records of queue 0 from `offset` on. */
static size_t pull(struct peer *peer, const char *topic, int64_t offset, struct record *out, size_t max) {
    struct hdr_pull_message header = pull_header("G", topic, 0, offset);
    struct command answer;
    peer_call(peer, REQUEST_PULL_MESSAGE, layout_pull_message(), &header, BYTES(""), &answer);
    assert_int_equal(answer.code, RESPONSE_SUCCESS);
    return pull_records(answer.body, out, max);
}

static void assert_property(const struct record *record, const char *name, const char *value) {
    struct bytes got = properties_get(record->properties, bytes_of(name));
    if (value)
        assert_bytes(got, value);
    else
        assert_null(got.data);
}

/* Sends may overtake the queues by a moment. */
static void wait_for_queue(const char *topic, int64_t max) {
    for (int i = 0; i < 5000; i++, clock_sleep_ms(1)) {
        struct queue *queue = store_queue(box.broker.store, bytes_of(topic), 0, false);
        if (queue && queue_max(queue) >= max) return;
    }
    fail_msg("%s has no %d messages", topic, (int)max);
}

static void message_is_stored_as_the_java_broker_does(void **state) {
    (void)state;
    struct peer peer;
    struct record record;
    struct host host;
    int64_t offset_phys;
    peer_open(&peer, box.broker.port);
    struct hdr_send_result result = peer_send_message(
        &peer, "Stored", "TAGS\001A\002POP_CK\001x y\002UNIQ_KEY\001ID1\002MSG_REGION\001other\002KEYS\001k1 k2",
        "body 1", 0);
    assert_int_equal(result.queue_id, 0);
    assert_int_equal(result.queue_offset, 0);
    assert_bytes(result.transaction_id, "ID1");
    assert_bytes(result.msg_region, "DefaultRegion");
    assert_true(result.trace_on);
    assert_ok(msgid_offset_parse(result.msg_id, &host, &offset_phys));
    assert_int_equal(host.port, box.broker.port);

    wait_for_queue("Stored", 1);
    assert_int_equal(pull(&peer, "Stored", 0, &record, 1), 1);
    assert_int_equal(record.offset_phys, offset_phys);
    assert_bytes(record.body, "body 1");
    assert_bytes(record.topic, "Stored");
    assert_property(&record, "TAGS", "A");
    assert_property(&record, "KEYS", "k1 k2");
    assert_property(&record, "UNIQ_KEY", "ID1");
    assert_property(&record, "CLUSTER", "DefaultCluster");
    assert_property(&record, "MSG_REGION", "DefaultRegion");
    assert_property(&record, "TRACE_ON", "true");
    assert_property(&record, "POP_CK", NULL);
    peer_close(&peer);
}

static void message_without_id_gets_one(void **state) {
    (void)state;
    struct peer peer;
    struct record record;
    peer_open(&peer, box.broker.port);
    struct hdr_send_result result = peer_send_message(&peer, "NoId", NULL, "", 0);
    char id[64];
    snprintf(id, sizeof id, "%.*s", BYTES_ARG(result.transaction_id));
    assert_int_equal(strlen(id), 32);
    wait_for_queue("NoId", 1);
    assert_int_equal(pull(&peer, "NoId", 0, &record, 1), 1);
    assert_property(&record, "UNIQ_KEY", id);
    assert_int_equal(record.body.len, 0);
    peer_close(&peer);
}

/* --- refusals ----------------------------------------------------------------------------------------------- */
static void assert_refused(const struct hdr_send_message_v2 *header, struct bytes body, int32_t code,
                           const char *remark) {
    struct peer peer;
    struct command answer;
    peer_open(&peer, box.broker.port);
    peer_call(&peer, REQUEST_SEND_MESSAGE_V2, layout_send_message_v2(), header, body, &answer);
    assert_int_equal(answer.code, code);
    if (!bytes_starts_with(answer.remark, bytes_of(remark)))
        fail_msg("remark \"%.*s\" does not begin with \"%s\"", BYTES_ARG(answer.remark), remark);
    assert_bytes(command_ext(&answer, "MSG_REGION"), "DefaultRegion");
    peer_close(&peer);
}

static void refusals_have_code_and_remark(void **state) {
    (void)state;
    struct hdr_send_message_v2 header = send_header("bad topic", NULL);
    assert_refused(&header, BYTES("x"), RESPONSE_INVALID_PARAMETER, "The specified topic: bad topic, contains illegal");
    header = send_header("SCHEDULE_TOPIC_XXXX", NULL);
    assert_refused(&header, BYTES("x"), RESPONSE_NO_PERMISSION,
                   "Sending message to topic[SCHEDULE_TOPIC_XXXX] is forbidden.");
    header = send_header("Unknown", NULL);
    header.default_topic = BYTES("NoTemplate");
    assert_refused(
        &header, BYTES("x"), RESPONSE_TOPIC_NOT_EXIST,
        "topic[Unknown] not exist, apply first please!\nSee https://rocketmq.apache.org/docs/bestPractice/06FAQ "
        "for further details.\nCause: it cannot be made after NoTemplate, it does not exist.");
    header = send_header("Refusals", NULL);
    header.queue_id = 4;
    assert_refused(
        &header, BYTES("x"), RESPONSE_INVALID_PARAMETER,
        "request queueId[4] is illegal, TopicConfig [topicName=Refusals, readQueueNums=4, writeQueueNums=4, perm=RW-, "
        "topicFilterType=SINGLE_TAG, topicSysFlag=0, order=false, attributes={}] Producer: 127.0.0.1:");
    header = send_header("Refusals", "DELAY\001soon\002");
    assert_refused(&header, BYTES("x"), RESPONSE_SYSTEM_ERROR, "the property DELAY is no number: soon");
    header = send_header("Refusals", "TIMER_DELIVER_MS\001never\002");
    assert_refused(&header, BYTES("x"), RESPONSE_MESSAGE_ILLEGAL, "timer message illegal");
    header = send_header("Refusals", "INNER_NUM\0012\002");
    assert_refused(&header, BYTES("x"), RESPONSE_MESSAGE_ILLEGAL, "the message is illegal");
}

static void sizes_are_limited(void **state) {
    (void)state;
    struct hdr_send_message_v2 header = send_header("Sizes", NULL);
    size_t too_big = (size_t)box.broker.store_config.max_message_size + 1;
    char *body = calloc(1, too_big);
    assert_refused(&header, bytes_make(body, too_big), RESPONSE_MESSAGE_ILLEGAL, "the message is illegal");
    free(body);

    char *properties = malloc(RECORD_PROPERTIES_MAX + 1);
    memset(properties, 'p', RECORD_PROPERTIES_MAX);
    memcpy(properties, "K\001", 2);
    properties[RECORD_PROPERTIES_MAX] = '\0';
    header = send_header("Sizes", properties);
    assert_refused(&header, BYTES("x"), RESPONSE_MESSAGE_ILLEGAL, "the message is illegal");
    free(properties);
}

static void every_request_has_one_answer(void **state) {
    (void)state;
    struct peer peer, fast;
    struct command answer;
    struct hdr_send_message_v2 header = send_header("Answers", NULL);
    struct hdr_pull_message pulling = pull_header("G", "Answers", 0, 0);
    peer_open(&peer, box.broker.port);
    peer_open(&fast, remoting_server_port(box.broker.fast_server));

    peer_call(&peer, 12345, NULL, NULL, BYTES(""), &answer);
    assert_int_equal(answer.code, RESPONSE_REQUEST_CODE_NOT_SUPPORTED);
    assert_bytes(answer.remark, " request type 12345 not supported");
    header.has.queue_id = false;
    peer_call(&peer, REQUEST_SEND_MESSAGE_V2, layout_send_message_v2(), &header, BYTES("x"), &answer);
    assert_int_equal(answer.code, RESPONSE_SYSTEM_ERROR);
    assert_bytes(answer.remark, "the custom field <e> is null");

    peer_call(&fast, REQUEST_PULL_MESSAGE, layout_pull_message(), &pulling, BYTES(""), &answer);
    assert_int_equal(answer.code, RESPONSE_REQUEST_CODE_NOT_SUPPORTED);
    peer_send_message(&fast, "Answers", NULL, "through the fast port", 0);

    /* One-way requests have none, good or bad; the answer that comes is that of the request behind them. */
    header = send_header("Answers", NULL);
    peer_send(&peer, 12345, NULL, NULL, BYTES(""), COMMAND_FLAG_ONEWAY);
    peer_send(&peer, REQUEST_SEND_MESSAGE_V2, layout_send_message_v2(), &header, BYTES("one way"), COMMAND_FLAG_ONEWAY);
    peer_send(&peer, REQUEST_GET_BROKER_RUNTIME_INFO, NULL, NULL, BYTES(""), COMMAND_FLAG_ONEWAY);
    int32_t opaque = peer_send(&peer, REQUEST_GET_BROKER_RUNTIME_INFO, NULL, NULL, BYTES(""), 0);
    assert_true(peer_next(&peer, 5000, &answer));
    assert_int_equal(answer.opaque, opaque);
    assert_int_equal(answer.code, RESPONSE_SUCCESS);
    assert_false(peer_next(&peer, 50, &answer));
    wait_for_queue("Answers", 2);
    peer_close(&fast);
    peer_close(&peer);
}

/* --- batches ------------------------------------------------------------------------------------------------ */
static void batch_is_stored_as_messages_in_a_row(void **state) {
    (void)state;
    struct peer peer;
    struct command answer;
    struct hdr_send_result result;
    struct record records[4];
    struct buf body = {0};
    struct hdr_send_message_v2 header = send_header("Batch", "UNIQ_KEY\001BATCH\002WAIT\001true");
    header.batch = true;
    size_t ends[2];
    batch_append(&body, &(struct batch_item){7, BYTES("one"), BYTES("UNIQ_KEY\001A\002TAGS\001t")});
    ends[0] = body.len;
    batch_append(&body, &(struct batch_item){8, BYTES("two"), BYTES("")});
    ends[1] = body.len;
    batch_append(&body, &(struct batch_item){9, BYTES("three"), BYTES("UNIQ_KEY\001C\002")});
    peer_open(&peer, box.broker.port);
    peer_call(&peer, REQUEST_SEND_BATCH_MESSAGE, layout_send_message_v2(), &header, buf_bytes(&body), &answer);
    assert_int_equal(answer.code, RESPONSE_SUCCESS);
    assert_ok(header_decode(layout_send_result(), &answer, &result));
    assert_bytes(result.transaction_id, "BATCH");
    struct bytes ids = result.msg_id, id;
    int64_t phys[3];
    for (size_t i = 0; i < 3; i++) {
        struct host host;
        assert_true(bytes_split(&ids, ',', &id));
        assert_ok(msgid_offset_parse(id, &host, &phys[i]));
    }
    assert_false(bytes_split(&ids, ',', &id));
    wait_for_queue("Batch", 3);
    assert_int_equal(pull(&peer, "Batch", 0, records, 4), 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(records[i].offset_queue, i);
        assert_int_equal(records[i].offset_phys, phys[i]);
        assert_int_equal(records[i].flag, 7 + (int)i);
    }
    assert_bytes(records[2].body, "three");
    /* each has its own properties, not those of the batch, as since 5.3.4 */
    assert_bytes(records[0].properties, "UNIQ_KEY\001A\002TAGS\001t\002");
    assert_bytes(records[1].properties, "");
    assert_bytes(records[2].properties, "UNIQ_KEY\001C\002");

    /* Cut anywhere but between messages it is refused as a whole. */
    for (size_t cut = 0; cut < body.len; cut += 3) {
        if (cut == ends[0] || cut == ends[1]) continue;
        peer_call(&peer, REQUEST_SEND_BATCH_MESSAGE, layout_send_message_v2(), &header, bytes_make(body.data, cut),
                  &answer);
        assert_int_equal(answer.code, RESPONSE_MESSAGE_ILLEGAL);
    }
    header.topic = BYTES("%RETRY%G");
    peer_call(&peer, REQUEST_SEND_BATCH_MESSAGE, layout_send_message_v2(), &header, buf_bytes(&body), &answer);
    assert_int_equal(answer.code, RESPONSE_MESSAGE_ILLEGAL);
    assert_bytes(answer.remark, "batch request does not support retry group %RETRY%G");
    wait_for_queue("Batch", 3);
    assert_int_equal(queue_next(store_queue(box.broker.store, BYTES("Batch"), 0, false)), 3);
    buf_close(&body);
    peer_close(&peer);
}

static void half_message_waits_out_of_sight(void **state) {
    (void)state;
    struct peer peer;
    struct record record;
    peer_open(&peer, box.broker.port);
    struct hdr_send_message_v2 header = send_header("Paid", "TRAN_MSG\001true\002UNIQ_KEY\001TX1\002PGROUP\001PG\002");
    struct command answer;
    struct hdr_send_result result;
    header.queue_id = 3;
    header.sys_flag = SYS_FLAG_PREPARED;
    peer_call(&peer, REQUEST_SEND_MESSAGE_V2, layout_send_message_v2(), &header, BYTES("order"), &answer);
    assert_int_equal(answer.code, RESPONSE_SUCCESS);
    assert_ok(header_decode(layout_send_result(), &answer, &result));
    assert_int_equal(result.queue_id, 3);
    assert_bytes(result.transaction_id, "TX1");
    wait_for_queue("RMQ_SYS_TRANS_HALF_TOPIC", 1);
    assert_int_equal(pull(&peer, "RMQ_SYS_TRANS_HALF_TOPIC", result.queue_offset, &record, 1), 1);
    assert_property(&record, "REAL_TOPIC", "Paid");
    assert_property(&record, "REAL_QID", "3");
    assert_property(&record, "__transactionId__", "TX1");
    assert_int_equal(record.sys_flag & SYS_FLAG_TRANSACTION_MASK, 0);
    struct queue *queue = store_queue(box.broker.store, BYTES("Paid"), 3, false);
    assert_true(!queue || queue_next(queue) == 0);
    peer_close(&peer);
}

/* --- many at a time ----------------------------------------------------------------------------------------- */
enum { PEERS = 6, WINDOW = 40, ROUNDS = 25 };

static void answers_find_their_requests(void **state) {
    (void)state;
    static struct peer peers[PEERS];
    static bool seen[PEERS * WINDOW * ROUNDS];
    memset(seen, 0, sizeof seen);
    for (size_t i = 0; i < PEERS; i++) peer_open(&peers[i], box.broker.port);
    for (int round = 0; round < ROUNDS; round++) {
        for (size_t i = 0; i < PEERS; i++) {
            struct hdr_send_message_v2 header = send_header("Many", NULL);
            for (int w = 0; w < WINDOW; w++)
                peer_send(&peers[i], REQUEST_SEND_MESSAGE_V2, layout_send_message_v2(), &header, BYTES("m"), 0);
        }
        for (size_t i = 0; i < PEERS; i++) {
            for (int w = 0; w < WINDOW; w++) {
                struct command answer;
                struct hdr_send_result result;
                assert_true(peer_next(&peers[i], 10000, &answer));
                assert_int_equal(answer.code, RESPONSE_SUCCESS);
                assert_int_equal(answer.opaque, round * WINDOW + w + 1);
                assert_ok(header_decode(layout_send_result(), &answer, &result));
                assert_in_range(result.queue_offset, 0, PEERS * WINDOW * ROUNDS - 1);
                assert_false(seen[result.queue_offset]);
                seen[result.queue_offset] = true;
            }
        }
    }
    for (size_t i = 0; i < PEERS; i++) peer_close(&peers[i]);
}

/* --- SYNC_FLUSH and a disk that fails ----------------------------------------------------------------------- */
static int start_sync(void **state) {
    (void)state;
    broker_box_init(&box);
    broker_box_set(&box, "flushDiskType=SYNC_FLUSH");
    broker_box_start(&box);
    return 0;
}

static atomic_int sync_errno;
static atomic_bool sync_hangs;

static int slow_or_failing_sync(enum file_call call, const char *path) {
    if (call != FILE_SYNC || !strstr(path, "commitlog")) return 0;
    while (atomic_load(&sync_hangs)) clock_sleep_ms(1);
    return atomic_load(&sync_errno);
}

static int stop_faulty(void **state) {
    atomic_store(&sync_errno, 0);
    atomic_store(&sync_hangs, false);
    stop(state);
    file_set_fault(NULL);
    return 0;
}

static int start_faulty(void **state) {
    file_set_fault(slow_or_failing_sync);
    return start_sync(state);
}

static void answer_waits_for_the_disk(void **state) {
    (void)state;
    struct peer peer;
    struct host host;
    int64_t offset_phys;
    peer_open(&peer, box.broker.port);
    for (int i = 0; i < 20; i++) {
        struct hdr_send_result result = peer_send_message(&peer, "Sync", NULL, "on disk", 0);
        assert_ok(msgid_offset_parse(result.msg_id, &host, &offset_phys));
        assert_true(store_flushed_phys(box.broker.store) > offset_phys);
    }
    peer_close(&peer);
}

static void late_disk_is_told(void **state) {
    (void)state;
    struct peer peer;
    peer_open(&peer, box.broker.port);
    peer_send_message(&peer, "Late", NULL, "x", 0);
    box.broker.store_config.sync_flush_timeout_ms = 60;
    atomic_store(&sync_hangs, true);
    int64_t start_ms = clock_monotonic_ms();
    peer_send_message(&peer, "Late", NULL, "late", RESPONSE_FLUSH_DISK_TIMEOUT);
    assert_true(clock_monotonic_ms() - start_ms >= 50);
    peer_send_message(&peer, "Late", "WAIT\001false\002", "does not wait", 0);
    atomic_store(&sync_hangs, false);
    box.broker.store_config.sync_flush_timeout_ms = 5000;
    peer_send_message(&peer, "Late", NULL, "in time again", 0);
    peer_close(&peer);
}

static void failed_disk_is_never_success(void **state) {
    (void)state;
    struct peer peer;
    struct command answer;
    struct hdr_send_message_v2 header = send_header("Failing", NULL);
    peer_open(&peer, box.broker.port);
    peer_send_message(&peer, "Failing", NULL, "x", 0);
    wait_for_queue("Failing", 1);
    atomic_store(&sync_errno, EIO);
    for (int i = 0; i < 3; i++) {
        peer_call(&peer, REQUEST_SEND_MESSAGE_V2, layout_send_message_v2(), &header, BYTES("lost"), &answer);
        assert_int_equal(answer.code, RESPONSE_SERVICE_NOT_AVAILABLE);
        assert_non_null(memmem(answer.remark.data, answer.remark.len, "Input/output error", 18));
    }
    struct record record;
    assert_int_equal(pull(&peer, "Failing", 0, &record, 1), 1); /* reading goes on */
    peer_close(&peer);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(message_is_stored_as_the_java_broker_does),
        cmocka_unit_test(message_without_id_gets_one),
        cmocka_unit_test(refusals_have_code_and_remark),
        cmocka_unit_test(sizes_are_limited),
        cmocka_unit_test(every_request_has_one_answer),
        cmocka_unit_test(batch_is_stored_as_messages_in_a_row),
        cmocka_unit_test(half_message_waits_out_of_sight),
        cmocka_unit_test(answers_find_their_requests),
    };
    const struct CMUnitTest disk_tests[] = {
        cmocka_unit_test_setup_teardown(answer_waits_for_the_disk, start_sync, stop),
        cmocka_unit_test_setup_teardown(late_disk_is_told, start_faulty, stop_faulty),
        cmocka_unit_test_setup_teardown(failed_disk_is_never_success, start_faulty, stop_faulty),
    };
    int failed = cmocka_run_group_tests_name("send", tests, start, stop);
    return failed + cmocka_run_group_tests_name("disk", disk_tests, NULL, NULL);
}
