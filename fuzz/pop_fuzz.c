/* pop_fuzz.c - what clients of pop and the revive topic bring: receipts, bodies of batch acks, checkpoints and acks. */
#include <stdlib.h>
#include "base/check.h"
#include "broker/pop/receipt.h"
#include "broker/pop/revive_record.h"
#include "wire/body_ack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_receipt(struct arena *arena, struct bytes text) {
    struct receipt receipt, back;
    if (receipt_parse(text, &receipt) != ERR_OK) return;
    must(receipt_invisible_ms(receipt.invisible_ms) >= 0);
    if (!receipt.broker_name.data) return;
    must(receipt_parse(receipt_text(&receipt, arena), &back) == ERR_OK);
    must(back.start_offset == receipt.start_offset && back.offset_queue == receipt.offset_queue);
    must(back.queue_id == receipt.queue_id && back.kind == receipt.kind);
}

static void check_acks(struct arena *arena, struct bytes body) {
    const struct batch_ack *acks;
    size_t count, bits = 0;
    if (batch_acks_decode(arena, body, &acks, &count) != ERR_OK) return;
    for (size_t i = 0; i < count; i++) {
        must(acks[i].retry >= -1 && acks[i].retry <= 2);
        for (size_t b = 0; b < acks[i].bits.len * 8; b++) bits += batch_ack_has(&acks[i], b);
    }
    must(bits <= body.len * 8);
}

/* The input is the body of a checkpoint, of an ack, of several. */
static void check_record(struct arena *arena, struct bytes body, const char *properties) {
    struct record record = {
        .topic = BYTES("rmq_sys_REVIVE_LOG_DefaultCluster"), .body = body, .properties = bytes_of(properties)};
    struct revive_record read;
    uint32_t size = record_size(&record);
    if (size == 0) return;
    char *encoded = arena_alloc(arena, size);
    record_encode(&record, encoded);
    revive_record_read(bytes_make(encoded, size), arena, &read);
    if (read.kind == REVIVE_CHECKPOINT) {
        must(read.checkpoint.count >= 0 && read.checkpoint.count <= POP_MESSAGES_MAX);
        for (int32_t i = 0; i < read.checkpoint.count; i++) must(read.checkpoint.diffs[i] >= 0);
    }
    if (read.kind == REVIVE_ACK) must(read.ack.count >= 0 && read.ack.count <= POP_MESSAGES_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct arena arena = {0};
    struct bytes input = bytes_make(data, size);
    check_receipt(&arena, input);
    check_acks(&arena, input);
    check_record(&arena, input, "TAGS\1ck\2");
    check_record(&arena, input, "TAGS\1ack\2");
    check_record(&arena, input, "TAGS\1bAck\2");
    arena_close(&arena);
    return 0;
}
