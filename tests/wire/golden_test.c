/* What real Java servers and clients sent, frame by frame: read as the list beside it says, and written again. */
#include <stdio.h>
#include <stdlib.h>
#include "base/json.h"
#include "base/test.h"
#include "message/batch.h"
#include "message/compress.h"
#include "message/record.h"
#include "os/file.h"
#include "wire/body_heartbeat.h"
#include "wire/body_lock.h"
#include "wire/header.h"
#include "wire/request.h"

enum { FILE_MAX = 4 << 20 };
enum column { FILE_NAME, DIRECTION, CODE, NAME, OPAQUE, SERIALIZATION, FLAG, VERSION, RESPONSE, EXT, REMARK, BODY_LEN };

struct golden {
    struct arena arena;
    struct buf index, frame, again;
    struct bytes columns[BODY_LEN + 1]; /* of the current row */
    struct command command;             /* of its file */
};

static int set_up(void **state) {
    *state = calloc(1, sizeof(struct golden));
    return *state == NULL;
}

static int tear_down(void **state) {
    struct golden *golden = *state;
    buf_close(&golden->index);
    buf_close(&golden->frame);
    buf_close(&golden->again);
    arena_close(&golden->arena);
    free(golden);
    return 0;
}

static int64_t number(const struct golden *golden, enum column column) {
    int64_t value = 0;
    if (!bytes_to_i64(golden->columns[column], &value))
        fail_msg("%.*s: column %d is no number", BYTES_ARG(golden->columns[FILE_NAME]), column);
    return value;
}

static bool is_response(const struct golden *golden) {
    return golden->columns[RESPONSE].len > 0;
}

/* Calls `check` for each row of the list with its file decoded. */
static void for_each_frame(struct golden *golden, void (*check)(struct golden *golden)) {
    const char *dir = getenv("RMQ_GOLDEN");
    char path[1024];
    snprintf(path, sizeof path, "%s/wire/index.tsv", dir != NULL ? dir : "");
    if (dir == NULL || !file_exists(path)) skip();
    assert_ok(file_read_all(path, FILE_MAX, &golden->index));
    struct bytes rest = buf_bytes(&golden->index), line;
    size_t count = 0;
    assert_true(bytes_split(&rest, '\n', &line)); /* the titles */
    for (; bytes_split(&rest, '\n', &line); count++) {
        for (size_t i = 0; i <= BODY_LEN; i++) assert_true(bytes_split(&line, '\t', &golden->columns[i]));
        snprintf(path, sizeof path, "%s/wire/%.*s", dir, BYTES_ARG(golden->columns[FILE_NAME]));
        buf_clear(&golden->frame);
        arena_reset(&golden->arena);
        assert_ok(file_read_all(path, FILE_MAX, &golden->frame));
        size_t len, need;
        assert_ok(frame_cut(buf_bytes(&golden->frame), FRAME_MAX_DEFAULT, &len, &need));
        assert_int_equal(len, golden->frame.len);
        assert_ok(command_decode(&golden->arena, buf_bytes(&golden->frame), &golden->command));
        check(golden);
    }
    assert_in_range(count, 100, 100000);
}

static void assert_same_text(const struct golden *golden, const char *what, struct bytes actual,
                             struct bytes expected) {
    if ((actual.data == NULL) == (expected.data == NULL) && bytes_equal(actual, expected)) return;
    fail_msg("%.*s: %s is \"%.*s\", not \"%.*s\"", BYTES_ARG(golden->columns[FILE_NAME]), what, BYTES_ARG(actual),
             BYTES_ARG(expected));
}

/* The remark column has its newlines as \n. */
static struct bytes listed_remark(struct golden *golden) {
    struct bytes column = golden->columns[REMARK];
    if (column.len == 0) return (struct bytes){0};
    char *text = arena_alloc(&golden->arena, column.len);
    return bytes_make(text, json_unescape(column, text));
}

static size_t distinct_ext(const struct command *command) {
    size_t count = 0;
    for (size_t i = 0; i < command->ext_count; i++) {
        bool again = false;
        for (size_t j = i + 1; j < command->ext_count; j++)
            again |= bytes_equal(command->ext[i].key, command->ext[j].key);
        count += !again;
    }
    return count;
}

