/* pop_peer.h - a client that pops: what it gets, with the receipts it makes of the answer, and what it does with it. */
#ifndef TESTS_SUPPORT_POP_PEER_H
#define TESTS_SUPPORT_POP_PEER_H

#include "support/broker_box.h"

enum { POP_PEER_MAX = 32 };

struct popped_message {
    struct bytes body; /* a copy */
    char topic[256];   /* what its acks name: the retry topic, when it came back */
    char group[128];
    char receipt[512];
    int32_t queue_id, reconsume_times;
    int64_t offset_queue, pop_time_ms, invisible_ms;
    int64_t start_offset;
    int32_t revive_queue, kind;
};
struct pop_peer_wish {
    const char *group, *topic;
    int32_t queue_id, max_count;
    int64_t invisible_ms, poll_ms;
    bool order;
    const char *attempt_id, *expression;
};
/* Pops; returns how many came. 0 for answers that there is nothing; anything else ends the test. */
size_t pop_peer_pop(struct peer *peer, const struct pop_peer_wish *wish, struct popped_message out[POP_PEER_MAX]);
/* The two halves of it, for pops that wait. */
void pop_peer_ask(struct peer *peer, const struct pop_peer_wish *wish);
size_t pop_peer_take(const struct command *answer, const struct pop_peer_wish *wish,
                     struct popped_message out[POP_PEER_MAX]);
void pop_peer_free(struct popped_message *popped, size_t count);

void pop_peer_send_ack(struct peer *peer, const struct popped_message *popped); /* waits for no answer */
/* These return the answer's code. */
int32_t pop_peer_ack(struct peer *peer, const struct popped_message *popped);
int32_t pop_peer_batch_ack(struct peer *peer, const struct popped_message *popped, size_t count);
/* On success the message has its new receipt. */
int32_t pop_peer_change_invisible(struct peer *peer, struct popped_message *popped, int64_t invisible_ms);

#endif
