/* handle_admin_topic.c - topics made, changed, deleted and looked at by an admin.
 * @source shared facts: behaviour 4.4, protocol 4.3 */
#include "broker/route.h"

#include "base/check.h"
#include "base/log.h"
#include "broker/clients/consumers.h"
#include "broker/tables/offsets.h"
#include "broker/lite/lite.h"
#include "broker/static_topic/mappings.h"
#include "broker/stats/stats.h"
#include "broker/tables/topics.h"
#include "message/lmq.h"
#include "wire/body_queue.h"
#include "wire/body_topic_list.h"

/* --- changes ----------------------------------------------------------------------------------------------- */

static enum err refuse_system_topic(const struct call *call, struct bytes name) {
    const struct broker *broker = call->broker;
    if (!broker->config.validate_system_topic_when_update_topic || !topics_is_system(broker->topics, name))
        return ERR_OK;
    return fail(ERR_BAD_PARAMETER, "The topic[%.*s] is conflict with system topic.", BYTES_ARG(name));
}

static bool wants_mixed(const struct attribute_changes *changes) {
    for (size_t i = 0; i < changes->count; i++)
        if (bytes_is(changes->items[i].key, "message.type") && bytes_is(changes->items[i].value, "MIXED")) return true;
    return false;
}

static enum err check_change(const struct call *call, const struct topic_change *change) {
    TRY(topic_name_check(change->name));
    TRY(refuse_system_topic(call, change->name));
    if (!call->broker->config.enable_mixed_message_type && change->attributes && wants_mixed(change->attributes))
        return fail(ERR_BAD_PARAMETER, "MIXED message type is not supported.");
    return ERR_OK;
}

/* What the header of 17 and 513 says; `attributes` has its text parsed. */
static enum err change_of_header(const struct call *call, const struct hdr_update_and_create_topic *header,
                                 struct attribute_changes *attributes, struct topic_change *out) {
    struct bytes filter_type = header->topic_filter_type;
    if (!bytes_is(filter_type, "SINGLE_TAG") && !bytes_is(filter_type, "MULTI_TAG"))
        return fail(ERR_FAILED, "topicFilterType = [%.*s] value invalid", BYTES_ARG(filter_type));
    TRY(topic_name_check(header->topic));
    TRY(attribute_changes_parse(header->attributes, attributes));
    *out = (struct topic_change){
        .name = header->topic,
        .read_queues = header->read_queue_nums,
        .write_queues = header->write_queue_nums,
        .perm = header->perm,
        .sys_flag = header->topic_sys_flag,
        .order = header->order,
        .multi_tag = bytes_is(filter_type, "MULTI_TAG"),
        .attributes = attributes,
    };
    return check_change(call, out);
}

enum err broker_handle_update_and_create_topic(struct call *call, const struct hdr_update_and_create_topic *header) {
    struct attribute_changes attributes;
    struct topic_change change;
    TRY(change_of_header(call, header, &attributes, &change));
    call->when_registered = true;
    return topics_update(call->broker->topics, &change);
}

/* The topic and where its logic queues are. Nothing changes when the mapping may not be. */
enum err broker_handle_update_and_create_static_topic(struct call *call,
                                                      const struct hdr_update_and_create_topic *header) {
    struct broker *broker = call->broker;
    struct attribute_changes attributes;
    struct topic_change change;
    struct queue_mapping_detail mapping;
    const struct json *body;
    TRY(change_of_header(call, header, &attributes, &change));
    TRY(json_parse(call->request->arena, call->request->command.body, &body));
    TRY(queue_mapping_detail_decode(call->request->arena, body, &mapping));
    if (!bytes_equal(mapping.topic, header->topic))
        return fail(ERR_BAD_PARAMETER, "the mapping is for topic %.*s, not for %.*s", BYTES_ARG(mapping.topic),
                    BYTES_ARG(header->topic));
    TRY(mappings_check(broker->mappings, topics_find(broker->topics, header->topic), &mapping, header->force));
    TRY(topics_update(broker->topics, &change));
    struct topic *topic = topics_find(broker->topics, header->topic);
    if (!topic) return fail(ERR_NO_TOPIC, "topic[%.*s] was deleted meanwhile", BYTES_ARG(header->topic));
    call->when_registered = true;
    return mappings_set(broker->mappings, topic, &mapping, header->force);
}

/* One TopicConfig of a list; its attributes are changes. */
static enum err change_of(struct topics *topics, const struct json *json, struct attribute_changes *attributes,
                          struct topic_change *out) {
    *out = (struct topic_change){
        .name = json_text(json_get(json, "topicName")),
        .read_queues = (int32_t)json_i64(json_get(json, "readQueueNums"), TOPIC_QUEUES_DEFAULT),
        .write_queues = (int32_t)json_i64(json_get(json, "writeQueueNums"), TOPIC_QUEUES_DEFAULT),
        .perm = (int32_t)json_i64(json_get(json, "perm"), PERM_READ | PERM_WRITE),
        .sys_flag = (int32_t)json_i64(json_get(json, "topicSysFlag"), 0),
        .order = json_bool(json_get(json, "order"), false),
        .multi_tag = bytes_is(json_text(json_get(json, "topicFilterType")), "MULTI_TAG"),
        .attributes = attributes,
    };
    return attribute_changes_of(json_get(json, "attributes"), !topics_find(topics, out->name), attributes);
}

