/* sniff.c - first bytes: TLS, PROXY headers, remoting. */
#include "net/sniff.h"

#include <arpa/inet.h>

#include "base/endian.h"

/* HAProxy's PROXY protocol. Version 1 is a line of at most 107 bytes:
 *   "PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n", TCP6, or "PROXY UNKNOWN ...\r\n"
 * Version 2: signature(12) | version 2, command (1: high, low half) | family(1) | length of the rest(2) | addresses,
 * more family 0x11: source ip(4) destination ip(4) source port(2) destination port(2); 0x21: the same with 16-byte ips
 *   command 0 (LOCAL): the proxy itself speaks, no addresses count
 * @source haproxy.org proxy-protocol.txt 2.1 and 2.2 */
enum {
    LINE_MAX_BYTES = 107,
    V2_HEAD_BYTES = 16,
    V2_LOCAL = 0x20,
    V2_PROXY = 0x21,
    FAMILY_TCP4 = 0x11,
    FAMILY_TCP6 = 0x21
};
static const char v2_signature[12] = "\r\n\r\n\0\r\nQUIT\n";

/* `input` starts with `mark`, or with as much of it as has come. */
static bool could_be(struct bytes input, struct bytes mark) {
    return bytes_starts_with(input.len < mark.len ? mark : input, input.len < mark.len ? input : mark);
}

static bool parse_ip(struct bytes text, bool v6, struct address *out) {
    char ip[INET6_ADDRSTRLEN] = {0};
    if (text.len >= sizeof ip) return false;
    memcpy(ip, text.data, text.len);
    out->v6 = v6;
    return inet_pton(v6 ? AF_INET6 : AF_INET, ip, out->ip) == 1;
}

static enum err sniff_v1(struct bytes input, struct sniffed *out) {
    const char *end = memchr(input.data, '\n', input.len < LINE_MAX_BYTES ? input.len : LINE_MAX_BYTES);
    if (!end) {
        if (input.len >= LINE_MAX_BYTES) return fail(ERR_BAD_INPUT, "a PROXY line does not end");
        return ERR_OK;
    }
    if (end[-1] != '\r') return fail(ERR_BAD_INPUT, "a PROXY line does not end in CR LF");
    struct bytes line = {input.data, (size_t)(end - 1 - input.data)}, word[7];
    size_t count = 0;
    while (count < 7 && bytes_split(&line, ' ', &word[count])) count++;
    out->kind = SNIFF_PROXY;
    out->skip = (size_t)(end + 1 - input.data);
    if (count >= 2 && bytes_is(word[1], "UNKNOWN")) return ERR_OK;
    bool v6 = count == 6 && bytes_is(word[1], "TCP6");
    int32_t port;
    if (count != 6 || (!v6 && !bytes_is(word[1], "TCP4")) || !parse_ip(word[2], v6, &out->peer) ||
        !bytes_to_i32(word[4], &port) || port < 0 || port > UINT16_MAX)
        return fail(ERR_BAD_INPUT, "a PROXY line cannot be read");
    out->peer.port = (uint16_t)port;
    out->has_peer = true;
    return ERR_OK;
}

static enum err sniff_v2(struct bytes input, struct sniffed *out) {
    if (input.len < V2_HEAD_BYTES) return ERR_OK;
    const unsigned char *head = (const unsigned char *)input.data;
    size_t rest = load_u16be(head + 14), ip_len = head[13] == FAMILY_TCP6 ? 16 : 4;
    if (head[12] != V2_LOCAL && head[12] != V2_PROXY)
        return fail(ERR_BAD_INPUT, "a PROXY header has version and command 0x%02x", head[12]);
    if (input.len < V2_HEAD_BYTES + rest) return ERR_OK;
    out->kind = SNIFF_PROXY;
    out->skip = V2_HEAD_BYTES + rest;
    if (head[12] == V2_LOCAL || (head[13] != FAMILY_TCP4 && head[13] != FAMILY_TCP6)) return ERR_OK;
    if (rest < 2 * ip_len + 4) return fail(ERR_BAD_INPUT, "a PROXY header has %zu bytes of addresses", rest);
    out->peer.v6 = ip_len == 16;
    memcpy(out->peer.ip, head + V2_HEAD_BYTES, ip_len);
    out->peer.port = load_u16be(head + V2_HEAD_BYTES + 2 * ip_len);
    out->has_peer = true;
    return ERR_OK;
}

enum err sniff_first_bytes(struct bytes input, struct sniffed *out) {
    *out = (struct sniffed){.kind = SNIFF_MORE};
    struct bytes v1 = BYTES("PROXY "), v2 = {v2_signature, sizeof v2_signature};
    if (could_be(input, v1)) return input.len < v1.len ? ERR_OK : sniff_v1(input, out);
    if (could_be(input, v2)) return input.len < v2.len ? ERR_OK : sniff_v2(input, out);
    out->kind = input.data[0] == 0x16 ? SNIFF_TLS : SNIFF_PLAIN;
    return ERR_OK;
}
