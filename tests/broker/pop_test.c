/* Pop as clients see it: taking, waiting, acknowledging, putting off, coming back, in order; and what is asked about
 * it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/test.h"
#include "message/properties.h"
#include "os/clock.h"
#include "os/file.h"
#include "support/broker_box.h"
#include "support/pop_peer.h"

enum { LONG_MS = 60000, ANSWER_MS = 20000 };

static struct broker_box box;
static struct peer peer, other;

static int setup(void **state) {
    (void)state;
    broker_box_init(&box);
    broker_box_start(&box);
    peer_open(&peer, box.broker.port);
    peer_open(&other, box.broker.port);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    peer_close(&peer);
    peer_close(&other);
    broker_box_close(&box);
    return 0;
}

static struct pop_peer_wish wish_of(const char *topic, int64_t invisible_ms, int64_t poll_ms) {
    return (struct pop_peer_wish){.group = "PG",
                                  .topic = topic,
                                  .queue_id = -1,
                                  .max_count = 32,
                                  .invisible_ms = invisible_ms,
                                  .poll_ms = poll_ms};
}

/* Sends a message to queue 0 and waits until it can be read. */
static void put(const char *topic, const char *properties, const char *body) {
    struct hdr_send_result sent = peer_send_message(&other, topic, properties, body, RESPONSE_SUCCESS);
    struct hdr_get_max_offset header = {.present = HEADER_ALL, .topic = bytes_of(topic), .queue_id = 0};
    struct hdr_offset_result result = {0};
    struct command answer;
    for (int64_t until_ms = clock_monotonic_ms() + ANSWER_MS; result.offset <= sent.queue_offset;) {
        assert_true(clock_monotonic_ms() < until_ms);
        peer_call(&other, REQUEST_GET_MAX_OFFSET, layout_get_max_offset(), &header, BYTES(""), &answer);
        assert_ok(header_decode(layout_offset_result(), &answer, &result));
    }
}

/* The answer to a pop that waited. */
static size_t wait_popped(const struct pop_peer_wish *wish, struct popped_message *out) {
    struct command answer;
    assert_true(peer_next(&peer, ANSWER_MS, &answer));
    return pop_peer_take(&answer, wish, out);
}

static int32_t waiting(const char *topic) {
    struct hdr_polling_info header = {
        .present = HEADER_ALL, .consumer_group = BYTES("PG"), .topic = bytes_of(topic), .queue_id = -1};
    struct hdr_polling_info_result result;
    struct command answer;
    peer_call(&other, REQUEST_POLLING_INFO, layout_polling_info(), &header, BYTES(""), &answer);
    assert_int_equal(answer.code, RESPONSE_SUCCESS);
    assert_ok(header_decode(layout_polling_info_result(), &answer, &result));
    return result.polling_num;
}

static void wait_until_waiting(const char *topic, int32_t count) {
    for (int64_t until_ms = clock_monotonic_ms() + ANSWER_MS; waiting(topic) != count;) {
        assert_true(clock_monotonic_ms() < until_ms);
        clock_sleep_ms(5);
    }
}

static void a_waiting_pop_gets_what_comes(void **state) {
    (void)state;
    struct popped_message popped[POP_PEER_MAX];
    struct pop_peer_wish wish = wish_of("W", LONG_MS, LONG_MS);
    put("W", NULL, "before");
    assert_int_equal(pop_peer_pop(&peer, &wish, popped), 1);
    assert_bytes(popped[0].body, "before");
    assert_int_equal(pop_peer_ack(&peer, &popped[0]), RESPONSE_SUCCESS);
    pop_peer_free(popped, 1);
    pop_peer_ask(&peer, &wish);
    wait_until_waiting("W", 1);
    put("W", NULL, "after");
    assert_int_equal(wait_popped(&wish, popped), 1);
    assert_bytes(popped[0].body, "after");
    assert_int_equal(waiting("W"), 0);
    pop_peer_free(popped, 1);
}

