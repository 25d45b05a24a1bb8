/* Transactions: half messages, their ends, the check of those left open, restarts. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/test.h"
#include "broker/transaction/half_messages.h"
#include "broker/tables/offsets.h"
#include "broker/tables/topic_counts.h"
#include "message/msgid.h"
#include "os/clock.h"
#include "support/broker_box.h"

enum { COMMIT = SYS_FLAG_COMMIT, ROLLBACK = SYS_FLAG_ROLLBACK, UNKNOWN = 0, SOON_MS = 5000, ROUND_MS = 60000 };

static struct broker_box box;
static struct peer producer;

/* Checks come only when a test moves the clock. */
static int start(void **state) {
    (void)state;
    broker_box_init(&box);
    broker_box_set(&box, "transactionCheckInterval=60000");
    broker_box_set(&box, "transactionTimeOut=0");
    broker_box_set(&box, "transactionOpBatchInterval=20");
    broker_box_set(&box, "serverChannelMaxIdleTimeSeconds=86400");
    broker_box_start(&box);
    peer_open(&producer, box.broker.port);
    return 0;
}

static int stop(void **state) {
    (void)state;
    peer_close(&producer);
    broker_box_close(&box);
    return 0;
}

static void restart(void) {
    peer_close(&producer);
    broker_box_stop(&box);
    broker_box_start(&box);
    peer_open(&producer, box.broker.port);
}

static void restart_with(const char *setting) {
    broker_box_set(&box, setting);
    restart();
}

/* When the round before is over: what it committed is seen. */
static void check_now(void) {
    struct store *store = box.broker.store;
    for (int i = 0; i < SOON_MS && store_dispatched_phys(store) < store_end_phys(store); i++) clock_sleep_ms(1);
    clock_sleep_ms(2); /* what was stored is older than the round */
    clock_shift_monotonic_ms(ROUND_MS);
}

/* --- steps --------------------------------------------------------------------------------------------------- */

/* Where a half message is, as its producer knows it. */
struct half {
    int64_t offset_queue, offset_phys;
};

static struct half send_half(const char *topic, const char *key, const char *more) {
    char properties[256];
    struct host host;
    struct half half;
    snprintf(properties, sizeof properties, "TRAN_MSG\001true\002PGROUP\001pg\002UNIQ_KEY\001%s\002%s", key, more);
    struct hdr_send_result result = peer_send_message(&producer, topic, properties, key, RESPONSE_SUCCESS);
    assert_bytes(result.transaction_id, key);
    half.offset_queue = result.queue_offset;
    assert_ok(msgid_offset_parse(result.msg_id, &host, &half.offset_phys));
    return half;
}

static struct hdr_end_transaction end_header(const struct half *half, int32_t end) {
    struct hdr_end_transaction header = {.present = HEADER_ALL,
                                         .producer_group = BYTES("pg"),
                                         .tran_state_table_offset = half->offset_queue,
                                         .commit_log_offset = half->offset_phys,
                                         .commit_or_rollback = end,
                                         .msg_id = BYTES("id")};
    return header;
}

static void end_with(const struct hdr_end_transaction *header, int32_t code, const char *remark) {
    struct command answer;
    peer_call(&producer, REQUEST_END_TRANSACTION, layout_end_transaction(), header, BYTES(""), &answer);
    assert_int_equal(answer.code, code);
    if (remark) assert_bytes(answer.remark, remark);
}

static void end_half(const struct half *half, int32_t end, bool asked) {
    struct hdr_end_transaction header = end_header(half, end);
    header.from_transaction_check = asked;
    end_with(&header, RESPONSE_SUCCESS, NULL);
}

static int64_t count_of(const char *topic) {
    struct queue *queue = store_queue(box.broker.store, bytes_of(topic), 0, false);
    return queue ? queue_max(queue) : 0;
}

static void wait_for(const char *topic, int64_t count) {
    for (int i = 0; i < SOON_MS && count_of(topic) < count; i++) clock_sleep_ms(1);
    assert_int_equal(count_of(topic), count);
}

static int64_t committed(struct bytes topic) {
    struct progress *progress = offsets_progress(box.broker.offsets, topic, GROUP_TRANSACTIONS, false);
    return progress ? progress_committed(progress, 0) : OFFSET_NONE;
}

