/* A static topic on two brokers of ours and a name server: sends, pulls, offsets and groups in the numbers of a logic
 * queue that moves from one broker to the other and back, restarts, and a broker that does not answer. */
#include <stdio.h>
#include "base/check.h"
#include "base/test.h"
#include "broker/static_topic/mapping_clean.h"
#include "os/clock.h"
#include "support/pair_box.h"
#include "wire/body_queue_mapping.h"
#include "wire/body_topic_route.h"

enum { NOT_FOUND = -2 };

static struct pair_box pair;
static struct peer waiting;
static struct arena arena;

static int start(void **state) {
    (void)state;
    pair_box_start(&pair, (const char *[]){"forwardTimeout=500", NULL});
    peer_open(&waiting, pair.boxes[A].broker.port);
    return 0;
}

static int stop(void **state) {
    (void)state;
    peer_close(&waiting);
    pair_box_close(&pair);
    arena_close(&arena);
    return 0;
}

/* --- requests ---------------------------------------------------------------------------------------------- */

#define CALL(on, ...) PAIR_CALL(&pair, on, __VA_ARGS__)

/* One stretch as JSON. */
#define ITEM(gen, broker, queue_id, logic)                                                                             \
    "{\"gen\":" #gen ",\"bname\":\"" broker "\",\"queueId\":" #queue_id ",\"logicOffset\":" #logic                     \
    ",\"startOffset\":0,\"endOffset\":-1,\"timeOfStart\":-1,\"timeOfEnd\":-1}"

/* Request 513, as mqadmin sends it: `queues` are the members of hostedQueues. */
static int32_t map(int on, int64_t epoch, int32_t queue_count, const char *queues) {
    struct command answer;
    struct bytes body = arena_printf(&arena,
                                     "{\"topic\":\"S\",\"bname\":\"%s\",\"scope\":\"__global__\",\"epoch\":%lld,"
                                     "\"totalQueues\":2,\"hostedQueues\":{%s}}",
                                     on == A ? "a" : "b", (long long)epoch, queues);
    CALL(on, UPDATE_AND_CREATE_STATIC_TOPIC, update_and_create_topic, body, &answer, .topic = BYTES("S"),
         .default_topic = BYTES("TBW102"), .read_queue_nums = queue_count, .write_queue_nums = queue_count, .perm = 6,
         .topic_filter_type = BYTES("SINGLE_TAG"), .attributes = BYTES(""));
    if (answer.code != RESPONSE_SUCCESS) print_message("513: %.*s\n", BYTES_ARG(answer.remark));
    return answer.code;
}

/* The offset that is answered; *queue_id is set to the queue that is. */
static int64_t put(int on, int32_t *queue_id, const char *body, int32_t code) {
    struct hdr_send_message_v2 header = send_header("S", "");
    struct hdr_send_result result = {.queue_offset = NOT_FOUND};
    struct command answer;
    header.queue_id = *queue_id;
    peer_call(&pair.peers[on], REQUEST_SEND_MESSAGE_V2, layout_send_message_v2(), &header, bytes_of(body), &answer);
    if (answer.code != code) print_message("send %d: %.*s\n", answer.code, BYTES_ARG(answer.remark));
    assert_int_equal(answer.code, code);
    if (code != RESPONSE_SUCCESS) return NOT_FOUND;
    assert_ok(header_decode(layout_send_result(), &answer, &result));
    *queue_id = result.queue_id;
    return result.queue_offset;
}

static int64_t offset_of(const struct command *answer) {
    struct hdr_offset_result result;
    if (answer->code == RESPONSE_QUERY_NOT_FOUND) return NOT_FOUND;
    if (answer->code != RESPONSE_SUCCESS) print_message("%d: %.*s\n", answer->code, BYTES_ARG(answer->remark));
    assert_int_equal(answer->code, RESPONSE_SUCCESS);
    assert_ok(header_decode(layout_offset_result(), answer, &result));
    return result.offset;
}

