/* body_fuzz.c - JSON bodies that clients send to a broker and brokers to clients: what decodes is written again. */
#include "base/check.h"
#include "wire/body_heartbeat.h"
#include "wire/body_lock.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct arena arena = {0};
    struct buf out = {0};
    struct bytes body = bytes_make(data, size);
    struct heartbeat heartbeat, heartbeat_back;
    if (heartbeat_decode(&arena, body, &heartbeat) == ERR_OK) {
        heartbeat_encode(&heartbeat, &out);
        must(heartbeat_decode(&arena, buf_bytes(&out), &heartbeat_back) == ERR_OK);
        must(heartbeat_back.consumer_count == heartbeat.consumer_count);
    }
    struct lock_batch batch, batch_back;
    if (lock_batch_decode(&arena, body, &batch) == ERR_OK) {
        buf_clear(&out);
        lock_batch_encode(&batch, &out);
        must(lock_batch_decode(&arena, buf_bytes(&out), &batch_back) == ERR_OK);
        must(batch_back.count == batch.count);
    }
    arena_close(&arena);
    buf_close(&out);
    return 0;
}
