/* lite_events.c - what is new in lite topics, and which client is to pop it. @source apache/rocketmq
 * LiteEventDispatcher */
#include "broker/lite/lite_internal.h"

#include <stdlib.h>
#include <utlist.h>
#include "base/check.h"
#include "base/log.h"
#include "broker/pop/held_pops.h"
#include "message/lmq.h"
#include "os/clock.h"

enum { LEFT_MS = 10000 /* events left for this long go to others */, GONE_MS = 35000 /* no pop for this long */ };

/* --- waking ------------------------------------------------------------------------------------------------ */

struct bytes lite_line_name(struct arena *arena, struct bytes client_id, struct bytes group) {
    return arena_printf(arena, "lite:%.*s@%.*s", BYTES_ARG(client_id), BYTES_ARG(group));
}

static void wake(struct lite *lite, const struct lite_client *client) {
    struct arena arena = {0};
    struct lite_wait *wait;
    struct bytes line = lite_line_name(&arena, bytes_of(client->id), group_name(client->group));
    HASH_FIND(hh, lite->waits, line.data, line.len, wait);
    if (wait) held_pops_wake(lite->broker, line);
    arena_close(&arena);
}

void lite_unhold(struct lite *lite, struct bytes line) {
    struct lite_wait *wait;
    lock_take(&lite->lock);
    HASH_FIND(hh, lite->waits, line.data, line.len, wait);
    if (wait && --wait->count == 0) {
        HASH_DEL(lite->waits, wait);
        free(wait->name);
        free(wait);
    }
    lock_give(&lite->lock);
}

static int64_t due_of(const struct lite_client *client) {
    const struct lite_sub *sub;
    int64_t due_ms = client->ready ? 0 : INT64_MAX;
    DL_FOREACH2(client->out, sub, event_next) due_ms = MIN(due_ms, sub->due_ms);
    return due_ms;
}

void lite_hold(struct lite *lite, struct bytes line, struct bytes client_id, int64_t *due_ms) {
    struct lite_wait *wait;
    lock_take(&lite->lock);
    HASH_FIND(hh, lite->waits, line.data, line.len, wait);
    if (!wait) {
        wait = calloc(1, sizeof *wait);
        must(wait);
        wait->name = bytes_dup(line);
        HASH_ADD_KEYPTR(hh, lite->waits, wait->name, line.len, wait);
    }
    wait->count++;
    const struct lite_client *client = lite_find_client(lite, client_id);
    *due_ms = client ? due_of(client) : INT64_MAX;
    lock_give(&lite->lock);
}

/* --- events; the lock is held ------------------------------------------------------------------------------ */

static int32_t limit_of(const struct lite *lite, const struct group *group) {
    int32_t limit = atomic_load(&group->lite_max_event_count);
    return limit > 0 ? limit : lite->broker->config.max_client_event_count;
}

static bool has_room(const struct lite *lite, const struct lite_client *client) {
    return client->ready_count < limit_of(lite, client->group);
}

/* The client has too many events: it gets the rest after a while. */
static void note_full(const struct lite *lite, struct lite_client *client) {
    const struct broker_config *config = &lite->broker->config;
    int32_t delay_ms = client->group->lite_wildcard ? config->lite_event_full_dispatch_delay_wildcard_ms
                                                    : config->lite_event_full_dispatch_delay_ms;
    if (client->full_due_ms == 0) client->full_due_ms = clock_wall_ms() + delay_ms;
}

static void leave_out(struct lite_sub *sub) {
    if (sub->state == LITE_OUT) DL_DELETE2(sub->client->out, sub, event_prev, event_next);
    sub->state = LITE_READY;
    sub->client->ready_count++;
}

static void set_ready(struct lite_sub *sub) {
    leave_out(sub);
    DL_APPEND2(sub->client->ready, sub, event_prev, event_next);
}

bool lite_set_ready(struct lite *lite, struct lite_sub *sub) {
    if (sub->state != LITE_READY) {
        if (!has_room(lite, sub->client)) {
            note_full(lite, sub->client);
            return false;
        }
        set_ready(sub);
    }
    wake(lite, sub->client);
    return true;
}