static int64_t max_offset(int on, int32_t queue_id) {
    struct command answer;
    CALL(on, GET_MAX_OFFSET, get_max_offset, BYTES(""), &answer, .topic = BYTES("S"), .queue_id = queue_id);
    return offset_of(&answer);
}

static int64_t min_offset(int on, int32_t queue_id) {
    struct command answer;
    CALL(on, GET_MIN_OFFSET, queue, BYTES(""), &answer, .topic = BYTES("S"), .queue_id = queue_id);
    return offset_of(&answer);
}

static int64_t offset_at(int on, int32_t queue_id, int64_t time_ms) {
    struct command answer;
    CALL(on, SEARCH_OFFSET_BY_TIMESTAMP, search_offset_by_timestamp, BYTES(""), &answer, .topic = BYTES("S"),
         .queue_id = queue_id, .timestamp = time_ms, .boundary_type = BYTES("LOWER"));
    return offset_of(&answer);
}

static int64_t group_offset(int on, int32_t queue_id) {
    struct command answer;
    CALL(on, QUERY_CONSUMER_OFFSET, query_consumer_offset, BYTES(""), &answer, .topic = BYTES("S"),
         .consumer_group = BYTES("G"), .queue_id = queue_id, .set_zero_if_not_found = false);
    return offset_of(&answer);
}

static int32_t commit(int on, int32_t queue_id, int64_t offset) {
    struct command answer;
    CALL(on, UPDATE_CONSUMER_OFFSET, update_consumer_offset, BYTES(""), &answer, .topic = BYTES("S"),
         .consumer_group = BYTES("G"), .queue_id = queue_id, .commit_offset = offset);
    return answer.code;
}

/* What a pull gave: its code, the body of the first message, offsets in the numbers of the logic queue. */
struct pulled {
    int32_t code;
    size_t count;
    struct bytes first;
    int64_t first_offset, next, min, max;
};

static struct pulled pulled_of(const struct command *answer) {
    struct pulled out = {.code = answer->code, .first_offset = NOT_FOUND};
    struct hdr_pull_result result;
    struct record records[32];
    if (header_decode(layout_pull_result(), answer, &result) != ERR_OK) return out;
    out.count = pull_records(answer->body, records, ARRAY_LEN(records));
    if (out.count > 0) {
        out.first = arena_copy(&arena, records[0].body);
        out.first_offset = records[0].offset_queue + result.offset_delta;
    }
    out.next = result.next_begin_offset;
    out.min = result.min_offset;
    out.max = result.max_offset;
    return out;
}

static struct pulled pull(int on, int32_t queue_id, int64_t offset) {
    struct hdr_pull_message header = pull_header("G", "S", queue_id, offset);
    struct command answer;
    peer_call(&pair.peers[on], REQUEST_PULL_MESSAGE, layout_pull_message(), &header, BYTES(""), &answer);
    if (answer.remark.len > 0 && answer.code != RESPONSE_SUCCESS)
        print_message("pull %d: %.*s\n", answer.code, BYTES_ARG(answer.remark));
    return pulled_of(&answer);
}

static void assert_pulled(struct pulled got, int32_t code, size_t count, const char *first, int64_t first_offset,
                          int64_t next) {
    assert_int_equal(got.code, code);
    assert_int_equal(got.count, count);
    if (count > 0) {
        assert_bytes(got.first, first);
        assert_int_equal(got.first_offset, first_offset);
    }
    assert_int_equal(got.next, next);
}

/* Answers of the end of a queue follow the send by a moment. */
static void assert_max(int on, int32_t queue_id, int64_t expected) {
    for (int tries = 0; tries < 500 && max_offset(on, queue_id) != expected; tries++) clock_sleep_ms(10);
    assert_int_equal(max_offset(on, queue_id), expected);
}

/* --- tests, each on from where the one before it ended -------------------------------------------------------- */