static void wait_for_committed(struct bytes topic, int64_t offset_queue) {
    for (int i = 0; i < SOON_MS && committed(topic) < offset_queue; i++) clock_sleep_ms(1);
    assert_int_equal(committed(topic), offset_queue);
}

/* Takes one record out of the store; its texts live until `slice` is released. */
static struct record record_at(const char *topic, int64_t offset_queue, struct store_slice *slice) {
    struct queue_entry entry;
    struct record record;
    struct queue *queue = store_queue(box.broker.store, bytes_of(topic), 0, false);
    assert_non_null(queue);
    assert_ok(queue_entry_at(box.broker.store, queue, offset_queue, &entry));
    assert_ok(store_record_at(box.broker.store, entry.offset_phys, slice));
    assert_ok(record_decode(slice->bytes, RECORD_CHECK_BODY_CRC, &record));
    return record;
}

static void come_online(struct peer *peer, const char *group) {
    struct command answer;
    char body[128];
    snprintf(body, sizeof body, "{\"clientID\":\"c\",\"producerDataSet\":[{\"groupName\":\"%s\"}]}", group);
    peer_call(peer, REQUEST_HEART_BEAT, NULL, NULL, bytes_of(body), &answer);
    assert_int_equal(answer.code, RESPONSE_SUCCESS);
}

/* The next question of the broker; where the half message is now. */
static struct half next_question(struct record *record) {
    struct command question;
    struct hdr_check_transaction_state header;
    struct host host;
    int64_t offset_phys;
    do assert_true(peer_next(&producer, SOON_MS, &question));
    while (question.code != REQUEST_CHECK_TRANSACTION_STATE || (question.flag & COMMAND_FLAG_RESPONSE));
    assert_true(question.flag & COMMAND_FLAG_ONEWAY);
    assert_ok(header_decode(layout_check_transaction_state(), &question, &header));
    assert_ok(record_decode(question.body, RECORD_CHECK_BODY_CRC, record));
    assert_ok(msgid_offset_parse(header.offset_msg_id, &host, &offset_phys));
    assert_int_equal(offset_phys, header.commit_log_offset);
    assert_true(bytes_equal(header.topic, TOPIC_HALF));
    assert_true(bytes_equal(header.msg_id, properties_get(record->properties, PROPERTY_UNIQ_KEY)));
    assert_true(bytes_equal(header.msg_id, header.transaction_id));
    assert_bytes(command_ext(&question, "bname"), "broker-a");
    return (struct half){header.tran_state_table_offset, header.commit_log_offset};
}

/* --- ends ---------------------------------------------------------------------------------------------------- */

static void a_commit_makes_the_message_appear(void **state) {
    (void)state;
    struct store_slice slice;
    struct half half = send_half("T", "k1", "TAGS\001x\002DELAY\0010\002");
    assert_int_equal(count_of("T"), 0);
    assert_int_equal(topic_counts_of(box.broker.transaction_counts, BYTES("T")), 1);
    end_half(&half, COMMIT, false);
    wait_for("T", 1);
    struct record record = record_at("T", 0, &slice);
    assert_bytes(record.topic, "T");
    assert_bytes(record.body, "k1");
    assert_int_equal(record.sys_flag & SYS_FLAG_TRANSACTION_MASK, SYS_FLAG_COMMIT);
    assert_int_equal(record.prepared_offset, half.offset_phys);
    assert_bytes(properties_get(record.properties, PROPERTY_TAGS), "x");
    assert_bytes(properties_get(record.properties, PROPERTY_TRANSACTION_ID), "k1");
    assert_null(properties_get(record.properties, PROPERTY_REAL_TOPIC).data);
    assert_null(properties_get(record.properties, PROPERTY_REAL_QID).data);
    store_release(slice.hold);
    assert_int_equal(topic_counts_of(box.broker.transaction_counts, BYTES("T")), 0);

    wait_for("RMQ_SYS_TRANS_OP_HALF_TOPIC", 1);
    record = record_at("RMQ_SYS_TRANS_OP_HALF_TOPIC", 0, &slice);
    assert_bytes(record.body, "0");
    assert_bytes(properties_get(record.properties, PROPERTY_TAGS), "d");
    store_release(slice.hold);
}

