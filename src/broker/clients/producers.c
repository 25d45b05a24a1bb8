/* producers.c - producer groups that are online */
#include "broker/clients/producers.h"

#include <stdlib.h>
#include <uthash.h>
#include <utlist.h>
#include "base/check.h"
#include "base/lock.h"
#include "base/log.h"

struct member {
    struct member *prev, *next;
    struct client client; /* client_id is a copy of ours */
};
struct producer_group {
    UT_hash_handle hh;
    struct bytes name;
    struct member *members; /* the next to be picked first */
    size_t count;
};
struct producers {
    struct broker *broker;
    struct lock lock;
    struct producer_group *groups;
};

static struct producer_group *group_find(struct producers *producers, struct bytes name) {
    struct producer_group *group;
    HASH_FIND(hh, producers->groups, name.data, name.len, group);
    return group;
}

static void member_drop(struct producer_group *group, struct member *member) {
    DL_DELETE(group->members, member);
    group->count--;
    free((char *)(uintptr_t)member->client.client_id.data);
    free(member);
}

static void group_drop_if_empty(struct producers *producers, struct producer_group *group) {
    if (group->members) return;
    HASH_DEL(producers->groups, group);
    free((char *)(uintptr_t)group->name.data);
    free(group);
}

void producers_register(struct producers *producers, struct bytes name, const struct client *client) {
    if (name.len == 0) return;
    lock_take(&producers->lock);
    struct producer_group *group = group_find(producers, name);
    if (!group) {
        group = calloc(1, sizeof *group);
        must(group);
        group->name = bytes_make(bytes_dup(name), name.len);
        HASH_ADD_KEYPTR(hh, producers->groups, group->name.data, group->name.len, group);
    }
    struct member *member;
    DL_FOREACH(group->members, member) {
        if (client_channel_equal(member->client.channel, client->channel)) break;
    }
    bool fresh = !member;
    if (fresh) {
        member = calloc(1, sizeof *member);
        must(member);
        member->client = *client;
        member->client.client_id = bytes_make(bytes_dup(client->client_id), client->client_id.len);
        DL_APPEND(group->members, member);
        group->count++;
    }
    member->client.heard_ms = client->heard_ms;
    lock_give(&producers->lock);
    if (fresh)
        log_info(CLIENT, "producer connected: group=%.*s client=%.*s", BYTES_ARG(name), BYTES_ARG(client->client_id));
}

void producers_unregister(struct producers *producers, struct bytes name, struct bytes client_id,
                          struct client_channel channel) {
    lock_take(&producers->lock);
    struct producer_group *group = group_find(producers, name);
    struct member *member, *next;
    bool gone = false;
    if (group) {
        DL_FOREACH_SAFE(group->members, member, next) {
            if (!client_channel_equal(member->client.channel, channel)) continue;
            member_drop(group, member);
            gone = true;
        }
        group_drop_if_empty(producers, group);
    }
    lock_give(&producers->lock);
    if (gone) log_info(CLIENT, "producer unregistered: group=%.*s client=%.*s", BYTES_ARG(name), BYTES_ARG(client_id));
}

/* Drops the members of that channel, or, without one, those not heard of since `before_ms`, whose channels end. */
static void drop_members(struct producers *producers, const struct client_channel *channel, int64_t before_ms) {
    struct producer_group *group, *next_group;
    lock_take(&producers->lock);
    HASH_ITER(hh, producers->groups, group, next_group) {
        struct member *member, *next;
        DL_FOREACH_SAFE(group->members, member, next) {
            if (channel ? !client_channel_equal(member->client.channel, *channel)
                        : member->client.heard_ms >= before_ms)
                continue;
            log_info(CLIENT, "producer gone: group=%.*s client=%.*s why=%s", BYTES_ARG(group->name),
                     BYTES_ARG(member->client.client_id), channel ? "connection closed" : "silent");
            if (!channel) client_disconnect(member->client.channel);
            member_drop(group, member);
        }
        group_drop_if_empty(producers, group);
    }
    lock_give(&producers->lock);
}

void producers_channel_closed(struct producers *producers, struct client_channel channel) {
    drop_members(producers, &channel, 0);
}

void producers_expire(struct producers *producers, int64_t now_ms) {
    drop_members(producers, NULL, now_ms - producers->broker->config.channel_expired_timeout_ms);
}

bool producers_pick(struct producers *producers, struct bytes name, struct client_channel *out) {
    lock_take(&producers->lock);
    struct producer_group *group = group_find(producers, name);
    if (group) {
        struct member *member = group->members;
        *out = member->client.channel;
        DL_DELETE(group->members, member);
        DL_APPEND(group->members, member);
    }
    lock_give(&producers->lock);
    return group != NULL;
}

bool producers_find_client(struct producers *producers, struct bytes client_id, struct client_channel *out) {
    bool found = false;
    lock_take(&producers->lock);
    for (struct producer_group *group = producers->groups; group && !found; group = group->hh.next) {
        struct member *member;
        DL_FOREACH(group->members, member) {
            if (!bytes_equal(member->client.client_id, client_id)) continue;
            *out = member->client.channel;
            found = true;
            break;
        }
    }
    lock_give(&producers->lock);
    return found;
}

void producers_each(struct producers *producers,
                    void (*visit)(struct bytes group, const struct client *client, void *arg), void *arg) {
    lock_take(&producers->lock);
    for (struct producer_group *group = producers->groups; group; group = group->hh.next) {
        struct member *member;
        DL_FOREACH(group->members, member) visit(group->name, &member->client, arg);
    }
    lock_give(&producers->lock);
}

enum err producers_open(struct broker *broker, struct producers **out) {
    *out = calloc(1, sizeof **out);
    must(*out);
    (*out)->broker = broker;
    lock_init(&(*out)->lock, LOCK_CLIENTS);
    return ERR_OK;
}

void producers_close(struct producers *producers) {
    if (!producers) return;
    struct producer_group *group, *next_group;
    HASH_ITER(hh, producers->groups, group, next_group) {
        while (group->members) member_drop(group, group->members);
        group_drop_if_empty(producers, group);
    }
    lock_close(&producers->lock);
    free(producers);
}