/* All names are checked before the first topic is made; the others of a list behind one that fails are not made.
 * @source apache/rocketmq AdminBrokerProcessor.updateAndCreateTopicList, which passes over the whole list instead when
 * one topic in it is as it should be already */
enum err broker_handle_update_and_create_topic_list(struct call *call, const struct hdr_none *header) {
    (void)header;
    struct topics *topics = call->broker->topics;
    const struct json *body;
    TRY(json_parse(call->request->arena, call->request->command.body, &body));
    const struct json *list = json_first(json_get(body, "topicConfigList"));
    call->when_registered = true;
    for (int round = 0; round < 2; round++) {
        for (const struct json *t = list; t; t = t->next) {
            struct attribute_changes attributes = {.count = 0};
            struct topic_change change = {.name = json_text(json_get(t, "topicName"))};
            if (round == 0) {
                TRY(check_change(call, &change));
                continue;
            }
            TRY(change_of(topics, t, &attributes, &change));
            TRY(check_change(call, &change));
            TRY(topics_update(topics, &change));
        }
    }
    return ERR_OK;
}

/* Config, offsets and queues of one topic; a topic that is not there is no error. */
static enum err delete_one(struct broker *broker, struct bytes name) {
    struct topic *topic = topics_find(broker->topics, name);
    if (topic) {
        TRY(topics_delete(broker->topics, name));
        mappings_forget(broker->mappings, topic);
    }
    offsets_forget_topic(broker->offsets, name);
    if (broker->config.auto_delete_unused_stats) stats_forget_topic(broker->stats, name);
    return store_delete_topic(broker->store, name);
}

enum err broker_handle_delete_topic_in_broker(struct call *call, const struct hdr_topic *header) {
    struct broker *broker = call->broker;
    struct arena *arena = call->request->arena;
    if (bytes_trim(header->topic).len == 0) return fail(ERR_BAD_PARAMETER, "The specified topic is blank.");
    TRY(refuse_system_topic(call, header->topic));
    const struct topic *topic = topics_find(broker->topics, header->topic);
    if (topic && topic->type == TOPIC_TYPE_LITE) TRY(lite_delete_all(broker->lite, header->topic));
    struct bytes *groups;
    size_t count = 0;
    if (broker->config.clear_retry_topic_when_delete_topic)
        offsets_groups_of_topic(broker->offsets, header->topic, arena, &groups, &count);
    for (size_t i = 0; i < count; i++) {
        /* the retry topics of pop consumers, in both spellings */
        for (int v2 = 0; v2 <= 1; v2++) {
            struct bytes retry = arena_printf(arena, "%%RETRY%%%.*s%c%.*s", BYTES_ARG(groups[i]), v2 ? '+' : '_',
                                              BYTES_ARG(header->topic));
            if (topics_find(broker->topics, retry)) TRY(delete_one(broker, retry));
        }
    }
    call->when_registered = true;
    return delete_one(broker, header->topic);
}

struct unused_topics {
    struct topics *topics;
    struct arena arena;
    struct bytes *names;
    size_t count, cap;
};

static void find_unused(struct queue *queue, void *arg) {
    struct unused_topics *unused = arg;
    struct bytes name = queue_topic(queue);
    if (queue_deleted(queue) || lmq_is(name) || topics_find(unused->topics, name) ||
        topics_is_system(unused->topics, name))
        return;
    for (size_t i = 0; i < unused->count; i++)
        if (bytes_equal(unused->names[i], name)) return;
    if (unused->count == unused->cap) {
        size_t cap = unused->cap ? unused->cap * 2 : 64;
        struct bytes *names = arena_calloc(&unused->arena, cap, sizeof *names);
        if (unused->count > 0) memcpy(names, unused->names, unused->count * sizeof *names);
        unused->names = names;
        unused->cap = cap;
    }
    unused->names[unused->count++] = arena_copy(&unused->arena, name);
}

enum err broker_handle_clean_unused_topic(struct call *call, const struct hdr_none *header) {
    (void)header;
    struct unused_topics unused = {.topics = call->broker->topics};
    enum err err = ERR_OK;
    store_each_queue(call->broker->store, find_unused, &unused);
    for (size_t i = 0; i < unused.count && err == ERR_OK; i++) {
        log_info(STORE, "queues of an unknown topic removed: topic=%.*s", BYTES_ARG(unused.names[i]));
        err = store_delete_topic(call->broker->store, unused.names[i]);
    }
    arena_close(&unused.arena);
    return err;
}

/* --- views ------------------------------------------------------------------------------------------------- */

