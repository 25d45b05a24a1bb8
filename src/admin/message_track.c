/* message_track.c - which groups have consumed a message: what is asked, and in which words it is told.
 * @source apache/rocketmq tools/.../admin/DefaultMQAdminExtImpl.java messageTrackDetail */
#include "admin/message_track.h"

#include <string.h>
#include "base/check.h"

static enum err offset_in_queue(struct admin *admin, const rmq_message_ext_t *message, struct bytes group,
                                bool *consumed) {
    char host[64];
    struct bytes store = bytes_of(host_text(&message->record.store_host, host));
    struct consume_stats_table progress;
    TRY(admin_consume_stats(admin, store, group, bytes_of(message->topic), &progress));
    *consumed = false;
    for (size_t i = 0; i < progress.count; i++) {
        const struct queue_progress *queue = &progress.queues[i];
        if (queue->queue.queue_id == message->record.queue_id && bytes_is(queue->queue.topic, message->topic))
            *consumed = queue->consumer_offset > message->record.offset_queue;
    }
    return ERR_OK;
}

static bool filtered(const struct connection_list *clients, const rmq_message_ext_t *message) {
    const char *tag = rmq_message_ext_tag(message);
    for (size_t i = 0; i < clients->subscription_count; i++) {
        const struct subscription *subscription = &clients->subscriptions[i];
        if (!bytes_is(subscription->topic, message->topic) || subscription->tag_count == 0) continue;
        for (size_t k = 0; k < subscription->tag_count; k++)
            if (bytes_is(subscription->tags[k], "*") || (tag && bytes_is(subscription->tags[k], tag))) return false;
        return true;
    }
    return false;
}

static enum err find_track(struct admin *admin, const rmq_message_ext_t *message, struct bytes group,
                           const char **track) {
    struct connection_list clients;
    bool consumed;
    enum err err = admin_group_connection(admin, group, &clients);
    if (err != ERR_OK) {
        *track = admin->response_code == RESPONSE_CONSUMER_NOT_ONLINE ? "NOT_ONLINE" : "UNKNOWN";
        return err;
    }
    if (bytes_is(clients.consume_type, "CONSUME_ACTIVELY")) {
        *track = "PULL";
        return ERR_OK;
    }
    if (bytes_is(clients.message_model, "BROADCASTING")) {
        *track = "CONSUME_BROADCASTING";
        return ERR_OK;
    }
    *track = "UNKNOWN";
    TRY(offset_in_queue(admin, message, group, &consumed));
    *track = !consumed ? "NOT_CONSUME_YET" : filtered(&clients, message) ? "CONSUMED_BUT_FILTERED" : "CONSUMED";
    return ERR_OK;
}

enum err message_track_print(struct admin *admin, const rmq_message_ext_t *message) {
    struct topic_route route;
    const struct bytes *groups;
    size_t count;
    TRY(admin_route(admin, bytes_of(message->topic), &route));
    TRY(admin_groups_of_topic(admin, &route, bytes_of(message->topic), &groups, &count));
    if (count == 0) fputs("WARN: No Consumer\n", admin->out);
    for (size_t i = 0; i < count; i++) {
        const char *track;
        enum err err = find_track(admin, message, groups[i], &track);
        fprintf(admin->out, "MessageTrack [consumerGroup=%.*s, trackType=%s, exceptionDesc=%s]\n", BYTES_ARG(groups[i]),
                track, err == ERR_OK ? "null" : err_detail(err));
    }
    return ERR_OK;
}
