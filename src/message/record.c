/* record.c - records between bytes and struct */
#include "message/record.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include "base/check.h"
#include "base/endian.h"
#include "base/hash.h"

enum { HOST_V4_SIZE = 8, HOST_V6_SIZE = 20, STORE_TIME_SIZE = 8, BODY_LEN_SIZE = 4, PROPERTIES_LEN_SIZE = 2 };
enum { RECONSUME_AND_PREPARED_SIZE = 12, TOPIC_V2_MAX = 32767 };

static size_t host_size(bool v6) {
    return v6 ? HOST_V6_SIZE : HOST_V4_SIZE;
}

/* What stands between the fixed start and the body. */
static size_t middle_size(bool born_v6, bool store_v6) {
    return host_size(born_v6) + STORE_TIME_SIZE + host_size(store_v6) + RECONSUME_AND_PREPARED_SIZE;
}

static const char *load_host(const char *at, bool v6, struct host *out) {
    size_t ip_size = host_size(v6) - 4;
    *out = (struct host){.v6 = v6};
    memcpy(out->ip, at, ip_size);
    out->port = load_i32be(at + ip_size);
    return at + ip_size + 4;
}

static char *store_host(char *at, const struct host *host) {
    size_t ip_size = host_size(host->v6) - 4;
    memcpy(at, host->ip, ip_size);
    store_u32be(at + ip_size, (uint32_t)host->port);
    return at + ip_size + 4;
}

/* The three parts of variable length, which must fill `rest` exactly. */
static bool load_parts(struct bytes rest, bool v2, struct record *out) {
    struct bytes *parts[] = {&out->body, &out->topic, &out->properties};
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        size_t length_size = i == 0 ? BODY_LEN_SIZE : i == 1 && !v2 ? 1 : 2;
        if (rest.len < length_size) return false;
        int32_t len = length_size == 4   ? load_i32be(rest.data)
                      : length_size == 2 ? (int16_t)load_u16be(rest.data)
                                         : (int8_t)rest.data[0];
        rest = bytes_skip(rest, length_size);
        if (len < 0 || (size_t)len > rest.len) return false;
        *parts[i] = bytes_make(rest.data, (size_t)len);
        rest = bytes_skip(rest, (size_t)len);
    }
    return rest.len == 0;
}

enum err record_decode(struct bytes input, enum record_check check, struct record *out) {
    if (input.len < RECORD_AT_BORN_HOST) return fail(ERR_CORRUPT, "no record in %zu bytes", input.len);
    const char *data = input.data;
    *out = (struct record){
        .size_bytes = load_u32be(data + RECORD_AT_SIZE),
        .body_crc = load_i32be(data + RECORD_AT_BODY_CRC),
        .queue_id = load_i32be(data + RECORD_AT_QUEUE_ID),
        .flag = load_i32be(data + RECORD_AT_FLAG),
        .offset_queue = load_i64be(data + RECORD_AT_QUEUE_OFFSET),
        .offset_phys = load_i64be(data + RECORD_AT_PHYSICAL_OFFSET),
        .sys_flag = load_i32be(data + RECORD_AT_SYS_FLAG),
        .born_time_ms = load_i64be(data + RECORD_AT_BORN_TIME),
    };
    uint32_t magic = load_u32be(data + RECORD_AT_MAGIC);
    if (magic != RECORD_MAGIC_V1 && magic != RECORD_MAGIC_V2)
        return fail(ERR_CORRUPT, "record has the magic %08" PRIX32, magic);
    bool born_v6 = out->sys_flag & SYS_FLAG_BORN_HOST_V6, store_v6 = out->sys_flag & SYS_FLAG_STORE_HOST_V6;
    size_t parts_at = RECORD_AT_BORN_HOST + middle_size(born_v6, store_v6);
    if (out->size_bytes > input.len || out->size_bytes < parts_at)
        return fail(ERR_CORRUPT, "record of %" PRIu32 " bytes in %zu", out->size_bytes, input.len);
    const char *at = load_host(data + RECORD_AT_BORN_HOST, born_v6, &out->born_host);
    out->store_time_ms = load_i64be(at);
    at = load_host(at + STORE_TIME_SIZE, store_v6, &out->store_host);
    out->reconsume_times = load_i32be(at);
    out->prepared_offset = load_i64be(at + 4);
    if (!load_parts(bytes_make(data + parts_at, out->size_bytes - parts_at), magic == RECORD_MAGIC_V2, out))
        return fail(ERR_CORRUPT, "the parts of a record do not make its %" PRIu32 " bytes", out->size_bytes);
    if (check == RECORD_CHECK_BODY_CRC && crc32_java(out->body) != out->body_crc)
        return fail(ERR_CORRUPT, "the body of a record does not have the checksum %08" PRIX32, (uint32_t)out->body_crc);
    return ERR_OK;
}

