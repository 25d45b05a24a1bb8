/* message_ext.c - taking records apart in place, and what users can ask of a message. */
#include "client/message_ext.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/check.h"
#include "base/endian.h"
#include "base/log.h"
#include "message/batch.h"
#include "message/compress.h"
#include "message/properties.h"
#include "os/clock.h"

enum { INFLATED_MAX_BYTES = 128 << 20 }; /* of all messages of an answer together */

/* Rewrites the properties in place as name NUL value NUL; the text never gets longer but by the last NUL, for which
 * the byte behind has room: the first of the next record's length, which is 0 already, or that behind the records. */
static void split_properties(struct rmq_message_ext *message, struct bytes properties) {
    char *start = (char *)(uintptr_t)properties.data, *at = start;
    struct bytes rest = properties, name, value;
    while (properties_next(&rest, &name, &value)) {
        if (memchr(name.data, '\0', name.len + 1 + value.len)) continue; /* would be read as two texts */
        memmove(at, name.data, name.len);
        at += name.len;
        *at++ = '\0';
        memmove(at, value.data, value.len);
        at += value.len;
        *at++ = '\0';
    }
    message->properties = start;
    message->properties_len = (size_t)(at - start);
}

static void terminate(struct bytes text) {
    ((char *)(uintptr_t)text.data)[text.len] = '\0';
}

static bool wanted(const struct rmq_message_ext *message, const struct subscription *subscription) {
    if (!subscription || subscription->tag_count == 0 || subscription->class_filter_mode) return true;
    struct bytes tag = bytes_of(rmq_message_ext_tag(message));
    for (size_t i = 0; tag.data && i < subscription->tag_count; i++) {
        if (bytes_equal(subscription->tags[i], tag)) return true;
    }
    return false;
}

/* Notes the body as a position in `inflated`, which may still move. */
static enum err inflate(struct message_block *block, struct rmq_message_ext *message) {
    size_t start = block->inflated.len;
    TRY(body_decompress(message->record.sys_flag, message->record.body, INFLATED_MAX_BYTES - start, &block->inflated));
    message->body = NULL;
    message->body_len = block->inflated.len - start;
    buf_append_char(&block->inflated, '\0');
    return ERR_OK;
}

static void set_texts(struct rmq_message_ext *message, struct bytes broker_name, struct bytes retry_topic) {
    const struct record *record = &message->record;
    split_properties(message, record->properties);
    terminate(record->topic); /* over the length of the properties */
    terminate(record->body);  /* over the length of the topic */
    message->topic = record->topic.data;
    message->broker_name = broker_name.data;
    message->min_offset = message->max_offset = -1;
    if (retry_topic.data && bytes_equal(record->topic, retry_topic)) {
        const char *first = rmq_message_ext_property(message, PROPERTY_RETRY_TOPIC.data);
        if (first) message->topic = first;
    }
    msgid_offset_text(&record->store_host, record->offset_phys, message->offset_id);
    const char *unique = rmq_message_ext_property(message, PROPERTY_UNIQ_KEY.data);
    message->msg_id = unique ? unique : message->offset_id;
}

static void take_record(struct message_block *block, const struct record *record, struct bytes broker_name,
                        const struct subscription *subscription, struct bytes retry_topic) {
    if (block->count == block->cap) return;
    struct rmq_message_ext *message = &block->messages[block->count];
    message->record = *record;
    message->block = block;
    set_texts(message, broker_name, retry_topic);
    if (!wanted(message, subscription)) return;
    message->body = record->body.data;
    message->body_len = record->body.len;
    if (record->sys_flag & SYS_FLAG_COMPRESSED) {
        enum err err = inflate(block, message);
        if (err != ERR_OK) {
            log_error(CLIENT, "message left out, its body cannot be uncompressed: id=%s error=%s", message->offset_id,
                      err_detail(err));
            return;
        }
    }
    block->count++;
}

