/* Pop and kill -9, against a model: messages are sent, popped, acknowledged one by one or in batches, put off,
 * forgotten, while a child serves that is killed in the middle of it, several times. The model knows of each message
 * whether its ack was answered in time: then it must not come again; until then it must come again, and not before its
 * time. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/check.h"
#include "base/test.h"
#include "os/clock.h"
#include "support/broker_box.h"
#include "support/pop_peer.h"

enum { KILLS = 4, PER_LIFE_MAX = 80, KEYS_MAX = (KILLS + 1) * PER_LIFE_MAX, END_MS_MAX = 60000, MARGIN_MS = 200 };

#define TOPIC "T"

enum fate { OPEN, UNSURE, DONE };
static struct message {
    enum fate fate;
    int64_t hidden_until_ms; /* it must not come before: broker's clock, which is ours */
    int times;
} messages[KEYS_MAX];
static int key_count;
static unsigned seed;
static struct broker_box box;

static int below(int limit) {
    return (int)((unsigned)rand_r(&seed) % (unsigned)limit);
}

static void send_new(struct peer *peer) {
    char body[16];
    snprintf(body, sizeof body, "%d", key_count++);
    struct hdr_send_message_v2 header = send_header(TOPIC, NULL);
    struct command answer;
    header.queue_id = below(4);
    peer_call(peer, REQUEST_SEND_MESSAGE_V2, layout_send_message_v2(), &header, bytes_of(body), &answer);
    assert_int_equal(answer.code, RESPONSE_SUCCESS);
}

static struct message *message_of(const struct popped_message *popped) {
    int32_t key;
    assert_true(bytes_to_i32(popped->body, &key) && key >= 0 && key < key_count);
    return &messages[key];
}

/* A pop's answer arrives at the model. */
static void note_popped(const struct popped_message *popped) {
    struct message *message = message_of(popped);
    if (message->fate == DONE) fail_msg("message %.*s was acknowledged and came again", BYTES_ARG(popped->body));
    int64_t early_ms = message->hidden_until_ms - clock_wall_ms(); /* a pop's own time is from before it looked */
    if (early_ms > 0) fail_msg("message %.*s came %" PRId64 " ms too early", BYTES_ARG(popped->body), early_ms);
    message->fate = OPEN;
    message->hidden_until_ms = popped->pop_time_ms + popped->invisible_ms;
    message->times++;
}

/* An ack that was answered: in time it holds, else the message may be on its way back already. */
static void note_acked(const struct popped_message *popped) {
    struct message *message = message_of(popped);
    bool in_time = clock_wall_ms() < popped->pop_time_ms + popped->invisible_ms - MARGIN_MS;
    message->fate = in_time ? DONE : UNSURE;
    message->hidden_until_ms = 0;
}

static void settle(struct peer *peer, struct popped_message *popped) {
    int choice = below(10);
    if (choice < 6) {
        assert_int_equal(pop_peer_ack(peer, popped), RESPONSE_SUCCESS);
        note_acked(popped);
    } else if (choice < 8) {
        bool in_time = clock_wall_ms() < popped->pop_time_ms + popped->invisible_ms - MARGIN_MS;
        struct message *message = message_of(popped);
        assert_int_equal(pop_peer_change_invisible(peer, popped, 300 + below(700)), RESPONSE_SUCCESS);
        in_time &= clock_wall_ms() < message->hidden_until_ms - MARGIN_MS;
        message->hidden_until_ms = in_time ? popped->pop_time_ms + popped->invisible_ms : 0;
        if (below(2)) {
            assert_int_equal(pop_peer_ack(peer, popped), RESPONSE_SUCCESS);
            note_acked(popped);
            if (!in_time) message->fate = UNSURE;
        }
    }
}

