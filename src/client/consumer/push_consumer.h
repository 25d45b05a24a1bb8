/* push_consumer.h - a push consumer: what it subscribes to, the queues it has, the threads that consume.
 * Everything but the lists in `consume` belongs to the I/O thread.
 * Files: push_consumer.c life and subscriptions; rebalance.c which queues; pull_loop.c fetching; consume.c the threads;
 * consume_concurrently.c, consume_orderly.c what follows from the listener's answer; send_back.c failed messages;
 * queue_locks.c orderly queues; offset_store.c committed offsets. */
#ifndef RMQ_CLIENT_PUSH_CONSUMER_H
#define RMQ_CLIENT_PUSH_CONSUMER_H

#include "client/client.h"
#include "client/consumer/consume.h"
#include "client/consumer/consume_stats.h"
#include "client/heartbeat.h"
#include "client/consumer/process_queue.h"
#include "rocketmq/consumer.h"
#include "wire/body_heartbeat.h"

/* Starting: brokers are told of it, but it has no queues yet. */
enum consumer_state { CONSUMER_CREATED, CONSUMER_STARTING, CONSUMER_RUNNING, CONSUMER_STOPPED };

/* One topic. */
struct subscribed {
    struct subscribed *next;
    struct arena arena; /* of data */
    struct subscription data;
    struct consume_stats stats;
};

struct local_offset {
    struct message_queue queue;
    int64_t offset;
};

struct rmq_push_consumer {
    struct rmq_push_consumer *next; /* of the client */
    struct rmq_client *client;
    struct rmq_push_consumer_options options; /* its text is not used: see the next */
    struct bytes group, retry_topic;          /* owned */
    enum consumer_state state;
    bool suspended;
    int refs;
    int64_t start_ms; /* wall clock */
    struct subscribed *subscriptions;
    struct process_queue *queues;
    struct consume consume;
    struct consume_again *again; /* consume_concurrently.c: to be consumed once more after a while */

    struct { /* rebalance.c */
        bool running, again;
        int32_t try_again_ms; /* something is left to be done, after so long; 0 = balanced */
        size_t topic_index, adding, retry_misses;
        struct route_wait wait;
        struct waiting_call *first_round; /* waits for the end of the first one */
    } rebalance;
    struct loop_timer expire_timer, lock_timer, stats_timer;

    struct { /* push_consumer.c */
        struct waiting_call *call;
        struct answers_wait wait;
        bool settled;
        size_t sending_back; /* messages that the stop waits for */
    } stop;
    struct { /* offset_store.c: broadcasting */
        struct local_offset *items;
        size_t count;
        char *dir, *path;
        struct job write;
        bool writing;
        struct buf text;             /* being or last written */
        struct waiting_call *waiter; /* waits until all is written */
    } local;
};

void push_consumer_hold(struct rmq_push_consumer *consumer);
void push_consumer_release(struct rmq_push_consumer *consumer);
struct subscribed *push_consumer_subscribed(struct rmq_push_consumer *consumer, struct bytes topic);
struct rmq_push_consumer *push_consumer_find(struct rmq_client *client, struct bytes group);
/* The threads have ended and all they gave back is settled: the stop goes on. */
void push_consumer_settled(struct rmq_push_consumer *consumer);
/* For heartbeats; arrays in `arena`. */
void push_consumer_describe(const struct rmq_push_consumer *consumer, struct arena *arena, struct consumer_data *out);
/* Stores the offsets of all its queues. */
void push_consumer_persist_offsets(struct rmq_push_consumer *consumer);
bool push_consumer_is_clustering(const struct rmq_push_consumer *consumer);
/* Brokers are to know of it. */
bool push_consumer_is_online(const struct rmq_push_consumer *consumer);

#endif
