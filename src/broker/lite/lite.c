/* lite.c - the tables of lite topics, and views of them. */
#include "broker/lite/lite.h"

#include <stdlib.h>
#include <utlist.h>
#include "base/check.h"
#include "broker/lite/lite_internal.h"
#include "message/lmq.h"
#include "os/clock.h"

enum err lite_open(struct broker *broker, struct lite **out) {
    struct lite *lite = calloc(1, sizeof *lite);
    must(lite);
    lite->broker = broker;
    lock_init(&lite->lock, LOCK_LITE);
    *out = lite;
    return order_infos_open(broker, NULL, &lite->orders);
}

static void free_route(struct lite *lite, struct lite_route *route) {
    HASH_DEL(lite->routes, route);
    for (size_t i = 0; i < route->count; i++) free(route->brokers[i]);
    free(route->brokers);
    free(route->parent);
    free(route);
}

void lite_close(struct lite *lite) {
    if (!lite) return;
    lock_take(&lite->lock);
    while (lite->clients) lite_drop_client(lite, lite->clients);
    lock_give(&lite->lock);
    struct lite_wait *wait, *next_wait;
    HASH_ITER(hh, lite->waits, wait, next_wait) {
        HASH_DEL(lite->waits, wait);
        free(wait->name);
        free(wait);
    }
    while (lite->routes) free_route(lite, lite->routes);
    order_infos_close(lite->orders);
    lock_close(&lite->lock);
    free(lite);
}

struct order_infos *lite_orders(struct lite *lite) {
    return lite->orders;
}

/* --- topics and lines -------------------------------------------------------------------------------------- */

struct lite_topic *lite_find_topic(struct lite *lite, struct bytes name) {
    struct lite_topic *topic;
    HASH_FIND(hh, lite->topics, name.data, name.len, topic);
    return topic;
}

/* The names of wildcards have an @, which no name of a topic or group has. */
static struct lite_topic *make_topic(struct lite *lite, struct bytes name) {
    struct lite_topic *topic = lite_find_topic(lite, name);
    struct bytes lite_name;
    if (topic) return topic;
    topic = calloc(1, sizeof *topic);
    must(topic);
    topic->name = bytes_dup(name);
    if (!lite_queue_parse(bytes_of(topic->name), &topic->parent, &lite_name)) {
        struct bytes rest = bytes_of(topic->name);
        topic->wild = true;
        must(bytes_split(&rest, '@', &topic->parent));
        DL_APPEND2(lite->wilds, topic, wild_prev, wild_next);
    }
    HASH_ADD_KEYPTR(hh, lite->topics, topic->name, name.len, topic);
    return topic;
}

struct lite_line *lite_find_line(const struct lite_topic *topic, const struct group *group) {
    struct lite_line *line;
    DL_FOREACH(topic->lines, line)
    if (line->group == group) return line;
    return NULL;
}

static struct lite_line *make_line(struct lite_topic *topic, struct group *group) {
    struct lite_line *line = lite_find_line(topic, group);
    if (line) return line;
    line = calloc(1, sizeof *line);
    must(line);
    line->topic = topic;
    line->group = group;
    DL_APPEND(topic->lines, line);
    return line;
}

static void free_line(struct lite *lite, struct lite_line *line) {
    struct lite_topic *topic = line->topic;
    DL_DELETE(topic->lines, line);
    free(line);
    if (topic->lines) return;
    HASH_DEL(lite->topics, topic);
    if (topic->wild) DL_DELETE2(lite->wilds, topic, wild_prev, wild_next);
    free(topic->name);
    free(topic);
}

/* --- clients and subscriptions ----------------------------------------------------------------------------- */

struct lite_client *lite_find_client(struct lite *lite, struct bytes id) {
    struct lite_client *client;
    HASH_FIND(hh, lite->clients, id.data, id.len, client);
    return client;
}

struct lite_client *lite_make_client(struct lite *lite, struct bytes id, struct group *group, struct bytes parent) {
    struct lite_client *client = lite_find_client(lite, id);
    if (client) return client;
    client = calloc(1, sizeof *client);
    must(client);
    client->id = bytes_dup(id);
    client->parent = bytes_dup(parent);
    client->group = group;
    client->access_ms = client->heard_ms = clock_wall_ms();
    HASH_ADD_KEYPTR(hh, lite->clients, client->id, id.len, client);
    return client;
}

struct lite_sub *lite_find_sub(const struct lite_client *client, struct lite_topic *topic) {
    struct lite_sub *sub;
    HASH_FIND_PTR(client->subs, &topic, sub);
    return sub;
}

struct lite_sub *lite_add_sub(struct lite *lite, struct lite_client *client, struct bytes name, bool passing) {
    struct lite_topic *topic = make_topic(lite, name);
    struct lite_sub *sub = lite_find_sub(client, topic);
    if (sub) return sub;
    sub = calloc(1, sizeof *sub);
    must(sub);
    sub->topic = topic;
    sub->client = client;
    sub->passing = passing;
    sub->line = make_line(topic, client->group);
    DL_APPEND(sub->line->subs, sub);
    HASH_ADD_PTR(client->subs, topic, sub);
    if (!passing) lite->active++;
    return sub;
}