static void consume_some(struct peer *peer) {
    struct popped_message popped[POP_PEER_MAX];
    struct pop_peer_wish wish = {
        .group = "PG", .topic = TOPIC, .queue_id = -1, .max_count = 1 + below(16), .invisible_ms = 600 + below(1000)};
    size_t count = pop_peer_pop(peer, &wish, popped);
    for (size_t i = 0; i < count; i++) note_popped(&popped[i]);
    if (count > 1 && below(4) == 0) {
        assert_int_equal(pop_peer_batch_ack(peer, popped, count), RESPONSE_SUCCESS);
        for (size_t i = 0; i < count; i++) note_acked(&popped[i]);
    } else {
        for (size_t i = 0; i < count; i++) settle(peer, &popped[i]);
    }
    pop_peer_free(popped, count);
}

/* Requests whose answers nobody will read: the broker is killed now. */
static void leave_in_the_middle(struct peer *peer) {
    struct popped_message popped[POP_PEER_MAX];
    struct pop_peer_wish wish = {.group = "PG", .topic = TOPIC, .queue_id = -1, .max_count = 8, .invisible_ms = 600};
    size_t count = pop_peer_pop(peer, &wish, popped);
    for (size_t i = 0; i < count; i++) note_popped(&popped[i]);
    for (size_t i = 0; i < count; i++) {
        pop_peer_send_ack(peer, &popped[i]);
        message_of(&popped[i])->fate = UNSURE;
        message_of(&popped[i])->hidden_until_ms = 0;
    }
    pop_peer_ask(peer, &wish);
    pop_peer_free(popped, count);
}

static int open_count(void) {
    int count = 0;
    for (int key = 0; key < key_count; key++) count += messages[key].fate == OPEN;
    return count;
}

/* What is left comes, and is acknowledged. */
static void consume_rest(struct peer *peer) {
    struct popped_message popped[POP_PEER_MAX];
    struct pop_peer_wish wish = {
        .group = "PG", .topic = TOPIC, .queue_id = -1, .max_count = 32, .invisible_ms = 5000, .poll_ms = 200};
    for (int64_t end_ms = clock_monotonic_ms() + END_MS_MAX; open_count() > 0 && clock_monotonic_ms() < end_ms;) {
        size_t count = pop_peer_pop(peer, &wish, popped);
        for (size_t i = 0; i < count; i++) {
            note_popped(&popped[i]);
            assert_int_equal(pop_peer_ack(peer, &popped[i]), RESPONSE_SUCCESS);
            note_acked(&popped[i]);
        }
        pop_peer_free(popped, count);
    }
}

static void no_ack_and_no_message_is_lost_by_kills(void **state) {
    (void)state;
    uint16_t port;
    struct peer peer;
    seed = (unsigned)getpid();
    print_message("seed %u\n", seed);
    broker_box_init(&box);
    broker_box_set(&box, "flushConsumerOffsetInterval=300");
    for (int life = 0; life < KILLS; life++) {
        pid_t child = broker_box_fork(&box, &port);
        peer_open(&peer, port);
        int count = 10 + below(PER_LIFE_MAX - 10);
        int64_t until_ms = clock_monotonic_ms() + 500 + below(1500);
        for (int i = 0; i < count || clock_monotonic_ms() < until_ms; i++) {
            if (i < count) send_new(&peer);
            if (below(3) == 0) consume_some(&peer);
        }
        leave_in_the_middle(&peer);
        broker_box_kill(child);
        peer_close(&peer);
    }
    pid_t child = broker_box_fork(&box, &port);
    peer_open(&peer, port);
    consume_rest(&peer);
    peer_close(&peer);
    broker_box_kill(child);
    int again = 0;
    for (int key = 0; key < key_count; key++) {
        again += messages[key].times > 1;
        if (messages[key].fate == OPEN)
            fail_msg("message %d of %d never came (again), after %d times", key, key_count, messages[key].times);
    }
    print_message("%d messages, %d came more than once\n", key_count, again);
    broker_box_close(&box);
}

/* --- in order ---------------------------------------------------------------------------------------------- */

enum { QUEUES = 4 };

/* Of a queue: where the group must go on at least, and at most: acks whose answers nobody read may hold or not. */
static int64_t next_least[QUEUES], next_most[QUEUES];
static int64_t ordered_sent[QUEUES];

