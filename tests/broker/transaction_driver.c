/* A producer of transactions for scripts; the broker may be any, ours or a Java one.
 *   transaction_driver PORT send FIRST COUNT   sends half messages with the numbers as bodies; leaves those open that
 * are multiples of 3, commits the even ones of the others, rolls back the odd transaction_driver PORT answer MS answers
 * questions in the same way (multiples of 3: by even and odd) until none come for MS; prints the numbers asked about
 *   transaction_driver PORT read               prints the numbers of all messages */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/check.h"
#include "message/msgid.h"
#include "os/clock.h"
#include "support/broker_box.h"

#define TOPIC "TransactionTest"

enum { ANSWER_MS_MAX = 60000 };

static void send_end(struct peer *peer, int64_t offset_queue, int64_t offset_phys, int32_t number, bool asked) {
    struct hdr_end_transaction header = {
        .present = HEADER_ALL,
        .producer_group = BYTES("pg"),
        .tran_state_table_offset = offset_queue,
        .commit_log_offset = offset_phys,
        .commit_or_rollback = number % 2 ? SYS_FLAG_ROLLBACK : SYS_FLAG_COMMIT,
        .from_transaction_check = asked,
        .msg_id = BYTES("id"),
    };
    peer_send(peer, REQUEST_END_TRANSACTION, layout_end_transaction(), &header, BYTES(""), COMMAND_FLAG_ONEWAY);
}

static void send_one(struct peer *peer, int32_t number) {
    char properties[128], body[16];
    struct host host;
    int64_t offset_phys;
    snprintf(body, sizeof body, "%d", number);
    snprintf(properties, sizeof properties, "TRAN_MSG\001true\002PGROUP\001pg\002UNIQ_KEY\001key%d\002WAIT\001true\002",
             number);
    struct hdr_send_result result = peer_send_message(peer, TOPIC, properties, body, RESPONSE_SUCCESS);
    must(msgid_offset_parse(result.msg_id, &host, &offset_phys) == ERR_OK);
    if (number % 3 != 0) send_end(peer, result.queue_offset, offset_phys, number, false);
}

static int32_t number_of(const struct record *record) {
    int32_t number;
    must(bytes_to_i32(record->body, &number));
    return number;
}

static void answer(struct peer *peer, int64_t quiet_ms) {
    int64_t until_ms = clock_monotonic_ms() + ANSWER_MS_MAX;
    struct command question;
    struct hdr_check_transaction_state header;
    struct record record;
    peer_call(peer, REQUEST_HEART_BEAT, NULL, NULL,
              BYTES("{\"clientID\":\"c\",\"producerDataSet\":[{\"groupName\":\"pg\"}],\"consumerDataSet\":[]}"),
              &question);
    while (clock_monotonic_ms() < until_ms && peer_next(peer, quiet_ms, &question)) {
        if (question.code != REQUEST_CHECK_TRANSACTION_STATE) continue;
        must(header_decode(layout_check_transaction_state(), &question, &header) == ERR_OK);
        must(record_decode(question.body, RECORD_CHECK_BODY_CRC, &record) == ERR_OK);
        printf("%d\n", number_of(&record));
        send_end(peer, header.tran_state_table_offset, header.commit_log_offset, number_of(&record), true);
    }
}

static void read_all(struct peer *peer) {
    for (int64_t offset = 0;;) {
        struct command found;
        struct hdr_pull_result result;
        struct record records[64];
        struct hdr_pull_message header = pull_header("TransactionReader", TOPIC, 0, offset);
        peer_call(peer, REQUEST_PULL_MESSAGE, layout_pull_message(), &header, BYTES(""), &found);
        if (found.code != RESPONSE_SUCCESS) break;
        size_t count = pull_records(found.body, records, ARRAY_LEN(records));
        for (size_t i = 0; i < count; i++) printf("%d\n", number_of(&records[i]));
        must(header_decode(layout_pull_result(), &found, &result) == ERR_OK);
        offset = result.next_begin_offset;
    }
}

int main(int argc, char **argv) {
    struct peer peer;
    must(argc >= 3);
    peer_open(&peer, (uint16_t)atoi(argv[1]));
    if (strcmp(argv[2], "send") == 0 && argc == 5) {
        for (int32_t i = 0; i < atoi(argv[4]); i++) send_one(&peer, atoi(argv[3]) + i);
    } else if (strcmp(argv[2], "answer") == 0 && argc == 4) {
        answer(&peer, atoi(argv[3]));
    } else if (strcmp(argv[2], "read") == 0 && argc == 3) {
        read_all(&peer);
    } else {
        fprintf(stderr, "see the head of transaction_driver.c\n");
        return 2;
    }
    peer_close(&peer);
    return 0;
}