static void an_end_is_done_once(void **state) {
    (void)state;
    struct half first = send_half("T", "k1", ""), second = send_half("T", "k2", "");
    end_half(&first, COMMIT, false);
    end_half(&first, COMMIT, false);
    end_half(&first, ROLLBACK, false);
    end_half(&second, ROLLBACK, false);
    end_half(&second, COMMIT, false);
    wait_for("T", 1);
    restart(); /* op records tell the next start */
    end_half(&first, COMMIT, false);
    end_half(&second, COMMIT, false);
    wait_for("T", 1);
    assert_int_equal(topic_counts_of(box.broker.transaction_counts, BYTES("T")), 0);
}

static void an_unknown_end_changes_nothing(void **state) {
    (void)state;
    struct half half = send_half("T", "k1", "");
    struct hdr_end_transaction header = end_header(&half, UNKNOWN);
    end_with(&header, RESPONSE_SUCCESS, "");
    header = end_header(&half, 4);
    end_with(&header, RESPONSE_SYSTEM_ERROR, "commitOrRollback field wrong");
    end_half(&half, COMMIT, false);
    wait_for("T", 1);
}

static void an_end_that_does_not_fit_is_refused(void **state) {
    (void)state;
    struct half half = send_half("T", "k1", "");
    struct hdr_end_transaction header = end_header(&half, COMMIT);
    header.producer_group = BYTES("other");
    end_with(&header, RESPONSE_SYSTEM_ERROR, "The producer group wrong");
    header = end_header(&half, COMMIT);
    header.tran_state_table_offset = 7;
    end_with(&header, RESPONSE_SYSTEM_ERROR, "The transaction state table offset wrong");
    static const int64_t offsets[] = {-1, 1, INT64_MAX};
    for (size_t i = 0; i < ARRAY_LEN(offsets); i++) {
        header = end_header(&half, ROLLBACK);
        header.commit_log_offset = offsets[i];
        end_with(&header, RESPONSE_SYSTEM_ERROR, "Find prepared transaction message failed");
    }
    struct hdr_send_result plain = peer_send_message(&producer, "T", "PGROUP\001pg\002", "plain", RESPONSE_SUCCESS);
    struct host host;
    header = end_header(&half, COMMIT); /* what is no half message cannot be committed */
    header.tran_state_table_offset = plain.queue_offset;
    assert_ok(msgid_offset_parse(plain.msg_id, &host, &header.commit_log_offset));
    end_with(&header, RESPONSE_SYSTEM_ERROR, "Find prepared transaction message failed");
    wait_for("T", 1);
    end_half(&half, COMMIT, false);
    wait_for("T", 2);
}

static void an_end_after_the_time_of_its_own_is_refused(void **state) {
    (void)state;
    struct half half = send_half("T", "k1", "CHECK_IMMUNITY_TIME_IN_SECONDS\0011\002");
    clock_shift_wall_ms(2000);
    struct hdr_end_transaction header = end_header(&half, COMMIT);
    end_with(&header, RESPONSE_ILLEGAL_OPERATION, NULL);
    end_half(&half, COMMIT, true); /* but the answer to a question is heard */
    wait_for("T", 1);
    clock_shift_wall_ms(-2000);
}

static void half_messages_may_be_refused(void **state) {
    (void)state;
    restart_with("rejectTransactionMessage=true");
    peer_send_message(&producer, "T", "TRAN_MSG\001true\002PGROUP\001pg\002", "x", RESPONSE_NO_PERMISSION);
    assert_int_equal(topic_counts_of(box.broker.transaction_counts, BYTES("T")), 0);
}

/* Brokers before 5.1 read no lists. */
static void an_op_record_holds_one_number(void **state) {
    (void)state;
    enum { COUNT = 300 };
    static struct half halves[COUNT];
    restart_with("transactionOpBatchInterval=50000");
    for (int i = 0; i < COUNT; i++) halves[i] = send_half("T", "k", "");
    for (int i = 0; i < COUNT; i++) end_half(&halves[i], ROLLBACK, false);
    restart_with("transactionOpBatchInterval=20");
    assert_int_equal(count_of("RMQ_SYS_TRANS_OP_HALF_TOPIC"), COUNT);
    for (int64_t i = 0; i < COUNT; i++) {
        struct store_slice slice;
        int64_t half;
        assert_true(bytes_to_i64(record_at("RMQ_SYS_TRANS_OP_HALF_TOPIC", i, &slice).body, &half));
        assert_int_equal(half, i);
        store_release(slice.hold);
    }
    check_now();
    wait_for_committed(TOPIC_HALF, COUNT);
    wait_for_committed(TOPIC_OP_HALF, COUNT);
    assert_int_equal(count_of("RMQ_SYS_TRANS_HALF_TOPIC"), COUNT); /* nobody was asked */
}