/* Somebody of the group has it already: true. What was out and is due becomes an event again. */
static bool is_dispatched(struct lite *lite, const struct lite_line *line) {
    struct lite_sub *sub;
    DL_FOREACH(line->subs, sub) {
        if (sub->state == LITE_READY || (sub->state == LITE_OUT && sub->due_ms > clock_wall_ms())) {
            if (sub->state == LITE_READY) wake(lite, sub->client);
            return true;
        }
        if (sub->state == LITE_OUT) return lite_set_ready(lite, sub);
    }
    return false;
}

/* The next of a line's subscriptions, who then stands last: all have their turn. */
static struct lite_sub *next_turn(struct lite_line *line) {
    struct lite_sub *first = line->subs;
    DL_DELETE(line->subs, first);
    DL_APPEND(line->subs, first);
    return first;
}

static size_t line_length(const struct lite_line *line) {
    const struct lite_sub *sub;
    size_t count = 0;
    DL_COUNT(line->subs, sub, count);
    return count;
}

static void dispatch_line(struct lite *lite, struct lite_line *line, const struct lite_client * not ) {
    if (is_dispatched(lite, line)) return;
    struct lite_sub *last = NULL;
    for (size_t i = line_length(line); i > 0; i--) {
        struct lite_sub *sub = next_turn(line);
        if (sub->client == not ) {
            last = sub;
            continue;
        }
        if (lite_set_ready(lite, sub)) return;
    }
    if (last) (void)lite_set_ready(lite, last);
}

/* An event for one client of a wildcard group. */
static void dispatch_wild(struct lite *lite, struct lite_line *wild, struct bytes name,
                          const struct lite_client * not ) {
    struct lite_topic *topic = lite_find_topic(lite, name);
    struct lite_line *line = topic ? lite_find_line(topic, wild->group) : NULL;
    if (line && is_dispatched(lite, line)) return;
    for (size_t i = line_length(wild); i > 0; i--) {
        struct lite_client *client = next_turn(wild)->client;
        if (client == not &&i > 1) continue;
        if (!has_room(lite, client)) {
            note_full(lite, client);
            continue;
        }
        struct lite_sub *sub = lite_add_sub(lite, client, name, true);
        if (sub->state == LITE_IDLE) set_ready(sub);
        wake(lite, client);
        return;
    }
}

void lite_dispatch(struct lite *lite, struct bytes name, struct group *group, const struct lite_client * not ) {
    struct lite_topic *topic = lite_find_topic(lite, name), *wild;
    struct lite_line *line, *next;
    struct bytes parent, lite_name;
    if (!lite_queue_parse(name, &parent, &lite_name)) return;
    if (topic) {
        DL_FOREACH_SAFE(topic->lines, line, next) {
            if ((!group || line->group == group) && !line->group->lite_wildcard) dispatch_line(lite, line, not );
        }
    }
    DL_FOREACH2(lite->wilds, wild, wild_next) {
        if (!bytes_equal(wild->parent, parent)) continue;
        DL_FOREACH_SAFE(wild->lines, line, next) {
            if (!group || line->group == group) dispatch_wild(lite, line, name, not );
        }
    }
}

/* --- news -------------------------------------------------------------------------------------------------- */

void lite_arrived(struct lite *lite, struct queue *queue) {
    lock_take(&lite->lock);
    if (lite->clients) lite_dispatch(lite, queue_topic(queue), NULL, NULL);
    lock_give(&lite->lock);
}

/* Has the lite topic messages that the group has not read? */
static bool has_more(const struct lite *lite, struct bytes name, const struct group *group) {
    struct queue *queue = store_queue(lite->broker->store, name, 0, false);
    if (!queue || queue_max(queue) <= 0) return false;
    const struct progress *progress = offsets_progress(lite->broker->offsets, name, group_name(group), false);
    return !progress || progress_committed(progress, 0) < queue_max(queue);
}

