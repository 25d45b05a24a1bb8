/* record_test.c - records of every layout there and back; limits; every byte cut or flipped */
#include "message/record.h"

#include <stdlib.h>
#include "base/endian.h"
#include "base/test.h"

static struct host host_of(const char *text) {
    struct host host;
    assert_ok(host_parse(bytes_of(text), &host));
    return host;
}

static struct record sample(const char *born, const char *store) {
    return (struct record){
        .queue_id = 3,
        .flag = -1,
        .offset_queue = 77,
        .offset_phys = 0x123456789ABC,
        .sys_flag = SYS_FLAG_COMPRESSED | SYS_FLAG_ZLIB,
        .born_time_ms = 1795478175658,
        .store_time_ms = 1795478175999,
        .born_host = host_of(born),
        .store_host = host_of(store),
        .reconsume_times = 2,
        .prepared_offset = -5,
        .body = BYTES("the body"),
        .topic = BYTES("T"),
        .properties = BYTES("TAGS\001A\002"),
    };
}

static char *encode(const struct record *record, size_t *size) {
    *size = record_size(record);
    assert_true(*size > 0);
    char *encoded = malloc(*size);
    assert_non_null(encoded);
    record_encode(record, encoded);
    return encoded;
}

static void assert_same_host(const struct host *a, const struct host *b) {
    assert_int_equal(a->v6, b->v6);
    assert_int_equal(a->port, b->port);
    assert_memory_equal(a->ip, b->ip, sizeof a->ip);
}

static void assert_same_record(const struct record *a, const struct record *b) {
    assert_int_equal(a->queue_id, b->queue_id);
    assert_int_equal(a->flag, b->flag);
    assert_int_equal(a->offset_queue, b->offset_queue);
    assert_int_equal(a->offset_phys, b->offset_phys);
    assert_int_equal(a->born_time_ms, b->born_time_ms);
    assert_int_equal(a->store_time_ms, b->store_time_ms);
    assert_int_equal(a->reconsume_times, b->reconsume_times);
    assert_int_equal(a->prepared_offset, b->prepared_offset);
    assert_same_host(&a->born_host, &b->born_host);
    assert_same_host(&a->store_host, &b->store_host);
    assert_true(bytes_equal(a->body, b->body));
    assert_true(bytes_equal(a->topic, b->topic));
    assert_true(bytes_equal(a->properties, b->properties));
}

static void comes_back_with_every_kind_of_host(void **state) {
    (void)state;
    static const char *const hosts[] = {"192.0.2.2:10911", "[2001:db8::1]:65535"};
    for (int i = 0; i < 4; i++) {
        struct record record = sample(hosts[i / 2], hosts[i % 2]), back;
        size_t size;
        char *encoded = encode(&record, &size);
        assert_int_equal(size, RECORD_FIXED_V1_IPV4 + 8 + 1 + 7 + 12 * (i / 2 + i % 2));
        assert_ok(record_decode(bytes_make(encoded, size), RECORD_CHECK_BODY_CRC, &back));
        assert_same_record(&record, &back);
        assert_int_equal(back.size_bytes, size);
        int32_t host_bits = (i / 2 ? SYS_FLAG_BORN_HOST_V6 : 0) | (i % 2 ? SYS_FLAG_STORE_HOST_V6 : 0);
        assert_int_equal(back.sys_flag, record.sys_flag | host_bits);
        free(encoded);
    }
}

static void long_topics_take_the_second_version(void **state) {
    (void)state;
    char topic[300];
    memset(topic, 't', sizeof topic);
    for (size_t len = 126; len <= sizeof topic; len++) {
        struct record record = sample("1.2.3.4:5", "1.2.3.4:5"), back;
        record.topic = bytes_make(topic, len);
        size_t size;
        char *encoded = encode(&record, &size);
        bool v2 = len > RECORD_TOPIC_V1_MAX;
        assert_int_equal(load_u32be(encoded + RECORD_AT_MAGIC), v2 ? RECORD_MAGIC_V2 : RECORD_MAGIC_V1);
        assert_int_equal(size, RECORD_FIXED_V1_IPV4 + v2 + 8 + len + 7);
        assert_ok(record_decode(bytes_make(encoded, size), RECORD_CHECK_SHAPE, &back));
        assert_same_record(&record, &back);
        free(encoded);
    }
}

static void empty_parts_are_fine(void **state) {
    (void)state;
    struct record record = sample("1.2.3.4:5", "1.2.3.4:5"), back;
    record.body = record.topic = record.properties = (struct bytes){0};
    size_t size;
    char *encoded = encode(&record, &size);
    assert_int_equal(size, RECORD_FIXED_V1_IPV4);
    assert_ok(record_decode(bytes_make(encoded, size), RECORD_CHECK_BODY_CRC, &back));
    assert_int_equal(back.body.len + back.topic.len + back.properties.len, 0);
    free(encoded);
}

static void parts_over_their_limit_have_no_size(void **state) {
    (void)state;
    struct record record = sample("1.2.3.4:5", "1.2.3.4:5");
    record.properties.len = RECORD_PROPERTIES_MAX;
    assert_true(record_size(&record) > RECORD_PROPERTIES_MAX);
    record.properties.len++;
    assert_int_equal(record_size(&record), 0);
    record = sample("1.2.3.4:5", "1.2.3.4:5");
    record.topic.len = 32768;
    assert_int_equal(record_size(&record), 0);
    record = sample("1.2.3.4:5", "1.2.3.4:5");
    record.body.len = (size_t)INT32_MAX;
    assert_int_equal(record_size(&record), 0);
}