static void check_as_listed(struct golden *golden) {
    const struct command *command = &golden->command;
    int64_t code = number(golden, is_response(golden) ? RESPONSE : CODE);
    if (code == (REQUEST_POP_MESSAGE & 0xFFFF)) code = REQUEST_POP_MESSAGE; /* listed as it came in a binary header */
    assert_int_equal(command->code, code);
    assert_int_equal(command->opaque, number(golden, OPAQUE));
    assert_int_equal(command->flag, number(golden, FLAG));
    assert_int_equal(command->version, number(golden, VERSION));
    assert_int_equal(command->body.len, number(golden, BODY_LEN));
    bool json = bytes_is(golden->columns[SERIALIZATION], "JSON");
    assert_int_equal(command->serialize, json ? SERIALIZE_JSON : SERIALIZE_ROCKETMQ);
    assert_int_equal(command->language, LANGUAGE_JAVA);
    assert_same_text(golden, "the remark", command->remark, listed_remark(golden));
    const struct json *listed;
    assert_ok(json_parse(&golden->arena, golden->columns[EXT], &listed));
    assert_int_equal(distinct_ext(command), listed->count);
    for (const struct json *field = json_first(listed); field != NULL; field = field->next) {
        const char *key = arena_strdup(&golden->arena, field->key);
        assert_same_text(golden, key, command_ext(command, key), json_text(field));
    }
}

static void frames_are_read_as_listed(void **state) {
    for_each_frame(*state, check_as_listed);
}

static void check_comes_back(struct golden *golden) {
    const struct command *command = &golden->command;
    for (int type = SERIALIZE_JSON; type <= SERIALIZE_ROCKETMQ; type++) {
        struct command other = *command, back;
        other.serialize = type;
        buf_clear(&golden->again);
        command_encode(&golden->again, &other, NULL, NULL, command->body.len);
        buf_append_bytes(&golden->again, command->body);
        assert_ok(command_decode(&golden->arena, buf_bytes(&golden->again), &back));
        assert_int_equal(back.code, command->code);
        assert_int_equal(back.opaque, command->opaque);
        assert_int_equal(back.flag, command->flag);
        assert_int_equal(back.version, command->version);
        assert_int_equal(back.language, command->language);
        assert_int_equal(back.ext_count, command->ext_count);
        assert_same_text(golden, "the remark", back.remark, command->remark);
        assert_same_text(golden, "the body", back.body, command->body);
        for (size_t i = 0; i < command->ext_count; i++) {
            assert_same_text(golden, "a key", back.ext[i].key, command->ext[i].key);
            struct bytes value = command->ext[i].value;
            if (type == SERIALIZE_ROCKETMQ && value.len == 0)
                value.data = NULL; /* binary headers know no empty texts */
            assert_same_text(golden, "a value", back.ext[i].value, value);
        }
    }
}

static void frames_come_back_in_both_serializations(void **state) {
    for_each_frame(*state, check_comes_back);
}

