/* pop_peer.c - pops and acks as Java clients make them */
#include "support/pop_peer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/check.h"
#include "base/test.h"
#include "message/properties.h"
#include "os/clock.h"

static struct hdr_pop_message header_of(const struct pop_peer_wish *wish) {
    struct hdr_pop_message header = {
        .present = HEADER_ALL,
        .consumer_group = bytes_of(wish->group),
        .topic = bytes_of(wish->topic),
        .queue_id = wish->queue_id,
        .max_msg_nums = wish->max_count,
        .invisible_time = wish->invisible_ms,
        .poll_time = wish->poll_ms,
        .born_time = clock_wall_ms(),
        .exp_type = BYTES("TAG"),
        .exp = wish->expression ? bytes_of(wish->expression) : BYTES("*"),
        .order = wish->order,
        .attempt_id = bytes_of(wish->attempt_id),
    };
    return header;
}

/* The start offset of a queue in "0 3 17;1 0 4". */
static int64_t start_of(struct bytes infos, int32_t kind, int32_t queue_id) {
    struct bytes info;
    while (bytes_split(&infos, ';', &info)) {
        int32_t info_kind, info_queue;
        int64_t start;
        char text[64];
        snprintf(text, sizeof text, "%.*s", BYTES_ARG(info));
        if (sscanf(text, "%d %d %" SCNd64, &info_kind, &info_queue, &start) == 3 && info_kind == kind &&
            info_queue == queue_id)
            return start;
    }
    fail_msg("no start offset for queue %d in \"%.*s\"", queue_id, BYTES_ARG(infos));
    return -1;
}

static void write_receipt(struct popped_message *popped) {
    snprintf(popped->receipt, sizeof popped->receipt, "%" PRId64 " %" PRId64 " %" PRId64 " %d %d %s %d %" PRId64,
             popped->start_offset, popped->pop_time_ms, popped->invisible_ms, popped->revive_queue, popped->kind,
             "broker-a", popped->queue_id, popped->offset_queue);
}

static void take_one(const struct hdr_pop_result *result, const struct pop_peer_wish *wish, const struct record *record,
                     struct popped_message *out) {
    *out = (struct popped_message){
        .body = bytes_make(bytes_dup(record->body), record->body.len),
        .queue_id = record->queue_id,
        .reconsume_times = record->reconsume_times,
        .offset_queue = record->offset_queue,
        .pop_time_ms = result->pop_time,
        .invisible_ms = result->invisible_time,
        .revive_queue = result->revive_qid,
    };
    snprintf(out->topic, sizeof out->topic, "%s", wish->topic);
    snprintf(out->group, sizeof out->group, "%s", wish->group);
    struct bytes receipt = properties_get(record->properties, BYTES("POP_CK"));
    if (receipt.data) { /* it came back */
        char text[512];
        snprintf(text, sizeof text, "%.*s", BYTES_ARG(receipt));
        assert_int_equal(sscanf(text, "%*d %*d %*d %*d %d", &out->kind), 1);
        snprintf(out->topic, sizeof out->topic, "%%RETRY%%%s%c%s", wish->group, out->kind == 2 ? '+' : '_',
                 wish->topic);
    }
    out->start_offset = start_of(result->start_offset_info, out->kind, record->queue_id);
    write_receipt(out);
    if (receipt.data) assert_bytes(receipt, out->receipt);
}

size_t pop_peer_take(const struct command *answer, const struct pop_peer_wish *wish,
                     struct popped_message out[POP_PEER_MAX]) {
    struct hdr_pop_result result;
    struct record records[POP_PEER_MAX];
    if (answer->code == RESPONSE_POLLING_TIMEOUT) return 0;
    if (answer->code != RESPONSE_SUCCESS) fail_msg("%d %.*s", answer->code, BYTES_ARG(answer->remark));
    assert_ok(header_decode(layout_pop_result(), answer, &result));
    size_t count = pull_records(answer->body, records, POP_PEER_MAX);
    assert_true(count > 0);
    for (size_t i = 0; i < count; i++) take_one(&result, wish, &records[i], &out[i]);
    return count;
}

void pop_peer_ask(struct peer *peer, const struct pop_peer_wish *wish) {
    struct hdr_pop_message header = header_of(wish);
    peer_send(peer, REQUEST_POP_MESSAGE, layout_pop_message(), &header, BYTES(""), 0);
}

