/* pop_source.c - finding and watching what a pop takes from */
#include "broker/pop/pop_source.h"

#include "base/check.h"
#include "broker/pop/held_pops.h"

bool pop_source_find(const struct broker *broker, const struct progress *progress, enum retry_kind kind,
                     struct pop_source *out) {
    struct pop_name text;
    struct bytes name = pop_topic_name(progress->topic, progress->group, kind, &text);
    out->kind = kind;
    out->topic = name.data ? topics_find(broker->topics, name) : NULL;
    out->progress = out->topic ? offsets_progress(broker->offsets, name, progress->group, true) : NULL;
    return out->progress != NULL;
}

size_t pop_source_retry_kinds(const struct broker *broker, enum retry_kind out[2]) {
    const struct broker_config *config = &broker->config;
    out[0] = config->enable_retry_topic_v2 ? RETRY_KIND_V2 : RETRY_KIND_V1;
    out[1] = RETRY_KIND_V1;
    return config->enable_retry_topic_v2 && config->retrieve_message_from_pop_retry_topic_v1 ? 2 : 1;
}

int64_t pop_offset(const struct broker *broker, const struct progress *progress, struct queue *queue,
                   int32_t init_mode) {
    int64_t offset_queue = progress_committed(progress, queue_id(queue));
    if (offset_queue >= 0) return offset_queue;
    if (init_mode == INIT_MIN || bytes_starts_with(progress->topic, TOPIC_RETRY_PREFIX)) return queue_min(queue);
    if (broker->config.init_pop_offset_by_check_msg_in_mem && queue_min(queue) <= 0 &&
        store_offset_hot(broker->store, queue, 0))
        return 0;
    return MAX(queue_max(queue) - 1, 0);
}

static bool watch(struct reactor *reactor, struct wait_line *line, const struct pop_source *source, int32_t queue_id) {
    int32_t first = MAX(queue_id, 0), end = queue_id < 0 ? atomic_load(&source->topic->read_queues) : queue_id + 1;
    bool new = false;
    for (int32_t id = first; id < end; id++) {
        struct queue *queue = topic_queue(source->topic, reactor->broker->store, id, true);
        int32_t wakes = source->kind == RETRY_KIND_NONE ? id : ANY_QUEUE;
        if (queue) new |= held_pops_watch(reactor->held_pops, line, queue, wakes);
    }
    return new;
}

bool pop_source_watch(struct reactor *reactor, struct topic *topic, struct progress *progress, int32_t queue_id,
                      bool order) {
    struct wait_line *line = held_pops_line(reactor->held_pops, progress->named.name);
    struct pop_source source = {topic, progress, RETRY_KIND_NONE}, retry;
    bool new = watch(reactor, line, &source, queue_id);
    for (enum retry_kind kind = RETRY_KIND_V1; !order && kind <= RETRY_KIND_V2; kind++)
        if (pop_source_find(reactor->broker, progress, kind, &retry)) new |= watch(reactor, line, &retry, ANY_QUEUE);
    return new;
}