struct coded_layout {
    int code;
    const struct header_layout *(*layout)(void);
};
/* By the tables, and codes that have no handler yet. */
static const struct coded_layout request_layouts[] = {
#define BROKER(name, code, function, runs, header) {code, layout_##header},
#define NAMESRV(name, code, function, header)      {code, layout_##header},
#define CLIENT(name, code, function, header)       {code, layout_##header},
#include "wire/requests.def"
    {REQUEST_END_TRANSACTION, layout_end_transaction},
    {REQUEST_SEND_REPLY_MESSAGE_V2, layout_send_message_v2},
    {REQUEST_POP_MESSAGE, layout_pop_message},
    {REQUEST_ACK_MESSAGE, layout_ack_message},
    {REQUEST_CHANGE_MESSAGE_INVISIBLETIME, layout_change_message_invisibletime},
    {REQUEST_QUERY_ASSIGNMENT, layout_none},
    {REQUEST_SET_MESSAGE_REQUEST_MODE, layout_none},
};
static const struct coded_layout response_layouts[] = {
    {REQUEST_SEND_MESSAGE, layout_send_result},
    {REQUEST_SEND_MESSAGE_V2, layout_send_result},
    {REQUEST_SEND_BATCH_MESSAGE, layout_send_result},
    {REQUEST_SEND_REPLY_MESSAGE_V2, layout_send_result},
    {REQUEST_PULL_MESSAGE, layout_pull_result},
    {REQUEST_LITE_PULL_MESSAGE, layout_pull_result},
    {REQUEST_QUERY_MESSAGE, layout_query_message_result},
    {REQUEST_QUERY_CONSUMER_OFFSET, layout_offset_result},
    {REQUEST_SEARCH_OFFSET_BY_TIMESTAMP, layout_offset_result},
    {REQUEST_GET_MAX_OFFSET, layout_offset_result},
    {REQUEST_HEART_BEAT, layout_heart_beat_result},
    {REQUEST_REGISTER_BROKER, layout_register_broker_result},
    {REQUEST_QUERY_DATA_VERSION, layout_query_data_version_result},
    {REQUEST_ADD_WRITE_PERM_OF_BROKER, layout_add_write_perm_of_broker_result},
    {REQUEST_POP_MESSAGE, layout_pop_result},
    {REQUEST_CHANGE_MESSAGE_INVISIBLETIME, layout_change_message_invisibletime_result},
};

static const struct header_layout *find_layout(const struct coded_layout *layouts, size_t count, int code) {
    for (size_t i = 0; i < count; i++)
        if (layouts[i].code == code) return layouts[i].layout();
    return NULL;
}

static const struct header_layout *layout_of(const struct golden *golden, int code) {
    if (!is_response(golden)) return find_layout(request_layouts, ARRAY_LEN(request_layouts), code);
    const struct header_layout *layout = find_layout(response_layouts, ARRAY_LEN(response_layouts), code);
    return layout != NULL ? layout : layout_none();
}

/* Fields that any request may carry: they have no row. */
static bool is_common(struct bytes key) {
    static const char *const common[] = {"bname", "lo", "ReqT", "AccessKey", "Signature"};
    for (size_t i = 0; i < ARRAY_LEN(common); i++)
        if (bytes_is(key, common[i])) return true;
    return false;
}

/* Every field that came has a row, is found by it, and none is left over. */
static void check_fields(struct golden *golden) {
    const struct command *command = &golden->command;
    int code = (int)number(golden, CODE);
    if (code == (REQUEST_POP_MESSAGE & 0xFFFF)) code = REQUEST_POP_MESSAGE;
    bool refused = is_response(golden) && command->code != 0;
    if (refused && command->ext_count == 0) return;
    const struct header_layout *layout = layout_of(golden, code);
    if (layout == NULL) fail_msg("%.*s: no layout", BYTES_ARG(golden->columns[FILE_NAME]));
    char *fields = arena_alloc(&golden->arena, layout->size_bytes);
    enum err err = header_decode(layout, command, fields);
    if (err != ERR_OK) fail_msg("%.*s: %s", BYTES_ARG(golden->columns[FILE_NAME]), err_detail(err));
    size_t known = 0;
    for (size_t i = 0; i < command->ext_count; i++) known += !is_common(command->ext[i].key);
    if (layout == layout_send_message() && command_ext(command, "bname").data != NULL) known++;
    size_t doubles = command->ext_count - distinct_ext(command);
    assert_int_equal((size_t)__builtin_popcount(*(uint32_t *)fields), known - doubles);
}

static void fields_fill_their_structs(void **state) {
    for_each_frame(*state, check_fields);
}

static bool carries_records(const struct golden *golden) {
    int64_t code = number(golden, CODE);
    if (!is_response(golden)) return code == REQUEST_CHECK_TRANSACTION_STATE;
    return code == REQUEST_PULL_MESSAGE || code == REQUEST_LITE_PULL_MESSAGE || code == REQUEST_QUERY_MESSAGE ||
           code == REQUEST_VIEW_MESSAGE_BY_ID || code == REQUEST_POP_MESSAGE;
}