size_t pop_peer_pop(struct peer *peer, const struct pop_peer_wish *wish, struct popped_message out[POP_PEER_MAX]) {
    struct hdr_pop_message header = header_of(wish);
    struct command answer;
    peer_call(peer, REQUEST_POP_MESSAGE, layout_pop_message(), &header, BYTES(""), &answer);
    return pop_peer_take(&answer, wish, out);
}

void pop_peer_free(struct popped_message *popped, size_t count) {
    for (size_t i = 0; i < count; i++) free((void *)(uintptr_t)popped[i].body.data);
}

static struct hdr_ack_message ack_of(const struct popped_message *popped) {
    return (struct hdr_ack_message){.present = HEADER_ALL,
                                    .consumer_group = bytes_of(popped->group),
                                    .topic = bytes_of(popped->topic),
                                    .queue_id = popped->queue_id,
                                    .extra_info = bytes_of(popped->receipt),
                                    .offset = popped->offset_queue};
}

void pop_peer_send_ack(struct peer *peer, const struct popped_message *popped) {
    struct hdr_ack_message header = ack_of(popped);
    peer_send(peer, REQUEST_ACK_MESSAGE, layout_ack_message(), &header, BYTES(""), 0);
}

int32_t pop_peer_ack(struct peer *peer, const struct popped_message *popped) {
    struct hdr_ack_message header = ack_of(popped);
    struct command answer;
    peer_call(peer, REQUEST_ACK_MESSAGE, layout_ack_message(), &header, BYTES(""), &answer);
    return answer.code;
}

/* Base64 of the one bit that names the message. */
static void bits_text(const struct popped_message *popped, char out[64]) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint64_t bit = (uint64_t)(popped->offset_queue - popped->start_offset);
    uint8_t bytes[33] = {0};
    must(bit < 256);
    bytes[bit / 8] = (uint8_t)(1 << bit % 8);
    size_t len = 0;
    for (size_t i = 0; i < 33; i += 3) {
        uint32_t word = (uint32_t)bytes[i] << 16 | (uint32_t)bytes[i + 1] << 8 | bytes[i + 2];
        for (int shift = 18; shift >= 0; shift -= 6) out[len++] = digits[word >> shift & 63];
    }
    out[len] = 0;
}

int32_t pop_peer_batch_ack(struct peer *peer, const struct popped_message *popped, size_t count) {
    struct buf body = {0};
    struct command answer;
    buf_append_text(&body, "{\"acks\":[");
    for (size_t i = 0; i < count; i++) {
        char bits[64];
        bits_text(&popped[i], bits);
        buf_printf(&body,
                   "%s{\"b\":\"%s\",\"c\":\"%s\",\"it\":%" PRId64 ",\"pt\":%" PRId64 ",\"q\":%d,\"r\":\"%d\","
                   "\"rq\":%d,\"so\":%" PRId64 ",\"t\":\"T\"}",
                   i > 0 ? "," : "", bits, popped[i].group, popped[i].invisible_ms, popped[i].pop_time_ms,
                   popped[i].queue_id, popped[i].kind, popped[i].revive_queue, popped[i].start_offset);
    }
    buf_append_text(&body, "],\"brokerName\":\"broker-a\"}");
    peer_call(peer, REQUEST_BATCH_ACK_MESSAGE, NULL, NULL, buf_bytes(&body), &answer);
    buf_close(&body);
    return answer.code;
}

int32_t pop_peer_change_invisible(struct peer *peer, struct popped_message *popped, int64_t invisible_ms) {
    struct hdr_change_message_invisibletime header = {.present = HEADER_ALL,
                                                      .consumer_group = bytes_of(popped->group),
                                                      .topic = bytes_of(popped->topic),
                                                      .queue_id = popped->queue_id,
                                                      .extra_info = bytes_of(popped->receipt),
                                                      .offset = popped->offset_queue,
                                                      .invisible_time = invisible_ms};
    struct command answer;
    peer_call(peer, REQUEST_CHANGE_MESSAGE_INVISIBLETIME, layout_change_message_invisibletime(), &header, BYTES(""),
              &answer);
    if (answer.code != RESPONSE_SUCCESS) return answer.code;
    struct hdr_change_message_invisibletime_result result;
    assert_ok(header_decode(layout_change_message_invisibletime_result(), &answer, &result));
    popped->pop_time_ms = result.pop_time;
    popped->invisible_ms = result.invisible_time;
    popped->revive_queue = result.revive_qid;
    popped->start_offset = popped->offset_queue;
    write_receipt(popped);
    return RESPONSE_SUCCESS;
}
