/* hash.h - the hashes that files and peers agree on. */
#ifndef RMQ_BASE_HASH_H
#define RMQ_BASE_HASH_H

#include "base/bytes.h"

/* Java's String.hashCode over the UTF-16 form of UTF-8 text; malformed bytes count as U+FFFD.
 * @source java.lang.String; tags code and index keys of the store */
int32_t java_string_hash(struct bytes text);
/* The same continued: java_string_hash_more(java_string_hash(a), b) == hash of a + b. */
int32_t java_string_hash_more(int32_t hash, struct bytes text);
/* CRC-32 (zlib polynomial) with the sign bit cleared, as message bodies and registrations carry it. */
int32_t crc32_java(struct bytes data);

#endif
