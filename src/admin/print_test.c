/* print_test.c - tables, times, versions, permissions; messages as Java prints them */
#include "admin/print.h"

#include <stdlib.h>
#include <time.h>
#include "admin/message_print.h"
#include "base/test.h"

static char *printed;
static size_t printed_len;

static FILE *printing(void) {
    FILE *out = open_memstream(&printed, &printed_len);
    assert_non_null(out);
    return out;
}

static void expect(FILE *out, const char *text) {
    fclose(out);
    assert_string_equal(printed, text);
    free(printed);
}

static void columns_are_padded_and_never_cut(void **state) {
    (void)state;
    static const struct column columns[] = {{"#A", -5, 2}, {"#B", 4, 1}, {"#C", 0, 0}};
    FILE *out = printing();
    struct table table = table_begin(out, columns, 3);
    table_text(&table, BYTES("a"));
    table_int(&table, 7);
    table_cell(&table, "%.1f", 0.5);
    table_text(&table, BYTES("longer than five"));
    table_int(&table, 12345);
    table_text(&table, (struct bytes){0});
    expect(out, "#A       #B #C\n"
                "a         7 0.5\n"
                "longer than five  12345 \n");
}

static void times_are_local(void **state) {
    (void)state;
    struct arena arena = {0};
    int64_t time_ms;
    assert_bytes(print_time(&arena, 1795478112385, TIME_MILLIS), "2026-11-23 23:55:12,385");
    assert_bytes(print_time(&arena, 1795478112385, TIME_SECONDS), "2026-11-23 23:55:12");
    assert_bytes(print_time(&arena, 1795478112385, TIME_COMPACT), "20261123235512385");
    assert_bytes(print_time(&arena, INT64_MAX, TIME_SECONDS), "292278994-08-17 07:12:55");
    assert_ok(print_parse_time(BYTES("2026-11-23#23:55:12:385"), &time_ms));
    assert_int_equal(time_ms, 1795478112385);
    assert_ok(print_parse_time(BYTES("2026-11-23#23:55:12"), &time_ms));
    assert_int_equal(time_ms, 1795478112000);
    assert_ok(print_parse_time(BYTES("-1"), &time_ms));
    assert_int_equal(time_ms, -1);
    assert_ok(print_parse_time(BYTES("now"), &time_ms));
    assert_true(time_ms > 1795478112385);
    const struct bytes wrong[] = {BYTES(""),
                                  BYTES("never"),
                                  BYTES("2026-11-23"),
                                  BYTES("2026-11-23#23:55:12:385x"),
                                  BYTES("2026-13-23#23:55:12:385"),
                                  BYTES("2026-11-23#23:55:12:-1")};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_err(print_parse_time(wrong[i], &time_ms), ERR_BAD_PARAMETER);
    arena_close(&arena);
}

static void versions_have_their_names(void **state) {
    (void)state;
    struct arena arena = {0};
    assert_bytes(print_version(&arena, 252), "V4_2_0_SNAPSHOT");
    assert_bytes(print_version(&arena, 253), "V4_2_0");
    assert_bytes(print_version(&arena, 409), "V4_9_8");
    assert_bytes(print_version(&arena, 479), "V5_3_3");
    assert_bytes(print_version(&arena, 213), "V4_0_0");
    assert_bytes(print_version(&arena, 1000), "HIGHER_VERSION");
    assert_bytes(print_version(&arena, 123), "V3 (123)");
    arena_close(&arena);
}

static void permissions_have_three_letters(void **state) {
    (void)state;
    assert_string_equal(print_perm(6), "RW-");
    assert_string_equal(print_perm(4), "R--");
    assert_string_equal(print_perm(7), "RWX");
}

/* A record as brokers send it. */
static struct message_block *message(struct bytes body, const char *properties) {
    struct record record = {.queue_id = 1,
                            .offset_queue = 2,
                            .offset_phys = 300,
                            .born_time_ms = 1795478112385,
                            .store_time_ms = 1795478112699,
                            .body = body,
                            .topic = BYTES("T"),
                            .properties = bytes_of(properties)};
    assert_ok(host_parse(BYTES("127.0.0.1:54578"), &record.born_host));
    assert_ok(host_parse(BYTES("127.0.0.1:50911"), &record.store_host));
    size_t size = record_size(&record);
    char *encoded = malloc(size);
    record_encode(&record, encoded);
    struct message_block *block =
        message_block_create(bytes_make(encoded, size), BYTES("broker-a"), NULL, (struct bytes){0});
    free(encoded);
    assert_int_equal(block->count, 1);
    return block;
}

/* The order of properties is that of the recorded output of the Java tool (golden queryMsgByOffset). */
static void a_message_is_a_line(void **state) {
    (void)state;
    struct message_block *block = message(BYTES("hi\xff"), "KEYS\1key0\2TAGS\1TagA\2WAIT\1true\2TRACE_ON\1true\2"
                                                           "UNIQ_KEY\1U\2CLUSTER\1C\2MSG_REGION\1R\2");
    block->messages[0].min_offset = 0;
    block->messages[0].max_offset = 39;
    FILE *out = printing();
    assert_ok(message_print_line(out, &block->messages[0], true, BYTES("ISO-8859-1")));
    expect(out,
           "MSGID: U MessageExt [brokerName=broker-a, queueId=1, storeSize=173, queueOffset=2, sysFlag=0, "
           "bornTimestamp=1795478112385, bornHost=/127.0.0.1:54578, storeTimestamp=1795478112699, "
           "storeHost=/127.0.0.1:50911, msgId=7F0000010000C6DF000000000000012C, commitLogOffset=300, "
           "bodyCRC=548961513, reconsumeTimes=0, preparedTransactionOffset=0, toString()=Message{topic='T', "
           "flag=0, properties={MSG_REGION=R, UNIQ_KEY=U, CLUSTER=C, MIN_OFFSET=0, TAGS=TagA, KEYS=key0, "
           "WAIT=true, TRACE_ON=true, MAX_OFFSET=39}, body=[104, 105, -1], transactionId='null'}] BODY: hi\xc3\xbf\n");
    message_block_release(block);
}

static void bodies_are_turned_into_utf_8(void **state) {
    (void)state;
    struct buf out = {0};
    assert_ok(message_text(BYTES("\xc4\xe3\xba\xc3"), BYTES("GBK"), &out));
    assert_bytes(buf_bytes(&out), "\xe4\xbd\xa0\xe5\xa5\xbd");
    buf_clear(&out);
    assert_ok(message_text(BYTES("a\xff"), BYTES("UTF-8"), &out));
    assert_bytes(buf_bytes(&out), "a?");
    buf_clear(&out);
    assert_ok(message_text(BYTES("a\xff"), (struct bytes){0}, &out));
    assert_bytes(buf_bytes(&out), "a\xff");
    assert_err(message_text(BYTES("a"), BYTES("no-such-set"), &out), ERR_BAD_PARAMETER);
    buf_close(&out);
}

int main(void) {
    setenv("TZ", "UTC", 1);
    tzset();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_are_padded_and_never_cut),
        cmocka_unit_test(times_are_local),
        cmocka_unit_test(versions_have_their_names),
        cmocka_unit_test(permissions_have_three_letters),
        cmocka_unit_test(a_message_is_a_line),
        cmocka_unit_test(bodies_are_turned_into_utf_8),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
