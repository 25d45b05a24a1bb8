/* compress_fuzz.c - compressed bodies of each kind (bits of sysFlag from the first byte): memory stays within the
 * limit, and a refused body leaves nothing behind. */
#include "base/check.h"
#include "message/compress.h"
#include "message/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    enum { LIMIT = 200000, BEFORE = 3 };
    if (size == 0) return 0;
    struct buf out = {0};
    buf_append_text(&out, "abc");
    enum err err =
        body_decompress(SYS_FLAG_COMPRESSED | (data[0] & 7) << 8, bytes_make(data + 1, size - 1), LIMIT, &out);
    must(err == ERR_OK || err == ERR_CORRUPT || err == ERR_TOO_BIG);
    must(out.len <= LIMIT + BEFORE && (err == ERR_OK || out.len == BEFORE));
    must(out.cap <= 2 * (LIMIT + BEFORE + 1));
    buf_close(&out);
    return 0;
}