static void patch_touches_three_fields_only(void **state) {
    (void)state;
    static const char *const hosts[] = {"1.2.3.4:5", "[::1]:5"};
    for (int i = 0; i < 2; i++) {
        struct record record = sample(hosts[i], "9.9.9.9:9"), back;
        size_t size;
        char *encoded = encode(&record, &size);
        record_patch(encoded, 1, 2, 3);
        assert_int_equal(record_store_time_ms(encoded), 3);
        assert_ok(record_decode(bytes_make(encoded, size), RECORD_CHECK_BODY_CRC, &back));
        record.offset_queue = 1;
        record.offset_phys = 2;
        record.store_time_ms = 3;
        assert_same_record(&record, &back);
        free(encoded);
    }
}

static void what_is_no_record_is_refused(void **state) {
    (void)state;
    struct record record = sample("1.2.3.4:5", "[::1]:6"), back;
    size_t size;
    char *encoded = encode(&record, &size);
    for (size_t len = 0; len < size; len++)
        assert_err(record_decode(bytes_make(encoded, len), RECORD_CHECK_SHAPE, &back), ERR_CORRUPT);
    uint32_t sizes[] = {
        0, 1, RECORD_AT_BORN_HOST, RECORD_FIXED_V1_IPV4, (uint32_t)size - 1, (uint32_t)size + 1, INT32_MAX, UINT32_MAX};
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        store_u32be(encoded, sizes[i]);
        assert_err(record_decode(bytes_make(encoded, size), RECORD_CHECK_SHAPE, &back), ERR_CORRUPT);
    }
    store_u32be(encoded, (uint32_t)size);
    uint32_t magics[] = {0, RECORD_MAGIC_BLANK, RECORD_MAGIC_V2 /* the topic's length has one byte here */};
    for (size_t i = 0; i < ARRAY_LEN(magics); i++) {
        store_u32be(encoded + RECORD_AT_MAGIC, magics[i]);
        assert_err(record_decode(bytes_make(encoded, size), RECORD_CHECK_SHAPE, &back), ERR_CORRUPT);
    }
    free(encoded);
}

static void a_damaged_body_is_found_when_asked(void **state) {
    (void)state;
    struct record record = sample("1.2.3.4:5", "1.2.3.4:5"), back;
    size_t size;
    char *encoded = encode(&record, &size);
    size_t body_at = RECORD_FIXED_V1_IPV4 - 3; /* behind it: the lengths of topic and properties */
    assert_memory_equal(encoded + body_at, "the body", 8);
    encoded[body_at] ^= 1;
    assert_ok(record_decode(bytes_make(encoded, size), RECORD_CHECK_SHAPE, &back));
    assert_err(record_decode(bytes_make(encoded, size), RECORD_CHECK_BODY_CRC, &back), ERR_CORRUPT);
    free(encoded);
}

static void bit_flips_never_read_outside(void **state) {
    (void)state;
    struct record record = sample("1.2.3.4:5", "1.2.3.4:5"), back;
    size_t size, accepted = 0;
    char *encoded = encode(&record, &size);
    for (size_t bit = 0; bit < size * 8; bit++) {
        encoded[bit / 8] ^= (char)(1 << bit % 8);
        if (record_decode(bytes_make(encoded, size), RECORD_CHECK_SHAPE, &back) == ERR_OK) {
            accepted++;
            assert_true(back.properties.data + back.properties.len == encoded + size);
        }
        encoded[bit / 8] ^= (char)(1 << bit % 8);
    }
    assert_in_range(accepted, 1, size * 8 - 96);
    free(encoded);
}

static void hosts_have_a_text(void **state) {
    (void)state;
    static const char *const texts[] = {"0.0.0.0:0", "127.0.0.1:10911", "255.255.255.255:65535", "[::1]:10911",
                                        "[2001:db8::ff00:42:8329]:1"};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct host host = host_of(texts[i]);
        char text[64];
        assert_string_equal(host_text(&host, text), texts[i]);
    }
    static const char *const bad[] = {"",
                                      ":",
                                      ":1",
                                      "1.2.3.4",
                                      "1.2.3.4:",
                                      "1.2.3.4:x",
                                      "1.2.3.4:65536",
                                      "1.2.3.4:-1",
                                      "1.2.3:4",
                                      "localhost:1",
                                      "::1:1",
                                      "[::1]",
                                      "[1.2.3.4]:1",
                                      "[]:1",
                                      "1.2.3.4.5.6.7.8.9.10.11.12.13.14.15.16.17.18.19.20.21.22.23.24.25:1"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct host host;
        assert_err(host_parse(bytes_of(bad[i]), &host), ERR_BAD_INPUT);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comes_back_with_every_kind_of_host),
        cmocka_unit_test(long_topics_take_the_second_version),
        cmocka_unit_test(empty_parts_are_fine),
        cmocka_unit_test(parts_over_their_limit_have_no_size),
        cmocka_unit_test(patch_touches_three_fields_only),
        cmocka_unit_test(what_is_no_record_is_refused),
        cmocka_unit_test(a_damaged_body_is_found_when_asked),
        cmocka_unit_test(bit_flips_never_read_outside),
        cmocka_unit_test(hosts_have_a_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
