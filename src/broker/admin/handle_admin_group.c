/* handle_admin_group.c - consumer groups made, changed, deleted and looked at by an admin, and how far they are.
 * @source shared facts: behaviour 4.4 and 8, protocol 4.3 */
#include "broker/route.h"

#include "base/check.h"
#include "broker/clients/consumers.h"
#include "broker/static_topic/mappings.h"
#include "broker/tables/groups.h"
#include "broker/tables/offsets.h"
#include "broker/stats/stats.h"
#include "broker/tables/topics.h"
#include "wire/body_queue.h"

/* --- the groups -------------------------------------------------------------------------------------------- */

enum err broker_handle_update_and_create_subscriptiongroup(struct call *call, const struct hdr_none *header) {
    (void)header;
    const struct json *config;
    TRY(json_parse(call->request->arena, call->request->command.body, &config));
    return groups_update(call->broker->groups, config);
}

/* All names are looked at before the first group is made. */
enum err broker_handle_update_and_create_subscriptiongroup_list(struct call *call, const struct hdr_none *header) {
    (void)header;
    struct groups *groups = call->broker->groups;
    const struct json *body;
    TRY(json_parse(call->request->arena, call->request->command.body, &body));
    const struct json *list = json_get(body, "groupConfigList");
    for (const struct json *config = json_first(list); config; config = config->next) {
        struct bytes name = json_text(json_get(config, "groupName"));
        if (!groups_find(groups, name)) TRY(group_name_check(name));
    }
    for (const struct json *config = json_first(list); config; config = config->next)
        TRY(groups_update(groups, config));
    return ERR_OK;
}

enum err broker_handle_update_and_get_group_forbidden(struct call *call,
                                                      const struct hdr_update_and_get_group_forbidden *header) {
    struct groups *groups = call->broker->groups;
    if (header->has.readable) TRY(groups_forbid(groups, header->group, header->topic, !header->readable));
    const struct group *group = groups_find(groups, header->group);
    struct json_writer w = {.out = &call->body};
    json_begin_object(&w);
    json_member(&w, "group", header->group);
    json_member_bool(&w, "readable", !group || !group_forbidden(group, header->topic));
    json_member(&w, "topic", header->topic);
    json_end_object(&w);
    return ERR_OK;
}

/* A group that is not there is no error, as the Java broker has it. Offsets of a lite group always go. */
enum err broker_handle_delete_subscriptiongroup(struct call *call, const struct hdr_delete_subscriptiongroup *header) {
    struct broker *broker = call->broker;
    const struct group *group = groups_find(broker->groups, header->group_name);
    bool is_lite = group && atomic_load(&group->lite_bind_topic);
    if (group) TRY(groups_delete(broker->groups, header->group_name));
    if (header->clean_offset || is_lite) offsets_forget_group(broker->offsets, header->group_name);
    if (broker->config.auto_delete_unused_stats) stats_forget_group(broker->stats, header->group_name);
    return ERR_OK;
}

enum err broker_handle_get_all_subscriptiongroup_config(struct call *call,
                                                        const struct hdr_get_all_subscriptiongroup_config *header) {
    const struct broker_config *config = &call->broker->config;
    bool paged = header->has.group_seq || header->has.data_version || header->has.max_group_num;
    struct table_page page = {.count = SIZE_MAX};
    if (paged && config->enable_split_metadata) {
        int32_t most = header->has.max_group_num ? MAX(header->max_group_num, 0) : INT32_MAX;
        page = (struct table_page){header->group_seq, (size_t)MIN(most, config->split_metadata_size),
                                   header->data_version};
    }
    struct hdr_get_all_subscriptiongroup_config_result *result =
        call_reply_fields(call, layout_get_all_subscriptiongroup_config_result());
    struct json_writer w = {.out = &call->body};
    result->total_group_num = (int32_t)groups_write_page(call->broker->groups, &w, &page);
    return ERR_OK;
}