/* Its retry topic is made while it waits. */
static void a_waiting_pop_gets_what_comes_back(void **state) {
    (void)state;
    struct popped_message popped[POP_PEER_MAX], again[POP_PEER_MAX];
    struct pop_peer_wish wish = wish_of("B", 300, LONG_MS);
    for (int i = 0; i < 3; i++) put("B", "KEYS\1k\2", "x");
    assert_int_equal(pop_peer_pop(&peer, &wish, popped), 3);
    assert_int_equal(pop_peer_ack(&peer, &popped[1]), RESPONSE_SUCCESS);
    size_t count = 0;
    for (wish.invisible_ms = LONG_MS; count < 2;) {
        pop_peer_ask(&peer, &wish);
        count += wait_popped(&wish, &again[count]);
    }
    assert_int_equal(count, 2);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(again[i].kind, 1);
        assert_int_equal(again[i].reconsume_times, 1);
        assert_true(again[i].pop_time_ms >= popped[0].pop_time_ms + 300);
    }
    assert_int_equal(pop_peer_batch_ack(&peer, popped, 3), RESPONSE_SUCCESS); /* too late: nothing happens */
    wish.poll_ms = 0;
    struct popped_message none[POP_PEER_MAX];
    assert_int_equal(pop_peer_pop(&peer, &wish, none), 0);
    pop_peer_free(popped, 3);
    pop_peer_free(again, count);
}

static void a_message_that_is_put_off_comes_then(void **state) {
    (void)state;
    struct popped_message popped[POP_PEER_MAX], again[POP_PEER_MAX];
    struct pop_peer_wish wish = wish_of("O", 400, 0);
    put("O", NULL, "x");
    assert_int_equal(pop_peer_pop(&peer, &wish, popped), 1);
    assert_int_equal(pop_peer_change_invisible(&peer, &popped[0], 1500), RESPONSE_SUCCESS);
    wish.poll_ms = LONG_MS;
    assert_int_equal(pop_peer_pop(&peer, &wish, again), 1);
    assert_true(again[0].pop_time_ms >= popped[0].pop_time_ms + 1500);
    assert_int_equal(again[0].reconsume_times, 1);
    pop_peer_free(popped, 1);
    pop_peer_free(again, 1);
}

static void only_messages_that_match_come(void **state) {
    (void)state;
    struct popped_message popped[POP_PEER_MAX];
    struct pop_peer_wish wish = wish_of("F", LONG_MS, LONG_MS);
    wish.expression = "a || c";
    pop_peer_ask(&peer, &wish);
    struct command answer;
    assert_true(peer_next(&peer, ANSWER_MS, &answer));
    assert_int_equal(answer.code, RESPONSE_TOPIC_NOT_EXIST);
    put("F", "TAGS\1b\2", "b");
    pop_peer_ask(&peer, &wish);
    wait_until_waiting("F", 1);
    put("F", "TAGS\1b\2", "b");
    put("F", "TAGS\1c\2", "c");
    assert_int_equal(wait_popped(&wish, popped), 1);
    assert_bytes(popped[0].body, "c");
    pop_peer_free(popped, 1);
}

/* --- in order ---------------------------------------------------------------------------------------------- */

static void an_ordered_queue_waits_for_its_acks(void **state) {
    (void)state;
    struct popped_message first[POP_PEER_MAX], popped[POP_PEER_MAX];
    struct pop_peer_wish wish = wish_of("Q", LONG_MS, 0);
    wish.order = true;
    wish.max_count = 2;
    wish.attempt_id = "one";
    for (int i = 0; i < 3; i++) {
        char body[] = {(char)('0' + i), 0};
        put("Q", NULL, body);
    }
    assert_int_equal(pop_peer_pop(&peer, &wish, first), 2);
    assert_int_equal(first[0].revive_queue, 999);
    assert_int_equal(pop_peer_pop(&peer, &wish, popped), 2); /* the same attempt */
    pop_peer_free(first, 2);
    wish.attempt_id = "two";
    assert_int_equal(pop_peer_pop(&peer, &wish, first), 0);
    wish.poll_ms = LONG_MS;
    pop_peer_ask(&peer, &wish);
    wait_until_waiting("Q", 1);
    assert_int_equal(pop_peer_ack(&other, &popped[1]), RESPONSE_SUCCESS);
    assert_int_equal(waiting("Q"), 1);
    assert_int_equal(pop_peer_ack(&other, &popped[0]), RESPONSE_SUCCESS);
    pop_peer_free(popped, 2);
    assert_int_equal(wait_popped(&wish, popped), 1);
    assert_bytes(popped[0].body, "2");
    assert_int_equal(pop_peer_change_invisible(&other, &popped[0], 200), RESPONSE_SUCCESS);
    pop_peer_free(popped, 1);
    wish.attempt_id = "three";
    assert_int_equal(pop_peer_pop(&peer, &wish, popped), 1); /* woken when it is visible again */
    assert_bytes(popped[0].body, "2");
    assert_int_equal(popped[0].reconsume_times, 0);
    pop_peer_free(popped, 1);
}

