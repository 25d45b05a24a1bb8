/* pop_names.c - names put together and taken apart */
#include "broker/pop/pop_names.h"

#include <stdio.h>
#include "base/check.h"
#include "broker/tables/topics.h"

struct bytes pop_topic_name(struct bytes topic, struct bytes group, enum retry_kind kind, struct pop_name *out) {
    if (kind == RETRY_KIND_NONE) return topic;
    int len = snprintf(out->text, sizeof out->text, "%.*s%.*s%c%.*s", BYTES_ARG(TOPIC_RETRY_PREFIX), BYTES_ARG(group),
                       kind == RETRY_KIND_V2 ? '+' : '_', BYTES_ARG(topic));
    out->name = len >= 0 && (size_t)len < sizeof out->text ? bytes_make(out->text, (size_t)len) : bytes_of(NULL);
    return out->name;
}

enum retry_kind retry_kind_of(struct bytes topic) {
    if (!bytes_starts_with(topic, TOPIC_RETRY_PREFIX)) return RETRY_KIND_NONE;
    return memchr(topic.data, '+', topic.len) ? RETRY_KIND_V2 : RETRY_KIND_V1;
}

struct bytes pop_normal_topic(struct bytes name, struct bytes group) {
    size_t prefix = TOPIC_RETRY_PREFIX.len + group.len + 1;
    if (!bytes_starts_with(name, TOPIC_RETRY_PREFIX) || name.len <= prefix) return name;
    struct bytes rest = bytes_skip(name, TOPIC_RETRY_PREFIX.len);
    char separator = rest.data[group.len];
    return bytes_starts_with(rest, group) && (separator == '_' || separator == '+') ? bytes_skip(name, prefix) : name;
}

struct topic *revive_topic(const struct broker *broker) {
    char text[POP_NAME_MAX];
    int len = snprintf(text, sizeof text, "rmq_sys_REVIVE_LOG_%.*s", BYTES_ARG(broker->config.broker_cluster_name));
    struct topic *topic = topics_find(broker->topics, bytes_make(text, (size_t)len));
    must(topic);
    return topic;
}