static void send_ordered(struct peer *peer) {
    struct hdr_send_message_v2 header = send_header("Q", NULL);
    struct command answer;
    header.queue_id = below(QUEUES);
    peer_call(peer, REQUEST_SEND_MESSAGE_V2, layout_send_message_v2(), &header, BYTES("x"), &answer);
    assert_int_equal(answer.code, RESPONSE_SUCCESS);
    ordered_sent[header.queue_id]++;
}

/* Each queue goes on where its acks ended, without a gap. */
static size_t pop_ordered(struct peer *peer, int64_t poll_ms, struct popped_message *popped) {
    struct pop_peer_wish wish = {.group = "OG",
                                 .topic = "Q",
                                 .queue_id = -1,
                                 .max_count = 1 + below(8),
                                 .invisible_ms = 300,
                                 .poll_ms = poll_ms,
                                 .order = true};
    int64_t expected[QUEUES] = {-1, -1, -1, -1};
    size_t count = pop_peer_pop(peer, &wish, popped);
    for (size_t i = 0; i < count; i++) {
        int64_t offset = popped[i].offset_queue, *next = &expected[popped[i].queue_id];
        if (*next < 0 && (offset < next_least[popped[i].queue_id] || offset > next_most[popped[i].queue_id]))
            fail_msg("queue %d goes on at %" PRId64 ", not %" PRId64 " to %" PRId64, popped[i].queue_id, offset,
                     next_least[popped[i].queue_id], next_most[popped[i].queue_id]);
        if (*next >= 0) assert_int_equal(offset, *next);
        *next = offset + 1;
    }
    return count;
}

/* Acknowledges in order, now and then not to the end. `sure`: the answers are waited for. */
static void ack_ordered(struct peer *peer, const struct popped_message *popped, size_t count, bool sure) {
    size_t until = below(3) == 0 ? (size_t)below((int)count + 1) : count;
    for (size_t i = 0; i < until; i++) {
        int32_t queue = popped[i].queue_id;
        if (!sure) {
            pop_peer_send_ack(peer, &popped[i]);
        } else {
            assert_int_equal(pop_peer_ack(peer, &popped[i]), RESPONSE_SUCCESS);
            if (clock_wall_ms() < popped[i].pop_time_ms + popped[i].invisible_ms - MARGIN_MS)
                next_least[queue] = popped[i].offset_queue + 1;
        }
        if (popped[i].offset_queue + 1 > next_most[queue]) next_most[queue] = popped[i].offset_queue + 1;
    }
}

static bool all_ordered_done(void) {
    bool done = true;
    for (int i = 0; i < QUEUES; i++) done &= next_most[i] == ordered_sent[i];
    return done;
}

static void order_is_kept_over_kills(void **state) {
    (void)state;
    struct popped_message popped[POP_PEER_MAX];
    uint16_t port;
    struct peer peer;
    seed = (unsigned)getpid() + 1;
    print_message("seed %u\n", seed);
    broker_box_init(&box);
    broker_box_set(&box, "flushConsumerOffsetInterval=1000");
    for (int life = 0; life < KILLS; life++) {
        pid_t child = broker_box_fork(&box, &port);
        peer_open(&peer, port);
        for (int i = 20 + below(30); i >= 0; i--) {
            send_ordered(&peer);
            size_t count = below(2) ? pop_ordered(&peer, 0, popped) : 0;
            if (count > 0) ack_ordered(&peer, popped, count, i > 0);
            pop_peer_free(popped, count);
        }
        broker_box_kill(child);
        peer_close(&peer);
    }
    pid_t child = broker_box_fork(&box, &port);
    peer_open(&peer, port);
    for (int64_t end_ms = clock_monotonic_ms() + END_MS_MAX; !all_ordered_done() && clock_monotonic_ms() < end_ms;) {
        size_t count = pop_ordered(&peer, 500, popped);
        if (count > 0) ack_ordered(&peer, popped, count, true);
        pop_peer_free(popped, count);
    }
    peer_close(&peer);
    broker_box_kill(child);
    assert_true(all_ordered_done());
    broker_box_close(&box);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_ack_and_no_message_is_lost_by_kills),
        cmocka_unit_test(order_is_kept_over_kills),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