/* --- questions --------------------------------------------------------------------------------------------- */

static bool notified(struct hdr_notification *header, bool wait_for_put) {
    struct hdr_notification_result result;
    struct command answer;
    peer_send(&peer, REQUEST_NOTIFICATION, layout_notification(), header, BYTES(""), 0);
    if (wait_for_put) {
        assert_false(peer_next(&peer, 100, &answer));
        put("N", "TAGS\1a\2", "x");
    }
    assert_true(peer_next(&peer, ANSWER_MS, &answer));
    assert_int_equal(answer.code, RESPONSE_SUCCESS);
    assert_ok(header_decode(layout_notification_result(), &answer, &result));
    assert_false(result.polling_full);
    return result.has_msg;
}

static void notices_tell_of_messages(void **state) {
    (void)state;
    struct hdr_notification header = {
        .present = HEADER_ALL, .consumer_group = BYTES("PG"), .topic = BYTES("N"), .queue_id = -1, .poll_time = 50};
    struct popped_message popped[POP_PEER_MAX];
    struct pop_peer_wish wish = wish_of("N", LONG_MS, 0);
    put("N", "TAGS\1a\2", "x");
    assert_true(notified(&header, false));
    header.exp_type = BYTES("TAG");
    header.exp = BYTES("b");
    assert_false(notified(&header, false));
    header.exp = BYTES("a");
    assert_true(notified(&header, false));
    assert_int_equal(pop_peer_pop(&other, &wish, popped), 1);
    pop_peer_free(popped, 1);
    assert_false(notified(&header, false));
    header.poll_time = LONG_MS;
    assert_true(notified(&header, true));
}

static void peeks_take_nothing(void **state) {
    (void)state;
    struct hdr_peek_message header = {
        .present = HEADER_ALL, .consumer_group = BYTES("PG"), .topic = BYTES("P"), .queue_id = -1, .max_msg_nums = 32};
    struct command answer;
    struct record records[4];
    put("P", NULL, "x");
    for (int i = 0; i < 2; i++) {
        peer_call(&peer, REQUEST_PEEK_MESSAGE, layout_peek_message(), &header, BYTES(""), &answer);
        assert_int_equal(answer.code, RESPONSE_SUCCESS);
        assert_int_equal(pull_records(answer.body, records, 4), 1);
    }
}

/* --- refusals ---------------------------------------------------------------------------------------------- */

static int32_t code_of_pop(struct pop_peer_wish wish) {
    struct command answer;
    pop_peer_ask(&peer, &wish);
    assert_true(peer_next(&peer, ANSWER_MS, &answer));
    return answer.code;
}

static int32_t code_of_ack(struct popped_message message, const char *receipt, int32_t queue_id, int64_t offset) {
    snprintf(message.receipt, sizeof message.receipt, "%s", receipt);
    message.queue_id = queue_id;
    message.offset_queue = offset;
    return pop_peer_ack(&peer, &message);
}

