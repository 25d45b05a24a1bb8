/* body_fuzz.c - JSON bodies between clients, brokers and name servers: what decodes is written and read back. */
#include "base/check.h"
#include "wire/body_broker_stats.h"
#include "wire/body_cluster.h"
#include "wire/body_connection.h"
#include "wire/body_consume_stats.h"
#include "wire/body_heartbeat.h"
#include "wire/body_kv_table.h"
#include "wire/body_lock.h"
#include "wire/body_queue_mapping.h"
#include "wire/body_topic_list.h"
#include "wire/body_topic_route.h"
#include "wire/body_topic_stats.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_heartbeat(struct arena *arena, struct bytes body, struct buf *out) {
    struct heartbeat heartbeat, back;
    if (heartbeat_decode(arena, body, &heartbeat) != ERR_OK) return;
    heartbeat_encode(&heartbeat, out);
    must(heartbeat_decode(arena, buf_bytes(out), &back) == ERR_OK);
    must(back.consumer_count == heartbeat.consumer_count && back.producer_count == heartbeat.producer_count);
    must(bytes_equal(back.client_id, heartbeat.client_id));
}

static void check_lock(struct arena *arena, struct bytes body, struct buf *out) {
    struct lock_batch batch, back;
    if (lock_batch_decode(arena, body, &batch) != ERR_OK) return;
    lock_batch_encode(&batch, out);
    must(lock_batch_decode(arena, buf_bytes(out), &back) == ERR_OK);
    must(back.count == batch.count);
    for (size_t i = 0; i < batch.count; i++) must(message_queue_equal(&back.queues[i], &batch.queues[i]));
}

static void check_route(struct arena *arena, struct bytes body, struct buf *out) {
    struct topic_route route, back;
    if (topic_route_decode(arena, body, &route) != ERR_OK) return;
    topic_route_encode(&route, false, out);
    must(topic_route_decode(arena, buf_bytes(out), &back) == ERR_OK);
    must(back.queue_count == route.queue_count && back.broker_count == route.broker_count);
}

static void check_mapping(struct arena *arena, struct bytes body, struct buf *out) {
    struct queue_mapping_detail detail, back;
    const struct json *json;
    if (json_parse(arena, body, &json) != ERR_OK || queue_mapping_detail_decode(arena, json, &detail) != ERR_OK) return;
    queue_mapping_info_encode(&(struct json_writer){.out = out}, &detail);
    buf_clear(out);
    queue_mapping_detail_encode(&(struct json_writer){.out = out}, &detail);
    must(json_parse(arena, buf_bytes(out), &json) == ERR_OK);
    must(queue_mapping_detail_decode(arena, json, &back) == ERR_OK);
    must(back.epoch == detail.epoch && back.queue_count <= detail.queue_count);
}

static void check_cluster(struct arena *arena, struct bytes body, struct buf *out) {
    struct cluster_info info, back;
    if (cluster_info_decode(arena, body, &info) != ERR_OK) return;
    cluster_info_encode(&info, out);
    must(cluster_info_decode(arena, buf_bytes(out), &back) == ERR_OK);
    must(back.broker_count == info.broker_count && back.cluster_count == info.cluster_count);
}

static void check_tables(struct arena *arena, struct bytes body, struct buf *out) {
    const struct kv *items, *items_back;
    size_t count, count_back;
    struct topic_list list, list_back;
    if (kv_table_decode(arena, body, &items, &count) != ERR_OK) return;
    kv_table_encode(items, count, out);
    must(kv_table_decode(arena, buf_bytes(out), &items_back, &count_back) == ERR_OK);
    must(count_back == count);
    if (topic_list_decode(arena, body, &list) != ERR_OK) return;
    buf_clear(out);
    topic_list_encode(&list, out);
    must(topic_list_decode(arena, buf_bytes(out), &list_back) == ERR_OK);
    must(list_back.count == list.count);
}

/* Only read: what administrators are told. */
static void check_told(struct arena *arena, struct bytes body, struct buf *out) {
    struct topic_stats topic;
    struct consume_stats_table group;
    struct connection_list connections;
    struct broker_stats counter;
    const struct queue_offset *offsets;
    size_t count;
    (void)out;
    if (topic_stats_decode(arena, body, &topic) != ERR_OK) return;
    must(consume_stats_decode(arena, body, &group) == ERR_OK && group.count == topic.count);
    must(reset_offsets_decode(arena, body, &offsets, &count) == ERR_OK && count == topic.count);
    must(connection_list_decode(arena, body, &connections) == ERR_OK);
    must(broker_stats_decode(arena, body, &counter) == ERR_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static void (*const checks[])(struct arena *, struct bytes, struct buf *) = {
        check_heartbeat, check_lock, check_route, check_mapping, check_cluster, check_tables, check_told,
    };
    for (size_t i = 0; i < ARRAY_LEN(checks); i++) {
        struct arena arena = {0};
        struct buf out = {0};
        checks[i](&arena, bytes_make(data, size), &out);
        arena_close(&arena);
        buf_close(&out);
    }
    return 0;
}
