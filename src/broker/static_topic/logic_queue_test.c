/* logic_queue_test.c - offsets from one stretch to the next, answers to pulls, and which mapping may follow which */
#include "base/check.h"
#include "base/test.h"
#include "broker/static_topic/logic_queue.h"
#include "wire/response.h"

/* Three stretches: 10 messages, then from 100 on 20 messages, then from 1000 on. */
static const struct mapping_item items[] = {
    {.gen = 0, .queue_id = 4, .broker_name = BYTES("a"), .logic_offset = 0, .end_offset = OFFSET_UNDECIDED},
    {.gen = 1, .queue_id = 5, .broker_name = BYTES("b"), .logic_offset = 100, .end_offset = 20},
    {.gen = 2, .queue_id = 6, .broker_name = BYTES("a"), .logic_offset = 1000, .end_offset = OFFSET_UNDECIDED},
};
static const struct logic_queue queue = {.id = 0, .items = items, .item_count = ARRAY_LEN(items)};

/* The last one takes messages, and where it begins is not decided. */
static const struct mapping_item open_items[] = {
    {.gen = 0, .broker_name = BYTES("a"), .logic_offset = 0, .end_offset = OFFSET_UNDECIDED},
    {.gen = 1, .broker_name = BYTES("b"), .logic_offset = OFFSET_UNDECIDED, .end_offset = OFFSET_UNDECIDED},
};
static const struct logic_queue open_queue = {.id = 1, .items = open_items, .item_count = ARRAY_LEN(open_items)};

static void stretches_are_found(void **state) {
    (void)state;
    assert_ptr_equal(logic_queue_find(&queue, INT64_MIN), &items[0]);
    assert_ptr_equal(logic_queue_find(&queue, 0), &items[0]);
    assert_ptr_equal(logic_queue_find(&queue, 99), &items[0]);
    assert_ptr_equal(logic_queue_find(&queue, 100), &items[1]);
    assert_ptr_equal(logic_queue_find(&queue, 999), &items[1]);
    assert_ptr_equal(logic_queue_find(&queue, INT64_MAX), &items[2]);
    assert_ptr_equal(logic_queue_next(&queue, &items[0]), &items[1]);
    assert_null(logic_queue_next(&queue, &items[2]));
    assert_ptr_equal(logic_queue_find(&open_queue, INT64_MAX), &open_items[0]);
    assert_null(logic_queue_next(&open_queue, &open_items[0]));
    const struct logic_queue undecided = {.items = &open_items[1], .item_count = 1};
    assert_null(logic_queue_find(&undecided, 0));
}

static void offsets_are_translated(void **state) {
    (void)state;
    assert_int_equal(logic_to_physical(&items[1], 107), 7);
    assert_int_equal(logic_from_physical(&items[1], 7), 107);
    assert_int_equal(logic_from_physical(&items[1], -1), 100);
    assert_int_equal(logic_from_physical(&items[1], 25), 125);
    assert_int_equal(logic_from_physical_within(&items[1], 25), 120);
    assert_int_equal(logic_from_physical_within(&open_items[1], 3), OFFSET_UNDECIDED);
    assert_int_equal(logic_to_physical(&items[1], INT64_MAX), OFFSET_MAX - 100); /* whatever a client asks for */
    assert_true(logic_to_physical(&items[1], INT64_MIN) < 0);
    assert_int_equal(logic_from_physical(&items[1], INT64_MAX), OFFSET_MAX + 100);
}

static struct hdr_pull_result pull(const struct logic_queue *of, const struct mapping_item *item, int64_t asked,
                                   int64_t min, int64_t max, int64_t next, int32_t *code) {
    struct hdr_pull_result result = {.next_begin_offset = next, .min_offset = min, .max_offset = max};
    logic_queue_translate_pull(of, item, asked, code, &result);
    return result;
}

static void pulls_are_translated(void **state) {
    (void)state;
    int32_t code = RESPONSE_SUCCESS;
    struct hdr_pull_result result = pull(&queue, &items[1], 5, 0, 20, 9, &code);
    assert_int_equal(code, RESPONSE_SUCCESS);
    assert_int_equal(result.next_begin_offset, 109);
    assert_int_equal(result.min_offset, 100);
    assert_int_equal(result.max_offset, 1000); /* there is more behind this stretch */
    assert_int_equal(result.offset_delta, 100);
    assert_true(result.has.offset_delta);

    code = RESPONSE_PULL_NOT_FOUND; /* the end of a stretch: on to the next */
    result = pull(&queue, &items[0], 10, 0, 10, 10, &code);
    assert_int_equal(code, RESPONSE_PULL_RETRY_IMMEDIATELY);
    assert_int_equal(result.next_begin_offset, 100);
    code = RESPONSE_PULL_OFFSET_MOVED;
    result = pull(&queue, &items[1], 700, 0, 20, 20, &code);
    assert_int_equal(code, RESPONSE_PULL_RETRY_IMMEDIATELY);
    assert_int_equal(result.next_begin_offset, 1000);

    code = RESPONSE_PULL_NOT_FOUND; /* the end of the queue */
    result = pull(&queue, &items[2], 3, 0, 3, 3, &code);
    assert_int_equal(code, RESPONSE_PULL_NOT_FOUND);
    assert_int_equal(result.next_begin_offset, 1003);
    code = RESPONSE_PULL_OFFSET_MOVED; /* beyond it */
    result = pull(&queue, &items[2], 9, 0, 3, 3, &code);
    assert_int_equal(code, RESPONSE_PULL_OFFSET_MOVED);
    assert_int_equal(result.next_begin_offset, 1003);

    code = RESPONSE_PULL_OFFSET_MOVED; /* what is asked for has been removed */
    result = pull(&queue, &items[0], 2, 6, 10, 6, &code);
    assert_int_equal(code, RESPONSE_PULL_OFFSET_MOVED);
    assert_int_equal(result.next_begin_offset, 6);
    code = RESPONSE_PULL_OFFSET_MOVED; /* in the middle of the queue nothing has moved */
    result = pull(&queue, &items[1], 2, 6, 20, 6, &code);
    assert_int_equal(code, RESPONSE_PULL_RETRY_IMMEDIATELY);
    assert_int_equal(result.next_begin_offset, 106);

    code = RESPONSE_PULL_OFFSET_MOVED; /* the next stretch takes messages, but where it begins is not decided */
    result = pull(&open_queue, &open_items[0], 12, 0, 10, 10, &code);
    assert_int_equal(code, RESPONSE_PULL_NOT_FOUND);
    assert_int_equal(result.next_begin_offset, 10);
    assert_int_equal(result.max_offset, 10);
}

