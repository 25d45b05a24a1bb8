/* Transactions and kill -9: what was committed appears, what was rolled back does not, what was left open is asked
 * about. A child serves; the parent is the producer and kills it in the middle of its work, several times. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/test.h"
#include "message/msgid.h"
#include "message/properties.h"
#include "os/clock.h"
#include "support/broker_box.h"

enum { KILLS = 4, PER_LIFE_MAX = 400, KEYS_MAX = KILLS * PER_LIFE_MAX, ASK_MS_MAX = 20000 };

/* What a producer knows of a transaction; how it ends is decided by its number: the truth of its database. */
enum truth { TRUTH_COMMIT, TRUTH_ROLLBACK };
static bool seen[KEYS_MAX]; /* in the end, as a message */
static int key_count;

static struct broker_box box;

static enum truth truth_of(int key) {
    return key % 2 ? TRUTH_ROLLBACK : TRUTH_COMMIT;
}

static void send_end(struct peer *peer, int64_t offset_queue, int64_t offset_phys, int key, bool asked) {
    struct hdr_end_transaction header = {
        .present = HEADER_ALL,
        .producer_group = BYTES("pg"),
        .tran_state_table_offset = offset_queue,
        .commit_log_offset = offset_phys,
        .commit_or_rollback = truth_of(key) == TRUTH_COMMIT ? SYS_FLAG_COMMIT : SYS_FLAG_ROLLBACK,
        .from_transaction_check = asked,
        .msg_id = BYTES("id"),
    };
    peer_send(peer, REQUEST_END_TRANSACTION, layout_end_transaction(), &header, BYTES(""), COMMAND_FLAG_ONEWAY);
}

/* One transaction; each fifth is left open. */
static void transact(struct peer *peer, int key) {
    char properties[128], body[16];
    struct host host;
    int64_t offset_phys;
    snprintf(body, sizeof body, "%d", key);
    snprintf(properties, sizeof properties, "TRAN_MSG\001true\002PGROUP\001pg\002UNIQ_KEY\001k%d\002", key);
    struct hdr_send_result result = peer_send_message(peer, "T", properties, body, RESPONSE_SUCCESS);
    assert_ok(msgid_offset_parse(result.msg_id, &host, &offset_phys));
    if (key % 5 != 0) send_end(peer, result.queue_offset, offset_phys, key, false);
}

static int key_of(struct bytes body) {
    int32_t key;
    assert_true(bytes_to_i32(body, &key) && key >= 0 && key < key_count);
    return key;
}

static void come_online(struct peer *peer) {
    struct command answer;
    peer_call(peer, REQUEST_HEART_BEAT, NULL, NULL,
              BYTES("{\"clientID\":\"c\",\"producerDataSet\":[{\"groupName\":\"pg\"}],\"consumerDataSet\":[]}"),
              &answer);
}

/* Answers questions until none come for a while. */
static void answer_questions(struct peer *peer) {
    int64_t until_ms = clock_monotonic_ms() + ASK_MS_MAX;
    struct command question;
    struct hdr_check_transaction_state header;
    struct record record;
    come_online(peer);
    while (clock_monotonic_ms() < until_ms && peer_next(peer, 1500, &question)) {
        if (question.code != REQUEST_CHECK_TRANSACTION_STATE) continue;
        assert_ok(header_decode(layout_check_transaction_state(), &question, &header));
        assert_ok(record_decode(question.body, RECORD_CHECK_BODY_CRC, &record));
        send_end(peer, header.tran_state_table_offset, header.commit_log_offset, key_of(record.body), true);
    }
    assert_true(clock_monotonic_ms() < until_ms);
}

static void read_all(struct peer *peer) {
    for (int64_t offset = 0;;) {
        struct command answer;
        struct hdr_pull_result result;
        struct record records[64];
        struct hdr_pull_message header = pull_header("G", "T", 0, offset);
        peer_call(peer, REQUEST_PULL_MESSAGE, layout_pull_message(), &header, BYTES(""), &answer);
        if (answer.code != RESPONSE_SUCCESS) break;
        size_t count = pull_records(answer.body, records, ARRAY_LEN(records));
        for (size_t i = 0; i < count; i++) seen[key_of(records[i].body)] = true;
        assert_ok(header_decode(layout_pull_result(), &answer, &result));
        offset = result.next_begin_offset;
    }
}

static void no_end_is_lost_by_kills(void **state) {
    (void)state;
    unsigned seed = (unsigned)getpid();
    uint16_t port;
    struct peer peer;
    broker_box_init(&box);
    broker_box_set(&box, "transactionCheckInterval=100");
    broker_box_set(&box, "transactionTimeOut=300");
    broker_box_set(&box, "transactionOpBatchInterval=50");
    broker_box_set(&box, "transactionCheckMax=1000");
    broker_box_set(&box, "flushConsumerOffsetInterval=100");
    for (int life = 0; life < KILLS; life++) {
        pid_t child = broker_box_fork(&box, &port);
        int count = 50 + rand_r(&seed) % (PER_LIFE_MAX - 50);
        peer_open(&peer, port);
        if (life % 2) come_online(&peer); /* questions then fall on deaf ears */
        for (int i = 0; i < count; i++) transact(&peer, key_count++);
        clock_sleep_ms(rand_r(&seed) % 400);
        broker_box_kill(child);
        peer_close(&peer);
    }
    pid_t child = broker_box_fork(&box, &port);
    peer_open(&peer, port);
    answer_questions(&peer);
    read_all(&peer);
    peer_close(&peer);
    broker_box_kill(child);
    for (int key = 0; key < key_count; key++) {
        if (seen[key] == (truth_of(key) == TRUTH_COMMIT)) continue;
        fail_msg("transaction %d: seen=%d, truth=%d", key, seen[key], truth_of(key));
    }
    broker_box_close(&box);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_end_is_lost_by_kills),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