static void what_cannot_be_is_refused(void **state) {
    (void)state;
    struct popped_message popped[POP_PEER_MAX];
    struct pop_peer_wish wish = wish_of("R", LONG_MS, 0);
    assert_int_equal(code_of_pop(wish), RESPONSE_TOPIC_NOT_EXIST);
    put("R", NULL, "x");
    wish.queue_id = 4;
    assert_int_equal(code_of_pop(wish), RESPONSE_INVALID_PARAMETER);
    wish.queue_id = -1;
    wish.max_count = 33;
    assert_int_equal(code_of_pop(wish), RESPONSE_INVALID_PARAMETER);
    wish.max_count = -1;
    assert_int_equal(code_of_pop(wish), RESPONSE_SYSTEM_ERROR);
    wish.max_count = 0;
    assert_int_equal(code_of_pop(wish), RESPONSE_POLLING_TIMEOUT);
    wish.max_count = 32;
    assert_int_equal(pop_peer_pop(&peer, &wish, popped), 1);
    const char *good = popped[0].receipt;
    char huge[128];
    snprintf(huge, sizeof huge, "0 %lld 9223372036854775807 0 0 broker-a 0 0", (long long)popped[0].pop_time_ms);
    assert_int_equal(code_of_ack(popped[0], good, 0, 99), RESPONSE_NO_MESSAGE);
    assert_int_equal(code_of_ack(popped[0], good, 9, 0), RESPONSE_MESSAGE_ILLEGAL);
    assert_int_equal(code_of_ack(popped[0], "nonsense", 0, 0), RESPONSE_SYSTEM_ERROR);
    assert_int_equal(code_of_ack(popped[0], "0 1 1 77 0 broker-a 0 0", 0, 0), RESPONSE_SYSTEM_ERROR);
    assert_int_equal(code_of_ack(popped[0], huge, 0, 0), RESPONSE_SUCCESS);
    snprintf(popped[0].topic, sizeof popped[0].topic, "nowhere");
    assert_int_equal(pop_peer_ack(&peer, &popped[0]), RESPONSE_TOPIC_NOT_EXIST);
    pop_peer_free(popped, 1);
}

/* Codes of pop do not fit into the binary header: what is left of them is understood. */
static void cut_codes_are_understood(void **state) {
    (void)state;
    const char *golden = getenv("RMQ_GOLDEN");
    char path[512];
    struct buf frame = {0};
    struct command answer;
    snprintf(path, sizeof path, "%s/wire/3442-POP_MESSAGE_TRUNCATED-5.3.3rmq_rmqsrv-req-1.bin", golden ? golden : "");
    if (!golden || !file_exists(path)) skip();
    assert_ok(file_read_all(path, SIZE_MAX, &frame));
    peer_send_bytes(&peer, buf_bytes(&frame));
    assert_true(peer_next(&peer, ANSWER_MS, &answer));
    assert_int_equal(answer.code, RESPONSE_POLLING_TIMEOUT); /* it was born long ago */
    buf_close(&frame);
}

/* --- memory that is too short ------------------------------------------------------------------------------ */

static int nothing_is_resident(enum file_call call, const char *path) {
    (void)path;
    return call == FILE_RESIDENT ? EAGAIN : 0;
}

/* The hook is set while no threads run. */
static void start_again(int (*fault)(enum file_call call, const char *path)) {
    teardown(NULL);
    file_set_fault(fault);
    setup(NULL);
}

/* However often a queue is brought in, it is gone again before the pop looks: it gets copies, queue by queue. */
static void memory_too_short_for_messages_costs_copies(void **state) {
    (void)state;
    enum { FILLER_BYTES = 3 << 20, FILLERS = 4 /* more than is taken for warm */, QUEUES = 4, EACH = 2 };
    struct popped_message popped[POP_PEER_MAX];
    struct command answer;
    char *filler = calloc(1, FILLER_BYTES + 1);
    memset(filler, 'f', FILLER_BYTES);
    start_again(nothing_is_resident);
    for (int i = 0; i < QUEUES * EACH; i++) {
        struct hdr_send_message_v2 header = send_header("Short", i < QUEUES ? "TAGS\1a\2" : "TAGS\1b\2");
        header.queue_id = i % QUEUES;
        peer_call(&other, REQUEST_SEND_MESSAGE_V2, layout_send_message_v2(), &header, BYTES("x"), &answer);
        assert_int_equal(answer.code, RESPONSE_SUCCESS);
    }
    for (int i = 0; i < FILLERS; i++) put("Filler", NULL, filler);
    struct pop_peer_wish wish = wish_of("Short", LONG_MS, LONG_MS);
    size_t count = 0;
    for (wish.max_count = 1; count < QUEUES * EACH; count++) {
        pop_peer_ask(&peer, &wish);
        assert_int_equal(wait_popped(&wish, popped), 1);
        assert_bytes(popped[0].body, "x");
        pop_peer_free(popped, 1);
    }
    wish.group = "ByTag";
    wish.expression = "b";
    wish.max_count = 32;
    for (count = 0; count < QUEUES;) {
        pop_peer_ask(&peer, &wish);
        size_t more = wait_popped(&wish, popped);
        pop_peer_free(popped, more);
        count += more;
    }
    assert_int_equal(count, QUEUES);
    start_again(NULL);
    free(filler);
}