static struct queue_mapping_detail detail_of(const struct logic_queue *queues, size_t count) {
    return (struct queue_mapping_detail){
        .topic = BYTES("T"), .broker_name = BYTES("a"), .scope = BYTES("g"), .queues = queues, .queue_count = count};
}

#define assert_refused_with(call, text)                                                                                \
    do {                                                                                                               \
        assert_err(call, ERR_FAILED);                                                                                  \
        assert_string_equal(err_detail(ERR_FAILED), text);                                                             \
    } while (0)

/* The mapping with one item changed. */
static enum err check_with(size_t at, struct mapping_item item) {
    struct mapping_item changed[ARRAY_LEN(items)];
    memcpy(changed, items, sizeof items);
    changed[at] = item;
    const struct logic_queue one = {.id = 0, .items = changed, .item_count = ARRAY_LEN(items)};
    struct queue_mapping_detail detail = detail_of(&one, 1);
    return queue_mapping_check(&detail);
}

static void impossible_mappings_are_refused(void **state) {
    (void)state;
    struct mapping_item item = items[1];
    assert_ok(check_with(1, item));
    item.queue_id = -1;
    assert_refused_with(check_with(1, item), "The field is illegal, should not be negative");
    item = items[1];
    item.logic_offset = OFFSET_UNDECIDED;
    assert_refused_with(check_with(1, item), "The non-latest item has negative logic offset");
    item = items[1];
    item.gen = 0;
    assert_refused_with(check_with(1, item), "The gen does not increase monotonically");
    item = items[1];
    item.start_offset = 30;
    assert_refused_with(check_with(1, item), "The endOffset is smaller than the start offset");
    item = items[1];
    item.logic_offset = 0;
    assert_refused_with(check_with(1, item), "The base logic offset does not increase monotonically");
    item = items[1];
    item.end_offset = 900;
    assert_refused_with(check_with(1, item), "The max logic offset does not increase monotonically");
}

static void mappings_follow_each_other(void **state) {
    (void)state;
    struct mapping_item more[3];
    memcpy(more, items, sizeof items);
    struct logic_queue two = {.id = 0, .items = items, .item_count = 2},
                       three = {.id = 0, .items = more, .item_count = 3};
    struct queue_mapping_detail former = detail_of(&two, 1), next = detail_of(&three, 1);
    former.epoch = 5;
    next.epoch = 6;
    assert_ok(queue_mapping_check_successor(&former, &next));
    next.epoch = 4;
    assert_refused_with(queue_mapping_check_successor(&former, &next), "Can't accept data with small epoch 4 < 5");
    next.epoch = 5;
    assert_refused_with(queue_mapping_check_successor(&former, &next), "The new leader is different but epoch equal");
    next.epoch = 6;
    next.scope = BYTES("h");
    assert_refused_with(queue_mapping_check_successor(&former, &next), "Can't accept data with unmatched scope h != g");
    next.scope = former.scope;
    more[0].queue_id = 9;
    assert_refused_with(queue_mapping_check_successor(&former, &next),
                        "The item of generation 0 in queue 0 is not the one that is known");
    memcpy(more, items, sizeof items);
    three.items = &more[1]; /* the first stretch was empty and is gone */
    three.item_count = 2;
    assert_ok(queue_mapping_check_successor(&former, &next));
    next.queue_count = 0;
    assert_ok(queue_mapping_check_successor(&former, &next)); /* its queues are kept */
    next.epoch = 5;
    assert_refused_with(queue_mapping_check_successor(&former, &next), "Cannot accept equal epoch with null data");

    struct logic_queue open = open_queue, decided = open_queue;
    struct mapping_item decided_items[2];
    memcpy(decided_items, open_items, sizeof open_items);
    decided_items[1].logic_offset = 100;
    decided.items = decided_items;
    former = detail_of(&open, 1);
    next = detail_of(&decided, 1);
    assert_ok(queue_mapping_check_successor(&former, &next)); /* decided once, under the same epoch */
    assert_err(queue_mapping_check_successor(&next, &former), ERR_FAILED);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stretches_are_found),        cmocka_unit_test(offsets_are_translated),
        cmocka_unit_test(pulls_are_translated),       cmocka_unit_test(impossible_mappings_are_refused),
        cmocka_unit_test(mappings_follow_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
