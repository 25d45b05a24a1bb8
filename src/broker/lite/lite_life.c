/* lite_life.c - how lite topics end, and where they belong. @source apache/rocketmq AbstractLiteLifecycleManager,
 * LiteShardingImpl */
#include "broker/lite/lite_internal.h"

#include <stdlib.h>
#include "base/check.h"
#include "base/hash.h"
#include "base/log.h"
#include "broker/cluster_routes.h"
#include "message/lmq.h"
#include "os/clock.h"

enum { MINUTE_MS = 60000, ROUTE_MS = 30000 /* between two questions for a route */ };

int64_t lite_max_offset(struct lite *lite, struct bytes name) {
    struct queue *queue = store_queue(lite->broker->store, name, 0, false);
    return queue ? MAX(queue_max(queue), 0) : 0;
}

/* --- deleting ---------------------------------------------------------------------------------------------- */

struct forgetting {
    struct lite *lite;
    struct bytes parent, name;
};

static void forget_group(struct group *group, void *arg) {
    const struct forgetting *f = arg;
    const char *parent = atomic_load(&group->lite_bind_topic);
    if (!parent || !bytes_is(f->parent, parent)) return;
    struct order_key key = {f->name, group_name(group), 0};
    struct progress *progress = offsets_progress(f->lite->broker->offsets, f->name, group_name(group), false);
    if (progress) progress_forget(f->lite->broker->offsets, progress);
    order_infos_clear(f->lite->orders, &key);
}

static void forget_subscriptions(struct lite *lite, struct bytes name) {
    lock_take(&lite->lock);
    for (;;) {
        struct lite_topic *topic = lite_find_topic(lite, name);
        if (!topic) break;
        lite_drop_sub(lite, topic->lines->subs);
    }
    lock_give(&lite->lock);
}

static enum err delete_one(struct lite *lite, struct bytes parent, struct bytes name) {
    struct forgetting forgetting = {lite, parent, name};
    TRY(store_delete_topic(lite->broker->store, name));
    groups_each(lite->broker->groups, forget_group, &forgetting);
    forget_subscriptions(lite, name);
    log_info(MAIN, "lite topic deleted: queue=%.*s", BYTES_ARG(name));
    return ERR_OK;
}

/* Names of light queues, in `arena`. */
struct collecting {
    struct lite *lite;
    struct bytes parent; /* absent: those that have expired */
    struct arena arena;
    struct bytes *names;
    size_t count, cap;
};

static bool is_expired(const struct lite *lite, struct bytes parent_name, struct queue *queue) {
    struct broker *broker = lite->broker;
    struct topic *parent = topics_find(broker->topics, parent_name);
    int64_t max = queue_max(queue);
    if (!parent || parent->type != TOPIC_TYPE_LITE || parent->lite_expiration_min <= 0 || max <= 0) return false;
    int64_t idle_ms = clock_wall_ms() - store_time_at(broker->store, queue, max - 1);
    return idle_ms >= broker->config.min_lite_ttl_ms && idle_ms > (int64_t)parent->lite_expiration_min * MINUTE_MS;
}

static void collect(struct queue *queue, void *arg) {
    struct collecting *all = arg;
    struct bytes parent, lite_name;
    if (queue_deleted(queue) || !lite_queue_parse(queue_topic(queue), &parent, &lite_name)) return;
    if (all->parent.data ? !bytes_equal(all->parent, parent) : !is_expired(all->lite, parent, queue)) return;
    if (all->count == all->cap) {
        size_t cap = all->cap ? all->cap * 2 : 64;
        struct bytes *names = arena_calloc(&all->arena, cap, sizeof *names);
        if (all->count > 0) memcpy(names, all->names, all->count * sizeof *names);
        all->names = names;
        all->cap = cap;
    }
    all->names[all->count++] = arena_copy(&all->arena, queue_topic(queue));
}

static enum err delete_all(struct collecting *all) {
    struct bytes parent, lite_name;
    store_each_queue(all->lite->broker->store, collect, all);
    for (size_t i = 0; i < all->count; i++) {
        must(lite_queue_parse(all->names[i], &parent, &lite_name));
        TRY(delete_one(all->lite, parent, all->names[i]));
    }
    return ERR_OK;
}

enum err lite_delete_all(struct lite *lite, struct bytes parent) {
    struct collecting all = {.lite = lite, .parent = parent};
    enum err err = delete_all(&all);
    arena_close(&all.arena);
    return err;
}

void lite_expire(void *arg) {
    struct lite *lite = arg;
    struct collecting all = {.lite = lite};
    if (!lite->broker->store_config.enable_lmq) return;
    enum err err = delete_all(&all);
    if (err != ERR_OK) log_warn(MAIN, "expired lite topics stay for now: cause=%s", err_detail(err));
    arena_close(&all.arena);
}

