/* compress_test.c - every compression there and back; limits on the plain size; damage */
#include "message/compress.h"

#include <lz4frame.h>
#include <zstd.h>
#include "base/test.h"
#include "message/record.h"

enum { PLAIN_LEN = 300000 };

struct fixture {
    struct buf plain, packed, out;
};

static int set_up(void **state) {
    static struct fixture fixture;
    char *at = buf_reserve(&fixture.plain, PLAIN_LEN);
    uint32_t noise = 1;
    for (size_t i = 0; i < PLAIN_LEN; i++) {
        noise = noise * 1664525 + 1013904223;
        at[i] = (char)(i % 3 ? noise >> 24 : i / 1000);
    }
    fixture.plain.len = PLAIN_LEN;
    *state = &fixture;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *f = *state;
    buf_close(&f->plain);
    buf_close(&f->packed);
    buf_close(&f->out);
    return 0;
}

static void pack_lz4(struct fixture *f, size_t len) {
    size_t bound = LZ4F_compressFrameBound(len, NULL);
    f->packed.len = LZ4F_compressFrame(buf_reserve(&f->packed, bound), bound, f->plain.data, len, NULL);
    assert_false(LZ4F_isError(f->packed.len));
}

/* Without the content's size in the frame's header, as streaming writers leave it out. */
static void pack_zstd(struct fixture *f, size_t len) {
    size_t bound = ZSTD_compressBound(len);
    ZSTD_CCtx *context = ZSTD_createCCtx();
    assert_non_null(context);
    ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, 0);
    f->packed.len = ZSTD_compress2(context, buf_reserve(&f->packed, bound), bound, f->plain.data, len);
    assert_false(ZSTD_isError(f->packed.len));
    ZSTD_freeCCtx(context);
}

static void pack_zlib(struct fixture *f, size_t len) {
    int32_t sys_flag = 0;
    assert_ok(body_compress_zlib(bytes_make(f->plain.data, len), 5, &f->packed, &sys_flag));
    assert_int_equal(sys_flag, SYS_FLAG_COMPRESSED | SYS_FLAG_ZLIB);
}

static const struct {
    int32_t sys_flag;
    void (*pack)(struct fixture *f, size_t len);
} kinds[] = {
    {SYS_FLAG_COMPRESSED, pack_zlib}, /* as clients before 4.9.4 say it */
    {SYS_FLAG_COMPRESSED | SYS_FLAG_ZLIB, pack_zlib},
    {SYS_FLAG_COMPRESSED | SYS_FLAG_LZ4, pack_lz4},
    {SYS_FLAG_COMPRESSED | SYS_FLAG_ZSTD | SYS_FLAG_PREPARED, pack_zstd},
};

static void every_kind_comes_back(void **state) {
    struct fixture *f = *state;
    static const size_t lengths[] = {0, 1, 4097, 65536, 65537, PLAIN_LEN};
    for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
        for (size_t l = 0; l < ARRAY_LEN(lengths); l++) {
            buf_clear(&f->packed);
            kinds[k].pack(f, lengths[l]);
            buf_clear(&f->out);
            buf_append_text(&f->out, "kept");
            assert_ok(body_decompress(kinds[k].sys_flag, buf_bytes(&f->packed), lengths[l], &f->out));
            assert_int_equal(f->out.len, 4 + lengths[l]);
            assert_memory_equal(f->out.data, "kept", 4);
            assert_memory_equal(f->out.data + 4, f->plain.data, lengths[l]);
        }
    }
}

static void the_limit_holds(void **state) {
    struct fixture *f = *state;
    for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
        static const size_t limits[] = {0, 1, 65535, 65536, PLAIN_LEN - 1};
        buf_clear(&f->packed);
        kinds[k].pack(f, PLAIN_LEN);
        for (size_t l = 0; l < ARRAY_LEN(limits); l++) {
            buf_close(&f->out);
            assert_err(body_decompress(kinds[k].sys_flag, buf_bytes(&f->packed), limits[l], &f->out), ERR_TOO_BIG);
            assert_int_equal(f->out.len, 0);
            assert_in_range(f->out.cap, 0, 2 * limits[l] + 64); /* memory stays within the limit too */
        }
    }
}

static void damage_is_noticed(void **state) {
    struct fixture *f = *state;
    for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
        buf_clear(&f->packed);
        kinds[k].pack(f, 4000);
        buf_clear(&f->out);
        for (size_t len = 0; len < f->packed.len; len += len < 32 ? 1 : 97) {
            struct bytes cut = bytes_make(f->packed.data, len);
            assert_err(body_decompress(kinds[k].sys_flag, cut, 1 << 20, &f->out), ERR_CORRUPT);
            assert_int_equal(f->out.len, 0);
        }
        f->packed.data[0] ^= 0x40;
        assert_err(body_decompress(kinds[k].sys_flag, buf_bytes(&f->packed), 1 << 20, &f->out), ERR_CORRUPT);
    }
    assert_err(body_decompress(SYS_FLAG_COMPRESSED | 0x400, BYTES("x"), 10, &f->out), ERR_CORRUPT);
}

static void plain_bodies_are_copied(void **state) {
    struct fixture *f = *state;
    buf_clear(&f->out);
    assert_ok(body_decompress(SYS_FLAG_ZLIB, BYTES("plain"), 5, &f->out));
    assert_bytes(buf_bytes(&f->out), "plain");
    assert_err(body_decompress(0, BYTES("plain"), 4, &f->out), ERR_TOO_BIG);
    assert_bytes(buf_bytes(&f->out), "plain");
}

static void levels_are_zlibs(void **state) {
    struct fixture *f = *state;
    size_t best = PLAIN_LEN;
    for (int level = 1; level <= 9; level++) {
        buf_clear(&f->packed);
        assert_ok(zlib_deflate(buf_bytes(&f->plain), level, &f->packed));
        best = MIN(best, f->packed.len);
        buf_clear(&f->out);
        assert_ok(zlib_inflate(buf_bytes(&f->packed), PLAIN_LEN, &f->out));
        assert_int_equal(f->out.len, PLAIN_LEN);
    }
    assert_in_range(best, 1, PLAIN_LEN * 19 / 20);
    assert_err(zlib_deflate(buf_bytes(&f->plain), 99, &f->packed), ERR_BAD_PARAMETER);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_comes_back), cmocka_unit_test(the_limit_holds),
        cmocka_unit_test(damage_is_noticed),     cmocka_unit_test(plain_bodies_are_copied),
        cmocka_unit_test(levels_are_zlibs),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
