/* topic_names.c - the rules, and the table of names that are taken */
#include "broker/tables/topic_names.h"

#include "base/check.h"
#include "broker/tables/groups.h"
#include "broker/tables/topics.h"

const struct topic_system_name topic_system_names[] = {
    {"TBW102", false},
    {"SCHEDULE_TOPIC_XXXX", true},
    {"BenchmarkTest", false},
    {"RMQ_SYS_TRANS_HALF_TOPIC", true},
    {"RMQ_SYS_TRACE_TOPIC", false},
    {"RMQ_SYS_TRANS_OP_HALF_TOPIC", true},
    {"TRANS_CHECK_MAX_TIME_TOPIC", true},
    {"SELF_TEST_TOPIC", true},
    {"OFFSET_MOVED_EVENT", true},
    {"CHECKPOINT_TOPIC", false},
    {"RMQ_SYS_ROCKSDB_TRANS_HALF_TOPIC", true}, /* 5.4 makes the two at each start; nothing of ours uses them */
    {"RMQ_SYS_ROCKSDB_TRANS_OP_HALF_TOPIC", true},
};
const size_t topic_system_name_count = ARRAY_LEN(topic_system_names);

bool topic_name_forbidden(struct bytes name) {
    for (size_t i = 0; i < topic_system_name_count; i++)
        if (topic_system_names[i].sends_forbidden && bytes_is(name, topic_system_names[i].name)) return true;
    return false;
}

static bool name_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '%' || c == '|' ||
           c == '-' || c == '_';
}

static bool name_legal(struct bytes name) {
    for (size_t i = 0; i < name.len; i++)
        if (!name_char(name.data[i])) return false;
    return true;
}

#define LEGAL_CHARS "contains illegal characters, allowing only ^[%%|a-zA-Z0-9_-]+$"

enum err topic_name_check(struct bytes name) {
    bool of_group = bytes_starts_with(name, TOPIC_RETRY_PREFIX) || bytes_starts_with(name, TOPIC_DLQ_PREFIX);
    if (bytes_trim(name).len == 0) return fail(ERR_BAD_PARAMETER, "The specified topic is blank.");
    if (!name_legal(name)) return fail(ERR_BAD_PARAMETER, "The specified topic: %.*s, " LEGAL_CHARS, BYTES_ARG(name));
    if (of_group && name.len > GROUP_TOPIC_NAME_MAX)
        return fail(ERR_BAD_PARAMETER,
                    "The specified topic is DLQ or Retry topic: %.*s, and it's longer than topic max length: %d",
                    BYTES_ARG(name), GROUP_TOPIC_NAME_MAX);
    if (!of_group && name.len > TOPIC_NAME_MAX)
        return fail(ERR_BAD_PARAMETER, "The specified topic: %.*s, is longer than topic max length: %d",
                    BYTES_ARG(name), TOPIC_NAME_MAX);
    return ERR_OK;
}

enum err group_name_check(struct bytes name) {
    if (bytes_trim(name).len == 0) return fail(ERR_BAD_PARAMETER, "The specified group is blank.");
    if (!name_legal(name)) return fail(ERR_BAD_PARAMETER, "The specified group: %.*s, " LEGAL_CHARS, BYTES_ARG(name));
    if (name.len > NEW_GROUP_NAME_MAX)
        return fail(ERR_BAD_PARAMETER, "The specified group: %.*s, is longer than group max length: %d",
                    BYTES_ARG(name), NEW_GROUP_NAME_MAX);
    return ERR_OK;
}
