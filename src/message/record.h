/* record.h - a stored message: one record of the commit log, which is also the unit of pull answers.
 * Layout drawn in docs/disk/record.md. @source shared facts: store 2.1, protocol 3.1 */
#ifndef RMQ_MESSAGE_RECORD_H
#define RMQ_MESSAGE_RECORD_H

#include "base/buf.h"
#include "base/bytes.h"
#include "base/err.h"

#define RECORD_MAGIC_V1    0xDAA320A7u
#define RECORD_MAGIC_V2    0xDAA320ABu /* topic length has two bytes: topics over 127 bytes */
#define RECORD_MAGIC_BLANK 0xCBD43194u

/* Positions that do not depend on the sizes of the hosts. */
enum {
    RECORD_AT_SIZE = 0,
    RECORD_AT_MAGIC = 4,
    RECORD_AT_BODY_CRC = 8,
    RECORD_AT_QUEUE_ID = 12,
    RECORD_AT_FLAG = 16,
    RECORD_AT_QUEUE_OFFSET = 20,
    RECORD_AT_PHYSICAL_OFFSET = 28,
    RECORD_AT_SYS_FLAG = 36,
    RECORD_AT_BORN_TIME = 40,
    RECORD_AT_BORN_HOST = 48,
    RECORD_FIXED_V1_IPV4 = 91,
    RECORD_TOPIC_V1_MAX = 127,
    RECORD_PROPERTIES_MAX = 32767
};
enum sys_flag {
    SYS_FLAG_COMPRESSED = 0x1,
    SYS_FLAG_MULTI_TAGS = 0x2,
    SYS_FLAG_TRANSACTION_MASK = 0xC,
    SYS_FLAG_PREPARED = 0x4,
    SYS_FLAG_COMMIT = 0x8,
    SYS_FLAG_ROLLBACK = 0xC,
    SYS_FLAG_BORN_HOST_V6 = 0x10,
    SYS_FLAG_STORE_HOST_V6 = 0x20,
    SYS_FLAG_NEED_UNWRAP = 0x40,
    SYS_FLAG_INNER_BATCH = 0x80,
    SYS_FLAG_COMPRESSION_MASK = 0x700,
    SYS_FLAG_LZ4 = 0x100,
    SYS_FLAG_ZSTD = 0x200,
    SYS_FLAG_ZLIB = 0x300
};
/* A host as records carry it: 4 or 16 address bytes and a port. */
struct host {
    uint8_t ip[16];
    bool v6;
    int32_t port;
};
/* A record taken apart, or what one is to be made of. Texts are views. */
struct record {
    uint32_t size_bytes;
    int32_t body_crc;
    int32_t queue_id;
    int32_t flag;
    int64_t offset_queue, offset_phys;
    int32_t sys_flag; /* the host bits are set from the hosts when encoding */
    int64_t born_time_ms, store_time_ms;
    struct host born_host, store_host;
    int32_t reconsume_times;
    int64_t prepared_offset;
    struct bytes body, topic, properties;
};
enum record_check { RECORD_CHECK_SHAPE, RECORD_CHECK_BODY_CRC };
/* Takes apart the record at the start of `input` (which may go on behind it).
 * ERR_CORRUPT when it is none: magic, sizes, sum of parts, CRC when asked. */
enum err record_decode(struct bytes input, enum record_check check, struct record *out) MUST_USE;
/* Bytes that record_encode will write; 0 when a part is over its format's limit. */
uint32_t record_size(const struct record *record);
/* Writes exactly record_size bytes to `out`, computing the body CRC; v2 when the topic needs it. */
void record_encode(const struct record *record, char *out);
/* Fills what is known only under the append lock. */
void record_patch(char *encoded, int64_t offset_queue, int64_t offset_phys, int64_t store_time_ms);
/* The value of the record's last property may be replaced by one that is no longer than it was encoded with: this is
 * where it begins ... */
char *record_last_value(char *encoded);
/* ... and it ends at `end`: sets the sizes; returns the new size of the record. */
uint32_t record_end_last_value(char *encoded, char *end);
int64_t record_store_time_ms(const char *encoded);
/* "1.2.3.4:10911" to a host and back (out as ADDRESS_TEXT_MAX of net). */
enum err host_parse(struct bytes text, struct host *out) MUST_USE;
const char *host_text(const struct host *host, char out[64]);

#endif
