/* Timer messages and kill -9: each is delivered, none before its time, none that was deleted. A child serves; the
 * parent sends, deletes and kills it in the middle of its work, several times. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/test.h"
#include "message/properties.h"
#include "os/clock.h"
#include "support/broker_box.h"

enum {
    KILLS = 6,
    PER_LIFE_MAX = 300,
    MESSAGES_MAX = (KILLS + 1) * PER_LIFE_MAX,
    DELAY_MS_MAX = 3000,
    SOON_MS_MAX = 150,
    WAIT_MS = 30000
};

struct timed {
    int64_t deliver_ms;
    bool deleted;
    int delivered;
};
static struct timed messages[MESSAGES_MAX];
static int message_count;

static struct broker_box box;

static void send_one(struct peer *peer, int64_t delay_ms) {
    char properties[128], body[16];
    int64_t deliver_ms = clock_wall_ms() + delay_ms;
    snprintf(body, sizeof body, "%d", message_count);
    snprintf(properties, sizeof properties, "UNIQ_KEY\001k%d\002TIMER_DELIVER_MS\001%" PRId64 "\002", message_count,
             deliver_ms);
    peer_send_message(peer, "T", properties, body, RESPONSE_SUCCESS);
    messages[message_count++] = (struct timed){.deliver_ms = deliver_ms};
}

/* Only what is surely before its time: the broker would refuse others. */
static void delete_one(struct peer *peer, int i) {
    char properties[128];
    enum { AHEAD_MS = 1000 };
    if (messages[i].deleted || messages[i].deliver_ms < clock_wall_ms() + AHEAD_MS) return;
    snprintf(properties, sizeof properties,
             "UNIQ_KEY\001d%d\002TIMER_DEL_UNIQKEY\001k%d\002TIMER_DELIVER_MS\001%" PRId64 "\002", i, i,
             messages[i].deliver_ms);
    peer_send_message(peer, "T", properties, "-", RESPONSE_SUCCESS);
    messages[i].deleted = clock_wall_ms() < messages[i].deliver_ms - AHEAD_MS / 2;
}

static void count_delivered(struct peer *peer) {
    for (int i = 0; i < message_count; i++) messages[i].delivered = 0;
    for (int64_t offset = 0;;) {
        struct command answer;
        struct hdr_pull_result result;
        struct record records[64];
        struct hdr_pull_message header = pull_header("G", "T", 0, offset);
        peer_call(peer, REQUEST_PULL_MESSAGE, layout_pull_message(), &header, BYTES(""), &answer);
        if (answer.code != RESPONSE_SUCCESS) return;
        size_t count = pull_records(answer.body, records, ARRAY_LEN(records));
        for (size_t i = 0; i < count; i++) {
            int32_t number;
            assert_true(bytes_to_i32(records[i].body, &number) && number >= 0 && number < message_count);
            messages[number].delivered++;
            if (records[i].store_time_ms < messages[number].deliver_ms) fail_msg("message %d is early", number);
            if (messages[number].deleted) fail_msg("message %d was deleted", number);
        }
        assert_ok(header_decode(layout_pull_result(), &answer, &result));
        offset = result.next_begin_offset;
    }
}

static int missing(void) {
    for (int i = 0; i < message_count; i++)
        if (messages[i].delivered == 0 && !messages[i].deleted) return i;
    return -1;
}

static void one_life(unsigned *seed) {
    uint16_t port;
    struct peer peer;
    pid_t child = broker_box_fork(&box, &port);
    int count = 30 + rand_r(seed) % (PER_LIFE_MAX - 30);
    peer_open(&peer, port);
    for (int i = 0; i < count; i++) {
        send_one(&peer, rand_r(seed) % (i % 2 ? DELAY_MS_MAX : SOON_MS_MAX));
        if (rand_r(seed) % 4 == 0) delete_one(&peer, rand_r(seed) % message_count);
    }
    if (rand_r(seed) % 2) clock_sleep_ms(rand_r(seed) % 1500);
    broker_box_kill(child);
    peer_close(&peer);
    clock_sleep_ms(rand_r(seed) % 1000);
}

static void nothing_is_lost_or_early_by_kills(void **state) {
    (void)state;
    unsigned seed = (unsigned)getpid();
    uint16_t port;
    struct peer peer;
    broker_box_init(&box);
    broker_box_set(&box, "timerPrecisionMs=100");
    broker_box_set(&box, "timerRollWindowSlot=15");
    broker_box_set(&box, "timerFlushIntervalMs=100");
    broker_box_set(&box, "flushCommitLogThoroughInterval=100");
    for (int life = 0; life < KILLS; life++) one_life(&seed);
    pid_t child = broker_box_fork(&box, &port);
    peer_open(&peer, port);
    int64_t until_ms = clock_monotonic_ms() + WAIT_MS;
    do {
        clock_sleep_ms(200);
        count_delivered(&peer);
    } while (missing() >= 0 && clock_monotonic_ms() < until_ms);
    if (missing() >= 0) fail_msg("message %d is lost; seed %u", missing(), seed);
    peer_close(&peer);
    broker_box_kill(child);
    broker_box_close(&box);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_lost_or_early_by_kills),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
