/* receipt.h - what a popped message is acknowledged with: eight words, blank separated,
 *   startOffset popTime invisibleTime reviveQueue retryKind brokerName queueId queueOffset
 * Clients make it from a pop's answer (the last word only if they know it) and bring it back as `extraInfo`.
 * @source shared facts: protocol 4.2; apache/rocketmq ExtraInfoUtil 5.3.3 */
#ifndef RMQ_BROKER_RECEIPT_H
#define RMQ_BROKER_RECEIPT_H

#include "base/arena.h"
#include "base/err.h"
#include "broker/pop/pop_names.h"

struct receipt {
    int64_t start_offset; /* queue offset at which the pop began: names its checkpoint */
    int64_t pop_time_ms, invisible_ms;
    int32_t revive_queue;
    enum retry_kind kind;
    struct bytes broker_name; /* points into the text */
    int32_t queue_id;
    int64_t offset_queue; /* -1 when the word is missing */
};
/* ERR_BAD_INPUT names the word that is missing or no number. */
enum err receipt_parse(struct bytes text, struct receipt *out) MUST_USE;
/* An invisible time as a client may ask for it: not negative, and no time that cannot be added to a clock's. */
int64_t receipt_invisible_ms(int64_t asked_ms);
struct bytes receipt_text(const struct receipt *receipt, struct arena *arena);

#endif