enum err broker_handle_get_all_topic_config(struct call *call, const struct hdr_get_all_topic_config *header) {
    const struct broker_config *config = &call->broker->config;
    bool paged = header->has.topic_seq || header->has.data_version || header->has.max_topic_num;
    struct table_page page = {.count = SIZE_MAX};
    if (paged && config->enable_split_metadata) {
        int32_t most = header->has.max_topic_num ? MAX(header->max_topic_num, 0) : INT32_MAX;
        page = (struct table_page){header->topic_seq, (size_t)MIN(most, config->split_metadata_size),
                                   header->data_version};
    }
    struct hdr_get_all_topic_config_result *result = call_reply_fields(call, layout_get_all_topic_config_result());
    struct json_writer w = {.out = &call->body};
    json_begin_object(&w);
    result->total_topic_num = (int32_t)topics_write_page_members(call->broker->topics, &w, &page);
    mappings_write_members(call->broker->mappings, &w);
    json_end_object(&w);
    return ERR_OK;
}

enum err broker_handle_get_topic_config(struct call *call, const struct hdr_topic *header) {
    struct topic *topic = topics_find(call->broker->topics, header->topic);
    if (!topic) return fail(ERR_NO_TOPIC, "No topic in this broker. topic: %.*s", BYTES_ARG(header->topic));
    const struct queue_mapping_detail *mapping = topic_mapping(topic);
    struct topic_config config = topic_config_of(topic);
    struct json_writer w = {.out = &call->body};
    json_begin_object(&w);
    topic_config_encode_members(&w, &config);
    if (mapping && bytes_is(command_ext(&call->request->command, "lo"), "true")) {
        json_key_text(&w, "mappingDetail");
        queue_mapping_detail_encode(&w, mapping);
    }
    json_end_object(&w);
    return ERR_OK;
}

enum err broker_handle_get_topic_stats_info(struct call *call, const struct hdr_topic *header) {
    struct broker *broker = call->broker;
    struct topic *topic = topics_find(broker->topics, header->topic);
    if (!topic) return fail(ERR_NO_TOPIC, "topic[%.*s] not exist", BYTES_ARG(header->topic));
    int32_t queues = MAX(atomic_load(&topic->read_queues), atomic_load(&topic->write_queues));
    struct json_writer w = {.out = &call->body};
    json_begin_object(&w);
    json_key_text(&w, "offsetTable");
    json_begin_object(&w);
    for (int32_t i = 0; i < queues; i++) {
        struct queue *queue = topic_queue(topic, broker->store, i, false);
        struct message_queue name = {topic_name(topic), broker->config.broker_name, i};
        int64_t max = queue ? queue_max(queue) : 0;
        message_queue_encode_key(&w, &name);
        json_begin_object(&w);
        json_member_int(&w, "lastUpdateTimestamp", max > 0 ? store_time_at(broker->store, queue, max - 1) : 0);
        json_member_int(&w, "maxOffset", max);
        json_member_int(&w, "minOffset", queue ? MAX(queue_min(queue), 0) : 0);
        json_end_object(&w);
    }
    json_end_object(&w);
    json_member_real(&w, "topicPutTps", stats_tps(broker->stats, STAT_TOPIC_PUT_NUMS, topic_name(topic)));
    json_end_object(&w);
    return ERR_OK;
}

enum err broker_handle_get_system_topic_list_from_broker(struct call *call, const struct hdr_none *header) {
    (void)header;
    struct topic_list list = {0};
    list.topics = topics_system_names(call->broker->topics, &list.count);
    topic_list_encode(&list, &call->body);
    return ERR_OK;
}

static void add_name(struct bytes *names, size_t *count, struct bytes name) {
    for (size_t i = 0; i < *count; i++)
        if (bytes_equal(names[i], name)) return;
    names[(*count)++] = name;
}

/* Groups that subscribe to the topic now or have offsets in it. The name is that of a topic: it makes no group. */
enum err broker_handle_query_topic_consume_by_who(struct call *call, const struct hdr_topic *header) {
    struct arena *arena = call->request->arena;
    struct bytes *online, *with_offsets;
    size_t online_count, offset_count, count = 0;
    consumers_groups_of_topic(call->broker->consumers, header->topic, arena, &online, &online_count);
    offsets_groups_of_topic(call->broker->offsets, header->topic, arena, &with_offsets, &offset_count);
    struct bytes *names = arena_calloc(arena, online_count + offset_count + 1, sizeof *names);
    for (size_t i = 0; i < online_count; i++) add_name(names, &count, online[i]);
    for (size_t i = 0; i < offset_count; i++) add_name(names, &count, with_offsets[i]);
    struct json_writer w = {.out = &call->body};
    json_begin_object(&w);
    json_key_text(&w, "groupList");
    json_begin_array(&w);
    for (size_t i = 0; i < count; i++) json_string(&w, names[i]);
    json_end_array(&w);
    json_end_object(&w);
    return ERR_OK;
}
