/* trace_fuzz.c - bodies of trace messages: what is read and written again is read the same. */
#include "base/check.h"
#include "message/trace.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct bytes rest = bytes_make(data, size);
    struct trace_record record;
    struct buf once = {0}, twice = {0};
    while (trace_next(&rest, &record)) trace_append(&once, &record);
    rest = buf_bytes(&once);
    while (trace_next(&rest, &record)) trace_append(&twice, &record);
    must(bytes_equal(buf_bytes(&once), buf_bytes(&twice)));
    buf_close(&once);
    buf_close(&twice);
    return 0;
}
