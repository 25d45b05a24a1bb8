/* mapping_clean.c - which first stretches are empty, here or on another broker */
#include "broker/static_topic/mapping_clean.h"

#include <stdlib.h>
#include "base/check.h"
#include "base/log.h"
#include "broker/static_topic/forward.h"
#include "broker/static_topic/mappings.h"
#include "wire/body_topic_stats.h"
#include "wire/request.h"

/* A broker that is asked how far the queues of one topic reach there. */
struct inquiry {
    struct topic *topic;
    char *broker_name;
    struct hdr_topic header;
};

/* Is the first stretch of the queue on that broker, and may it go? Where the next one begins is decided: nothing is
 * added any more. */
static bool may_go(const struct queue_mapping_detail *mapping, const struct logic_queue *queue,
                   struct bytes broker_name) {
    return queue->item_count > 1 && queue->items[1].logic_offset >= 0 &&
           mapping_item_here(mapping, logic_queue_last(queue)) && bytes_equal(queue->items[0].broker_name, broker_name);
}

static bool is_empty(const struct topic_stats *stats, int32_t queue_id) {
    for (size_t i = 0; i < stats->count; i++)
        if (stats->queues[i].queue.queue_id == queue_id)
            return stats->queues[i].max_offset == stats->queues[i].min_offset;
    return false;
}

/* Takes out the first stretches that are on that broker and empty. */
static void drop_empty(struct broker *broker, struct topic *topic, struct bytes broker_name,
                       const struct topic_stats *stats) {
    const struct queue_mapping_detail *mapping = topic_mapping(topic);
    if (!mapping) return; /* deleted meanwhile */
    struct arena arena = {0};
    struct queue_mapping_detail changed = *mapping;
    struct logic_queue *queues = arena_calloc(&arena, mapping->queue_count + 1, sizeof *queues);
    size_t dropped = 0;
    for (size_t i = 0; i < mapping->queue_count; i++) {
        queues[i] = mapping->queues[i];
        if (!may_go(mapping, &queues[i], broker_name) || !is_empty(stats, queues[i].items[0].queue_id)) continue;
        queues[i].items++;
        queues[i].item_count--;
        dropped++;
    }
    changed.queues = queues;
    enum err err = dropped > 0 ? mappings_set(broker->mappings, topic, &changed, false) : ERR_OK;
    if (err != ERR_OK)
        log_warn(MAIN, "empty parts of a static topic stay: topic=%.*s cause=%s", BYTES_ARG(topic_name(topic)),
                 err_detail(err));
    else if (dropped > 0)
        log_info(MAIN, "empty parts of a static topic dropped: topic=%.*s broker=%.*s queues=%zu",
                 BYTES_ARG(topic_name(topic)), BYTES_ARG(broker_name), dropped);
    arena_close(&arena);
}

/* --- here -------------------------------------------------------------------------------------------------- */

static void clean_here(struct broker *broker, struct topic *topic) {
    struct arena arena = {0};
    int32_t count = MAX(atomic_load(&topic->read_queues), 0);
    struct queue_range *ranges = arena_calloc(&arena, (size_t)count + 1, sizeof *ranges);
    for (int32_t i = 0; i < count; i++) {
        struct queue *queue = topic_queue(topic, broker->store, i, false);
        ranges[i].queue.queue_id = i;
        ranges[i].min_offset = queue ? queue_min(queue) : 0;
        ranges[i].max_offset = queue ? queue_max(queue) : 0;
    }
    struct topic_stats stats = {.queues = ranges, .count = (size_t)count};
    drop_empty(broker, topic, broker->config.broker_name, &stats);
    arena_close(&arena);
}

/* --- there ------------------------------------------------------------------------------------------------- */

static void answered(struct reactor *reactor, enum err err, const struct command *response, void *arg) {
    struct inquiry *inquiry = arg;
    struct arena arena = {0};
    struct topic_stats stats;
    if (err == ERR_OK && response->code == RESPONSE_SUCCESS &&
        topic_stats_decode(&arena, response->body, &stats) == ERR_OK)
        drop_empty(reactor->broker, inquiry->topic, bytes_of(inquiry->broker_name), &stats);
    arena_close(&arena);
    free(inquiry->broker_name);
    free(inquiry);
}

static void ask(struct reactor *reactor, void *arg) {
    struct inquiry *inquiry = arg;
    forward_ask(reactor, inquiry->header.topic, bytes_of(inquiry->broker_name), REQUEST_GET_TOPIC_STATS_INFO,
                layout_topic(), &inquiry->header, answered, inquiry);
}

static void clean_there(struct broker *broker, struct topic *topic, struct bytes broker_name) {
    struct inquiry *inquiry = calloc(1, sizeof *inquiry);
    must(inquiry);
    *inquiry = (struct inquiry){topic, bytes_dup(broker_name), {.present = HEADER_ALL, .topic = topic_name(topic)}};
    reactor_run(&broker->reactors[0], ask, inquiry);
}

/* --- all --------------------------------------------------------------------------------------------------- */

/* Has a queue before the i-th named the broker of its first stretch already? */
static bool named_before(const struct queue_mapping_detail *mapping, size_t i, struct bytes broker_name) {
    for (size_t k = 0; k < i; k++)
        if (may_go(mapping, &mapping->queues[k], broker_name)) return true;
    return false;
}

static void clean_topic(struct topic *topic, void *arg) {
    struct broker *broker = arg;
    const struct queue_mapping_detail *mapping = topic_mapping(topic);
    for (size_t i = 0; mapping && i < mapping->queue_count; i++) {
        const struct logic_queue *queue = &mapping->queues[i];
        struct bytes first = queue->items[0].broker_name;
        if (!may_go(mapping, queue, first) || named_before(mapping, i, first)) continue;
        if (mapping_item_here(mapping, &queue->items[0]))
            clean_here(broker, topic);
        else
            clean_there(broker, topic, first);
    }
}

void mapping_clean(void *broker) {
    topics_each(((struct broker *)broker)->topics, clean_topic, broker);
}
