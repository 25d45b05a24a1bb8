/* compress.h - message bodies as sysFlag says they are compressed: zlib, LZ4 frames, ZSTD. */
#ifndef RMQ_MESSAGE_COMPRESS_H
#define RMQ_MESSAGE_COMPRESS_H

#include "base/buf.h"
#include "base/err.h"

/* Appends the plain body to `out`; at most `limit` bytes, else ERR_TOO_BIG. ERR_CORRUPT when it is no such data. */
enum err body_decompress(int32_t sys_flag, struct bytes body, size_t limit, struct buf *out) MUST_USE;
/* Appends the compressed body; sys_flag_out gets the bits to set. level as zlib's. */
enum err body_compress_zlib(struct bytes body, int level, struct buf *out, int32_t *sys_flag_out) MUST_USE;
/* A zlib stream (registration bodies). */
enum err zlib_inflate(struct bytes data, size_t limit, struct buf *out) MUST_USE;
enum err zlib_deflate(struct bytes data, int level, struct buf *out) MUST_USE;

#endif
