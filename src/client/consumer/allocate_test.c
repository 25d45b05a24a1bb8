/* allocate_test.c - both strategies for every small number of queues and clients. */
#include "client/consumer/allocate.h"

#include <stdio.h>
#include "base/test.h"

enum { QUEUES_MAX = 17, CLIENTS_MAX = 6 };

static struct message_queue queues[QUEUES_MAX];
static char names[CLIENTS_MAX][8];
static struct bytes clients[CLIENTS_MAX];

static int set_up(void **state) {
    (void)state;
    for (int i = 0; i < QUEUES_MAX; i++) queues[i] = (struct message_queue){BYTES("T"), BYTES("b"), i};
    for (int i = 0; i < CLIENTS_MAX; i++) {
        snprintf(names[i], sizeof names[i], "c%d", i);
        clients[i] = bytes_of(names[i]);
    }
    return 0;
}

static void each_queue_has_one_owner(rmq_allocate_strategy_t strategy) {
    for (size_t client_count = 1; client_count <= CLIENTS_MAX; client_count++) {
        for (size_t count = 0; count <= QUEUES_MAX; count++) {
            int owners[QUEUES_MAX] = {0};
            size_t least = SIZE_MAX, most = 0;
            for (size_t c = 0; c < client_count; c++) {
                struct message_queue mine[QUEUES_MAX];
                size_t share = allocate_queues(strategy, queues, count, clients, client_count, clients[c], mine);
                for (size_t i = 0; i < share; i++) owners[mine[i].queue_id]++;
                least = MIN(least, share);
                most = MAX(most, share);
            }
            for (size_t i = 0; i < count; i++) assert_int_equal(owners[i], 1);
            assert_true(most - least <= 1);
        }
    }
}

static void averagely(void **state) {
    (void)state;
    each_queue_has_one_owner(RMQ_ALLOCATE_AVERAGELY);
    struct message_queue mine[QUEUES_MAX]; /* 8 queues, 3 clients: 0 1 2, 3 4 5, 6 7 */
    assert_int_equal(allocate_queues(RMQ_ALLOCATE_AVERAGELY, queues, 8, clients, 3, clients[1], mine), 3);
    assert_int_equal(mine[0].queue_id, 3);
    assert_int_equal(allocate_queues(RMQ_ALLOCATE_AVERAGELY, queues, 8, clients, 3, clients[2], mine), 2);
    assert_int_equal(mine[0].queue_id, 6);
}

static void by_circle(void **state) {
    (void)state;
    each_queue_has_one_owner(RMQ_ALLOCATE_AVERAGELY_BY_CIRCLE);
    struct message_queue mine[QUEUES_MAX]; /* 8 queues, 3 clients: 0 3 6, 1 4 7, 2 5 */
    assert_int_equal(allocate_queues(RMQ_ALLOCATE_AVERAGELY_BY_CIRCLE, queues, 8, clients, 3, clients[1], mine), 3);
    assert_int_equal(mine[2].queue_id, 7);
}

static void who_is_not_in_the_group_gets_nothing(void **state) {
    (void)state;
    struct message_queue mine[QUEUES_MAX];
    assert_int_equal(allocate_queues(RMQ_ALLOCATE_AVERAGELY, queues, 8, clients, 3, clients[3], mine), 0);
    assert_int_equal(allocate_queues(RMQ_ALLOCATE_AVERAGELY, queues, 8, clients, 0, clients[3], mine), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(averagely),
        cmocka_unit_test(by_circle),
        cmocka_unit_test(who_is_not_in_the_group_gets_nothing),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
