/* producer.h - a producer group of the client: its settings and the sends under way. */
#ifndef RMQ_CLIENT_PRODUCER_H
#define RMQ_CLIENT_PRODUCER_H

#include <stdatomic.h>
#include "client/client.h"
#include "client/producer/fault.h"
#include "rocketmq/producer.h"

enum { ASYNC_SENDS_MAX = 65535 };

struct rmq_producer {
    struct rmq_producer *next; /* of the client */
    struct rmq_client *client;
    struct rmq_producer_options options; /* its texts are not used: see the next two */
    struct bytes group;                  /* owned */
    struct bytes create_topic_key;       /* owned */
    _Atomic int32_t async_sends;         /* begun and not called back yet */
    /* The rest is the I/O thread's. */
    struct faults faults;
    size_t sends;                     /* that still use this producer */
    struct waiting_call *idle_waiter; /* waits for `sends` to be 0; NULL: nobody */
};

/* The producer that sends for consumers; not in the list of the client's users. */
struct rmq_producer *producer_create_inner(struct rmq_client *client);
void producer_free(struct rmq_producer *producer);
/* One of its sends needs it no more. @thread the I/O thread */
void producer_send_over(struct rmq_producer *producer);

#endif