static void leave_list(struct lite_sub *sub) {
    struct lite_client *client = sub->client;
    if (sub->state == LITE_READY) {
        DL_DELETE2(client->ready, sub, event_prev, event_next);
        client->ready_count--;
    } else if (sub->state == LITE_OUT) {
        DL_DELETE2(client->out, sub, event_prev, event_next);
    }
    sub->state = LITE_IDLE;
}

static void free_sub(struct lite *lite, struct lite_sub *sub) {
    struct lite_line *line = sub->line;
    leave_list(sub);
    DL_DELETE(line->subs, sub);
    HASH_DEL(sub->client->subs, sub);
    if (!sub->passing) lite->active--;
    free(sub);
    if (!line->subs) free_line(lite, line);
}

void lite_set_idle(struct lite *lite, struct lite_sub *sub) {
    leave_list(sub);
    if (sub->passing) free_sub(lite, sub);
}

void lite_set_out(struct lite_sub *sub, int64_t due_ms) {
    leave_list(sub);
    sub->state = LITE_OUT;
    sub->due_ms = due_ms;
    DL_APPEND2(sub->client->out, sub, event_prev, event_next);
}

void lite_drop_sub(struct lite *lite, struct lite_sub *sub) {
    struct group *group = sub->client->group;
    char *name = sub->state != LITE_IDLE ? bytes_dup(bytes_of(sub->topic->name)) : NULL;
    free_sub(lite, sub);
    if (name) lite_dispatch(lite, bytes_of(name), group, NULL);
    free(name);
}

void lite_drop_client(struct lite *lite, struct lite_client *client) {
    struct lite_sub *sub, *next;
    HASH_DEL(lite->clients, client);
    HASH_ITER(hh, client->subs, sub, next) {
        if (!sub->passing) lite_drop_sub(lite, sub);
    }
    while (client->subs) lite_drop_sub(lite, client->subs);
    free(client->id);
    free(client->parent);
    free(client);
}

/* --- views ------------------------------------------------------------------------------------------------- */

struct lite_facts lite_facts(struct lite *lite) {
    struct lite_client *client, *next;
    struct lite_facts facts = {0};
    lock_take(&lite->lock);
    facts.subscriptions = lite->active;
    HASH_ITER(hh, lite->clients, client, next) {
        if (client->ready || client->out) facts.clients_with_events++;
    }
    lock_give(&lite->lock);
    return facts;
}

/* Subscribers of a topic behind those in `out`; NULL counts alone. */
static size_t list_subscribers(const struct lite_topic *topic, struct arena *arena, struct lite_subscriber *out) {
    struct lite_line *line;
    struct lite_sub *sub;
    size_t count = 0;
    DL_FOREACH(topic->lines, line) {
        DL_FOREACH(line->subs, sub) {
            if (sub->passing) continue;
            if (out) {
                struct bytes id = topic->wild ? BYTES("*") : arena_copy(arena, bytes_of(sub->client->id));
                out[count] = (struct lite_subscriber){id, group_name(line->group)};
            }
            count++;
            if (topic->wild) break;
        }
    }
    return count;
}

static size_t list_all(struct lite *lite, struct bytes name, struct bytes parent, struct arena *arena,
                       struct lite_subscriber *out) {
    struct lite_topic *topic = lite_find_topic(lite, name);
    size_t count = topic ? list_subscribers(topic, arena, out) : 0;
    DL_FOREACH2(lite->wilds, topic, wild_next) {
        if (bytes_equal(topic->parent, parent)) count += list_subscribers(topic, arena, out ? out + count : NULL);
    }
    return count;
}

struct lite_subscriber *lite_subscribers(struct lite *lite, struct bytes name, struct arena *arena, size_t *count) {
    struct bytes parent = {0}, lite_name;
    (void)lite_queue_parse(name, &parent, &lite_name);
    lock_take(&lite->lock);
    *count = list_all(lite, name, parent, arena, NULL);
    struct lite_subscriber *out = arena_calloc(arena, *count + 1, sizeof *out);
    (void)list_all(lite, name, parent, arena, out);
    lock_give(&lite->lock);
    return out;
}

bool lite_client(struct lite *lite, struct bytes client_id, struct arena *arena, struct bytes **names, size_t *count,
                 int64_t *access_ms) {
    struct lite_sub *sub, *next;
    *count = 0;
    *access_ms = -1;
    lock_take(&lite->lock);
    struct lite_client *client = lite_find_client(lite, client_id);
    if (client) {
        *access_ms = client->access_ms;
        *names = arena_calloc(arena, HASH_COUNT(client->subs) + 1, sizeof **names);
        HASH_ITER(hh, client->subs, sub, next) {
            if (!sub->passing) (*names)[(*count)++] = arena_copy(arena, bytes_of(sub->topic->name));
        }
    }
    lock_give(&lite->lock);
    return client != NULL;
}