static void made_on_two_brokers(void **state) {
    (void)state;
    int32_t zero = 0, one = 1, any = -1;
    assert_int_equal(map(A, 1000, 1, "\"0\":[" ITEM(0, "a", 0, 0) "]"), RESPONSE_SUCCESS);
    assert_int_equal(map(B, 1000, 1, "\"1\":[" ITEM(0, "b", 0, 0) "]"), RESPONSE_SUCCESS);
    assert_int_equal(put(A, &zero, "a0", RESPONSE_SUCCESS), 0);
    assert_int_equal(put(A, &any, "a1", RESPONSE_SUCCESS), 1);
    assert_int_equal(any, 0); /* the one that it has */
    assert_int_equal(put(B, &one, "b0", RESPONSE_SUCCESS), 0);
    assert_int_equal(one, 1); /* its queue 0 is the topic's queue 1 */
    any = 1;
    put(A, &any, "x", RESPONSE_NOT_LEADER_FOR_QUEUE);
    any = 7;
    put(A, &any, "x", RESPONSE_NOT_LEADER_FOR_QUEUE);
    assert_max(A, 0, 2);
    assert_max(B, 1, 1);
    assert_pulled(pull(B, 1, 0), RESPONSE_SUCCESS, 1, "b0", 0, 1);
    assert_int_equal(pull(A, 1, 0).code, RESPONSE_NOT_LEADER_FOR_QUEUE);
    assert_int_equal(group_offset(A, 0), NOT_FOUND);
}

static void name_server_tells_where(void **state) {
    (void)state;
    struct peer client;
    struct command answer;
    struct topic_route route;
    struct hdr_get_routeinfo_by_topic header = {.topic = BYTES("S")};
    header.has.topic = true;
    peer_open(&client, pair.namesrv.port);
    peer_call(&client, REQUEST_GET_ROUTEINFO_BY_TOPIC, layout_get_routeinfo_by_topic(), &header, BYTES(""), &answer);
    assert_int_equal(answer.code, RESPONSE_SUCCESS);
    assert_ok(topic_route_decode(&arena, answer.body, &route));
    assert_int_equal(route.mapping_count, 2);
    for (size_t i = 0; i < route.mapping_count; i++) {
        bool a = bytes_is(route.mappings[i].broker_name, "a");
        struct bytes map = a ? BYTES("\"currIdMap\":{\"0\":0}") : BYTES("\"currIdMap\":{\"1\":0}");
        assert_non_null(memmem(route.mappings[i].info.data, route.mappings[i].info.len, map.data, map.len));
    }
    peer_close(&client);
}

static struct bytes topic_config(int on, const char *lo) {
    struct command answer;
    struct hdr_topic header = {.present = HEADER_ALL, .topic = BYTES("S")};
    struct ext_field ext = {BYTES("lo"), bytes_of(lo)};
    struct command request = {.code = REQUEST_GET_TOPIC_CONFIG, .opaque = 77, .ext = &ext, .ext_count = 1};
    struct buf out = {0};
    command_encode(&out, &request, layout_topic(), &header, 0);
    peer_send_bytes(&pair.peers[on], buf_bytes(&out));
    buf_close(&out);
    assert_true(peer_next(&pair.peers[on], 5000, &answer));
    assert_int_equal(answer.code, RESPONSE_SUCCESS);
    return arena_copy(&arena, answer.body);
}

static void admins_see_it(void **state) {
    (void)state;
    const struct json *json;
    struct queue_mapping_detail detail;
    struct command answer;
    assert_ok(json_parse(&arena, topic_config(A, "true"), &json));
    assert_ok(queue_mapping_detail_decode(&arena, json_get(json, "mappingDetail"), &detail));
    assert_int_equal(detail.epoch, 1000);
    assert_int_equal(detail.queue_count, 1);
    assert_ok(json_parse(&arena, topic_config(A, "false"), &json));
    assert_null(json_get(json, "mappingDetail"));
    peer_call(&pair.peers[A], REQUEST_GET_ALL_TOPIC_CONFIG, NULL, NULL, BYTES(""), &answer);
    assert_ok(json_parse(&arena, arena_copy(&arena, answer.body), &json));
    assert_non_null(json_get(json, "mappingDataVersion"));
    assert_non_null(json_get(json_get(json, "topicQueueMappingDetailMap"), "S"));
}

