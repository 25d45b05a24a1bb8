/* topics.h - the topics of this broker: topics.json.
 * A `struct topic` is found without a lock and lives until topics_close; a deleted one has exists == false and comes
 * back as the same object when its name is created again. Fields are read one by one while an admin changes them.
 * @thread any; changes take LOCK_TOPICS for moments and are written to the file by a work thread
 * @source shared facts: behaviour 4, store 6 */
#ifndef RMQ_BROKER_TOPICS_H
#define RMQ_BROKER_TOPICS_H

#include "broker/broker.h"
#include "broker/tables/attributes.h"
#include "broker/tables/data_version.h"
#include "broker/tables/name_table.h"
#include "broker/tables/table_page.h"
#include "broker/tables/topic_names.h"
#include "store/store.h"
#include "wire/body_register.h"

enum { PERM_INHERIT = 1, PERM_WRITE = 2, PERM_READ = 4 };
enum { TOPIC_SYS_FLAG_UNIT = 1, TOPIC_SYS_FLAG_UNIT_SUB = 2 };
enum { TOPIC_QUEUES_DEFAULT = 16, TOPIC_QUEUES_MAX = 65536 };

#define TOPIC_TBW102       BYTES("TBW102")
#define TOPIC_SCHEDULE     BYTES("SCHEDULE_TOPIC_XXXX")
#define TOPIC_TIMER        BYTES("rmq_sys_wheel_timer")
#define TOPIC_RETRY_PREFIX BYTES("%RETRY%")
#define TOPIC_DLQ_PREFIX   BYTES("%DLQ%")

/* The attribute message.type. Only what the broker itself looks at matters: PRIORITY and LITE. */
enum topic_type {
    TOPIC_TYPE_UNSPECIFIED,
    TOPIC_TYPE_NORMAL,
    TOPIC_TYPE_FIFO,
    TOPIC_TYPE_DELAY,
    TOPIC_TYPE_TRANSACTION,
    TOPIC_TYPE_MIXED,
    TOPIC_TYPE_PRIORITY,
    TOPIC_TYPE_LITE
};

struct topic {
    struct named named; /* named.name: the topic's name */
    atomic_bool exists, order, multi_tag;
    _Atomic int32_t read_queues, write_queues, perm, sys_flag;
    _Atomic int32_t type;                /* enum topic_type */
    _Atomic int32_t queue_kind;          /* enum queue_kind; does not change while the topic exists */
    _Atomic int32_t lite_expiration_min; /* of its lite topics; below 0: never */
    bool is_system;                      /* by its name */
    bool sends_forbidden;                /* answer 16 to sends of clients */
    bool is_lmq;
    struct topics *topics;
    _Atomic(const char *) attributes;                     /* JSON object text; replaced, never changed */
    _Atomic(struct topic_queues *) queues;                /* see topic_queue */
    _Atomic(const struct queue_mapping_detail *) mapping; /* of a static topic, else NULL; static_topic/mappings.c */
    _Atomic(void *) put_stats;                            /* stats.c */
};
static inline struct bytes topic_name(const struct topic *topic) {
    return topic->named.name;
}

struct topics;
enum err topics_open(struct broker *broker, struct topics **out) MUST_USE; /* loads and adds the system topics */
void topics_close(struct topics *topics);                                  /* saves */
void topics_save(void *topics); /* writes the file if something changed. Waits for the disk */

/* NULL if unknown or deleted. With enableLmq each light queue (message/lmq.h) is a topic of one queue, which is neither
 * listed nor saved nor registered, and cannot be changed. */
struct topic *topics_find(struct topics *topics, struct bytes name);
/* Of what kind its queues are; false if it is unknown or deleted. */
bool topics_queue_kind(const struct topics *topics, struct bytes name, enum queue_kind *out);
/* The consume queue of one queue id, cached. NULL when it does not exist and `create` is false. */
struct queue *topic_queue(struct topic *topic, struct store *store, int32_t queue_id, bool create);

/* What to do with a send to a topic that is unknown: makes it from its template, or, for a retry topic, plain.
 * ERR_NO_TOPIC with the remark. Saved and registered in the background. */
enum err topics_create_by_send(struct topics *topics, struct bytes name, struct bytes template_name,
                               int32_t template_queues, bool unit_mode, struct topic **out) MUST_USE;
/* The topic, made with these values when it is unknown (retry and dead letter topics). */
enum err topics_create(struct topics *topics, struct bytes name, int32_t queues, int32_t perm, int32_t sys_flag,
                       bool order, struct topic **out) MUST_USE;

/* All that request 17 says. */
struct topic_change {
    struct bytes name;
    int32_t read_queues, write_queues, perm, sys_flag;
    bool order, multi_tag;
    const struct attribute_changes *attributes; /* NULL = none */
};
/* Creates or changes; equal values change nothing. Errors as behaviour 4.4 words them. */
enum err topics_update(struct topics *topics, const struct topic_change *change) MUST_USE;
/* Forgets the topic; its queues and offsets are the caller's. ERR_NO_TOPIC if unknown. */
enum err topics_delete(struct topics *topics, struct bytes name) MUST_USE;
/* The names that a name server wants ordered (answer to registrations): order = true on those we own. */
void topics_set_order(struct topics *topics, struct bytes name, bool order);

/* Each topic that exists, in no order. Topics may be changed meanwhile. */
void topics_each(struct topics *topics, void (*visit)(struct topic *topic, void *arg), void *arg);
void topics_data_version(struct topics *topics, struct data_version *out);
/* The permission of the broker changed: registrations must go out as new. */
void topics_bump_data_version(struct topics *topics);
bool topics_is_system(const struct topics *topics, struct bytes name);
const struct bytes *topics_system_names(const struct topics *topics, size_t *count);

/* The TopicConfigSerializeWrapper of the file. */
void topics_write(struct topics *topics, struct json_writer *w);
/* Members of the answer to 21: dataVersion and a part of topicConfigTable, sorted by name; how many topics there are in
 * all. */
size_t topics_write_page_members(struct topics *topics, struct json_writer *w, const struct table_page *page);
/* As it is now; for registrations and answers. Texts live as long as the table. */
struct topic_config topic_config_of(const struct topic *topic);

#endif