/* --- who pops what ----------------------------------------------------------------------------------------- */

static void modes_and_assignments(void **state) {
    (void)state;
    struct command answer;
    put("M", NULL, "x");
    peer_call(&peer, REQUEST_SET_MESSAGE_REQUEST_MODE, NULL, NULL,
              BYTES("{\"consumerGroup\":\"MG\",\"mode\":\"POP\",\"popShareQueueNum\":0,\"topic\":\"M\"}"), &answer);
    assert_int_equal(answer.code, RESPONSE_SUCCESS);
    peer_call(&peer, REQUEST_GET_ALL_MESSAGE_REQUEST_MODE, NULL, NULL, BYTES(""), &answer);
    assert_bytes(answer.body, "{\"messageRequestModeMap\":{\"M\":{\"MG\":{\"consumerGroup\":\"MG\",\"mode\":\"POP\","
                              "\"popShareQueueNum\":0,\"topic\":\"M\"}}}}");
    peer_call(&peer, REQUEST_HEART_BEAT, NULL, NULL,
              BYTES("{\"clientID\":\"c1\",\"consumerDataSet\":[{\"consumeFromWhere\":\"CONSUME_FROM_LAST_OFFSET\","
                    "\"consumeType\":\"CONSUME_POP\",\"groupName\":\"MG\",\"messageModel\":\"CLUSTERING\","
                    "\"subscriptionDataSet\":[{\"subString\":\"*\",\"topic\":\"M\",\"subVersion\":1}],"
                    "\"unitMode\":false}],\"producerDataSet\":[]}"),
              &answer);
    assert_int_equal(answer.code, RESPONSE_SUCCESS);
    static const char ask[] = "{\"clientId\":\"c1\",\"consumerGroup\":\"%s\",\"messageModel\":\"CLUSTERING\","
                              "\"strategyName\":\"AVG\",\"topic\":\"M\"}";
    char text[256];
    snprintf(text, sizeof text, ask, "MG");
    peer_call(&peer, REQUEST_QUERY_ASSIGNMENT, NULL, NULL, bytes_of(text), &answer);
    assert_bytes(answer.body, "{\"messageQueueAssignments\":[{\"messageQueue\":{\"brokerName\":\"broker-a\","
                              "\"queueId\":-1,\"topic\":\"M\"},\"mode\":\"POP\"}]}");
    peer_call(
        &peer, REQUEST_QUERY_ASSIGNMENT, NULL, NULL,
        BYTES("{\"clientId\":\"c1\",\"consumerGroup\":\"MG\",\"messageModel\":\"CLUSTERING\",\"strategyName\":\"AVG\","
              "\"topic\":\"%LMQ%light\"}"),
        &answer);
    assert_bytes(answer.body, "{\"messageQueueAssignments\":[{\"messageQueue\":{\"brokerName\":\"broker-a\","
                              "\"queueId\":0,\"topic\":\"%LMQ%light\"},\"mode\":\"PULL\"}]}");
    snprintf(text, sizeof text, ask, "nobody");
    peer_call(&peer, REQUEST_QUERY_ASSIGNMENT, NULL, NULL, bytes_of(text), &answer);
    assert_bytes(answer.body, "{}");
    peer_call(&peer, REQUEST_SET_MESSAGE_REQUEST_MODE, NULL, NULL,
              BYTES("{\"consumerGroup\":\"MG\",\"mode\":\"POP\",\"topic\":\"%RETRY%MG\"}"), &answer);
    assert_int_equal(answer.code, RESPONSE_NO_PERMISSION);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_waiting_pop_gets_what_comes),
        cmocka_unit_test(a_waiting_pop_gets_what_comes_back),
        cmocka_unit_test(a_message_that_is_put_off_comes_then),
        cmocka_unit_test(only_messages_that_match_come),
        cmocka_unit_test(an_ordered_queue_waits_for_its_acks),
        cmocka_unit_test(notices_tell_of_messages),
        cmocka_unit_test(peeks_take_nothing),
        cmocka_unit_test(what_cannot_be_is_refused),
        cmocka_unit_test(cut_codes_are_understood),
        cmocka_unit_test(memory_too_short_for_messages_costs_copies),
        cmocka_unit_test(modes_and_assignments),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
