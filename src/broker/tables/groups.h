/* groups.h - the consumer groups: subscriptionGroup.json.
 * A `struct group` is found without a lock and lives until groups_close; a deleted one has exists == false.
 * @thread any; changes take LOCK_GROUPS for moments and are written to the file by a work thread
 * @source shared facts: behaviour 4.3, store 6 */
#ifndef RMQ_BROKER_GROUPS_H
#define RMQ_BROKER_GROUPS_H

#include "broker/broker.h"
#include "broker/tables/data_version.h"
#include "broker/tables/name_table.h"
#include "broker/tables/table_page.h"

enum { GROUP_NAME_MAX = 255 /* older brokers made such */, NEW_GROUP_NAME_MAX = 120 };

struct group {
    struct named named; /* named.name: the group's name */
    atomic_bool exists;
    bool is_lmq;
    atomic_bool consume_enable, consume_from_min_enable, consume_broadcast_enable, consume_message_orderly,
        notify_consumer_ids_changed_enable;
    _Atomic int32_t retry_queue_nums, retry_max_times, consume_timeout_minute, group_sys_flag;
    _Atomic int64_t broker_id, which_broker_when_consume_slowly;
    _Atomic(const char *) attributes; /* JSON object text; replaced, never changed */
    _Atomic(const char *) others;     /* members we keep but do not use, as JSON text */
    /* from the attributes: */
    _Atomic int32_t priority_factor;       /* 0..100 of a hundred pops of topics with priorities begin at the highest */
    _Atomic(const char *) lite_bind_topic; /* the parent of its lite topics; NULL for other groups */
    _Atomic int32_t lite_max_event_count;  /* 0: the broker's maxClientEventCount */
    atomic_bool lite_exclusive, lite_wildcard, lite_reset_exclusive, lite_reset_unsubscribe;
    _Atomic(const struct group_forbidden *) forbidden;
};
static inline struct bytes group_name(const struct group *group) {
    return group->named.name;
}

struct groups;
enum err groups_open(struct broker *broker, struct groups **out) MUST_USE; /* loads and adds the built-in groups */
void groups_close(struct groups *groups);                                  /* saves */
void groups_save(void *groups); /* writes the file if something changed. Waits for the disk */

/* NULL if unknown or deleted. With enableLmq, groups named like light queues exist, unlisted and unsaved. */
struct group *groups_find(struct groups *groups, struct bytes name);
/* The group, made with defaults when it is unknown and may be made by use; else NULL (answer 26). */
struct group *groups_find_or_create(struct groups *groups, struct bytes name);
/* May this group not read that topic? (forbiddenTable) */
bool group_forbidden(const struct group *group, struct bytes topic);

/* A SubscriptionGroupConfig object of request 200; members that did not come get their defaults, its attributes are
 * changes to those that the group has. ERR_BAD_PARAMETER for the name, ERR_FAILED for the attributes. */
enum err groups_update(struct groups *groups, const struct json *config) MUST_USE;
/* Forbids the group to read that topic, or allows it again; makes the group as use does, else ERR_NO_GROUP. */
enum err groups_forbid(struct groups *groups, struct bytes name, struct bytes topic, bool forbidden) MUST_USE;
enum err groups_delete(struct groups *groups, struct bytes name) MUST_USE; /* ERR_NO_GROUP if unknown */
void groups_disable(struct groups *groups, struct group *group);           /* consumeEnable = false */

void groups_each(struct groups *groups, void (*visit)(struct group *group, void *arg), void *arg);
void group_write(struct json_writer *w, const struct group *group); /* a SubscriptionGroupConfig as a value */
void groups_write(struct groups *groups, struct json_writer *w);    /* the whole table: file and answer 201 */
/* A part of it, sorted by name; how many groups there are in all. */
size_t groups_write_page(struct groups *groups, struct json_writer *w, const struct table_page *page);

#endif