static void bad_mappings_change_nothing(void **state) {
    (void)state;
    struct command answer;
    assert_int_equal(map(A, 999, 1, "\"0\":[" ITEM(0, "a", 0, 0) "]"), RESPONSE_SYSTEM_ERROR);
    assert_int_equal(map(A, 1000, 9, ""), RESPONSE_SYSTEM_ERROR);
    assert_int_equal(map(A, 2000, 9, "\"0\":[" ITEM(0, "a", 5, 0) "]"), RESPONSE_SYSTEM_ERROR);
    assert_int_equal(map(A, 2000, 9, "\"0\":[" ITEM(0, "a", -5, 0) "]"), RESPONSE_SYSTEM_ERROR);
    assert_int_equal(map(A, 2000, 9, "\"0\":3"), RESPONSE_SYSTEM_ERROR);
    CALL(A, UPDATE_AND_CREATE_STATIC_TOPIC, update_and_create_topic, BYTES("{\"topic\":\"S\",\"bname\":\"other\"}"),
         &answer, .topic = BYTES("S"), .default_topic = BYTES("TBW102"), .topic_filter_type = BYTES("SINGLE_TAG"));
    assert_int_equal(answer.code, RESPONSE_SYSTEM_ERROR);
    assert_bytes(answer.remark, "the mapping is for broker other, this is a");
    CALL(A, UPDATE_AND_CREATE_STATIC_TOPIC, update_and_create_topic, BYTES("{\"topic\":\"R\",\"bname\":\"a\"}"),
         &answer, .topic = BYTES("S"), .default_topic = BYTES("TBW102"), .topic_filter_type = BYTES("SINGLE_TAG"));
    assert_int_equal(answer.code, RESPONSE_INVALID_PARAMETER);
    const struct json *json;
    assert_ok(json_parse(&arena, topic_config(A, "true"), &json));
    assert_int_equal(json_i64(json_get(json, "readQueueNums"), 0), 1);
}

/* Queue 0 moves from a to b while a pull waits at its end. The steps are those of mqadmin remappingStaticTopic. */
static void queue_moves(void **state) {
    (void)state;
    static const char moving[] = "\"0\":[" ITEM(0, "a", 0, 0) "," ITEM(1, "b", 1, -1) "]";
    static const char moved[] =
        "\"0\":[" ITEM(0, "a", 0, 0) "," ITEM(1, "b", 1, 100) "],\"1\":[" ITEM(0, "b", 0, 0) "]";
    struct hdr_pull_message header = pull_header("G", "S", 0, 2);
    struct command answer;
    int32_t zero = 0;
    header.sys_flag |= 2;
    header.suspend_timeout_millis = 20000;
    peer_send(&waiting, REQUEST_PULL_MESSAGE, layout_pull_message(), &header, BYTES(""), 0);
    assert_false(peer_next(&waiting, 200, &answer));

    assert_int_equal(map(B, 3000, 2, moving), RESPONSE_SUCCESS);
    assert_int_equal(map(A, 3000, 1, moving), RESPONSE_SUCCESS);
    assert_true(peer_next(&waiting, 5000, &answer)); /* told at once that something has changed */
    assert_pulled(pulled_of(&answer), RESPONSE_PULL_RETRY_IMMEDIATELY, 0, NULL, 0, 2);
    put(A, &zero, "x", RESPONSE_NOT_LEADER_FOR_QUEUE);
    assert_int_equal(put(B, &zero, "c0", RESPONSE_SUCCESS), OFFSET_UNDECIDED);
    assert_max(B, 0, 2); /* consumers do not see it yet */
    assert_pulled(pull(B, 0, 1), RESPONSE_SUCCESS, 1, "a1", 1, 2);
    assert_pulled(pull(B, 0, 2), RESPONSE_PULL_NOT_FOUND, 0, NULL, 0, 2);

    assert_int_equal(map(B, 3000, 2, moved), RESPONSE_SUCCESS);
    assert_int_equal(put(B, &zero, "c1", RESPONSE_SUCCESS), 101);
    assert_max(B, 0, 102);
}

