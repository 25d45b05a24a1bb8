/* offset_store.h - where the offsets of a push consumer are kept: on the brokers for clustering, in a local file for
 * broadcasting. @thread the I/O thread, unless said otherwise
 * @source apache/rocketmq client/.../consumer/store/RemoteBrokerOffsetStore.java, LocalFileOffsetStore.java */
#ifndef RMQ_CLIENT_OFFSET_STORE_H
#define RMQ_CLIENT_OFFSET_STORE_H

#include "client/call.h"

struct rmq_push_consumer;
struct process_queue;

/* Reads the local file of a broadcasting consumer. @thread any, before the consumer is known to others */
enum err offset_store_load(struct rmq_push_consumer *consumer) MUST_USE;
void offset_store_close(struct rmq_push_consumer *consumer);
/* Stores the offset of one queue, as offset_update does, or notes it for the file. */
void offset_store_persist(struct process_queue *queue, struct answers_wait *wait);
/* Writes the file on a callback thread if offsets have changed; ends local.waiter when there is nothing to write. */
void offset_store_save(struct rmq_push_consumer *consumer);

/* Where to begin in a queue: the stored offset, else as consumeFromWhere says. Lives with what comes then. */
struct pull_from_where {
    struct broker_call call;
    struct rmq_push_consumer *consumer;
    struct message_queue queue;
    union {
        struct hdr_query_consumer_offset query;
        struct hdr_get_max_offset max;
        struct hdr_search_offset_by_timestamp search;
    } header;
    int64_t stored; /* -1: there was none */
    /* offset -1: could not be found out; the outcome of call says why. */
    void (*done)(struct pull_from_where *op, int64_t offset);
};
void offset_store_pull_from_where(struct pull_from_where *op, struct rmq_push_consumer *consumer,
                                  const struct message_queue *queue,
                                  void (*done)(struct pull_from_where *op, int64_t offset));

#endif