/* Makes the group when use may make it: the Java broker does, and its tools rely on the answer. */
enum err broker_handle_get_subscriptiongroup_config(struct call *call, const struct hdr_group *header) {
    struct group *group = groups_find_or_create(call->broker->groups, header->group);
    if (!group) return fail(ERR_NO_GROUP, "No group in this broker");
    group_write(&(struct json_writer){.out = &call->body}, group);
    return ERR_OK;
}

/* --- how far they are -------------------------------------------------------------------------------------- */

/* A ConsumeStats being written, of one topic or several. */
struct stats_writing {
    struct broker *broker;
    struct json_writer *w;
    struct bytes group;
    double tps;
    int64_t behind;    /* messages not consumed */
    int64_t in_flight; /* messages pulled and not consumed */
};

/* Clients commit what they like: sums of differences stay in range. */
static void add_bounded(int64_t *sum, int64_t value) {
    if (__builtin_add_overflow(*sum, value, sum)) *sum = value < 0 ? INT64_MIN : INT64_MAX;
}

static void write_queue(struct stats_writing *writing, struct topic *topic, int32_t queue_id,
                        const struct progress *progress) {
    struct broker *broker = writing->broker;
    struct queue *queue = topic_queue(topic, broker->store, queue_id, false);
    struct message_queue name = {topic_name(topic), broker->config.broker_name, queue_id};
    int64_t max = queue ? MAX(queue_max(queue), 0) : 0;
    int64_t committed = progress ? progress_committed(progress, queue_id) : OFFSET_NONE, consumed = MAX(committed, 0);
    int64_t pulled = progress ? MAX(progress_pulled(progress, queue_id), consumed) : 0;
    /* In a static topic the stretch of a queue that has an offset of the group is the one where the group is. */
    bool elsewhere = topic_mapping(topic) && committed < 0;
    int64_t last_ms = queue && consumed > 0 ? store_time_at(broker->store, queue, consumed - 1) : 0;
    message_queue_encode_key(writing->w, &name);
    json_begin_object(writing->w);
    json_member_int(writing->w, "brokerOffset", max);
    json_member_int(writing->w, "consumerOffset", elsewhere ? OFFSET_NONE : consumed);
    json_member_int(writing->w, "lastTimestamp", MAX(last_ms, 0));
    json_member_int(writing->w, "pullOffset", pulled);
    json_end_object(writing->w);
    add_bounded(&writing->behind, max - consumed);
    add_bounded(&writing->in_flight, pulled - consumed);
}

/* The members of the offsetTable for one topic. */
static void write_topic(struct stats_writing *writing, struct topic *topic, int32_t queues) {
    struct broker *broker = writing->broker;
    struct progress *progress = offsets_progress(broker->offsets, topic_name(topic), writing->group, false);
    for (int32_t i = 0; i < queues; i++) write_queue(writing, topic, i, progress);
    if (progress) writing->tps += stats_tps(broker->stats, STAT_GROUP_GET_NUMS, progress->named.name);
}

static void write_stats(struct stats_writing *writing, struct topic *const *topics, size_t count) {
    json_begin_object(writing->w);
    json_key_text(writing->w, "offsetTable");
    json_begin_object(writing->w);
    for (size_t i = 0; i < count; i++) write_topic(writing, topics[i], atomic_load(&topics[i]->read_queues));
    json_end_object(writing->w);
    json_member_real(writing->w, "consumeTps", writing->tps);
    json_end_object(writing->w);
}

/* Topics of a group that is online count only while it subscribes to them. */
static bool subscribes(const struct consumer_group *online, struct bytes topic) {
    bool subscribed = online->filter_count == 0;
    for (size_t i = 0; i < online->filter_count && !subscribed; i++)
        subscribed = bytes_equal(online->filters[i]->subscription.topic, topic);
    return subscribed;
}

