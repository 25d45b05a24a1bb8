/* listener.h - a listening socket. New connections go to the loop with the fewest of them: Java clients keep one
 * connection a server and client instance, so a handful of sockets must not be spread by hash.
 * @source apache/rocketmq NettyRemotingClient channelTables: one channel an address */
#ifndef RMQ_NET_LISTENER_H
#define RMQ_NET_LISTENER_H

#include "net/conn.h"

struct listener;
struct listener_options {
    const char *host;    /* NULL or "" = all addresses (IPv4; IPv6 too where there is one) */
    uint16_t port;       /* 0 = any free one */
    int backlog;         /* 0 = 1024 */
    struct loop **loops; /* that may get connections; copied */
    size_t loop_count;
    struct conn_options conn;
    void *(*owner_of)(void *owner, struct loop *loop); /* conn_owner for a connection on that loop; NULL = conn.owner */
};
/* ERR_EXISTS with a text that names port and fix when it is taken. @thread that of `acceptor` or before it runs */
enum err listener_open(struct loop *acceptor, const struct listener_options *options, struct listener **out) MUST_USE;
uint16_t listener_port(const struct listener *listener);
void listener_close(struct listener *listener); /* @thread that of the acceptor, or after it stopped */

#endif
