/* A producer of timer messages for scripts; the broker may be any, ours or a Java one.
 *   timer_driver PORT send FIRST COUNT DELAY_MS   sends messages with the numbers as bodies; recalls multiples of 5
 *   timer_driver PORT read                        prints the number of each message delivered, "early" behind it if so
 *   timer_driver PORT waiting                     prints how many messages wait, as request 61 tells it
 *   timer_driver PORT saved                       prints how many are known to be in the wheel: request 60 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/check.h"
#include "base/json.h"
#include "message/properties.h"
#include "os/clock.h"
#include "store/timer_checkpoint.h"
#include "support/broker_box.h"

#define TOPIC "TimerTest"

static void send_one(struct peer *peer, int32_t number, int64_t deliver_ms) {
    char properties[128], body[16], handle[256];
    struct command answer;
    snprintf(body, sizeof body, "%d", number);
    snprintf(properties, sizeof properties, "UNIQ_KEY\001key%d\002TIMER_DELIVER_MS\001%" PRId64 "\002", number,
             deliver_ms);
    struct hdr_send_result result = peer_send_message(peer, TOPIC, properties, body, RESPONSE_SUCCESS);
    if (number % 5 != 0) return;
    must(result.recall_handle.len > 0 && result.recall_handle.len < sizeof handle);
    memcpy(handle, result.recall_handle.data, result.recall_handle.len);
    struct hdr_recall_message recall = {.present = HEADER_ALL,
                                        .producer_group = BYTES("pg"),
                                        .topic = BYTES(TOPIC),
                                        .recall_handle = bytes_make(handle, result.recall_handle.len)};
    peer_call(peer, REQUEST_RECALL_MESSAGE, layout_recall_message(), &recall, BYTES(""), &answer);
    must(answer.code == RESPONSE_SUCCESS);
}

static void read_all(struct peer *peer) {
    for (int64_t offset = 0;;) {
        struct command found;
        struct hdr_pull_result result;
        struct record records[64];
        struct hdr_pull_message header = pull_header("TimerReader", TOPIC, 0, offset);
        peer_call(peer, REQUEST_PULL_MESSAGE, layout_pull_message(), &header, BYTES(""), &found);
        if (found.code != RESPONSE_SUCCESS) break;
        size_t count = pull_records(found.body, records, ARRAY_LEN(records));
        for (size_t i = 0; i < count; i++) {
            int64_t deliver_ms;
            must(bytes_to_i64(properties_get(records[i].properties, PROPERTY_TIMER_DELIVER_MS), &deliver_ms));
            printf("%.*s%s\n", BYTES_ARG(records[i].body), records[i].store_time_ms < deliver_ms ? " early" : "");
        }
        must(header_decode(layout_pull_result(), &found, &result) == ERR_OK);
        offset = result.next_begin_offset;
    }
}

static void print_waiting(struct peer *peer) {
    struct arena arena = {0};
    struct command answer;
    const struct json *root;
    peer_call(peer, REQUEST_GET_TIMER_METRICS, NULL, NULL, BYTES(""), &answer);
    must(answer.code == RESPONSE_SUCCESS && json_parse(&arena, answer.body, &root) == ERR_OK);
    printf("%" PRId64 "\n", json_i64(json_get(json_get(json_get(root, "timingCount"), TOPIC), "count"), 0));
    arena_close(&arena);
}

static void print_saved(struct peer *peer) {
    struct command answer;
    struct timer_checkpoint checkpoint;
    peer_call(peer, REQUEST_GET_TIMER_CHECK_POINT, NULL, NULL, BYTES(""), &answer);
    must(answer.code == RESPONSE_SUCCESS && answer.body.len == TIMER_CHECKPOINT_BYTES);
    timer_checkpoint_decode(answer.body.data, &checkpoint);
    printf("%" PRId64 "\n", checkpoint.queue_offset);
}

int main(int argc, char **argv) {
    struct peer peer;
    must(argc >= 3);
    peer_open(&peer, (uint16_t)atoi(argv[1]));
    if (strcmp(argv[2], "send") == 0 && argc == 6) {
        int64_t deliver_ms = clock_wall_ms() + atoi(argv[5]);
        for (int32_t i = 0; i < atoi(argv[4]); i++) send_one(&peer, atoi(argv[3]) + i, deliver_ms + i * 100);
    } else if (strcmp(argv[2], "read") == 0 && argc == 3) {
        read_all(&peer);
    } else if (strcmp(argv[2], "waiting") == 0 && argc == 3) {
        print_waiting(&peer);
    } else if (strcmp(argv[2], "saved") == 0 && argc == 3) {
        print_saved(&peer);
    } else {
        fprintf(stderr, "see the head of timer_driver.c\n");
        return 2;
    }
    peer_close(&peer);
    return 0;
}