/* Subscriptions of the group to a light queue that are out become idle, or due at a time. */
static void change_out(struct lite *lite, struct group *group, struct bytes name, bool idle, int64_t due_ms) {
    struct lite_topic *topic = lite_find_topic(lite, name);
    struct lite_line *line = topic ? lite_find_line(topic, group) : NULL;
    for (struct lite_sub *sub = line ? line->subs : NULL, *next; sub; sub = next) {
        next = sub->next;
        if (sub->state != LITE_OUT) continue;
        struct lite_client *client = sub->client;
        if (idle) {
            bool last = !next && line->subs == sub; /* a passing one takes the line with it */
            lite_set_idle(lite, sub);
            if (last) return;
            continue;
        }
        sub->due_ms = due_ms;
        wake(lite, client);
    }
}

void lite_set_free(struct lite *lite, struct group *group, struct bytes name) {
    lock_take(&lite->lock);
    change_out(lite, group, name, true, 0);
    if (has_more(lite, name, group)) lite_dispatch(lite, name, group, NULL);
    lock_give(&lite->lock);
}

void lite_set_due(struct lite *lite, struct group *group, struct bytes name, int64_t due_ms) {
    lock_take(&lite->lock);
    change_out(lite, group, name, false, due_ms);
    lock_give(&lite->lock);
}

/* --- pops -------------------------------------------------------------------------------------------------- */

/* What is visible again is an event again, whatever their number. */
static void take_due(struct lite_client *client) {
    int64_t now_ms = clock_wall_ms();
    struct lite_sub *sub, *next;
    DL_FOREACH_SAFE2(client->out, sub, next, event_next) {
        if (sub->due_ms <= now_ms) set_ready(sub);
    }
}

/* Without events each look is at all that the client wants. */
static void make_all_ready(const struct lite *lite, struct lite_client *client) {
    struct lite_sub *sub, *next;
    HASH_ITER(hh, client->subs, sub, next) {
        if (sub->state == LITE_IDLE && !sub->topic->wild && has_more(lite, bytes_of(sub->topic->name), client->group))
            set_ready(sub);
    }
}

bool lite_take(struct lite *lite, struct bytes client_id, struct group *group, struct arena *arena,
               struct bytes *name) {
    lock_take(&lite->lock);
    struct lite_client *client = lite_find_client(lite, client_id);
    if (client && client->group != group) client = NULL;
    if (client) {
        client->access_ms = clock_wall_ms();
        take_due(client);
        if (!client->ready && !lite->broker->config.enable_lite_event_mode) make_all_ready(lite, client);
    }
    struct lite_sub *sub = client ? client->ready : NULL;
    if (sub) {
        *name = arena_copy(arena, bytes_of(sub->topic->name));
        lite_set_out(sub, INT64_MAX); /* until the pop says what it found */
    }
    lock_give(&lite->lock);
    return sub != NULL;
}

static struct lite_sub *find_taken(struct lite *lite, struct bytes client_id, struct group *group, struct bytes name) {
    struct lite_client *client = lite_find_client(lite, client_id);
    struct lite_topic *topic = client && client->group == group ? lite_find_topic(lite, name) : NULL;
    struct lite_sub *sub = topic ? lite_find_sub(client, topic) : NULL;
    return sub && sub->state == LITE_OUT ? sub : NULL;
}

void lite_rest(struct lite *lite, struct bytes client_id, struct group *group, struct bytes name) {
    lock_take(&lite->lock);
    struct lite_sub *sub = find_taken(lite, client_id, group, name);
    if (sub) lite_set_idle(lite, sub);
    if (has_more(lite, name, group)) lite_dispatch(lite, name, group, NULL); /* it came meanwhile */
    lock_give(&lite->lock);
}

void lite_put_back(struct lite *lite, struct bytes client_id, struct group *group, struct bytes name, int64_t due_ms) {
    lock_take(&lite->lock);
    struct lite_sub *sub = find_taken(lite, client_id, group, name);
    if (sub && due_ms == 0) {
        leave_out(sub);
        DL_PREPEND2(sub->client->ready, sub, event_prev, event_next);
    } else if (sub) {
        sub->due_ms = due_ms;
    }
    lock_give(&lite->lock);
}

