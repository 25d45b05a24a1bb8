/* compress.c - bodies through libdeflate, LZ4 and ZSTD, never over the limit that was asked for */
#include "message/compress.h"

#include <libdeflate.h>
#include <lz4frame.h>
#include <zstd.h>
#include "base/check.h"
#include "message/record.h"

enum { FIRST_PIECE = 64 * 1024 };

static enum err over_limit(size_t limit) {
    return fail(ERR_TOO_BIG, "more than %zu bytes when decompressed", limit);
}

/* Room for a next piece of plain data behind the `done` bytes there are; one byte over the limit, to notice what
 * passes it; 0 when that is used up. */
static size_t reserve_piece(struct buf *out, size_t done, size_t limit) {
    size_t room = done > limit ? 0 : MIN(MAX(done, (size_t)FIRST_PIECE), limit - done + 1);
    buf_reserve(out, room);
    return room;
}

enum err zlib_inflate(struct bytes data, size_t limit, struct buf *out) {
    struct libdeflate_decompressor *inflater = libdeflate_alloc_decompressor();
    must(inflater != NULL);
    enum libdeflate_result result = LIBDEFLATE_INSUFFICIENT_SPACE;
    size_t len = 0;
    for (size_t room = MIN(MAX(data.len * 4, (size_t)FIRST_PIECE), limit);; room = MIN(room * 4, limit)) {
        char *at = buf_reserve(out, room);
        result = libdeflate_zlib_decompress(inflater, data.data, data.len, at, room, &len);
        if (result != LIBDEFLATE_INSUFFICIENT_SPACE || room == limit) break;
    }
    libdeflate_free_decompressor(inflater);
    if (result == LIBDEFLATE_INSUFFICIENT_SPACE) return over_limit(limit);
    if (result != LIBDEFLATE_SUCCESS) return fail(ERR_CORRUPT, "not a zlib stream");
    out->len += len;
    return ERR_OK;
}

enum err zlib_deflate(struct bytes data, int level, struct buf *out) {
    struct libdeflate_compressor *deflater = libdeflate_alloc_compressor(level);
    if (!deflater) return fail(ERR_BAD_PARAMETER, "compression level %d is not in 0 to 12", level);
    size_t bound = libdeflate_zlib_compress_bound(deflater, data.len);
    out->len += libdeflate_zlib_compress(deflater, data.data, data.len, buf_reserve(out, bound), bound);
    libdeflate_free_compressor(deflater);
    return ERR_OK;
}

static enum err lz4_inflate(struct bytes data, size_t limit, struct buf *out) {
    LZ4F_dctx *inflater;
    must(!LZ4F_isError(LZ4F_createDecompressionContext(&inflater, LZ4F_VERSION)));
    enum err err = ERR_OK;
    size_t start = out->len, due = 1;
    while (due != 0) {
        size_t taken = data.len, made = reserve_piece(out, out->len - start, limit);
        if (made == 0) {
            err = over_limit(limit);
            break;
        }
        due = LZ4F_decompress(inflater, out->data + out->len, &made, data.data, &taken, NULL);
        if (LZ4F_isError(due) || (due != 0 && taken == 0 && made == 0)) {
            err = fail(ERR_CORRUPT, "not a whole LZ4 frame");
            break;
        }
        out->len += made;
        data = bytes_skip(data, taken);
    }
    LZ4F_freeDecompressionContext(inflater);
    return err;
}

static enum err zstd_inflate(struct bytes data, size_t limit, struct buf *out) {
    ZSTD_DStream *inflater = ZSTD_createDStream();
    must(inflater != NULL);
    enum err err = ERR_OK;
    ZSTD_inBuffer in = {data.data, data.len, 0};
    size_t start = out->len, due = 1;
    while (due != 0) {
        size_t room = reserve_piece(out, out->len - start, limit);
        if (room == 0) {
            err = over_limit(limit);
            break;
        }
        ZSTD_outBuffer piece = {out->data + out->len, room, 0};
        size_t before = in.pos;
        due = ZSTD_decompressStream(inflater, &piece, &in);
        if (ZSTD_isError(due) || (due != 0 && in.pos == before && piece.pos == 0)) {
            err = fail(ERR_CORRUPT, "not a whole ZSTD frame");
            break;
        }
        out->len += piece.pos;
    }
    ZSTD_freeDStream(inflater);
    return err;
}

static enum err inflate_by_type(int32_t sys_flag, struct bytes body, size_t limit, struct buf *out) {
    switch (sys_flag & SYS_FLAG_COMPRESSION_MASK) {
    case 0:
    case SYS_FLAG_ZLIB:
        return zlib_inflate(body, limit, out);
    case SYS_FLAG_LZ4:
        return lz4_inflate(body, limit, out);
    case SYS_FLAG_ZSTD:
        return zstd_inflate(body, limit, out);
    default:
        return fail(ERR_CORRUPT, "unknown compression in sysFlag %d", sys_flag);
    }
}

enum err body_decompress(int32_t sys_flag, struct bytes body, size_t limit, struct buf *out) {
    size_t start = out->len;
    enum err err = ERR_OK;
    if (sys_flag & SYS_FLAG_COMPRESSED)
        err = inflate_by_type(sys_flag, body, limit, out);
    else
        buf_append_bytes(out, body);
    if (err == ERR_OK && out->len - start > limit) err = over_limit(limit);
    if (err != ERR_OK) out->len = start;
    return err;
}

enum err body_compress_zlib(struct bytes body, int level, struct buf *out, int32_t *sys_flag_out) {
    TRY(zlib_deflate(body, level, out));
    *sys_flag_out = SYS_FLAG_COMPRESSED | SYS_FLAG_ZLIB;
    return ERR_OK;
}
