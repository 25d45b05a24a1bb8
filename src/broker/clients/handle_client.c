/* handle_client.c - heartbeats, farewells, and who is connected. @source shared facts: behaviour 7 */
#include "broker/route.h"

#include <stdio.h>
#include "base/check.h"
#include "base/log.h"
#include "broker/clients/consumers.h"
#include "broker/tables/groups.h"
#include "broker/tables/offsets.h"
#include "broker/clients/producers.h"
#include "broker/tables/topics.h"
#include "os/clock.h"
#include "wire/body_topic_list.h"

/* --- heartbeats -------------------------------------------------------------------------------------------- */

/* The group of a consumer, made when it may be; NULL when the consumer is passed over. */
static struct group *group_of(const struct call *call, const struct consumer_data *data) {
    if (call->broker->config.reject_pull_consumer_enable && data->type == CONSUME_ACTIVELY) return NULL;
    return groups_find_or_create(call->broker->groups, data->group);
}

/* The retry topic of a group that appears; ordered when one of the group's topics is. */
static enum err ensure_retry_topic(struct call *call, const struct group *group, const struct consumer_data *data,
                                   bool *made) {
    struct topics *topics = call->broker->topics;
    bool order = false;
    for (size_t i = 0; i < data->subscription_count && !order; i++) {
        struct topic *subscribed = topics_find(topics, data->subscriptions[i].topic);
        order = subscribed && atomic_load(&subscribed->order);
    }
    struct bytes name = arena_printf(call->request->arena, "%%RETRY%%%.*s", BYTES_ARG(data->group));
    struct topic *topic;
    bool missing = !topics_find(topics, name);
    TRY(topics_create(topics, name, atomic_load(&group->retry_queue_nums), PERM_READ | PERM_WRITE,
                      data->unit_mode ? TOPIC_SYS_FLAG_UNIT_SUB : 0, order, &topic));
    if (missing) *made = true;
    if (data->subscription_count > 0 && atomic_load(&topic->order) != order) topics_set_order(topics, name, order);
    return ERR_OK;
}

/* true: a retry topic was made. */
static bool ensure_retry_topics(struct call *call, const struct heartbeat *heartbeat) {
    bool made = false;
    for (size_t i = 0; i < heartbeat->consumer_count; i++) {
        const struct consumer_data *data = &heartbeat->consumers[i];
        const struct group *group = group_of(call, data);
        enum err err = group ? ensure_retry_topic(call, group, data, &made) : ERR_OK;
        if (err != ERR_OK)
            log_every_ms(10000, WARN, CLIENT, "no retry topic: group=%.*s why=%s", BYTES_ARG(data->group),
                         err_detail(err));
    }
    return made;
}

/* true: the client must send its subscriptions in full. */
static bool register_consumer(struct call *call, const struct heartbeat *heartbeat, const struct consumer_data *data,
                              const struct client *client) {
    const struct group *group = group_of(call, data);
    if (!group) return false;
    struct consumer_heartbeat consumer = {
        .group = data->group,
        .type = data->type,
        .model = data->model,
        .from_where = data->from_where,
        .subscriptions = data->subscriptions,
        .subscription_count = data->subscription_count,
        .fingerprint = heartbeat->fingerprint,
        .keep_subscriptions = heartbeat->fingerprint != 0 && heartbeat->without_sub,
        .notify = atomic_load(&group->notify_consumer_ids_changed_enable),
    };
    return consumers_register(call->broker->consumers, &consumer, client);
}

enum err broker_handle_heart_beat(struct call *call, const struct hdr_none *header) {
    (void)header;
    const struct command *command = &call->request->command;
    struct heartbeat heartbeat;
    TRY(heartbeat_decode(call->request->arena, command->body, &heartbeat));
    if (ensure_retry_topics(call, &heartbeat) && call_again_when_registered(call)) return ERR_OK;
    struct client client = {
        .client_id = heartbeat.client_id,
        .channel = client_channel_of(call->request),
        .address = call->request->peer,
        .language = command->language,
        .version = command->version,
        .heard_ms = clock_monotonic_ms(),
    };
    bool resend = heartbeat.fingerprint == 0;
    for (size_t i = 0; i < heartbeat.consumer_count; i++)
        if (register_consumer(call, &heartbeat, &heartbeat.consumers[i], &client)) resend = true;
    for (size_t i = 0; i < heartbeat.producer_count; i++)
        if (call->broker->config.enable_register_producer)
            producers_register(call->broker->producers, heartbeat.producer_groups[i], &client);
    struct hdr_heart_beat_result *result = call_reply_fields(call, layout_heart_beat_result());
    result->is_support_heart_beat_v2 = true;
    result->is_sub_change = resend;
    return ERR_OK;
}

