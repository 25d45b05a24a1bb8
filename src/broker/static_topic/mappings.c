/* mappings.c - the mappings of static topics and their file */
#include "broker/static_topic/mappings.h"

#include <stdlib.h>
#include "base/check.h"
#include "base/log.h"
#include "broker/pull/held_pulls.h"
#include "broker/registration.h"
#include "broker/tables/state_file.h"

struct mappings {
    struct broker *broker;
    struct state_file file;
    struct lock lock; /* guards changes and what is below */
    struct data_version version;
    struct arena arena; /* all mappings, replaced ones too: they are few and readers hold no lock */
};

/* --- changes ----------------------------------------------------------------------------------------------- */

enum err mappings_check(const struct mappings *mappings, const struct topic *topic,
                        const struct queue_mapping_detail *detail, bool force) {
    struct bytes own_name = mappings->broker->config.broker_name;
    const struct queue_mapping_detail *former = topic ? atomic_load(&topic->mapping) : NULL;
    if (!bytes_equal(detail->broker_name, own_name))
        return fail(ERR_FAILED, "the mapping is for broker %.*s, this is %.*s", BYTES_ARG(detail->broker_name),
                    BYTES_ARG(own_name));
    TRY(queue_mapping_check(detail));
    return former && !force ? queue_mapping_check_successor(former, detail) : ERR_OK;
}

static struct logic_queue copy_queue(struct arena *arena, const struct logic_queue *queue) {
    struct mapping_item *items = arena_alloc(arena, queue->item_count * sizeof *items);
    for (size_t i = 0; i < queue->item_count; i++) {
        items[i] = queue->items[i];
        items[i].broker_name = arena_copy(arena, items[i].broker_name);
    }
    return (struct logic_queue){queue->id, items, queue->item_count};
}

/* A copy with memory of ours, and with what `former` (may be NULL) has alone. The lock is held. */
static const struct queue_mapping_detail *copy(struct mappings *mappings, const struct queue_mapping_detail *detail,
                                               const struct queue_mapping_detail *former) {
    struct arena *arena = &mappings->arena;
    size_t former_count = former ? former->queue_count : 0;
    struct logic_queue *queues = arena_calloc(arena, detail->queue_count + former_count + 1, sizeof *queues);
    struct queue_mapping_detail *made = arena_alloc(arena, sizeof *made);
    *made = *detail;
    made->topic = arena_copy(arena, detail->topic);
    made->broker_name = arena_copy(arena, detail->broker_name);
    made->scope = arena_copy(arena, detail->scope);
    made->queues = queues;
    for (size_t i = 0; i < detail->queue_count; i++) queues[i] = copy_queue(arena, &detail->queues[i]);
    for (size_t i = 0; i < former_count; i++)
        if (!queue_mapping_queue(detail, former->queues[i].id)) queues[made->queue_count++] = former->queues[i];
    qsort(queues, made->queue_count, sizeof *queues, logic_queue_compare);
    return made;
}

/* The pulls that wait at the topic's queues look again: their logic queue may have moved. */
static void wake_pulls(struct broker *broker, struct topic *topic) {
    for (int32_t i = 0; i < atomic_load(&topic->read_queues); i++) {
        struct queue *queue = topic_queue(topic, broker->store, i, false);
        for (size_t r = 0; queue && r < broker->reactor_count; r++)
            held_pulls_arrived(broker->reactors[r].held_pulls, queue);
    }
}

enum err mappings_set(struct mappings *mappings, struct topic *topic, const struct queue_mapping_detail *detail,
                      bool force) {
    lock_take(&mappings->lock);
    enum err err = mappings_check(mappings, topic, detail, force);
    if (err == ERR_OK) {
        atomic_store_explicit(&topic->mapping, copy(mappings, detail, atomic_load(&topic->mapping)),
                              memory_order_release);
        data_version_next(&mappings->version);
    }
    lock_give(&mappings->lock);
    if (err != ERR_OK) return err;
    log_info(MAIN, "static topic mapped: topic=%.*s epoch=%lld total_queues=%d queues_here=%zu force=%d",
             BYTES_ARG(topic_name(topic)), (long long)detail->epoch, detail->total_queues, detail->queue_count, force);
    state_file_save_soon(&mappings->file);
    registration_topic_changed(mappings->broker, topic_name(topic));
    wake_pulls(mappings->broker, topic);
    return ERR_OK;
}

void mappings_forget(struct mappings *mappings, struct topic *topic) {
    lock_take(&mappings->lock);
    bool was_mapped = atomic_exchange(&topic->mapping, NULL) != NULL;
    if (was_mapped) data_version_next(&mappings->version);
    lock_give(&mappings->lock);
    if (was_mapped) state_file_save_soon(&mappings->file);
}

static bool leads(const struct queue_mapping_detail *mapping, const struct logic_queue *queue) {
    return mapping_item_here(mapping, logic_queue_last(queue));
}

static enum err fail_not_leader(const struct queue_mapping_detail *mapping, int32_t id) {
    return fail(ERR_NOT_LEADER,
                "%.*s-%d does not exit in request process of current broker %.*s. Another broker takes its messages: "
                "ask for the route of the topic again",
                BYTES_ARG(mapping->topic), id, BYTES_ARG(mapping->broker_name));
}

