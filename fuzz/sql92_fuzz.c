/* sql92_fuzz.c - any text as a condition; those that compile are matched. */
#include "filter/sql92.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct sql92 *filter;
    if (sql92_compile(bytes_make(data, size), &filter)) return 0;
    (void)sql92_match(filter, BYTES("a\0015\002b\001x\002TAGS\001red\002"));
    sql92_free(filter);
    return 0;
}
