/* Timer messages against a model of them: random sends, deletions, steps of the clock forth and back, clean restarts.
 * Without crashes each message is delivered exactly once, never before its time, deleted ones never. The seed is
 * printed; RMQ_SEED replays it. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/log.h"
#include "base/test.h"
#include "broker/delay/timer.h"
#include "broker/tables/topic_counts.h"
#include "message/properties.h"
#include "os/clock.h"
#include "support/broker_box.h"

enum { STEPS = 400, MESSAGES_MAX = 4 * STEPS, SECOND_MS = 1000, FAR_MS = 3600 * SECOND_MS, WAIT_MS = 20000 };

struct timed {
    int64_t deliver_ms;
    bool deleted, may_be_delivered;
    int delivered;
};
static struct timed messages[MESSAGES_MAX];
static int message_count;
static unsigned seed;
static struct broker_box box;
static struct peer peer;

static int below(int limit) {
    return rand_r(&seed) % limit;
}

static void send_one(int64_t deliver_ms) {
    char properties[128], body[16];
    snprintf(body, sizeof body, "%d", message_count);
    snprintf(properties, sizeof properties, "UNIQ_KEY\001k%d\002TIMER_DELIVER_MS\001%" PRId64 "\002", message_count,
             deliver_ms);
    peer_send_message(&peer, "T", properties, body, RESPONSE_SUCCESS);
    messages[message_count++] = (struct timed){.deliver_ms = deliver_ms};
}

static void some_sends(void) {
    for (int i = below(4); i >= 0; i--) send_one(clock_wall_ms() + below(below(2) ? 20 * SECOND_MS : FAR_MS));
}

/* It counts as deleted when the broker says so before its time. */
static void one_deletion(void) {
    if (message_count == 0) return;
    int i = below(message_count);
    struct timed *message = &messages[i];
    if (message->deleted || message->may_be_delivered || message->deliver_ms < clock_wall_ms() + 2 * SECOND_MS) return;
    char properties[128];
    snprintf(properties, sizeof properties,
             "UNIQ_KEY\001d%d\002TIMER_DEL_UNIQKEY\001%sk%d\002TIMER_DELIVER_MS\001%" PRId64 "\002", i,
             below(2) ? "T+" : "", i, message->deliver_ms);
    peer_send_message(&peer, "T", properties, "-", RESPONSE_SUCCESS);
    if (clock_wall_ms() < message->deliver_ms - SECOND_MS)
        message->deleted = true;
    else
        message->may_be_delivered = true; /* this machine was too slow: either way is right */
}

static void note_time(void) {
    int64_t now_ms = clock_wall_ms();
    for (int i = 0; i < message_count; i++)
        if (messages[i].deliver_ms <= now_ms) messages[i].may_be_delivered = true;
}

static void one_step_of_the_clock(void) {
    static const int sizes_ms[] = {300, 3 * SECOND_MS, 60 * SECOND_MS, 600 * SECOND_MS};
    int64_t step_ms = below(sizes_ms[below(ARRAY_LEN(sizes_ms))]);
    note_time();
    clock_shift_wall_ms(below(4) == 0 ? -step_ms : step_ms);
    note_time();
}

static void restart(void) {
    peer_close(&peer);
    broker_box_stop(&box);
    if (below(3) == 0) one_step_of_the_clock();
    broker_box_start(&box);
    peer_open(&peer, box.broker.port);
}

static void one_step(void) {
    int dice = below(100);
    if (dice < 45)
        some_sends();
    else if (dice < 65)
        one_deletion();
    else if (dice < 90)
        one_step_of_the_clock();
    else if (dice < 97)
        clock_sleep_ms(below(60));
    else
        restart();
    note_time();
}

static bool all_done(void) {
    struct timer_facts facts;
    timer_facts(box.broker.timer, &facts);
    return facts.behind_ms == 0 && facts.behind_messages == 0 && facts.waiting == 0;
}

static void count_delivered(void) {
    struct store *store = box.broker.store;
    for (int i = 0; i < WAIT_MS && store_dispatched_phys(store) < store_end_phys(store); i++) clock_sleep_ms(1);
    struct queue *queue = store_queue(box.broker.store, BYTES("T"), 0, false);
    for (int64_t at = 0; queue && at < queue_max(queue); at++) {
        struct queue_entry entry;
        struct store_slice slice;
        struct record record;
        int32_t i;
        assert_ok(queue_entry_at(box.broker.store, queue, at, &entry));
        assert_ok(store_record_at(box.broker.store, entry.offset_phys, &slice));
        assert_ok(record_decode(slice.bytes, RECORD_CHECK_BODY_CRC, &record));
        assert_true(bytes_to_i32(record.body, &i) && i >= 0 && i < message_count);
        messages[i].delivered++;
        if (record.store_time_ms < messages[i].deliver_ms)
            fail_msg("message %d is early: stored=%" PRId64 " due=%" PRId64, i, record.store_time_ms,
                     messages[i].deliver_ms);
        store_release(slice.hold);
    }
}

static void the_model_agrees(void **state) {
    (void)state;
    const char *given = getenv("RMQ_SEED");
    seed = given ? (unsigned)atoi(given) : (unsigned)getpid();
    printf("seed %u\n", seed);
    log_set_level(LOG_ERROR);
    broker_box_init(&box);
    broker_box_set(&box, "serverChannelMaxIdleTimeSeconds=86400");
    broker_box_set(&box, "timerRollWindowSlot=600");
    broker_box_set(&box, "mappedFileSizeTimerLog=8192");
    broker_box_set(&box, "timerFlushIntervalMs=30");
    broker_box_set(&box, "flushCommitLogThoroughInterval=50");
    broker_box_start(&box);
    peer_open(&peer, box.broker.port);
    for (int i = 0; i < STEPS; i++) one_step();
    for (int i = 0; i < 3; i++) clock_shift_wall_ms(FAR_MS);
    for (int i = 0; i < WAIT_MS && !all_done(); i++) clock_sleep_ms(1);
    assert_true(all_done());
    assert_int_equal(topic_counts_of(timer_counts(box.broker.timer), BYTES("T")), 0);
    count_delivered();
    for (int i = 0; i < message_count; i++) {
        const struct timed *message = &messages[i];
        if (message->delivered != (message->deleted ? 0 : 1))
            fail_msg("message %d: delivered=%d deleted=%d", i, message->delivered, message->deleted);
    }
    peer_close(&peer);
    broker_box_close(&box);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_model_agrees),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
