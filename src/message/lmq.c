/* lmq.c - which topics may have light queues beside them. */
#include "message/lmq.h"

#include "base/check.h"

bool lmq_topic_allows(struct bytes topic) {
    static const struct bytes prefixes[] = {BYTES("%RETRY%"), BYTES("%DLQ%"), BYTES("rmq_sys_"),
                                            BYTES("RMQ_SYS_TRANS_"), BYTES("TRANS_CHECK_MAX_TIME_TOPIC")};
    for (size_t i = 0; i < ARRAY_LEN(prefixes); i++)
        if (bytes_starts_with(topic, prefixes[i])) return false;
    return !bytes_is(topic, "SCHEDULE_TOPIC_XXXX");
}