static size_t record_count, compressed_count;

static void check_records(struct golden *golden) {
    if (!carries_records(golden)) return;
    struct bytes rest = golden->command.body;
    while (rest.len > 0) {
        struct record record;
        assert_ok(record_decode(rest, RECORD_CHECK_BODY_CRC, &record));
        assert_int_equal(record_size(&record), record.size_bytes);
        char *again = arena_alloc(&golden->arena, record.size_bytes);
        record_encode(&record, again);
        assert_memory_equal(again, rest.data, record.size_bytes);
        assert_int_equal(record_store_time_ms(again), record.store_time_ms);
        buf_clear(&golden->again);
        assert_ok(body_decompress(record.sys_flag, record.body, FILE_MAX, &golden->again));
        bool compressed = record.sys_flag & SYS_FLAG_COMPRESSED;
        assert_true(compressed ? golden->again.len > record.body.len : golden->again.len == record.body.len);
        compressed_count += compressed;
        rest = bytes_skip(rest, record.size_bytes);
        record_count++;
    }
}

static void records_come_back_byte_for_byte(void **state) {
    for_each_frame(*state, check_records);
    assert_in_range(record_count, 20, 100000);
    assert_in_range(compressed_count, 1, record_count);
}

static size_t batch_count, heartbeat_count, lock_count;

static void check_batch(struct golden *golden) {
    struct bytes rest = golden->command.body;
    struct batch_item item;
    buf_clear(&golden->again);
    for (bool more = true; more;) {
        assert_ok(batch_next(&rest, &item, &more));
        if (more) batch_append(&golden->again, &item);
    }
    assert_same_text(golden, "the batch", buf_bytes(&golden->again), golden->command.body);
    batch_count++;
}

/* What 5.3.3 writes is what we write; older clients leave members out. */
static void check_heartbeat(struct golden *golden) {
    struct heartbeat heartbeat;
    assert_ok(heartbeat_decode(&golden->arena, golden->command.body, &heartbeat));
    assert_true(heartbeat.producer_count > 0);
    buf_clear(&golden->again);
    heartbeat_encode(&heartbeat, &golden->again);
    if (golden->command.version == VERSION_OURS)
        assert_same_text(golden, "the heartbeat", buf_bytes(&golden->again), golden->command.body);
    heartbeat_count++;
}

static void check_lock(struct golden *golden) {
    struct lock_batch batch;
    const struct message_queue *queues;
    size_t count;
    if (is_response(golden)) {
        assert_ok(lock_result_decode(&golden->arena, golden->command.body, &queues, &count));
        buf_clear(&golden->again);
        lock_result_encode(queues, count, &golden->again);
        assert_same_text(golden, "the locks", buf_bytes(&golden->again), golden->command.body);
    } else {
        assert_ok(lock_batch_decode(&golden->arena, golden->command.body, &batch));
        assert_true(batch.count > 0 && batch.consumer_group.len > 0 && batch.client_id.len > 0);
    }
    lock_count++;
}

static void check_body(struct golden *golden) {
    int64_t code = number(golden, CODE);
    if (code == REQUEST_SEND_BATCH_MESSAGE && !is_response(golden)) check_batch(golden);
    if (code == REQUEST_HEART_BEAT && !is_response(golden)) check_heartbeat(golden);
    if (code == REQUEST_LOCK_BATCH_MQ) check_lock(golden);
}

static void bodies_are_read_and_written_as_java_does(void **state) {
    for_each_frame(*state, check_body);
    assert_true(batch_count > 0 && heartbeat_count > 0 && lock_count > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(frames_are_read_as_listed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(frames_come_back_in_both_serializations, set_up, tear_down),
        cmocka_unit_test_setup_teardown(fields_fill_their_structs, set_up, tear_down),
        cmocka_unit_test_setup_teardown(records_come_back_byte_for_byte, set_up, tear_down),
        cmocka_unit_test_setup_teardown(bodies_are_read_and_written_as_java_does, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
