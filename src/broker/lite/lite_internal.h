/* lite_internal.h - who wants what, and what is new: the tables of lite topics. For the files of this folder.
 * A subscription (client, lite topic) stands in the client's table and in the line of its group at the topic. It is
 * idle, ready (an event, in the client's list) or out (messages are handed out or not yet visible, due at a time).
 * A line has one subscription at most that is ready or out: an event is for one client of the group.
 * Clients of wildcard groups subscribe to the topic "parent@group"; their events are passing subscriptions, which go
 * when they become idle. */
#ifndef RMQ_BROKER_LITE_INTERNAL_H
#define RMQ_BROKER_LITE_INTERNAL_H

#include <uthash.h>
#include "base/lock.h"
#include "broker/lite/lite.h"

struct lite_line;
struct lite_client;
struct lite_topic {
    UT_hash_handle hh;
    char *name;
    struct bytes parent; /* part of the name */
    bool wild;           /* "parent@group"; in a list of its own then */
    struct lite_topic *wild_prev, *wild_next;
    struct lite_line *lines;
};
/* The subscriptions of one group to one lite topic. */
struct lite_line {
    struct lite_topic *topic;
    struct group *group;
    struct lite_sub *subs; /* the first is asked first */
    struct lite_line *prev, *next;
};
enum lite_state { LITE_IDLE, LITE_READY, LITE_OUT };
struct lite_sub {
    UT_hash_handle hh; /* in the client's table, by `topic` */
    struct lite_topic *topic;
    struct lite_client *client;
    struct lite_line *line;
    struct lite_sub *prev, *next; /* in the line */
    bool passing;
    enum lite_state state;
    int64_t due_ms;                           /* LITE_OUT */
    struct lite_sub *event_prev, *event_next; /* in the client's list of its state */
};
struct lite_client {
    UT_hash_handle hh;
    char *id, *parent;
    struct group *group;
    struct client_channel channel; /* reactor NULL: none yet */
    struct lite_sub *subs;
    struct lite_sub *ready, *out;
    int32_t ready_count;
    int64_t access_ms, heard_ms; /* wall clock: last pop, last word of its subscriptions */
    int64_t full_due_ms;         /* had too many events: gets the rest then; 0 = no */
};
/* Pops that are held, by line name. */
struct lite_wait {
    UT_hash_handle hh;
    char *name;
    int32_t count;
};
/* Which brokers the writable queues of a parent are on. */
struct lite_route {
    UT_hash_handle hh;
    char *parent;
    char **brokers; /* one a queue */
    size_t count;
    bool known; /* there was an answer */
    int64_t asked_ms;
};

struct lite {
    struct broker *broker;
    struct order_infos *orders;
    struct lock lock; /* guards all below */
    struct lite_topic *topics, *wilds;
    struct lite_client *clients;
    struct lite_wait *waits;
    struct lite_route *routes;
    int32_t active; /* subscriptions, passing ones not counted */
};

/* The lock is held in all of these. */
struct lite_topic *lite_find_topic(struct lite *lite, struct bytes name);
struct lite_client *lite_find_client(struct lite *lite, struct bytes id);
struct lite_client *lite_make_client(struct lite *lite, struct bytes id, struct group *group, struct bytes parent);
struct lite_line *lite_find_line(const struct lite_topic *topic, const struct group *group);
struct lite_sub *lite_find_sub(const struct lite_client *client, struct lite_topic *topic);
/* Finds or makes it. */
struct lite_sub *lite_add_sub(struct lite *lite, struct lite_client *client, struct bytes name, bool passing);
/* Gives its event to another client of the group. */
void lite_drop_sub(struct lite *lite, struct lite_sub *sub);
void lite_drop_client(struct lite *lite, struct lite_client *client);
void lite_set_idle(struct lite *lite, struct lite_sub *sub); /* frees a passing one */
void lite_set_out(struct lite_sub *sub, int64_t due_ms);
/* false: its client has too many events; it gets the rest later. Wakes its pops. */
bool lite_set_ready(struct lite *lite, struct lite_sub *sub);
/* An event for one client of each group that wants the light queue; `group` NULL: all groups. `not`: rather not him. */
void lite_dispatch(struct lite *lite, struct bytes name, struct group *group, const struct lite_client * not );

#endif
