/* address.h - an IP address with its port, and "host:port" texts. */
#ifndef RMQ_NET_ADDRESS_H
#define RMQ_NET_ADDRESS_H

#include "base/bytes.h"
#include "base/err.h"

struct sockaddr;
struct address {
    uint8_t ip[16]; /* 4 bytes used for IPv4; the rest is 0 */
    bool v6;
    uint16_t port;
};
enum { ADDRESS_TEXT_MAX = 64 };
/* "1.2.3.4:10911" or "[::1]:10911"; returns out, NUL-terminated. */
const char *address_text(const struct address *address, char out[ADDRESS_TEXT_MAX]);
/* "host:port" cut at the last colon; brackets taken off. ERR_BAD_INPUT names what is wrong. */
enum err address_split(struct bytes text, struct bytes *host, uint16_t *port) MUST_USE;
/* A socket's address; IPv4 seen through an IPv6 socket (::ffff:1.2.3.4) becomes plain IPv4. Other families give 0. */
struct address address_of_sockaddr(const struct sockaddr *socket_address);
bool address_equal(const struct address *a, const struct address *b);

#endif