static void stretches_are_read_in_turn(void **state) {
    (void)state;
    struct pulled got = pull(B, 0, 0);
    assert_pulled(got, RESPONSE_SUCCESS, 2, "a0", 0, 2);
    assert_int_equal(got.min, 0);
    assert_int_equal(got.max, 100);
    assert_pulled(pull(B, 0, 2), RESPONSE_PULL_RETRY_IMMEDIATELY, 0, NULL, 0, 100);
    got = pull(B, 0, 100);
    assert_pulled(got, RESPONSE_SUCCESS, 2, "c0", 100, 102);
    assert_int_equal(got.max, 102);
    assert_pulled(pull(B, 0, 50), RESPONSE_PULL_RETRY_IMMEDIATELY, 0, NULL, 0, 100); /* a number that no message has */
    assert_pulled(pull(B, 0, 500), RESPONSE_PULL_OFFSET_MOVED, 0, NULL, 0, 102);

    struct hdr_pull_message header = pull_header("G", "S", 0, 102); /* waits at the end, here */
    struct command answer;
    int32_t zero = 0;
    peer_close(&waiting);
    peer_open(&waiting, pair.boxes[B].broker.port);
    header.sys_flag |= 2;
    header.suspend_timeout_millis = 20000;
    peer_send(&waiting, REQUEST_PULL_MESSAGE, layout_pull_message(), &header, BYTES(""), 0);
    assert_false(peer_next(&waiting, 200, &answer));
    assert_int_equal(put(B, &zero, "c2", RESPONSE_SUCCESS), 102);
    assert_true(peer_next(&waiting, 5000, &answer));
    assert_pulled(pulled_of(&answer), RESPONSE_SUCCESS, 1, "c2", 102, 103);
}

static void ends_and_times_of_the_whole_queue(void **state) {
    (void)state;
    struct command answer;
    struct hdr_timestamp_result earliest;
    assert_int_equal(min_offset(B, 0), 0); /* asked of a */
    CALL(B, GET_EARLIEST_MSG_STORETIME, queue, BYTES(""), &answer, .topic = BYTES("S"), .queue_id = 0);
    assert_int_equal(answer.code, RESPONSE_SUCCESS);
    assert_ok(header_decode(layout_timestamp_result(), &answer, &earliest));
    assert_true(earliest.timestamp > 0);
    assert_int_equal(offset_at(B, 0, 1), 0);
    assert_int_equal(offset_at(B, 0, INT64_MAX / 2), 103);
    struct pulled got = pull(B, 0, 100);
    assert_int_equal(got.count, 3);
    clock_sleep_ms(5);
    int64_t between_ms = clock_wall_ms();
    clock_sleep_ms(5);
    int32_t zero = 0;
    assert_int_equal(put(B, &zero, "c3", RESPONSE_SUCCESS), 103);
    assert_max(B, 0, 104);
    assert_int_equal(offset_at(B, 0, between_ms), 103);
    CALL(A, GET_MAX_OFFSET, get_max_offset, BYTES(""), &answer, .topic = BYTES("S"), .queue_id = 0);
    assert_int_equal(answer.code, RESPONSE_NOT_LEADER_FOR_QUEUE);
    CALL(B, GET_MAX_OFFSET, get_max_offset, BYTES(""), &answer, .topic = BYTES("S"), .queue_id = -1);
    assert_int_equal(answer.code, RESPONSE_NOT_LEADER_FOR_QUEUE);
}

static void groups_go_on_over_stretches(void **state) {
    (void)state;
    struct command made;
    for (int i = A; i <= B; i++)
        peer_call(&pair.peers[i], REQUEST_UPDATE_AND_CREATE_SUBSCRIPTIONGROUP, NULL, NULL,
                  BYTES("{\"groupName\":\"G\"}"), &made);
    assert_int_equal(group_offset(B, 0), NOT_FOUND);
    assert_int_equal(commit(B, 0, 1), RESPONSE_SUCCESS); /* kept by a */
    assert_int_equal(group_offset(B, 0), 1);
    assert_int_equal(commit(B, 0, 102), RESPONSE_SUCCESS);
    assert_int_equal(group_offset(B, 0), 102);
    assert_int_equal(commit(A, 0, 5), RESPONSE_NOT_LEADER_FOR_QUEUE);
    struct hdr_pull_message header = pull_header("G", "S", 0, 100);
    struct command answer;
    header.sys_flag |= 1;
    header.commit_offset = 103;
    peer_call(&pair.peers[B], REQUEST_PULL_MESSAGE, layout_pull_message(), &header, BYTES(""), &answer);
    assert_int_equal(answer.code, RESPONSE_SUCCESS);
    assert_int_equal(group_offset(B, 0), 103);
}