enum err broker_handle_unregister_client(struct call *call, const struct hdr_unregister_client *header) {
    struct client_channel channel = client_channel_of(call->request);
    if (header->producer_group.data)
        producers_unregister(call->broker->producers, header->producer_group, header->client_id, channel);
    if (header->consumer_group.data) {
        const struct group *group = groups_find(call->broker->groups, header->consumer_group);
        bool notify = !group || atomic_load(&group->notify_consumer_ids_changed_enable);
        consumers_unregister(call->broker->consumers, header->consumer_group, header->client_id, channel, notify);
    }
    return ERR_OK;
}

enum err broker_handle_check_client_config(struct call *call, const struct hdr_none *header) {
    (void)header;
    struct arena *arena = call->request->arena;
    const struct json *body;
    if (call->request->command.body.len == 0) return ERR_OK;
    TRY(json_parse(arena, call->request->command.body, &body));
    const struct json *data = json_get(body, "subscriptionData");
    if (!data) return ERR_OK;
    struct subscription subscription = subscription_decode(arena, data);
    if (subscription_is_tag(&subscription)) return ERR_OK;
    if (!call->broker->config.enable_property_filter)
        return fail(ERR_FAILED, "The broker does not support consumer to filter message by %.*s",
                    BYTES_ARG(subscription.expression_type));
    return filter_check(&subscription);
}

/* --- who is connected -------------------------------------------------------------------------------------- */

enum err broker_handle_get_consumer_list_by_group(struct call *call, const struct hdr_consumer_group *header) {
    struct consumer_group group;
    if (!consumers_group(call->broker->consumers, header->consumer_group, call->request->arena, &group))
        return fail(ERR_FAILED, "no consumer for this group, %.*s", BYTES_ARG(header->consumer_group));
    struct json_writer w = {.out = &call->body};
    json_begin_object(&w);
    json_key_text(&w, "consumerIdList");
    json_begin_array(&w);
    for (size_t i = 0; i < group.client_count; i++) json_string(&w, group.clients[i].client_id);
    json_end_array(&w);
    json_end_object(&w);
    consumer_group_release(&group);
    return ERR_OK;
}

static void write_connection(struct json_writer *w, const struct client *client) {
    char address[ADDRESS_TEXT_MAX];
    json_begin_object(w);
    json_member(w, "clientAddr", bytes_of(address_text(&client->address, address)));
    json_member(w, "clientId", client->client_id);
    json_member(w, "language", bytes_of(language_name(client->language)));
    json_member_int(w, "version", client->version);
    json_end_object(w);
}

enum err broker_handle_get_consumer_connection_list(struct call *call, const struct hdr_consumer_group *header) {
    struct consumer_group group;
    if (!consumers_group(call->broker->consumers, header->consumer_group, call->request->arena, &group))
        return fail(ERR_NOT_ONLINE, "the consumer group[%.*s] not online", BYTES_ARG(header->consumer_group));
    struct json_writer w = {.out = &call->body};
    json_begin_object(&w);
    json_key_text(&w, "connectionSet");
    json_begin_array(&w);
    for (size_t i = 0; i < group.client_count; i++) write_connection(&w, &group.clients[i]);
    json_end_array(&w);
    json_member(&w, "consumeFromWhere", bytes_of(consume_from_where_name(group.from_where)));
    json_member(&w, "consumeType", bytes_of(consume_type_name(group.type)));
    json_member(&w, "messageModel", bytes_of(message_model_name(group.model)));
    json_key_text(&w, "subscriptionTable");
    json_begin_object(&w);
    for (size_t i = 0; i < group.filter_count; i++) {
        json_key(&w, group.filters[i]->subscription.topic);
        subscription_encode(&w, &group.filters[i]->subscription);
    }
    json_end_object(&w);
    json_end_object(&w);
    consumer_group_release(&group);
    return ERR_OK;
}

