/* send_check.c - the checks that sends and replies share */
#include "broker/send/send_check.h"

#include <inttypes.h>
#include <time.h>
#include "base/check.h"
#include "broker/static_topic/mappings.h"
#include "os/clock.h"

enum { BUSY_MS_MAX = 10000000 /* a longer hold counts as a wrong clock, not as busy */ };

/* The steps return false when they have refused the request. */
#define REFUSE(call, code, ...) (call_refuse((call), (code), __VA_ARGS__), false)

struct hdr_send_result *send_result_begin(struct call *call) {
    struct hdr_send_result *result = call_reply_fields(call, layout_send_result());
    result->present = 0;
    result->has.msg_region = result->has.trace_on = true;
    result->msg_region = call->broker->config.region_id;
    result->trace_on = call->broker->config.trace_on;
    return result;
}

static bool check_time_and_load(struct call *call) {
    const struct broker *broker = call->broker;
    int64_t busy_ms = store_append_busy_ms(broker->store);
    if (broker->config.broker_fast_failure_enable && busy_ms > broker->store_config.os_page_cache_busy_timeout_ms &&
        busy_ms < BUSY_MS_MAX)
        return REFUSE(call, RESPONSE_SYSTEM_BUSY,
                      "[REJECTREQUEST]system busy, start flow control for a while. Cause: a write to the log has taken "
                      "%" PRId64 " ms, osPageCacheBusyTimeOutMills=%" PRId64 "; look at the disk.",
                      busy_ms, broker->store_config.os_page_cache_busy_timeout_ms);
    int64_t start_ms = broker->config.start_accept_send_time_ms;
    if (start_ms > 0 && clock_wall_ms() < start_ms) {
        char text[32];
        time_t seconds = (time_t)(start_ms / 1000);
        struct tm local;
        localtime_r(&seconds, &local);
        strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &local);
        return REFUSE(call, RESPONSE_SYSTEM_ERROR, "broker unable to service, until %s,%03d", text,
                      (int)(start_ms % 1000));
    }
    return true;
}

/* {"a":"b"} as Java prints a map: {a=b} */
static struct bytes map_text(struct arena *arena, const char *object) {
    struct buf text = {0};
    const struct json *tree;
    must(json_parse(arena, bytes_of(object), &tree) == ERR_OK);
    for (const struct json *item = json_first(tree); item; item = item->next)
        buf_printf(&text, "%s%.*s=%.*s", text.len > 0 ? ", " : "", BYTES_ARG(item->key), BYTES_ARG(json_text(item)));
    struct bytes out = arena_copy(arena, buf_bytes(&text));
    buf_close(&text);
    return out;
}

static bool refuse_queue(struct call *call, const struct topic *topic, int32_t queue_id) {
    char peer[ADDRESS_TEXT_MAX];
    int32_t perm = topic->perm;
    return REFUSE(call, RESPONSE_INVALID_PARAMETER,
                  "request queueId[%d] is illegal, TopicConfig [topicName=%.*s, readQueueNums=%d, writeQueueNums=%d, "
                  "perm=%c%c%c, topicFilterType=%s, topicSysFlag=%d, order=%s, attributes={%.*s}] Producer: %s",
                  queue_id, BYTES_ARG(topic_name(topic)), topic->read_queues, topic->write_queues,
                  perm & PERM_READ ? 'R' : '-', perm & PERM_WRITE ? 'W' : '-', perm & PERM_INHERIT ? 'X' : '-',
                  topic->multi_tag ? "MULTI_TAG" : "SINGLE_TAG", topic->sys_flag, topic->order ? "true" : "false",
                  BYTES_ARG(map_text(call->request->arena, topic->attributes)),
                  address_text(&call->request->peer, peer));
}

static bool check_topic(struct call *call, const struct hdr_send_message *header, struct topic **out) {
    struct broker *broker = call->broker;
    struct topic *topic = topics_find(broker->topics, header->topic);
    if (!broker_writable(broker) && topic && topic->order)
        return REFUSE(call, RESPONSE_NO_PERMISSION, "the broker[%.*s] sending message is forbidden",
                      BYTES_ARG(broker->config.broker_ip1));
    enum err err = ERR_OK;
    if (!topic) {
        err = topic_name_check(header->topic);
        if (err == ERR_OK && !header->has.default_topic_queue_nums)
            err = fail(ERR_FAILED, "the custom field <defaultTopicQueueNums> is null");
        if (err == ERR_OK)
            err = topics_create_by_send(broker->topics, header->topic, header->default_topic,
                                        header->default_topic_queue_nums, header->unit_mode, &topic);
        if (err == ERR_OK && call_again_when_registered(call)) return false;
    }
    if (err != ERR_OK) return REFUSE(call, response_of(err), "%s", err_detail(err));
    if (topic->sends_forbidden)
        return REFUSE(call, RESPONSE_NO_PERMISSION, "Sending message to topic[%.*s] is forbidden.",
                      BYTES_ARG(header->topic));
    *out = topic;
    return true;
}

/* The queue of a static topic that the request means. */
static bool place_static(struct call *call, const struct queue_mapping_detail *mapping, int32_t queue_id,
                         struct send_target *target) {
    const struct logic_queue *queue = NULL;
    enum err err = queue_id < 0 ? logic_queue_led_any(mapping, &queue) : logic_queue_led(mapping, queue_id, &queue);
    if (err != ERR_OK) return REFUSE(call, response_of(err), "%s", err_detail(err));
    target->item = logic_queue_last(queue);
    target->queue_id = target->item->queue_id;
    target->queue_id_asked = queue->id;
    return true;
}

bool send_check(struct call *call, const struct hdr_send_message *header, struct send_target *target) {
    *target = (struct send_target){.queue_id = header->queue_id, .queue_id_asked = header->queue_id};
    if (!check_time_and_load(call) || !check_topic(call, header, &target->topic)) return false;
    const struct queue_mapping_detail *mapping = topic_mapping(target->topic);
    if (mapping && !place_static(call, mapping, header->queue_id, target)) return false;
    int32_t read_queues = target->topic->read_queues, write_queues = target->topic->write_queues;
    if (target->queue_id >= MAX(read_queues, write_queues)) return refuse_queue(call, target->topic, target->queue_id);
    if (target->queue_id < 0) target->queue_id = target->queue_id_asked = random_below(write_queues);
    return true;
}

struct record send_record(const struct call *call, const struct hdr_send_message *header) {
    const struct address *peer = &call->request->peer;
    struct record record = {
        .flag = header->flag,
        .born_time_ms = header->born_timestamp,
        .born_host = {.v6 = peer->v6, .port = peer->port},
        .store_host = call->broker->store_host,
        .reconsume_times = header->reconsume_times,
        .body = call->request->command.body,
        .properties = header->properties,
    };
    memcpy(record.born_host.ip, peer->ip, sizeof peer->ip);
    return record;
}
