/* names.h - topics, broker names and addresses, each text kept once: equal names are the same pointer, live as long as
 * the client and are NUL-terminated. @thread the I/O thread */
#ifndef RMQ_CLIENT_NAMES_H
#define RMQ_CLIENT_NAMES_H

#include "base/bytes.h"

enum { NAME_BUCKETS = 256 };
struct name;
struct names {
    struct name *buckets[NAME_BUCKETS];
};
struct bytes names_keep(struct names *names, struct bytes text);
void names_close(struct names *names);

#endif
