/* sniff.h - what an accepted connection speaks, told from its first bytes.
 * @source shared facts: protocol 1.2 */
#ifndef RMQ_NET_SNIFF_H
#define RMQ_NET_SNIFF_H

#include "net/address.h"

enum sniff_kind {
    SNIFF_MORE,  /* too few bytes to tell */
    SNIFF_PLAIN, /* remoting */
    SNIFF_TLS,   /* a TLS hello */
    SNIFF_PROXY  /* a HAProxy header of `skip` bytes; judge again what follows it */
};
struct sniffed {
    enum sniff_kind kind;
    size_t skip;
    bool has_peer; /* the proxy named its client */
    struct address peer;
};
/* ERR_BAD_INPUT for a damaged HAProxy header. `input` is not empty. */
enum err sniff_first_bytes(struct bytes input, struct sniffed *out) MUST_USE;

#endif