/* --- checks -------------------------------------------------------------------------------------------------- */

static void what_is_left_open_is_asked_about(void **state) {
    (void)state;
    struct record record;
    struct half half = send_half("T", "k1", "TAGS\001x\002");
    come_online(&producer, "pg");
    check_now();
    struct half now = next_question(&record);
    assert_bytes(record.topic, "T");
    assert_int_equal(record.queue_id, 0);
    assert_bytes(record.body, "k1");
    assert_int_equal(record.offset_queue, now.offset_queue);
    assert_int_equal(record.offset_phys, now.offset_phys);
    assert_bytes(properties_get(record.properties, PROPERTY_TRANSACTION_CHECK_TIMES), "1");
    assert_true(now.offset_queue > half.offset_queue);
    end_half(&now, COMMIT, true);
    end_half(&half, COMMIT, false); /* its first end comes late: it was done */
    wait_for("T", 1);
    wait_for_committed(TOPIC_HALF, 1);
    check_now();
    wait_for_committed(TOPIC_HALF, count_of("RMQ_SYS_TRANS_HALF_TOPIC"));
    wait_for("T", 1);
}

static void a_late_end_counts_for_the_one_put_back(void **state) {
    (void)state;
    struct record record;
    struct half half = send_half("T", "k1", "");
    come_online(&producer, "pg");
    check_now();
    next_question(&record);
    wait_for_committed(TOPIC_HALF, 1);
    come_online(&producer, "pg");
    check_now();
    struct half again = next_question(&record);
    assert_bytes(properties_get(record.properties, PROPERTY_TRANSACTION_CHECK_TIMES), "2");
    end_half(&half, ROLLBACK, false);
    end_half(&again, COMMIT, true);
    wait_for_committed(TOPIC_HALF, 2);
    check_now();
    wait_for_committed(TOPIC_HALF, count_of("RMQ_SYS_TRANS_HALF_TOPIC"));
    assert_int_equal(count_of("T"), 0);
}

static void it_is_given_up_after_some_questions_and_may_be_resumed(void **state) {
    (void)state;
    struct store_slice slice;
    struct record record;
    restart_with("transactionCheckMax=2");
    send_half("T", "k1", "");
    for (int i = 1; i <= 3; i++) {
        assert_int_equal(count_of("TRANS_CHECK_MAX_TIME_TOPIC"), 0);
        check_now(); /* nobody is online: questions count all the same */
        wait_for_committed(TOPIC_HALF, i);
    }
    wait_for("TRANS_CHECK_MAX_TIME_TOPIC", 1);
    assert_int_equal(topic_counts_of(box.broker.transaction_counts, BYTES("T")), 0);
    record = record_at("TRANS_CHECK_MAX_TIME_TOPIC", 0, &slice);
    assert_bytes(properties_get(record.properties, PROPERTY_TRANSACTION_CHECK_TIMES), "2");
    char id[MSGID_TEXT_MAX];
    struct hdr_resume_check_half_message header = {.present = HEADER_ALL};
    header.has.topic = false;
    header.msg_id = bytes_make(id, msgid_offset_text(&record.store_host, record.offset_phys, id));
    store_release(slice.hold);

    struct command answer;
    come_online(&producer, "pg");
    peer_call(&producer, REQUEST_RESUME_CHECK_HALF_MESSAGE, layout_resume_check_half_message(), &header, BYTES(""),
              &answer);
    assert_int_equal(answer.code, RESPONSE_SUCCESS);
    check_now();
    struct half now = next_question(&record);
    assert_bytes(properties_get(record.properties, PROPERTY_TRANSACTION_CHECK_TIMES), "1");
    end_half(&now, COMMIT, true);
    wait_for("T", 1);
}