uint32_t record_size(const struct record *record) {
    if (record->topic.len > TOPIC_V2_MAX || record->properties.len > RECORD_PROPERTIES_MAX ||
        record->body.len > INT32_MAX / 2)
        return 0;
    size_t topic_length_size = record->topic.len > RECORD_TOPIC_V1_MAX ? 2 : 1;
    return (uint32_t)(RECORD_AT_BORN_HOST + middle_size(record->born_host.v6, record->store_host.v6) + BODY_LEN_SIZE +
                      record->body.len + topic_length_size + record->topic.len + PROPERTIES_LEN_SIZE +
                      record->properties.len);
}

static char *store_bytes(char *at, struct bytes bytes) {
    if (bytes.len > 0) memcpy(at, bytes.data, bytes.len);
    return at + bytes.len;
}

void record_encode(const struct record *record, char *out) {
    uint32_t size = record_size(record);
    must(size != 0);
    bool v2 = record->topic.len > RECORD_TOPIC_V1_MAX;
    int32_t sys_flag = record->sys_flag & ~(SYS_FLAG_BORN_HOST_V6 | SYS_FLAG_STORE_HOST_V6);
    if (record->born_host.v6) sys_flag |= SYS_FLAG_BORN_HOST_V6;
    if (record->store_host.v6) sys_flag |= SYS_FLAG_STORE_HOST_V6;
    store_u32be(out + RECORD_AT_SIZE, size);
    store_u32be(out + RECORD_AT_MAGIC, v2 ? RECORD_MAGIC_V2 : RECORD_MAGIC_V1);
    store_u32be(out + RECORD_AT_BODY_CRC, (uint32_t)crc32_java(record->body));
    store_u32be(out + RECORD_AT_QUEUE_ID, (uint32_t)record->queue_id);
    store_u32be(out + RECORD_AT_FLAG, (uint32_t)record->flag);
    store_u64be(out + RECORD_AT_QUEUE_OFFSET, (uint64_t)record->offset_queue);
    store_u64be(out + RECORD_AT_PHYSICAL_OFFSET, (uint64_t)record->offset_phys);
    store_u32be(out + RECORD_AT_SYS_FLAG, (uint32_t)sys_flag);
    store_u64be(out + RECORD_AT_BORN_TIME, (uint64_t)record->born_time_ms);
    char *at = store_host(out + RECORD_AT_BORN_HOST, &record->born_host);
    store_u64be(at, (uint64_t)record->store_time_ms);
    at = store_host(at + STORE_TIME_SIZE, &record->store_host);
    store_u32be(at, (uint32_t)record->reconsume_times);
    store_u64be(at + 4, (uint64_t)record->prepared_offset);
    at += RECONSUME_AND_PREPARED_SIZE;
    store_u32be(at, (uint32_t)record->body.len);
    at = store_bytes(at + BODY_LEN_SIZE, record->body);
    if (v2) *at++ = (char)(record->topic.len >> 8);
    *at++ = (char)record->topic.len;
    at = store_bytes(at, record->topic);
    store_u16be(at, (uint16_t)record->properties.len);
    store_bytes(at + PROPERTIES_LEN_SIZE, record->properties);
}