/* --- where they belong ------------------------------------------------------------------------------------- */

int32_t lite_shard(struct bytes lite, int32_t count) {
    uint64_t state = (uint64_t)(int64_t)java_string_hash(lite);
    int32_t candidate = 0;
    for (;;) {
        state = state * 2862933555777941757u + 1;
        double next = (candidate + 1) / ((double)((int32_t)(state >> 33) + 1) / 2147483648.0);
        if (next < 0 || next >= count) return candidate;
        candidate = (int32_t)next;
    }
}

/* A question for the route of a parent, on its way. */
struct route_ask {
    struct lite *lite;
    char *parent;
    void (*next)(struct reactor *reactor, void *arg); /* NULL: nobody waits */
    void *arg;
};

static void set_brokers(struct lite_route *route, const struct cluster_route *known) {
    size_t count = 0;
    for (size_t i = 0; i < known->master_count; i++) count += (size_t)known->masters[i].write_queues;
    if (count == 0) return;
    for (size_t i = 0; i < route->count; i++) free(route->brokers[i]);
    free(route->brokers);
    route->brokers = calloc(count, sizeof(char *));
    must(route->brokers);
    route->count = 0;
    for (size_t i = 0; i < known->master_count; i++)
        for (int32_t id = 0; id < known->masters[i].write_queues; id++)
            route->brokers[route->count++] = bytes_dup(known->masters[i].broker_name);
}

static void route_known(struct reactor *reactor, const struct cluster_route *known, void *arg) {
    struct route_ask *ask = arg;
    if (reactor) {
        struct lite_route *route;
        lock_take(&ask->lite->lock);
        HASH_FIND_STR(ask->lite->routes, ask->parent, route);
        if (route) {
            set_brokers(route, known);
            route->known = true;
        }
        lock_give(&ask->lite->lock);
    }
    if (ask->next) ask->next(reactor, ask->arg);
    free(ask->parent);
    free(ask);
}

static void ask_route(struct reactor *reactor, void *arg) {
    struct route_ask *ask = arg;
    cluster_routes_ask(reactor->broker->cluster_routes, reactor, bytes_of(ask->parent), route_known, ask);
}

/* The lock is held. */
static void ask(struct lite *lite, struct lite_route *route, struct reactor *reactor,
                void (*next)(struct reactor *reactor, void *arg), void *arg) {
    struct route_ask *ask = calloc(1, sizeof *ask);
    must(ask);
    *ask = (struct route_ask){lite, bytes_dup(bytes_of(route->parent)), next, arg};
    route->asked_ms = clock_monotonic_ms();
    reactor_run(reactor, ask_route, ask);
}

/* Finds or makes it; the lock is held. */
static struct lite_route *get_route(struct lite *lite, struct bytes parent) {
    struct lite_route *route;
    HASH_FIND(hh, lite->routes, parent.data, parent.len, route);
    if (route) return route;
    route = calloc(1, sizeof *route);
    must(route);
    route->parent = bytes_dup(parent);
    route->asked_ms = -ROUTE_MS;
    HASH_ADD_KEYPTR(hh, lite->routes, route->parent, parent.len, route);
    return route;
}

/* The route as far as it is known; asks for a newer one from time to time. The lock is held. */
static const struct lite_route *find_route(struct lite *lite, struct bytes parent) {
    struct lite_route *route = get_route(lite, parent);
    if (clock_monotonic_ms() - route->asked_ms >= ROUTE_MS) ask(lite, route, &lite->broker->reactors[0], NULL, NULL);
    return route;
}

bool lite_route_then(struct lite *lite, struct bytes parent, struct reactor *reactor,
                     void (*next)(struct reactor *reactor, void *arg), void *arg) {
    lock_take(&lite->lock);
    struct lite_route *route = get_route(lite, parent);
    bool wait = !route->known;
    if (wait) ask(lite, route, reactor, next, arg);
    lock_give(&lite->lock);
    return wait;
}

bool lite_shards_here(struct lite *lite, struct bytes parent, struct bytes name) {
    struct bytes of, lite_name;
    if (!lite_queue_parse(name, &of, &lite_name)) return false;
    lock_take(&lite->lock);
    const struct lite_route *route = find_route(lite, parent);
    bool here = route->count == 0;
    if (!here) {
        int32_t shard = lite_shard(lite_name, (int32_t)route->count);
        here = bytes_is(lite->broker->config.broker_name, route->brokers[shard]);
    }
    lock_give(&lite->lock);
    return here;
}

bool lite_is_here(struct lite *lite, struct bytes parent, struct bytes name) {
    return lite_shards_here(lite, parent, name) || lite_max_offset(lite, name) > 0;
}
