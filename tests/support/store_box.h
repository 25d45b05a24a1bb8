/* store_box.h - a small store of our own in a folder of its own, and numbered messages to put into it: from its number
 * follows all that a message holds, so that a reader can tell whether it is whole.
 * Everything here ends the process with must() when it does not go as it has to: it also runs in children. */
#ifndef TESTS_SUPPORT_STORE_BOX_H
#define TESTS_SUPPORT_STORE_BOX_H

#include "store/store.h"

enum { BOX_TOPICS = 3, BOX_QUEUES = 2 };
#define BOX_BATCH_TOPIC "Topic1" /* has queues of batches; three of four records in it are batches */

struct box {
    char root[64];
    struct store_config config; /* files of a few records, so that every boundary is met */
};
void box_init(struct box *box);
void box_init_in(struct box *box, const char *parent); /* a folder */
void box_close(struct box *box);
/* Removes ROOT/name, a file or a folder. */
void box_remove(const struct box *box, const char *name);
bool box_has(const struct box *box, const char *name);
/* A second one with a copy of the first's files. */
void box_copy(const struct box *from, struct box *to);
struct store *box_open(struct box *box);
enum err box_try_open(struct box *box, struct store **out) MUST_USE;

/* queue_kind of struct store_events for such a store. */
bool box_queue_kind(void *owner, struct bytes topic, enum queue_kind *out);
/* Queue offsets that message `number` takes in that topic. */
int32_t box_messages(int64_t number, struct bytes topic);
/* What message `number` is: topic, queue, body, keys "n<number>" (its unique key), "k<number % 7>" and "all". */
struct queue *box_queue(struct store *store, int64_t number);
struct box_put {
    int64_t number, offset_phys, offset_queue, end_phys;
    uint32_t size_bytes;
};
/* Puts `count` messages from `number` on, all into the queue of the first; what a full disk or a closing store refuse
 * is returned. */
enum err box_put_batch(struct store *store, int64_t number, int count, struct box_put *out) MUST_USE;
void box_put(struct store *store, int64_t number, struct box_put *out); /* one, and it has to work */

/* The bytes are the record of that message, put there. */
void box_check_record(struct bytes bytes, const struct box_put *put);
/* Found by physical offset, by queue offset and by its keys. */
void box_check(struct store *store, const struct box_put *put);
/* Every queue holds whole messages without a gap, in the order of the log. Returns how many. */
int64_t box_check_queues(struct store *store);
/* No message: neither the record nor the entry. */
void box_check_gone(struct store *store, const struct box_put *put);
/* Waits until everything appended is in queues and index. */
void box_settle(struct store *store);

#endif