struct producer_writing {
    struct json_writer w;
    struct bytes group; /* the one asked for, or, when all are written, the one being written */
    size_t count;
    int64_t wall_less_monotonic_ms;
};

static void write_producer_of_group(struct bytes group, const struct client *client, void *arg) {
    struct producer_writing *writing = arg;
    if (!bytes_equal(group, writing->group)) return;
    write_connection(&writing->w, client);
    writing->count++;
}

enum err broker_handle_get_producer_connection_list(struct call *call, const struct hdr_producer_group *header) {
    struct producer_writing writing = {.w = {.out = &call->body}, .group = header->producer_group};
    json_begin_object(&writing.w);
    json_key_text(&writing.w, "connectionSet");
    json_begin_array(&writing.w);
    producers_each(call->broker->producers, write_producer_of_group, &writing);
    json_end_array(&writing.w);
    json_end_object(&writing.w);
    if (writing.count > 0) return ERR_OK;
    return fail(ERR_FAILED, "the producer group[%.*s] not exist", BYTES_ARG(header->producer_group));
}

static void write_producer(struct bytes group, const struct client *client, void *arg) {
    struct producer_writing *writing = arg;
    struct json_writer *w = &writing->w;
    char address[ADDRESS_TEXT_MAX], remote[ADDRESS_TEXT_MAX + 1];
    if (!bytes_equal(group, writing->group)) {
        if (writing->group.data) json_end_array(w);
        json_key(w, group);
        json_begin_array(w);
        writing->group = group;
    }
    json_begin_object(w);
    json_member(w, "clientId", client->client_id);
    json_member(w, "language", bytes_of(language_name(client->language)));
    json_member_int(w, "lastUpdateTimestamp", client->heard_ms + writing->wall_less_monotonic_ms);
    snprintf(remote, sizeof remote, "/%s", address_text(&client->address, address));
    json_member(w, "remoteIP", bytes_of(remote));
    json_member_int(w, "version", client->version);
    json_end_object(w);
}

enum err broker_handle_get_all_producer_info(struct call *call, const struct hdr_none *header) {
    (void)header;
    struct producer_writing writing = {.w = {.out = &call->body},
                                       .wall_less_monotonic_ms = clock_wall_ms() - clock_monotonic_ms()};
    json_begin_object(&writing.w);
    json_key_text(&writing.w, "data");
    json_begin_object(&writing.w);
    producers_each(call->broker->producers, write_producer, &writing);
    if (writing.group.data) json_end_array(&writing.w);
    json_end_object(&writing.w);
    json_end_object(&writing.w);
    return ERR_OK;
}

/* --- what groups consume ----------------------------------------------------------------------------------- */

enum err broker_handle_query_topics_by_consumer(struct call *call, const struct hdr_group *header) {
    struct bytes *topics;
    size_t count;
    offsets_topics_of_group(call->broker->offsets, header->group, call->request->arena, &topics, &count);
    struct topic_list list = {bytes_of(call->broker->address), topics, count};
    topic_list_encode(&list, &call->body);
    return ERR_OK;
}

/* What the group wants of the topic: as its heartbeats say, else as its pulls do. One reference; NULL when neither. */
static struct filter *subscription_of(const struct call *call, struct bytes group, struct bytes topic) {
    struct offsets *offsets = call->broker->offsets;
    struct consumer_view view;
    consumers_view(call->broker->consumers, group, topic, &view);
    if (view.filter) return view.filter;
    struct progress *progress = offsets_progress(offsets, topic, group, false);
    struct subscription all;
    struct filter *filter;
    if (!progress || !progress_subscription(offsets, progress, &filter)) return NULL;
    if (filter) return filter;
    must(subscription_parse(call->request->arena, topic, BYTES("*"), BYTES("TAG"), &all) == ERR_OK);
    return filter_make(&all);
}

enum err broker_handle_query_subscription_by_consumer(struct call *call,
                                                      const struct hdr_query_subscription_by_consumer *header) {
    struct filter *filter = subscription_of(call, header->group, header->topic);
    struct json_writer w = {.out = &call->body};
    json_begin_object(&w);
    json_member(&w, "group", header->group);
    if (filter) {
        json_key_text(&w, "subscriptionData");
        subscription_encode(&w, &filter->subscription);
    }
    json_member_opt(&w, "topic", header->topic);
    json_end_object(&w);
    filter_release(filter);
    return ERR_OK;
}