static size_t store_time_at(const char *encoded) {
    return RECORD_AT_BORN_HOST + host_size(load_u32be(encoded + RECORD_AT_SYS_FLAG) & SYS_FLAG_BORN_HOST_V6);
}

void record_patch(char *encoded, int64_t offset_queue, int64_t offset_phys, int64_t store_time_ms) {
    store_u64be(encoded + RECORD_AT_QUEUE_OFFSET, (uint64_t)offset_queue);
    store_u64be(encoded + RECORD_AT_PHYSICAL_OFFSET, (uint64_t)offset_phys);
    store_u64be(encoded + store_time_at(encoded), (uint64_t)store_time_ms);
}

/* Where the length of the property text is. */
static char *properties_at(char *encoded) {
    uint32_t sys_flag = load_u32be(encoded + RECORD_AT_SYS_FLAG);
    char *at = encoded + RECORD_AT_BORN_HOST +
               middle_size(sys_flag & SYS_FLAG_BORN_HOST_V6, sys_flag & SYS_FLAG_STORE_HOST_V6);
    at += BODY_LEN_SIZE + load_u32be(at);
    return at + (load_u32be(encoded + RECORD_AT_MAGIC) == RECORD_MAGIC_V2 ? 2u + load_u16be(at) : 1u + (uint8_t)*at);
}

char *record_last_value(char *encoded) {
    char *first = properties_at(encoded) + PROPERTIES_LEN_SIZE;
    char *at = encoded + load_u32be(encoded + RECORD_AT_SIZE);
    while (at > first && at[-1] != 1) at--;
    return at;
}

uint32_t record_end_last_value(char *encoded, char *end) {
    char *len_at = properties_at(encoded);
    *end++ = 2;
    store_u16be(len_at, (uint16_t)(end - len_at - PROPERTIES_LEN_SIZE));
    store_u32be(encoded + RECORD_AT_SIZE, (uint32_t)(end - encoded));
    return (uint32_t)(end - encoded);
}

int64_t record_store_time_ms(const char *encoded) {
    return load_i64be(encoded + store_time_at(encoded));
}

enum err host_parse(struct bytes text, struct host *out) {
    struct bytes ip = text;
    while (ip.len > 0 && ip.data[ip.len - 1] != ':') ip.len--;
    struct host host = {0};
    char name[INET6_ADDRSTRLEN];
    if (ip.len == 0 || !bytes_to_i32(bytes_skip(text, ip.len), &host.port) || host.port < 0 || host.port > UINT16_MAX)
        return fail(ERR_BAD_INPUT, "\"%.*s\" is not host:port", BYTES_ARG(text));
    ip.len--;
    host.v6 = ip.len >= 2 && ip.data[0] == '[' && ip.data[ip.len - 1] == ']';
    if (host.v6) ip = bytes_make(ip.data + 1, ip.len - 2);
    if (ip.len < sizeof name) {
        memcpy(name, ip.data, ip.len);
        name[ip.len] = 0;
        if (inet_pton(host.v6 ? AF_INET6 : AF_INET, name, host.ip) == 1) {
            *out = host;
            return ERR_OK;
        }
    }
    return fail(ERR_BAD_INPUT, "\"%.*s\" is not a numeric address", BYTES_ARG(ip));
}

const char *host_text(const struct host *host, char out[64]) {
    char name[INET6_ADDRSTRLEN];
    inet_ntop(host->v6 ? AF_INET6 : AF_INET, host->ip, name, sizeof name);
    snprintf(out, 64, host->v6 ? "[%s]:%" PRId32 : "%s:%" PRId32, name, host->port);
    return out;
}
