/* pop_names.h - the topics of pop: where messages that came back wait for their group, and where checkpoints are.
 * @thread any. @source shared facts: behaviour 10.1; apache/rocketmq KeyBuilder, PopAckConstants 5.3.3 */
#ifndef RMQ_BROKER_POP_NAMES_H
#define RMQ_BROKER_POP_NAMES_H

#include "broker/broker.h"

#define REVIVE_GROUP BYTES("CID_RMQ_SYS_REVIVE_GROUP")

/* The revive queue that receipts of ordered pops name: they have no checkpoint. */
enum { REVIVE_QUEUE_ORDER = 999 };

/* What receipts say of the topic a message was popped from. */
enum retry_kind {
    RETRY_KIND_NONE = 0,
    RETRY_KIND_V1 = 1, /* %RETRY%group_topic */
    RETRY_KIND_V2 = 2  /* %RETRY%group+topic */
};

enum { POP_NAME_MAX = 1024 };
struct pop_name {
    char text[POP_NAME_MAX];
    struct bytes name;
};

/* The topic that a group's messages of `topic` come back to; `topic` itself for RETRY_KIND_NONE. The result's bytes
 * point into *out or are `topic`; absent when the names are too long. */
struct bytes pop_topic_name(struct bytes topic, struct bytes group, enum retry_kind kind, struct pop_name *out);
enum retry_kind retry_kind_of(struct bytes topic);
/* The topic of which `name` is the retry topic of that group; else `name`. */
struct bytes pop_normal_topic(struct bytes name, struct bytes group);
/* rmq_sys_REVIVE_LOG_<cluster>: made at start, never deleted. */
struct topic *revive_topic(const struct broker *broker);

#endif