/* Does it hold a batch of messages that are to be handed out one by one? */
static bool is_wrapped(const struct record *record) {
    enum { WRAPPED = SYS_FLAG_INNER_BATCH | SYS_FLAG_NEED_UNWRAP };
    return (record->sys_flag & (WRAPPED | SYS_FLAG_COMPRESSED)) == WRAPPED && batch_item_count(record->body) > 0;
}

/* The messages of a batch are taken apart in place too: each has its properties behind its body, then comes the length
 * of the next one, or that of the record's topic. */
static void take_batch(struct message_block *block, struct record *record, struct bytes broker_name,
                       const struct subscription *subscription, struct bytes retry_topic) {
    struct bytes rest = record->body;
    struct batch_item item;
    for (bool more; batch_next(&rest, &item, &more) == ERR_OK && more; record->offset_queue++) {
        record->flag = item.flag;
        record->body = item.body;
        record->properties = item.properties;
        take_record(block, record, broker_name, subscription, retry_topic);
    }
}

static size_t count_messages(struct bytes body) {
    size_t count = 0;
    for (struct record record; body.len > 0 && record_decode(body, RECORD_CHECK_SHAPE, &record) == ERR_OK;
         body = bytes_skip(body, record.size_bytes))
        count += is_wrapped(&record) ? (size_t)batch_item_count(record.body) : 1;
    return count;
}

struct message_block *message_block_create(struct bytes body, struct bytes broker_name,
                                           const struct subscription *subscription, struct bytes retry_topic) {
    size_t cap = count_messages(body), messages_size = cap * sizeof(struct rmq_message_ext);
    struct message_block *block = malloc(sizeof *block + messages_size + body.len + 1);
    must(block);
    *block = (struct message_block){.refs = 1, .cap = cap, .messages = (struct rmq_message_ext *)(void *)(block + 1)};
    memset(block->messages, 0, messages_size);
    block->records = (char *)block->messages + messages_size;
    if (body.len > 0) memcpy(block->records, body.data, body.len);
    block->records[body.len] = '\0';

    struct bytes rest = bytes_make(block->records, body.len);
    while (rest.len > 0 && block->count < cap) {
        struct record record;
        enum err err = record_decode(rest, RECORD_CHECK_SHAPE, &record);
        if (err != ERR_OK) {
            log_error(CLIENT, "messages of an answer left out: %s", err_detail(err));
            break;
        }
        rest = bytes_skip(rest, record.size_bytes);
        if (is_wrapped(&record))
            take_batch(block, &record, broker_name, subscription, retry_topic);
        else
            take_record(block, &record, broker_name, subscription, retry_topic);
    }
    const char *inflated = block->inflated.data;
    for (size_t i = 0; i < block->count; i++) { /* now that it does not move any more */
        struct rmq_message_ext *message = &block->messages[i];
        if (message->body) continue;
        message->body = inflated;
        inflated += message->body_len + 1;
    }
    return block;
}

void message_block_release(struct message_block *block) {
    if (--block->refs > 0) return;
    buf_close(&block->inflated);
    free(block);
}

/* ---- what users ask ------------------------------------------------------------------------------------ */

const char *rmq_message_ext_topic(const rmq_message_ext_t *message) {
    return message->topic;
}

const void *rmq_message_ext_body(const rmq_message_ext_t *message, size_t *size) {
    *size = message->body_len;
    return message->body;
}

size_t rmq_message_ext_next_property(const rmq_message_ext_t *message, size_t position, const char **name,
                                     const char **value) {
    if (position >= message->properties_len) return 0;
    *name = message->properties + position;
    *value = *name + strlen(*name) + 1;
    return (size_t)(*value + strlen(*value) + 1 - message->properties);
}

const char *rmq_message_ext_property(const rmq_message_ext_t *message, const char *name) {
    const char *found = NULL, *key, *value;
    for (size_t at = 0; (at = rmq_message_ext_next_property(message, at, &key, &value)) != 0;) {
        if (strcmp(key, name) == 0) found = value;
    }
    return found;
}

