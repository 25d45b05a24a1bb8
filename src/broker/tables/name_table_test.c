/* name_table_test.c - names found, also while others are added */
#include "base/test.h"
#include "broker/tables/name_table.h"

#include <stdio.h>
#include <stdlib.h>
#include "os/thread.h"

enum { ITEMS = 2000 };
struct item {
    struct named named;
    int number;
};

static struct name_table table;

static void free_item(struct named *item) {
    free(item);
}

static void add(int number) {
    char name[32];
    struct item *item = calloc(1, sizeof *item);
    item->number = number;
    snprintf(name, sizeof name, "topic-%d", number);
    name_table_add(&table, bytes_of(name), &item->named);
}

static void count(struct named *item, void *arg) {
    *(int64_t *)arg += ((struct item *)item)->number;
}

static void finds_what_was_added(void **state) {
    (void)state;
    int64_t sum = 0;
    name_table_init(&table, 64); /* many in one bucket */
    assert_null(name_table_find(&table, BYTES("topic-0")));
    for (int i = 0; i < ITEMS; i++) add(i);
    assert_int_equal(((struct item *)name_table_find(&table, BYTES("topic-1234")))->number, 1234);
    assert_null(name_table_find(&table, BYTES("topic-123")) == name_table_find(&table, BYTES("topic-1234")) ? &table
                                                                                                            : NULL);
    assert_null(name_table_find(&table, BYTES("")));
    name_table_each(&table, count, &sum);
    assert_int_equal(sum, (int64_t)ITEMS * (ITEMS - 1) / 2);
    assert_int_equal(table.count, ITEMS);
    name_table_close(&table, free_item);
}

static void look(void *arg) {
    atomic_int *last = arg;
    while (atomic_load(last) < ITEMS - 1) {
        int seen = atomic_load(last);
        char name[32];
        snprintf(name, sizeof name, "topic-%d", seen);
        struct item *item = (struct item *)name_table_find(&table, bytes_of(name));
        if (seen >= 0) must(item && item->number == seen);
    }
}

static void readers_need_no_lock(void **state) {
    (void)state;
    atomic_int last = -1;
    pthread_t reader;
    name_table_init(&table, 16);
    assert_ok(thread_start(&reader, "reader", look, &last));
    for (int i = 0; i < ITEMS; i++) {
        add(i);
        atomic_store(&last, i);
    }
    thread_join(reader);
    name_table_close(&table, free_item);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(finds_what_was_added), cmocka_unit_test(readers_need_no_lock)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