static void mapping_survives_a_restart(void **state) {
    (void)state;
    peer_close(&pair.peers[B]);
    broker_box_stop(&pair.boxes[B]);
    broker_box_start(&pair.boxes[B]);
    peer_open(&pair.peers[B], pair.boxes[B].broker.port);
    assert_max(B, 0, 104);
    assert_pulled(pull(B, 0, 0), RESPONSE_SUCCESS, 2, "a0", 0, 2);
    assert_pulled(pull(B, 0, 101), RESPONSE_SUCCESS, 3, "c1", 101, 104);
    assert_int_equal(group_offset(B, 0), 103);
}

/* Back to a, into a new queue: then the stretches are here, there, here. */
static void queue_moves_back(void **state) {
    (void)state;
    static const char back[] = "\"0\":[" ITEM(0, "a", 0, 0) "," ITEM(1, "b", 1, 100) "," ITEM(2, "a", 1, 1000) "]";
    int32_t zero = 0;
    assert_int_equal(map(A, 4000, 2, back), RESPONSE_SUCCESS);
    assert_int_equal(map(B, 4000, 2, back), RESPONSE_SUCCESS);
    assert_int_equal(put(A, &zero, "d0", RESPONSE_SUCCESS), 1000);
    assert_max(A, 0, 1001);
    assert_pulled(pull(A, 0, 0), RESPONSE_SUCCESS, 2, "a0", 0, 2);
    assert_pulled(pull(A, 0, 2), RESPONSE_PULL_RETRY_IMMEDIATELY, 0, NULL, 0, 100);
    assert_pulled(pull(A, 0, 100), RESPONSE_SUCCESS, 4, "c0", 100, 104);
    assert_pulled(pull(A, 0, 104), RESPONSE_PULL_RETRY_IMMEDIATELY, 0, NULL, 0, 1000);
    assert_pulled(pull(A, 0, 1000), RESPONSE_SUCCESS, 1, "d0", 1000, 1001);
    assert_int_equal(offset_at(A, 0, INT64_MAX / 2), 1001); /* over b's stretch to its own */
    assert_int_equal(offset_at(A, 0, 1), 0);
    assert_int_equal(group_offset(A, 0), 103); /* b has it, in the stretch that comes before a's new one */
    assert_int_equal(commit(A, 0, 1001), RESPONSE_SUCCESS);
    assert_int_equal(group_offset(A, 0), 1001);
}

static void other_broker_is_gone(void **state) {
    (void)state;
    struct command answer;
    int32_t zero = 0;
    peer_close(&waiting);
    peer_open(&waiting, pair.boxes[A].broker.port);
    peer_close(&pair.peers[B]);
    broker_box_stop(&pair.boxes[B]);
    struct hdr_pull_message header = pull_header("G", "S", 0, 100);
    peer_call(&pair.peers[A], REQUEST_PULL_MESSAGE, layout_pull_message(), &header, BYTES(""), &answer);
    assert_int_equal(answer.code, RESPONSE_SYSTEM_ERROR);
    assert_true(answer.remark.len > 0);
    assert_int_equal(put(A, &zero, "d1", RESPONSE_SUCCESS), 1001); /* what is here goes on */
    assert_max(A, 0, 1002);
    assert_pulled(pull(A, 0, 1000), RESPONSE_SUCCESS, 2, "d0", 1000, 1002);
    broker_box_start(&pair.boxes[B]);
    peer_open(&pair.peers[B], pair.boxes[B].broker.port);
    for (int tries = 0; tries < 100; tries++) { /* its new address is known when the route is asked for again */
        peer_call(&pair.peers[A], REQUEST_PULL_MESSAGE, layout_pull_message(), &header, BYTES(""), &answer);
        if (answer.code == RESPONSE_SUCCESS) break;
        clock_sleep_ms(100);
    }
    assert_int_equal(answer.code, RESPONSE_SUCCESS);
}