static void only_half_messages_are_resumed(void **state) {
    (void)state;
    struct command answer;
    struct hdr_send_result plain = peer_send_message(&producer, "T", NULL, "plain", RESPONSE_SUCCESS);
    char id[MSGID_TEXT_MAX];
    snprintf(id, sizeof id, "%.*s", BYTES_ARG(plain.msg_id));
    const char *ids[] = {id, "7F00000100002A9F0000000000FFFFFF", "nonsense", ""};
    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        struct hdr_resume_check_half_message header = {.present = HEADER_ALL, .msg_id = bytes_of(ids[i])};
        header.has.topic = false;
        peer_call(&producer, REQUEST_RESUME_CHECK_HALF_MESSAGE, layout_resume_check_half_message(), &header, BYTES(""),
                  &answer);
        assert_int_equal(answer.code, RESPONSE_SYSTEM_ERROR);
    }
    assert_int_equal(count_of("RMQ_SYS_TRANS_HALF_TOPIC"), 0);
}

static void an_immune_one_is_put_back_but_not_asked_about(void **state) {
    (void)state;
    struct command question;
    struct store_slice slice;
    restart_with("transactionCheckMax=1");
    struct half half = send_half("T", "k1", "CHECK_IMMUNITY_TIME_IN_SECONDS\0013600\002");
    for (int i = 1; i <= 3; i++) { /* put back more often than questions are allowed */
        come_online(&producer, "pg");
        check_now();
        wait_for_committed(TOPIC_HALF, i);
    }
    assert_false(peer_next(&producer, 50, &question));
    struct record record = record_at("RMQ_SYS_TRANS_HALF_TOPIC", 3, &slice);
    assert_null(properties_get(record.properties, PROPERTY_TRANSACTION_CHECK_TIMES).data);
    assert_bytes(properties_get(record.properties, PROPERTY_TRAN_PREPARED_QUEUE_OFFSET), "0");
    store_release(slice.hold);
    restart();
    end_half(&half, COMMIT, false); /* knows only where it was first */
    wait_for("T", 1);
    check_now();
    wait_for_committed(TOPIC_HALF, count_of("RMQ_SYS_TRANS_HALF_TOPIC"));
    assert_int_equal(count_of("TRANS_CHECK_MAX_TIME_TOPIC"), 0);
}

static void the_young_stop_the_round(void **state) {
    (void)state;
    restart_with("transactionTimeOut=3600000");
    struct half first = send_half("T", "k1", "");
    send_half("T", "k2", "");
    end_half(&first, ROLLBACK, false);
    check_now();
    wait_for_committed(TOPIC_HALF, 1);
    wait_for_committed(TOPIC_OP_HALF, 1);
    check_now();
    clock_sleep_ms(100);
    assert_int_equal(committed(TOPIC_HALF), 1);
    assert_int_equal(count_of("RMQ_SYS_TRANS_HALF_TOPIC"), 2);
}

static void what_is_open_survives_a_restart(void **state) {
    (void)state;
    struct record record;
    struct half done = send_half("T", "k1", "");
    send_half("T", "k2", "");
    end_half(&done, COMMIT, false);
    restart();
    assert_int_equal(topic_counts_of(box.broker.transaction_counts, BYTES("T")), 1);
    come_online(&producer, "pg");
    check_now();
    struct half now = next_question(&record);
    assert_bytes(record.body, "k2");
    end_half(&now, COMMIT, true);
    wait_for("T", 2);
}

/* --- op records of other brokers ----------------------------------------------------------------------------- */

static void append_op(const char *body, const char *tag) {
    struct arena arena = {0};
    char properties[32];
    snprintf(properties, sizeof properties, "TAGS\001%s\002", tag);
    struct record record = {.topic = TOPIC_OP_HALF,
                            .body = bytes_of(body),
                            .properties = bytes_of(properties),
                            .store_host = box.broker.store_host,
                            .born_host = box.broker.store_host};
    struct put put = {.queue = store_queue(box.broker.store, TOPIC_OP_HALF, 0, true),
                      .record = arena_alloc(&arena, record_size(&record)),
                      .size_bytes = record_size(&record)};
    int64_t end_phys;
    record_encode(&record, put.record);
    assert_ok(store_append(box.broker.store, &put, 1, &end_phys));
    arena_close(&arena);
}

