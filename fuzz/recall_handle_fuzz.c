/* recall_handle_fuzz.c - what is read as a handle, written again, is the same handle. */
#include "base/check.h"
#include "message/recall_handle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct arena arena = {0};
    struct recall_handle handle, again;
    if (recall_handle_decode(bytes_make((const char *)data, size), &arena, &handle) == ERR_OK) {
        must(recall_handle_decode(recall_handle_encode(&handle, &arena), &arena, &again) == ERR_OK);
        must(bytes_equal(handle.topic, again.topic) && bytes_equal(handle.unique_key, again.unique_key));
    }
    arena_close(&arena);
    return 0;
}