/* How many stretches queue 0 has by what `on` knows. */
static size_t stretches(int on) {
    const struct json *json;
    struct queue_mapping_detail detail;
    assert_ok(json_parse(&arena, topic_config(on, "true"), &json));
    assert_ok(queue_mapping_detail_decode(&arena, json_get(json, "mappingDetail"), &detail));
    for (size_t i = 0; i < detail.queue_count; i++)
        if (detail.queues[i].id == 0) return detail.queues[i].item_count;
    return 0;
}

/* The first stretch, here, is not empty and stays. Then it is: the topic's queues are deleted under it. The next one,
 * at the other broker, goes when its queues are. */
static void empty_stretches_go(void **state) {
    (void)state;
    mapping_clean(&pair.boxes[A].broker);
    assert_int_equal(stretches(A), 3);
    assert_ok(store_delete_topic(pair.boxes[A].broker.store, BYTES("S")));
    mapping_clean(&pair.boxes[A].broker);
    assert_int_equal(stretches(A), 2);
    assert_int_equal(min_offset(A, 0), 100);
    mapping_clean(&pair.boxes[A].broker);
    clock_sleep_ms(100);
    assert_int_equal(stretches(A), 2);
    assert_ok(store_delete_topic(pair.boxes[B].broker.store, BYTES("S")));
    mapping_clean(&pair.boxes[A].broker);
    for (int tries = 0; tries < 500 && stretches(A) > 1; tries++) clock_sleep_ms(10);
    assert_int_equal(stretches(A), 1);
    mapping_clean(&pair.boxes[B].broker); /* leads queue 1 alone, which has one stretch */
    assert_int_equal(stretches(B), 3);
    int32_t zero = 0;
    assert_int_equal(put(A, &zero, "e0", RESPONSE_SUCCESS), 1000);
    assert_pulled(pull(A, 0, 1000), RESPONSE_SUCCESS, 1, "e0", 1000, 1001);
}

static void deleted_with_its_topic(void **state) {
    (void)state;
    struct command answer;
    const struct json *json;
    CALL(B, DELETE_TOPIC_IN_BROKER, topic, BYTES(""), &answer, .topic = BYTES("S"));
    assert_int_equal(answer.code, RESPONSE_SUCCESS);
    CALL(B, UPDATE_AND_CREATE_TOPIC, update_and_create_topic, BYTES(""), &answer, .topic = BYTES("S"),
         .default_topic = BYTES("TBW102"), .read_queue_nums = 4, .write_queue_nums = 4, .perm = 6,
         .topic_filter_type = BYTES("SINGLE_TAG"));
    assert_int_equal(answer.code, RESPONSE_SUCCESS);
    assert_ok(json_parse(&arena, topic_config(B, "true"), &json));
    assert_null(json_get(json, "mappingDetail"));
    int32_t three = 3;
    assert_int_equal(put(B, &three, "plain", RESPONSE_SUCCESS), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(made_on_two_brokers),
        cmocka_unit_test(name_server_tells_where),
        cmocka_unit_test(admins_see_it),
        cmocka_unit_test(bad_mappings_change_nothing),
        cmocka_unit_test(queue_moves),
        cmocka_unit_test(stretches_are_read_in_turn),
        cmocka_unit_test(ends_and_times_of_the_whole_queue),
        cmocka_unit_test(groups_go_on_over_stretches),
        cmocka_unit_test(mapping_survives_a_restart),
        cmocka_unit_test(queue_moves_back),
        cmocka_unit_test(other_broker_is_gone),
        cmocka_unit_test(empty_stretches_go),
        cmocka_unit_test(deleted_with_its_topic),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
