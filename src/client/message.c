/* message.c - building a message to send; properties are kept as they go over the wire. */
#include "client/message.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/check.h"
#include "message/properties.h"

rmq_message_t *rmq_message_create(const char *topic, const char *tag, const char *keys, const void *body, size_t size) {
    if (!topic) return NULL;
    struct rmq_message *message = calloc(1, sizeof *message);
    must(message);
    message->topic = bytes_dup(bytes_of(topic));
    rmq_message_set_body(message, body, size);
    if (keys) message_set_property(message, PROPERTY_KEYS, bytes_of(keys));
    rmq_message_set_wait_store(message, true);
    if (tag) message_set_property(message, PROPERTY_TAGS, bytes_of(tag));
    return message;
}

void rmq_message_destroy(rmq_message_t *message) {
    if (!message) return;
    free(message->topic);
    buf_close(&message->body);
    buf_close(&message->properties);
    free(message);
}

void rmq_message_set_body(rmq_message_t *message, const void *body, size_t size) {
    buf_clear(&message->body);
    if (size > 0) buf_append(&message->body, body, size);
}

void message_set_property(struct rmq_message *message, struct bytes name, struct bytes value) {
    if (properties_get(buf_bytes(&message->properties), name).data) {
        struct buf rest = {0};
        properties_without(buf_bytes(&message->properties), name, &rest);
        buf_close(&message->properties);
        message->properties = rest;
    }
    if (value.len > 0) properties_append(&message->properties, name, value);
}

static bool has_separator(const char *text) {
    return text && (strchr(text, 1) || strchr(text, 2));
}

rmq_error_t rmq_message_set_property(rmq_message_t *message, const char *name, const char *value) {
    if (!name || !*name) return report(RMQ_INVALID_ARGUMENT, "a property needs a name");
    if (has_separator(name) || has_separator(value))
        return report(RMQ_INVALID_ARGUMENT, "property %s: the bytes 1 and 2 are not allowed", name);
    message_set_property(message, bytes_of(name), bytes_of(value));
    return RMQ_OK;
}

rmq_error_t rmq_message_set_tag(rmq_message_t *message, const char *tag) {
    return rmq_message_set_property(message, PROPERTY_TAGS.data, tag);
}

rmq_error_t rmq_message_set_keys(rmq_message_t *message, const char *keys) {
    return rmq_message_set_property(message, PROPERTY_KEYS.data, keys);
}

rmq_error_t rmq_message_set_delay_level(rmq_message_t *message, int32_t level) {
    if (level < 0) return report(RMQ_INVALID_ARGUMENT, "the delay level %" PRId32 " is negative", level);
    char text[16];
    int len = level > 0 ? snprintf(text, sizeof text, "%" PRId32, level) : 0;
    message_set_property(message, PROPERTY_DELAY, bytes_make(text, (size_t)len));
    return RMQ_OK;
}

void rmq_message_set_flag(rmq_message_t *message, int32_t flag) {
    message->flag = flag;
}

void rmq_message_set_wait_store(rmq_message_t *message, bool wait) {
    message_set_property(message, PROPERTY_WAIT, wait ? BYTES("true") : BYTES("false"));
}

const char *rmq_message_topic(const rmq_message_t *message) {
    return message->topic;
}