static void op_records_of_any_version_are_read(void **state) {
    (void)state;
    struct record record;
    for (int i = 0; i < 6; i++) {
        char key[8];
        snprintf(key, sizeof key, "k%d", i);
        send_half("T", key, "");
    }
    append_op("0", "d");          /* before 5.1 */
    append_op("3,1,", "d");       /* since 5.1, in no order */
    append_op("5", "other");      /* says nothing */
    append_op("x,,-1,99,2", "d"); /* nonsense is passed over */
    restart();
    come_online(&producer, "pg");
    check_now();
    next_question(&record);
    assert_bytes(record.body, "k4");
    next_question(&record);
    assert_bytes(record.body, "k5");
}

/* A store of a Java broker: twelve half messages, four of them open. */
static void what_a_java_broker_left_open_is_finished(void **state) {
    (void)state;
    char command[512];
    struct record record;
    const char *golden = getenv("RMQ_GOLDEN");
    snprintf(command, sizeof command, "%s/store/v533-clean.tar.zst", golden ? golden : "");
    if (!golden || access(command, R_OK) != 0) skip();
    peer_close(&producer);
    broker_box_stop(&box);
    snprintf(command, sizeof command,
             "rm -r %s/* && tar --zstd -xf %s/store/v533-clean.tar.zst -C %s --strip-components=1", box.root, golden,
             box.root);
    assert_int_equal(system(command), 0);
    static const char *const settings[] = {
        "mappedFileSizeCommitLog=262144",
        "mappedFileSizeConsumeQueue=1000",
        "maxHashSlotNum=1000",
        "maxIndexNum=1000",
        "fileReservedTime=1000000",
        "messageDelayLevel=1s 5s 10s 30s 1m 2m 3m 4m 5m 6m 7m 8m 9m 10m 20m 30m 1h 3650d",
    };
    for (size_t i = 0; i < ARRAY_LEN(settings); i++) broker_box_set(&box, settings[i]);
    broker_box_start(&box);
    peer_open(&producer, box.broker.port);
    int64_t first = count_of("TopicTx");
    come_online(&producer, "PG_tx");
    check_now();
    struct half open[4];
    for (size_t i = 0; i < ARRAY_LEN(open); i++) {
        char key[8];
        open[i] = next_question(&record);
        snprintf(key, sizeof key, "txk%zu", 2 + 3 * i);
        assert_bytes(properties_get(record.properties, PROPERTY_KEYS), key);
        assert_bytes(record.topic, "TopicTx");
    }
    for (size_t i = 0; i < ARRAY_LEN(open); i++) {
        struct hdr_end_transaction header = end_header(&open[i], i == 0 ? COMMIT : ROLLBACK);
        header.producer_group = BYTES("PG_tx");
        header.from_transaction_check = true;
        end_with(&header, RESPONSE_SUCCESS, NULL);
    }
    wait_for("TopicTx", first + 1);
    wait_for_committed(TOPIC_HALF, 12);
    check_now();
    wait_for_committed(TOPIC_HALF, 16);
    assert_int_equal(count_of("RMQ_SYS_TRANS_HALF_TOPIC"), 16);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_commit_makes_the_message_appear, start, stop),
        cmocka_unit_test_setup_teardown(an_end_is_done_once, start, stop),
        cmocka_unit_test_setup_teardown(an_unknown_end_changes_nothing, start, stop),
        cmocka_unit_test_setup_teardown(an_end_that_does_not_fit_is_refused, start, stop),
        cmocka_unit_test_setup_teardown(an_end_after_the_time_of_its_own_is_refused, start, stop),
        cmocka_unit_test_setup_teardown(half_messages_may_be_refused, start, stop),
        cmocka_unit_test_setup_teardown(an_op_record_holds_one_number, start, stop),
        cmocka_unit_test_setup_teardown(what_is_left_open_is_asked_about, start, stop),
        cmocka_unit_test_setup_teardown(a_late_end_counts_for_the_one_put_back, start, stop),
        cmocka_unit_test_setup_teardown(it_is_given_up_after_some_questions_and_may_be_resumed, start, stop),
        cmocka_unit_test_setup_teardown(only_half_messages_are_resumed, start, stop),
        cmocka_unit_test_setup_teardown(an_immune_one_is_put_back_but_not_asked_about, start, stop),
        cmocka_unit_test_setup_teardown(the_young_stop_the_round, start, stop),
        cmocka_unit_test_setup_teardown(what_is_open_survives_a_restart, start, stop),
        cmocka_unit_test_setup_teardown(op_records_of_any_version_are_read, start, stop),
        cmocka_unit_test_setup_teardown(what_a_java_broker_left_open_is_finished, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
