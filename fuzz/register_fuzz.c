/* register_fuzz.c - registrations of brokers, JSON and packed: any bytes are taken or refused. */
#include "wire/body_register.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct arena arena = {0};
    struct register_body body;
    const struct bytes input = bytes_make(data, size);
    if (register_body_decode(&arena, input, &body) == ERR_OK) {
        struct buf text = {0};
        register_body_encode(&body, &text);
        if (register_body_decode(&arena, buf_bytes(&text), &body) != ERR_OK) __builtin_trap();
        buf_close(&text);
    }
    if (register_body_decode_packed(&arena, input, &body) != ERR_OK) body.topic_count = 0;
    arena_close(&arena);
    return 0;
}
