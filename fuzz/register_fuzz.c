/* register_fuzz.c - registrations of brokers, as JSON and packed: what decodes is written as JSON and read back. */
#include "base/check.h"
#include "wire/body_register.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_again(struct arena *arena, const struct register_body *body) {
    struct register_body back;
    struct buf out = {0};
    register_body_encode(body, &out);
    must(register_body_decode(arena, buf_bytes(&out), &back) == ERR_OK);
    must(data_version_equal(&back.data_version, &body->data_version));
    must(back.topic_count == body->topic_count && back.mapping_count == body->mapping_count);
    must(back.has_filter_servers == body->has_filter_servers);
    for (size_t i = 0; i < body->topic_count; i++) must(back.topics[i].perm == body->topics[i].perm);
    buf_close(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct arena arena = {0};
    struct register_body body;
    if (register_body_decode(&arena, bytes_make(data, size), &body) == ERR_OK) check_again(&arena, &body);
    if (register_body_decode_packed(&arena, bytes_make(data, size), &body) == ERR_OK) check_again(&arena, &body);
    arena_close(&arena);
    return 0;
}