/* Those of `names` that exist and count, in the arena. `online` NULL: all count. */
static struct topic **topics_to_show(struct broker *broker, struct arena *arena, const struct bytes *names,
                                     size_t name_count, const struct consumer_group *online, size_t *count) {
    struct topic **out = arena_calloc(arena, name_count + 1, sizeof(struct topic *));
    *count = 0;
    for (size_t i = 0; i < name_count; i++) {
        struct topic *topic = topics_find(broker->topics, names[i]);
        if (topic && (!online || subscribes(online, names[i]))) out[(*count)++] = topic;
    }
    return out;
}

/* "T1;T2" of a request, trimmed; in the arena. */
static struct bytes *split_topics(struct arena *arena, struct bytes text, size_t *count) {
    struct bytes *names = arena_calloc(arena, text.len / 2 + 1, sizeof *names), piece;
    *count = 0;
    while (bytes_split(&text, ';', &piece))
        if (bytes_trim(piece).len > 0) names[(*count)++] = bytes_trim(piece);
    return names;
}

enum err broker_handle_get_consume_stats(struct call *call, const struct hdr_get_consume_stats *header) {
    struct arena *arena = call->request->arena;
    struct consumer_group online;
    size_t name_count, count;
    struct bytes one = header->topic, *names = split_topics(arena, header->topic_list, &name_count);
    bool given = name_count > 0;
    if (!given && bytes_trim(header->topic).len > 0) {
        names = &one;
        name_count = 1;
    } else if (!given) {
        offsets_topics_of_group(call->broker->offsets, header->consumer_group, arena, &names, &name_count);
    }
    consumers_group(call->broker->consumers, header->consumer_group, arena, &online);
    struct topic **topics = topics_to_show(call->broker, arena, names, name_count, given ? NULL : &online, &count);
    struct json_writer w = {.out = &call->body};
    struct stats_writing writing = {.broker = call->broker, .w = &w, .group = header->consumer_group};
    write_stats(&writing, topics, count);
    consumer_group_release(&online);
    return ERR_OK;
}

struct all_stats {
    struct call *call;
    struct json_writer w;
    bool order_only;
    int64_t behind, in_flight;
};

/* {"group":[stats of each topic]} */
static void write_group_stats(struct group *group, void *arg) {
    struct all_stats *all = arg;
    struct broker *broker = all->call->broker;
    struct arena arena = {0};
    struct consumer_group online;
    struct bytes *names;
    size_t name_count, count;
    offsets_topics_of_group(broker->offsets, group_name(group), &arena, &names, &name_count);
    consumers_group(broker->consumers, group_name(group), &arena, &online);
    struct topic **topics = topics_to_show(broker, &arena, names, name_count, &online, &count);
    json_begin_object(&all->w);
    json_key(&all->w, group_name(group));
    json_begin_array(&all->w);
    for (size_t i = 0; i < count; i++) {
        if (all->order_only && !atomic_load(&topics[i]->order)) continue;
        struct stats_writing writing = {.broker = broker, .w = &all->w, .group = group_name(group)};
        write_stats(&writing, &topics[i], 1);
        add_bounded(&all->behind, writing.behind);
        add_bounded(&all->in_flight, writing.in_flight);
    }
    json_end_array(&all->w);
    json_end_object(&all->w);
    consumer_group_release(&online);
    arena_close(&arena);
}

enum err broker_handle_get_broker_consume_stats(struct call *call, const struct hdr_get_broker_consume_stats *header) {
    struct all_stats all = {.call = call, .w = {.out = &call->body}, .order_only = header->is_order};
    json_begin_object(&all.w);
    json_member(&all.w, "brokerAddr", bytes_of(call->broker->address));
    json_key_text(&all.w, "consumeStatsList");
    json_begin_array(&all.w);
    groups_each(call->broker->groups, write_group_stats, &all);
    json_end_array(&all.w);
    json_member_int(&all.w, "totalDiff", all.behind);
    json_member_int(&all.w, "totalInflightDiff", all.in_flight);
    json_end_object(&all.w);
    return ERR_OK;
}