/* --- all at once ------------------------------------------------------------------------------------------- */

/* Events of all that a client wants and has not read; the lock is held. */
static void dispatch_client(struct lite *lite, struct lite_client *client) {
    struct lite_sub *sub, *next;
    client->full_due_ms = 0;
    HASH_ITER(hh, client->subs, sub, next) {
        if (sub->passing || sub->topic->wild || !has_more(lite, bytes_of(sub->topic->name), client->group)) continue;
        if (!is_dispatched(lite, sub->line) && !lite_set_ready(lite, sub)) return;
    }
}

struct wild_dispatch {
    struct lite *lite;
    struct group *group;
    struct bytes parent;
};

static void dispatch_queue(struct queue *queue, void *arg) {
    struct wild_dispatch *all = arg;
    struct bytes parent, lite_name;
    if (!lite_queue_parse(queue_topic(queue), &parent, &lite_name) || !bytes_equal(parent, all->parent)) return;
    lock_take(&all->lite->lock);
    if (has_more(all->lite, queue_topic(queue), all->group))
        lite_dispatch(all->lite, queue_topic(queue), all->group, NULL);
    lock_give(&all->lite->lock);
}

/* Without the lock: goes through all queues of the store. */
static void dispatch_wildcard(struct lite *lite, struct group *group) {
    const char *parent = atomic_load(&group->lite_bind_topic);
    struct wild_dispatch all = {lite, group, bytes_of(parent)};
    if (parent) store_each_queue(lite->broker->store, dispatch_queue, &all);
}

void lite_dispatch_all(struct lite *lite, struct group *group, struct bytes client_id) {
    struct lite_client *client, *next;
    if (group->lite_wildcard) {
        dispatch_wildcard(lite, group);
        return;
    }
    lock_take(&lite->lock);
    HASH_ITER(hh, lite->clients, client, next) {
        if (client->group == group && (!client_id.data || bytes_is(client_id, client->id)))
            dispatch_client(lite, client);
    }
    lock_give(&lite->lock);
}

/* Gives the events of a client that leaves them to others of its group. */
static void give_away(struct lite *lite, struct lite_client *client) {
    struct arena arena = {0};
    size_t count = 0;
    struct lite_sub *sub, *next;
    struct bytes *names = arena_calloc(&arena, (size_t)client->ready_count + 1, sizeof *names);
    DL_FOREACH_SAFE2(client->ready, sub, next, event_next) {
        names[count++] = arena_copy(&arena, bytes_of(sub->topic->name));
        lite_set_idle(lite, sub);
    }
    if (count > 0) log_info(CLIENT, "lite events left by a client: client=%s events=%zu", client->id, count);
    for (size_t i = 0; i < count; i++) lite_dispatch(lite, names[i], client->group, client);
    arena_close(&arena);
}

void lite_scan(void *arg) {
    struct lite *lite = arg;
    struct arena arena = {0};
    struct lite_client *client, *next;
    int64_t now_ms = clock_wall_ms();
    size_t wild_count = 0;
    lock_take(&lite->lock);
    struct group **wild = arena_calloc(&arena, HASH_COUNT(lite->clients) + 1, sizeof(struct group *));
    HASH_ITER(hh, lite->clients, client, next) {
        int64_t silent_ms = now_ms - client->access_ms;
        if (silent_ms > GONE_MS) take_due(client);
        if (client->ready && silent_ms > LEFT_MS) give_away(lite, client);
        if (client->full_due_ms == 0 || client->full_due_ms > now_ms) continue;
        if (client->group->lite_wildcard) wild[wild_count++] = client->group;
        dispatch_client(lite, client);
    }
    lock_give(&lite->lock);
    for (size_t i = 0; i < wild_count; i++)
        if (i == 0 || wild[i] != wild[i - 1]) dispatch_wildcard(lite, wild[i]);
    arena_close(&arena);
}
