/* send_batch.h - the messages that a reactor takes in one turn, appended to the log at once at its end.
 * Records are encoded into the batch's own memory, outside of any lock; each `struct sent` is one request that waits
 * for its answer. After the append the answers go out, or, under SYNC_FLUSH, the batch is parked (parked_sends.h)
 * until the log is on disk. Batches are used again; nothing is allocated for a message in the long run.
 * @thread the reactor's own */
#ifndef RMQ_BROKER_SEND_BATCH_H
#define RMQ_BROKER_SEND_BATCH_H

#include "broker/broker.h"
#include "broker/tables/topics.h"

/* One send request in a batch. */
struct sent {
    struct reply_to to;
    struct topic *topic; /* for the statistics: where it was stored */
    uint32_t put_first;  /* its puts: one, or those of its batch body */
    uint32_t put_count;
    int32_t queue_id;                /* as it is answered: before delay or retry moved the message */
    const struct mapping_item *item; /* of a static topic's queue: offsets are answered in its numbers; else NULL */
    bool wait_flushed;               /* WAIT was not false */
    struct bytes unique_key;         /* of the answer's transactionId; absent for none */
    struct bytes recall_handle;      /* of a timer message; absent for none */
    struct bytes batch_id;           /* of a batch that is one put; absent for none */
    int64_t begin_ms;
    /* What is answered when it is stored; NULL: the answer to a send. Lives in the batch's arena, or is static. */
    const struct outgoing *reply;
};

struct send_batch {
    struct send_batch *next;
    struct arena arena; /* records, unique keys, recall handles, batch ids */
    struct put *puts;
    struct sent *sents;
    size_t put_count, put_cap, sent_count, sent_cap;
    size_t answered;     /* sents before this one have their answer */
    int64_t end_phys;    /* what must be on disk for all of it */
    int64_t deadline_ms; /* of the loop's clock; parked batches */
};

struct send_turn;
void send_turn_open(struct reactor *reactor); /* makes reactor->send_turn, hooks the end of turns */
void send_turn_close(struct send_turn *turn); /* NULL is fine */

/* The batch that takes the messages of this turn. Its arena is for what lives until the answer. */
struct send_batch *send_turn_batch(struct send_turn *turn);
/* Adds a record to be stored; then send_batch_add_sent for the request with all puts since the last one. */
void send_batch_add_put(struct send_batch *batch, const struct put *put);
void send_batch_add_sent(struct send_turn *turn, const struct sent *sent);
/* Drops the puts that were added since the last sent: the request was refused after all. */
void send_batch_undo(struct send_batch *batch);

/* Answers batch->sents[index] with a code of those that mean "stored" (0, 10). */
void send_batch_answer(struct reactor *reactor, struct send_batch *batch, size_t index, int32_t code);
/* Answers it with an error. */
void send_batch_answer_error(struct reactor *reactor, struct send_batch *batch, size_t index, int32_t code,
                             struct bytes remark);
/* Gives a batch back that has all its answers. */
void send_batch_release(struct send_turn *turn, struct send_batch *batch);

#endif
