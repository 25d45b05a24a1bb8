/* revive_record.c - revive records as bytes and back */
#include "broker/pop/revive_record.h"

#include <inttypes.h>
#include "base/check.h"
#include "base/json.h"
#include "broker/tables/topics.h"
#include "message/properties.h"
#include "os/clock.h"

#define TAG_CHECKPOINT BYTES("ck")
#define TAG_ACK        BYTES("ack")
#define TAG_ACKS       BYTES("bAck")

/* What the members of a body but names and lists take at most; a name's byte may become \\u00XX; a number in a list. */
enum { BODY_FIXED_MAX = 400, ESCAPED_MAX = 6, NUMBER_MAX = 21 };

/* --- writing ----------------------------------------------------------------------------------------------- */

/* A buffer in the arena that never has to grow. */
static struct buf body_room(struct arena *arena, size_t names, int32_t count) {
    size_t cap = BODY_FIXED_MAX + names * ESCAPED_MAX + (size_t)count * NUMBER_MAX;
    return (struct buf){.data = arena_alloc(arena, cap), .cap = cap};
}

static struct bytes checkpoint_body(const struct broker *broker, const struct checkpoint_record *ck,
                                    struct arena *arena) {
    struct buf out = body_room(arena, ck->topic.len + ck->group.len + broker->config.broker_name.len, ck->count);
    struct json_writer w = {.out = &out};
    json_begin_object(&w);
    json_member_int(&w, "bm", (int32_t)ck->acked);
    json_member(&w, "bn", broker->config.broker_name);
    json_member(&w, "c", ck->group);
    json_key_text(&w, "d");
    json_begin_array(&w);
    for (int32_t i = 0; i < ck->count; i++) json_int(&w, ck->diffs[i]);
    json_end_array(&w);
    json_member_int(&w, "it", ck->invisible_ms);
    json_member_int(&w, "n", ck->count);
    json_member_int(&w, "pt", ck->pop_time_ms);
    json_member_int(&w, "q", ck->queue_id);
    json_member_int(&w, "ro", 0);
    json_member_int(&w, "so", ck->start_offset);
    json_member_bool(&w, "sp", ck->suspend);
    json_member(&w, "t", ck->topic);
    json_end_object(&w);
    return buf_bytes(&out);
}

static struct bytes ack_body(const struct broker *broker, const struct ack_record *ack, struct arena *arena) {
    struct buf out = body_room(arena, ack->topic.len + ack->group.len + broker->config.broker_name.len, ack->count);
    struct json_writer w = {.out = &out};
    json_begin_object(&w);
    json_member_int(&w, "ao", ack->count == 1 ? ack->offsets[0] : -1);
    if (ack->count != 1) {
        json_key_text(&w, "aol");
        json_begin_array(&w);
        for (int32_t i = 0; i < ack->count; i++) json_int(&w, ack->offsets[i]);
        json_end_array(&w);
    }
    json_member(&w, "bn", broker->config.broker_name);
    json_member(&w, "c", ack->group);
    if (ack->invisible_ms >= 0) json_member_int(&w, "it", ack->invisible_ms);
    if (ack->next_offset >= 0) json_member_int(&w, "no", ack->next_offset);
    json_member_int(&w, "pt", ack->pop_time_ms);
    json_member_int(&w, "q", ack->queue_id);
    json_member_int(&w, "so", ack->start_offset);
    json_member(&w, "t", ack->topic);
    json_end_object(&w);
    return buf_bytes(&out);
}

static void put_record(const struct broker *broker, struct topic *revive, int32_t revive_queue, struct bytes tag,
                       struct bytes key, struct bytes body, struct arena *arena, struct put *out) {
    int64_t now_ms = clock_wall_ms();
    struct record record = {
        .queue_id = revive_queue,
        .born_time_ms = now_ms,
        .born_host = broker->store_host,
        .store_host = broker->store_host,
        .topic = topic_name(revive),
        .body = body,
        .properties = arena_printf(arena, "TAGS\1%.*s\2TIMER_DELIVER_MS\1%" PRId64 "\2UNIQ_KEY\1%.*s\2", BYTES_ARG(tag),
                                   now_ms, BYTES_ARG(key)),
    };
    *out = (struct put){.queue = topic_queue(revive, broker->store, revive_queue, true),
                        .size_bytes = record_size(&record)};
    must(out->queue && out->size_bytes > 0); /* names were found in our tables: they are short */
    out->record = arena_alloc(arena, out->size_bytes);
    record_encode(&record, out->record);
}

void revive_record_put_checkpoint(const struct broker *broker, struct topic *revive, int32_t revive_queue,
                                  const struct checkpoint_record *ck, struct arena *arena, struct put *out) {
    struct bytes key =
        arena_printf(arena, "%.*s@%d@%" PRId64 "@%.*s@%" PRId64 "@%.*s@ck", BYTES_ARG(ck->topic), ck->queue_id,
                     ck->start_offset, BYTES_ARG(ck->group), ck->pop_time_ms, BYTES_ARG(broker->config.broker_name));
    put_record(broker, revive, revive_queue, TAG_CHECKPOINT, key, checkpoint_body(broker, ck, arena), arena, out);
}

