/* body_data_version.c - DataVersion as JSON. */
#include "wire/body_data_version.h"

bool data_version_equal(const struct data_version *a, const struct data_version *b) {
    return a->state_version == b->state_version && a->timestamp_ms == b->timestamp_ms && a->counter == b->counter;
}

struct data_version data_version_decode(const struct json *node) {
    return (struct data_version){.state_version = json_i64(json_get(node, "stateVersion"), 0),
                                 .timestamp_ms = json_i64(json_get(node, "timestamp"), 0),
                                 .counter = json_i64(json_get(node, "counter"), 0)};
}

void data_version_encode(struct json_writer *w, const struct data_version *version) {
    json_begin_object(w);
    json_member_int(w, "counter", version->counter);
    json_member_int(w, "stateVersion", version->state_version);
    json_member_int(w, "timestamp", version->timestamp_ms);
    json_end_object(w);
}
