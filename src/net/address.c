/* address.c - addresses and their texts. */
#include "net/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>

const char *address_text(const struct address *address, char out[ADDRESS_TEXT_MAX]) {
    char ip[INET6_ADDRSTRLEN];
    inet_ntop(address->v6 ? AF_INET6 : AF_INET, address->ip, ip, sizeof ip);
    snprintf(out, ADDRESS_TEXT_MAX, address->v6 ? "[%s]:%u" : "%s:%u", ip, address->port);
    return out;
}

enum err address_split(struct bytes text, struct bytes *host, uint16_t *port) {
    struct bytes trimmed = bytes_trim(text);
    const char *colon = trimmed.len ? memrchr(trimmed.data, ':', trimmed.len) : NULL;
    if (!colon) return fail(ERR_BAD_INPUT, "the address \"%.*s\" has no port: give it as host:port", BYTES_ARG(text));
    struct bytes name = {trimmed.data, (size_t)(colon - trimmed.data)};
    int32_t number;
    if (!bytes_to_i32(bytes_skip(trimmed, name.len + 1), &number) || number < 1 || number > UINT16_MAX)
        return fail(ERR_BAD_INPUT, "the address \"%.*s\" has a port that is none from 1 to 65535", BYTES_ARG(text));
    if (name.len >= 2 && name.data[0] == '[' && name.data[name.len - 1] == ']')
        name = (struct bytes){name.data + 1, name.len - 2};
    if (name.len == 0) return fail(ERR_BAD_INPUT, "the address \"%.*s\" has no host", BYTES_ARG(text));
    *host = name;
    *port = (uint16_t)number;
    return ERR_OK;
}

struct address address_of_sockaddr(const struct sockaddr *socket_address) {
    struct address address = {0};
    if (socket_address->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const void *)socket_address;
        memcpy(address.ip, &in->sin_addr, 4);
        address.port = ntohs(in->sin_port);
    } else if (socket_address->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const void *)socket_address;
        address.v6 = !IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr);
        if (address.v6)
            memcpy(address.ip, &in6->sin6_addr, 16);
        else
            memcpy(address.ip, in6->sin6_addr.s6_addr + 12, 4);
        address.port = ntohs(in6->sin6_port);
    }
    return address;
}

bool address_equal(const struct address *a, const struct address *b) {
    return a->v6 == b->v6 && a->port == b->port && memcmp(a->ip, b->ip, a->v6 ? 16 : 4) == 0;
}