const char *rmq_message_ext_tag(const rmq_message_ext_t *message) {
    return rmq_message_ext_property(message, PROPERTY_TAGS.data);
}

const char *rmq_message_ext_keys(const rmq_message_ext_t *message) {
    return rmq_message_ext_property(message, PROPERTY_KEYS.data);
}

const char *rmq_message_ext_msg_id(const rmq_message_ext_t *message) {
    return message->msg_id;
}

const char *rmq_message_ext_offset_msg_id(const rmq_message_ext_t *message) {
    return message->offset_id;
}

const char *rmq_message_ext_broker_name(const rmq_message_ext_t *message) {
    return message->broker_name;
}

int32_t rmq_message_ext_queue_id(const rmq_message_ext_t *message) {
    return message->record.queue_id;
}

int64_t rmq_message_ext_queue_offset(const rmq_message_ext_t *message) {
    return message->record.offset_queue;
}

int64_t rmq_message_ext_commit_log_offset(const rmq_message_ext_t *message) {
    return message->record.offset_phys;
}

int64_t rmq_message_ext_born_time_ms(const rmq_message_ext_t *message) {
    return message->record.born_time_ms;
}

int64_t rmq_message_ext_store_time_ms(const rmq_message_ext_t *message) {
    return message->record.store_time_ms;
}

int32_t rmq_message_ext_reconsume_times(const rmq_message_ext_t *message) {
    return message->record.reconsume_times + message->local_reconsume_times;
}

int32_t rmq_message_ext_flag(const rmq_message_ext_t *message) {
    return message->record.flag;
}

int32_t rmq_message_ext_store_size(const rmq_message_ext_t *message) {
    return (int32_t)message->record.size_bytes;
}

static void print_properties(const struct rmq_message_ext *message, struct buf *out) {
    const char *separator = "", *name, *value;
    if (message->min_offset >= 0) {
        buf_printf(out, "MIN_OFFSET=%" PRId64 ", MAX_OFFSET=%" PRId64, message->min_offset, message->max_offset);
        separator = ", ";
    }
    int64_t start_ms = atomic_load(&message->consume_start_ms);
    if (start_ms > 0) {
        buf_printf(out, "%sCONSUME_START_TIME=%" PRId64, separator, start_ms);
        separator = ", ";
    }
    for (size_t at = 0; (at = rmq_message_ext_next_property(message, at, &name, &value)) != 0; separator = ", ")
        buf_printf(out, "%s%s=%s", separator, name, value);
}

size_t rmq_message_ext_print(const rmq_message_ext_t *message, char *out, size_t size) {
    const struct record *record = &message->record;
    char born[64], store[64];
    struct buf text = {0};
    buf_printf(&text,
               "MessageExt [queueId=%d, storeSize=%u, queueOffset=%" PRId64 ", sysFlag=%d, bornTimestamp=%" PRId64,
               record->queue_id, record->size_bytes, record->offset_queue, record->sys_flag, record->born_time_ms);
    buf_printf(&text, ", bornHost=/%s, storeTimestamp=%" PRId64 ", storeHost=/%s, msgId=%s, commitLogOffset=%" PRId64,
               host_text(&record->born_host, born), record->store_time_ms, host_text(&record->store_host, store),
               message->msg_id, record->offset_phys);
    buf_printf(&text, ", bodyCRC=%d, reconsumeTimes=%d, preparedTransactionOffset=%" PRId64, record->body_crc,
               rmq_message_ext_reconsume_times(message), record->prepared_offset);
    buf_printf(&text, ", toString()=Message [topic=%s, flag=%d, properties={", message->topic, record->flag);
    print_properties(message, &text);
    buf_printf(&text, "}, body=%zu]]", message->body_len);
    if (size > 0) snprintf(out, size, "%.*s", (int)text.len, text.data);
    size_t len = text.len;
    buf_close(&text);
    return len;
}