enum err logic_queue_led(const struct queue_mapping_detail *mapping, int32_t id, const struct logic_queue **out) {
    *out = queue_mapping_queue(mapping, id);
    return *out && leads(mapping, *out) ? ERR_OK : fail_not_leader(mapping, id);
}

enum err place_find(const struct queue_mapping_detail *mapping, int32_t id, int64_t logic_offset, struct place *out) {
    out->mapping = mapping;
    TRY(logic_queue_led(mapping, id, &out->queue));
    out->item = logic_queue_find(out->queue, logic_offset);
    if (out->item) return ERR_OK;
    return fail(ERR_FAILED, "where queue %d begins is still to be decided, try again soon", id);
}

enum err logic_queue_led_any(const struct queue_mapping_detail *mapping, const struct logic_queue **out) {
    size_t first = (size_t)random_below((int32_t)mapping->queue_count);
    for (size_t i = 0; i < mapping->queue_count; i++) {
        *out = &mapping->queues[(first + i) % mapping->queue_count];
        if (leads(mapping, *out)) return ERR_OK;
    }
    return fail_not_leader(mapping, -1);
}

bool logic_queue_is_physical(const struct queue_mapping_detail *mapping, int32_t id, int32_t *queue_id) {
    const struct logic_queue *queue = queue_mapping_queue(mapping, id);
    if (!queue || queue->item_count > 1 || !leads(mapping, queue)) return false;
    *queue_id = queue->items[0].queue_id;
    return queue->items[0].logic_offset == queue->items[0].start_offset;
}

const struct queue_mapping_detail *mapping_of_request(const struct request *request, struct topic *topic) {
    const struct queue_mapping_detail *mapping = topic_mapping(topic);
    return mapping && bytes_is(command_ext(&request->command, "lo"), "false") ? NULL : mapping;
}

/* --- views and the file ------------------------------------------------------------------------------------ */

static void write_one(struct topic *topic, void *arg) {
    struct json_writer *w = arg;
    const struct queue_mapping_detail *mapping = topic_mapping(topic);
    if (!mapping) return;
    json_key(w, topic_name(topic));
    queue_mapping_detail_encode(w, mapping);
}

static void write_members(struct mappings *mappings, struct json_writer *w, const char *version_key,
                          const char *table_key) {
    lock_take(&mappings->lock);
    struct data_version version = mappings->version;
    lock_give(&mappings->lock);
    json_key_text(w, version_key);
    data_version_encode(w, &version);
    json_key_text(w, table_key);
    json_begin_object(w);
    topics_each(mappings->broker->topics, write_one, w);
    json_end_object(w);
}

void mappings_write_members(struct mappings *mappings, struct json_writer *w) {
    write_members(mappings, w, "mappingDataVersion", "topicQueueMappingDetailMap");
}

static void write_file(void *table, struct json_writer *w) {
    json_begin_object(w);
    write_members(table, w, "dataVersion", "topicQueueMappingInfoMap");
    json_end_object(w);
}

static void read_one(struct mappings *mappings, const struct json *json) {
    struct queue_mapping_detail *detail = arena_alloc(&mappings->arena, sizeof *detail);
    struct topic *topic = topics_find(mappings->broker->topics, json->key);
    enum err err = queue_mapping_detail_decode(&mappings->arena, json, detail);
    if (err == ERR_OK) err = queue_mapping_check(detail);
    if (err == ERR_OK && !topic) err = fail(ERR_NOT_FOUND, "there is no such topic");
    if (err == ERR_OK)
        atomic_store(&topic->mapping, detail);
    else
        log_warn(MAIN,
                 "topicQueueMapping.json: a mapping is passed over, its topic is no static one: topic=%.*s "
                 "cause=%s",
                 BYTES_ARG(json->key), err_detail(err));
}

enum err mappings_open(struct broker *broker, struct mappings **out) {
    struct mappings *mappings = calloc(1, sizeof *mappings);
    struct arena arena = {0};
    struct buf text = {0};
    const struct json *json = NULL;
    must(mappings);
    mappings->broker = broker;
    lock_init(&mappings->lock, LOCK_MAPPINGS);
    data_version_init(&mappings->version);
    state_file_init(&mappings->file, broker, "topicQueueMapping.json", mappings, write_file);
    enum err err = state_file_load(&mappings->file, &arena, &text, &json);
    if (err == ERR_OK && json) {
        mappings->version = data_version_decode(json_get(json, "dataVersion"));
        const struct json *table = json_get(json, "topicQueueMappingInfoMap");
        for (const struct json *one = json_first(table); one; one = one->next) read_one(mappings, one);
    }
    buf_close(&text);
    arena_close(&arena);
    *out = mappings;
    if (err == ERR_OK) return ERR_OK;
    mappings_close(mappings);
    *out = NULL;
    return err;
}

void mappings_save(struct mappings *mappings) {
    state_file_save(&mappings->file);
}

void mappings_close(struct mappings *mappings) {
    if (!mappings) return;
    state_file_close(&mappings->file);
    arena_close(&mappings->arena);
    lock_close(&mappings->lock);
    free(mappings);
}
