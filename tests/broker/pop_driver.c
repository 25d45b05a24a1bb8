/* pop_driver.c - a client that pops from any broker: pop_driver PORT COMMAND ...
 *   fill FIRST COUNT INVISIBLE_MS  sends that many numbered messages, pops them all, acknowledges the odd ones
 *   rest MS                        pops and acknowledges for that long, prints the numbers that come */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/check.h"
#include "base/test.h"
#include "os/clock.h"
#include "support/pop_peer.h"

#define TOPIC "T"
#define GROUP "PG"

enum { FILL_MS_MAX = 30000 };

static struct pop_peer_wish wish_of(int64_t invisible_ms) {
    return (struct pop_peer_wish){
        .group = GROUP, .topic = TOPIC, .queue_id = -1, .max_count = 32, .invisible_ms = invisible_ms, .poll_ms = 200};
}

static void fill(struct peer *peer, int first, int count, int64_t invisible_ms) {
    struct popped_message popped[POP_PEER_MAX];
    struct pop_peer_wish wish = wish_of(invisible_ms);
    int left = count;
    for (int i = first; i < first + count; i++) {
        char body[16];
        snprintf(body, sizeof body, "%d", i);
        peer_send_message(peer, TOPIC, NULL, body, RESPONSE_SUCCESS);
    }
    int64_t until_ms = clock_monotonic_ms() + FILL_MS_MAX;
    while (left > 0 && clock_monotonic_ms() < until_ms) {
        size_t got = pop_peer_pop(peer, &wish, popped);
        for (size_t i = 0; i < got; i++) {
            int32_t number;
            must(bytes_to_i32(popped[i].body, &number));
            if (number % 2 != 0) must(pop_peer_ack(peer, &popped[i]) == RESPONSE_SUCCESS);
            left -= number >= first && number < first + count;
        }
        pop_peer_free(popped, got);
    }
    must(left == 0);
}

static void rest(struct peer *peer, int64_t ms) {
    struct popped_message popped[POP_PEER_MAX];
    struct pop_peer_wish wish = wish_of(60000);
    for (int64_t until_ms = clock_monotonic_ms() + ms; clock_monotonic_ms() < until_ms;) {
        size_t got = pop_peer_pop(peer, &wish, popped);
        for (size_t i = 0; i < got; i++) {
            must(pop_peer_ack(peer, &popped[i]) == RESPONSE_SUCCESS);
            printf("%.*s\n", BYTES_ARG(popped[i].body));
        }
        fflush(stdout);
        pop_peer_free(popped, got);
    }
}

int main(int argc, char **argv) {
    struct peer peer;
    must(argc >= 4);
    peer_open(&peer, (uint16_t)atoi(argv[1]));
    if (strcmp(argv[2], "fill") == 0) {
        must(argc == 6);
        fill(&peer, atoi(argv[3]), atoi(argv[4]), atoll(argv[5]));
    } else {
        rest(&peer, atoll(argv[3]));
    }
    peer_close(&peer);
    return 0;
}
