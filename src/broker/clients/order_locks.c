/* order_locks.c - queue locks in one hash table */
#include "broker/clients/order_locks.h"

#include <stdlib.h>
#include <uthash.h>
#include "base/check.h"
#include "base/lock.h"
#include "base/log.h"
#include "os/clock.h"

enum { KEY_MAX_BYTES = 2048 };

/* One queue of one group; the key is group, topic, broker name and queue id, each ended by a NUL but the last. */
struct order_lock {
    UT_hash_handle hh;
    int64_t renewed_ms; /* monotonic */
    char *client_id;
    size_t group_len;
    char key[];
};
struct order_locks {
    struct lock lock;
    struct order_lock *locks;
};

static size_t key_of(struct bytes group, const struct message_queue *queue, char out[KEY_MAX_BYTES]) {
    size_t need = group.len + queue->topic.len + queue->broker_name.len + 3 + sizeof queue->queue_id;
    if (need > KEY_MAX_BYTES) return 0;
    const struct bytes parts[] = {group, queue->topic, queue->broker_name};
    char *at = out;
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        memcpy(at, parts[i].data ? parts[i].data : "", parts[i].len);
        at += parts[i].len;
        *at++ = '\0';
    }
    memcpy(at, &queue->queue_id, sizeof queue->queue_id);
    return need;
}

static bool alive(const struct order_lock *l, int64_t now_ms) {
    return now_ms - l->renewed_ms <= ORDER_LOCK_LIFE_MS;
}

static void drop(struct order_locks *locks, struct order_lock *l) {
    HASH_DEL(locks->locks, l);
    free(l->client_id);
    free(l);
}

bool order_locks_take(struct order_locks *locks, struct bytes group, struct bytes client_id,
                      const struct message_queue *queue) {
    char key[KEY_MAX_BYTES];
    size_t len = key_of(group, queue, key);
    if (len == 0) return false;
    int64_t now_ms = clock_monotonic_ms();
    struct order_lock *l;
    lock_take(&locks->lock);
    HASH_FIND(hh, locks->locks, key, len, l);
    bool mine = l && bytes_is(client_id, l->client_id);
    bool taken = mine || !l || !alive(l, now_ms);
    if (taken && !mine) {
        if (l) {
            log_info(CLIENT, "order lock taken over: group=%.*s topic=%.*s queue=%d from=%s to=%.*s", BYTES_ARG(group),
                     BYTES_ARG(queue->topic), queue->queue_id, l->client_id, BYTES_ARG(client_id));
            drop(locks, l);
        }
        l = calloc(1, sizeof *l + len);
        must(l);
        memcpy(l->key, key, len);
        l->group_len = group.len;
        l->client_id = bytes_dup(client_id);
        HASH_ADD(hh, locks->locks, key, (unsigned)len, l);
    }
    if (taken) l->renewed_ms = now_ms;
    lock_give(&locks->lock);
    return taken;
}

void order_locks_give(struct order_locks *locks, struct bytes group, struct bytes client_id,
                      const struct message_queue *queue) {
    char key[KEY_MAX_BYTES];
    size_t len = key_of(group, queue, key);
    struct order_lock *l;
    if (len == 0) return;
    lock_take(&locks->lock);
    HASH_FIND(hh, locks->locks, key, len, l);
    if (l && bytes_is(client_id, l->client_id)) drop(locks, l);
    lock_give(&locks->lock);
}

bool order_locks_held(struct order_locks *locks, struct bytes group) {
    int64_t now_ms = clock_monotonic_ms();
    bool held = false;
    lock_take(&locks->lock);
    for (struct order_lock *l = locks->locks; l && !held; l = l->hh.next)
        held = bytes_equal(bytes_make(l->key, l->group_len), group) && alive(l, now_ms);
    lock_give(&locks->lock);
    return held;
}

void order_locks_expire(struct order_locks *locks) {
    int64_t now_ms = clock_monotonic_ms();
    struct order_lock *l, *next;
    lock_take(&locks->lock);
    HASH_ITER(hh, locks->locks, l, next) {
        if (!alive(l, now_ms)) drop(locks, l);
    }
    lock_give(&locks->lock);
}

enum err order_locks_open(struct broker *broker, struct order_locks **out) {
    (void)broker;
    *out = calloc(1, sizeof **out);
    must(*out);
    lock_init(&(*out)->lock, LOCK_ORDER_LOCKS);
    return ERR_OK;
}

void order_locks_close(struct order_locks *locks) {
    if (!locks) return;
    struct order_lock *l, *next;
    HASH_ITER(hh, locks->locks, l, next) drop(locks, l);
    lock_close(&locks->lock);
    free(locks);
}