void revive_record_put_ack(const struct broker *broker, struct topic *revive, int32_t revive_queue,
                           const struct ack_record *ack, struct arena *arena, struct put *out) {
    struct bytes key = arena_printf(arena, "%.*s@%d@%" PRId64 "@%.*s@%" PRId64 "@%.*s@ack", BYTES_ARG(ack->topic),
                                    ack->queue_id, ack->count == 1 ? ack->offsets[0] : -1, BYTES_ARG(ack->group),
                                    ack->pop_time_ms, BYTES_ARG(broker->config.broker_name));
    put_record(broker, revive, revive_queue, ack->count == 1 ? TAG_ACK : TAG_ACKS, key, ack_body(broker, ack, arena),
               arena, out);
}

/* --- reading ----------------------------------------------------------------------------------------------- */

/* A member by its short name, or by the long one that old brokers wrote. */
static const struct json *member(const struct json *root, const char *key, const char *long_key) {
    const struct json *node = json_get(root, key);
    return node || !long_key ? node : json_get(root, long_key);
}

static bool read_checkpoint(const struct json *root, struct checkpoint_record *ck) {
    *ck = (struct checkpoint_record){
        .topic = json_text(json_get(root, "t")),
        .group = json_text(json_get(root, "c")),
        .queue_id = (int32_t)json_i64(json_get(root, "q"), 0),
        .start_offset = json_i64(json_get(root, "so"), 0),
        .pop_time_ms = json_i64(json_get(root, "pt"), 0),
        .invisible_ms = json_i64(json_get(root, "it"), 0),
        .acked = (uint32_t)json_i64(json_get(root, "bm"), 0),
        .suspend = json_bool(json_get(root, "sp"), false),
    };
    int64_t count = json_i64(json_get(root, "n"), 0);
    const struct json *diffs = json_get(root, "d");
    if (ck->topic.len == 0 || ck->group.len == 0 || ck->queue_id < 0 || count < 0 || count > POP_MESSAGES_MAX ||
        ck->start_offset < 0 || ck->start_offset > INT64_MAX - INT32_MAX - 1)
        return false;
    ck->count = (int32_t)count;
    const struct json *diff = json_first(diffs);
    for (int32_t i = 0; i < ck->count; i++) { /* the oldest have no diffs: one offset after the other */
        ck->diffs[i] = diff ? (int32_t)json_i64(diff, i) : i;
        if (ck->diffs[i] < 0) return false;
        if (diff) diff = diff->next;
    }
    return true;
}

static bool read_ack(const struct json *root, struct ack_record *ack) {
    *ack = (struct ack_record){
        .topic = json_text(member(root, "t", "topic")),
        .group = json_text(member(root, "c", "consumerGroup")),
        .queue_id = (int32_t)json_i64(member(root, "q", "queueId"), 0),
        .start_offset = json_i64(member(root, "so", "startOffset"), 0),
        .pop_time_ms = json_i64(member(root, "pt", "popTime"), 0),
        .invisible_ms = json_i64(json_get(root, "it"), -1),
        .next_offset = json_i64(json_get(root, "no"), -1),
    };
    const struct json *list = member(root, "aol", "ackOffsetList");
    for (const struct json *n = json_first(list); n && ack->count < POP_MESSAGES_MAX; n = n->next)
        ack->offsets[ack->count++] = json_i64(n, -1);
    if (!list) ack->offsets[ack->count++] = json_i64(member(root, "ao", "ackOffset"), -1);
    return ack->topic.len > 0 && ack->group.len > 0 && ack->queue_id >= 0;
}

void revive_record_read(struct bytes stored, struct arena *arena, struct revive_record *out) {
    struct record record;
    const struct json *root;
    *out = (struct revive_record){.kind = REVIVE_OTHER};
    if (record_decode(stored, RECORD_CHECK_SHAPE, &record) != ERR_OK) return;
    struct bytes tag = properties_get(record.properties, PROPERTY_TAGS);
    bool checkpoint = bytes_equal(tag, TAG_CHECKPOINT);
    if (!checkpoint && !bytes_equal(tag, TAG_ACK) && !bytes_equal(tag, TAG_ACKS)) return;
    if (json_parse(arena, record.body, &root) != ERR_OK) return;
    out->store_time_ms = record.store_time_ms;
    int64_t deliver_ms = -1;
    (void)bytes_to_i64(properties_get(record.properties, PROPERTY_TIMER_DELIVER_MS), &deliver_ms);
    out->by_timer = deliver_ms != record.born_time_ms; /* of ours they are the same */
    if (checkpoint && read_checkpoint(root, &out->checkpoint)) out->kind = REVIVE_CHECKPOINT;
    if (!checkpoint && read_ack(root, &out->ack)) out->kind = REVIVE_ACK;
}
