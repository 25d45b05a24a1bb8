/* Lite topics on two brokers of ours and a name server: each knows from the first request on which of them are its own.
 */
#include <stdio.h>
#include "base/check.h"
#include "base/test.h"
#include "broker/lite/lite.h"
#include "support/pair_box.h"

enum { LITES = 16, WRITABLE_A = 1, WRITABLE_B = 3 };

static struct pair_box pair;
static struct arena arena;

#define CALL(on, ...) PAIR_CALL(&pair, on, __VA_ARGS__)

static int start(void **state) {
    (void)state;
    pair_box_start(&pair, (const char *[]){"enableLmq=true", "enableMultiDispatch=true", NULL});
    return 0;
}

static int stop(void **state) {
    (void)state;
    pair_box_close(&pair);
    arena_close(&arena);
    return 0;
}

/* A parent of lite topics on both brokers; more queues are read than written. */
static void make_parent(const char *parent, const char *group) {
    struct command answer;
    struct bytes body =
        arena_printf(&arena, "{\"groupName\":\"%s\",\"attributes\":{\"+lite.bind.topic\":\"%s\"}}", group, parent);
    for (int i = A; i <= B; i++) {
        CALL(i, UPDATE_AND_CREATE_TOPIC, update_and_create_topic, BYTES(""), &answer, .topic = bytes_of(parent),
             .default_topic = BYTES("TBW102"), .read_queue_nums = 8,
             .write_queue_nums = i == A ? WRITABLE_A : WRITABLE_B, .perm = 6, .topic_filter_type = BYTES("SINGLE_TAG"),
             .attributes = BYTES("+message.type=LITE"));
        assert_int_equal(answer.code, RESPONSE_SUCCESS);
        peer_call(&pair.peers[i], REQUEST_UPDATE_AND_CREATE_SUBSCRIPTIONGROUP, NULL, NULL, body, &answer);
        assert_int_equal(answer.code, RESPONSE_SUCCESS);
    }
}

/* The broker of the writable queue that the name falls on, the brokers' queues one behind the other. */
static int home_of(struct bytes lite) {
    return lite_shard(lite, WRITABLE_A + WRITABLE_B) < WRITABLE_A ? A : B;
}

static struct bytes lite_name(int i) {
    return arena_printf(&arena, "lite%d", i);
}

static const struct json *json_of(const struct command *answer) {
    const struct json *body;
    assert_int_equal(answer->code, RESPONSE_SUCCESS);
    assert_ok(json_parse(&arena, answer->body, &body));
    return body;
}

static void a_lite_topic_belongs_to_one_broker(void **state) {
    (void)state;
    int homes[2] = {0};
    make_parent("P", "G");
    for (int i = 0; i < LITES; i++) {
        struct bytes lite = lite_name(i);
        for (int on = A; on <= B; on++) {
            struct command answer;
            CALL(on, GET_LITE_TOPIC_INFO, get_lite_topic_info, BYTES(""), &answer, .parent_topic = BYTES("P"),
                 .lite_topic = lite);
            bool here = json_bool(json_get(json_of(&answer), "shardingToBroker"), on != home_of(lite));
            assert_int_equal(here, on == home_of(lite));
            homes[on] += here;
        }
    }
    assert_true(homes[A] > 0 && homes[B] > 0);
    assert_int_equal(homes[A] + homes[B], LITES);
}

static void a_client_subscribes_on_each_to_what_is_there(void **state) {
    (void)state;
    struct buf names = {0};
    int64_t expected[2] = {0};
    make_parent("Q", "H");
    for (int i = 0; i < LITES; i++) {
        buf_printf(&names, "%s\"lite%d\"", i > 0 ? "," : "", i);
        expected[home_of(lite_name(i))]++;
    }
    struct bytes body = arena_printf(&arena,
                                     "{\"subscriptionSet\":[{\"action\":\"COMPLETE_ADD\",\"clientId\":\"c\","
                                     "\"group\":\"H\",\"topic\":\"Q\",\"liteTopicSet\":[%.*s],\"version\":1}]}",
                                     BYTES_ARG(buf_bytes(&names)));
    buf_close(&names);
    for (int on = A; on <= B; on++) {
        struct command answer;
        peer_call(&pair.peers[on], REQUEST_LITE_SUBSCRIPTION_CTL, NULL, NULL, body, &answer);
        assert_int_equal(answer.code, RESPONSE_SUCCESS);
        CALL(on, GET_LITE_CLIENT_INFO, get_lite_client_info, BYTES(""), &answer, .parent_topic = BYTES("Q"),
             .group = BYTES("H"), .client_id = BYTES("c"), .max_count = LITES);
        assert_int_equal(json_i64(json_get(json_of(&answer), "liteTopicCount"), -1), expected[on]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lite_topic_belongs_to_one_broker),
        cmocka_unit_test(a_client_subscribes_on_each_to_what_is_there),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
