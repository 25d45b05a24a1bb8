/* msgid.c - message ids between bytes and hex digits */
#include "message/msgid.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>
#include "base/check.h"
#include "base/endian.h"
#include "os/clock.h"
#include "os/thread.h"

enum { HEX_V4 = 32, HEX_V6 = 56, ID_MAX = HEX_V6 / 2 };
/* Of a unique id, behind the address: process id, salt, ms since the first of the month, counter. */
enum { UNIQUE_AT_SALT = 2, UNIQUE_AT_TIME = 6, UNIQUE_AT_COUNTER = 10, UNIQUE_REST = 12 };

/* The hex digits of four bytes, in the order of memory (endian.h asserts the host). */
static uint64_t hex_of_four(const uint8_t *data) {
    const uint64_t ones = UINT64_C(0x0101010101010101);
    uint64_t x = load_u32be((const char *)data);
    x = (x & 0xFFFF) << 32 | x >> 16; /* the first byte in the lowest place, each with 16 bits */
    x = (x & UINT64_C(0x000000FF000000FF)) << 16 | (x >> 8 & UINT64_C(0x000000FF000000FF));
    x = (x & UINT64_C(0x000F000F000F000F)) << 8 | (x >> 4 & UINT64_C(0x000F000F000F000F)); /* a digit a byte */
    uint64_t letters = (x + 6 * ones) >> 4 & ones;                                         /* 1 where it is over 9 */
    return x + '0' * ones + letters * ('A' - '0' - 10);
}

/* `len` is a multiple of four. */
static size_t hex_encode(const uint8_t *data, size_t len, char *out) {
    for (size_t i = 0; i < len; i += 4) {
        uint64_t digits = hex_of_four(data + i);
        memcpy(out + 2 * i, &digits, sizeof digits);
    }
    out[2 * len] = 0;
    return 2 * len;
}

static int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return -1;
}

/* Both kinds of ids have one of two lengths, which say how long the address at the front is. */
static enum err id_decode(struct bytes text, uint8_t out[ID_MAX], size_t *ip_size) {
    if (text.len != HEX_V4 && text.len != HEX_V6)
        return fail(ERR_BAD_INPUT, "a message id has %d or %d hex digits, this one %zu", HEX_V4, HEX_V6, text.len);
    for (size_t i = 0; i < text.len; i += 2) {
        int high = hex_digit(text.data[i]), low = hex_digit(text.data[i + 1]);
        if (high < 0 || low < 0) return fail(ERR_BAD_INPUT, "a message id has hex digits only");
        out[i / 2] = (uint8_t)(high << 4 | low);
    }
    *ip_size = text.len == HEX_V6 ? 16 : 4;
    return ERR_OK;
}

size_t msgid_offset_text(const struct host *store_host, int64_t offset_phys, char out[MSGID_TEXT_MAX]) {
    uint8_t id[ID_MAX];
    size_t ip_size = store_host->v6 ? 16 : 4;
    memcpy(id, store_host->ip, ip_size);
    store_u32be(id + ip_size, (uint32_t)store_host->port);
    store_u64be(id + ip_size + 4, (uint64_t)offset_phys);
    return hex_encode(id, ip_size + 12, out);
}

enum err msgid_offset_parse(struct bytes text, struct host *store_host, int64_t *offset_phys) {
    uint8_t id[ID_MAX];
    size_t ip_size;
    TRY(id_decode(text, id, &ip_size));
    *store_host = (struct host){.v6 = ip_size == 16, .port = load_i32be(id + ip_size)};
    memcpy(store_host->ip, id, ip_size);
    *offset_phys = load_i64be(id + ip_size + 4);
    return ERR_OK;
}

/* What all unique ids of this process share: its address, process id and a salt that tells apart processes of one
 * id, such as those of containers behind one address. */
static uint8_t unique_front[4 + UNIQUE_AT_TIME];
static atomic_uint unique_counter;

static void find_ip(uint8_t out[4]) {
    struct ifaddrs *all = NULL;
    store_u32be(out, INADDR_LOOPBACK);
    if (getifaddrs(&all) != 0) return;
    for (const struct ifaddrs *at = all; at; at = at->ifa_next) {
        if (!at->ifa_addr || at->ifa_addr->sa_family != AF_INET) continue;
        if (!(at->ifa_flags & IFF_UP) || at->ifa_flags & IFF_LOOPBACK) continue;
        memcpy(out, (const char *)at->ifa_addr + offsetof(struct sockaddr_in, sin_addr), 4);
        break;
    }
    freeifaddrs(all);
}

static void renew_front(void) {
    find_ip(unique_front);
    store_u16be(unique_front + 4, (uint16_t)getpid());
    random_bytes(unique_front + 4 + UNIQUE_AT_SALT, 4);
}

static void init_unique(void) {
    renew_front();
    pthread_atfork(NULL, NULL, renew_front);
}

/* Midnight, local time, of the first of the month of `time_ms`. */
static int64_t month_start_ms(int64_t time_ms) {
    time_t seconds = time_ms / 1000;
    struct tm now, first;
    localtime_r(&seconds, &now);
    time_t start = seconds - (((now.tm_mday - 1) * 24 + now.tm_hour) * 60 + now.tm_min) * 60 - now.tm_sec;
    localtime_r(&start, &first);
    return (start + now.tm_gmtoff - first.tm_gmtoff) * 1000; /* the clocks may have been put forward since */
}

static int64_t next_month_start_ms(int64_t month_ms) {
    return month_start_ms(month_ms + INT64_C(32) * 86400 * 1000); /* no month has as many days */
}

size_t msgid_unique_text(char out[MSGID_TEXT_MAX]) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    static _Thread_local int64_t month_ms, next_month_ms;
    pthread_once(&once, init_unique);
    int64_t now_ms = clock_wall_ms();
    if (now_ms < month_ms || now_ms >= next_month_ms) {
        month_ms = month_start_ms(now_ms);
        next_month_ms = next_month_start_ms(month_ms);
    }
    uint8_t id[4 + UNIQUE_REST];
    memcpy(id, unique_front, sizeof unique_front);
    store_u32be(id + 4 + UNIQUE_AT_TIME, (uint32_t)(now_ms - month_ms));
    store_u16be(id + 4 + UNIQUE_AT_COUNTER,
                (uint16_t)atomic_fetch_add_explicit(&unique_counter, 1, memory_order_relaxed));
    return hex_encode(id, sizeof id, out);
}

enum err msgid_unique_time_ms(struct bytes text, int64_t now_ms, int64_t *time_ms) {
    uint8_t id[ID_MAX];
    size_t ip_size;
    TRY(id_decode(text, id, &ip_size));
    int64_t since_month_ms = load_u32be(id + ip_size + UNIQUE_AT_TIME); /* over INT32_MAX from the 25th on */
    int64_t month_ms = month_start_ms(now_ms);
    *time_ms = month_ms + since_month_ms;
    if (*time_ms > now_ms) *time_ms = month_start_ms(month_ms - 1) + since_month_ms;
    return ERR_OK;
}
