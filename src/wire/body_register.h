/* body_register.h - RegisterBrokerBody, what a broker tells a name server in REGISTER_BROKER.
 * Three forms come: JSON; bare TopicConfigSerializeWrapper JSON (before 3.0.11); packed, inside a zlib stream
 * (compressedRegister). Only the first is written. @source shared facts: protocol 6.5, behaviour 3.2 */
#ifndef RMQ_WIRE_BODY_REGISTER_H
#define RMQ_WIRE_BODY_REGISTER_H

#include "wire/body_data_version.h"

struct topic_config {
    struct bytes name;
    int32_t read_queue_nums, write_queue_nums, perm, sys_flag;
    bool order, multi_tag;
    struct bytes attributes; /* a JSON object; absent = none. Not read by the decoders */
};
void topic_config_encode(struct json_writer *w, const struct topic_config *topic); /* a value */
void topic_config_encode_members(struct json_writer *w, const struct topic_config *topic);
/* A static topic's queues on this broker, passed on to clients as it came. */
struct topic_mapping {
    struct bytes topic;
    struct bytes info; /* a JSON object */
};
struct register_body {
    struct data_version data_version;
    const struct topic_config *topics;
    size_t topic_count;
    const struct bytes *filter_servers;
    size_t filter_server_count;
    bool has_filter_servers; /* false: the list did not come, what is known stays */
    const struct topic_mapping *mappings;
    size_t mapping_count;
};
void register_body_encode(const struct register_body *body, struct buf *out);
/* Either JSON form. All in `arena` or pointing into `body`. ERR_BAD_INPUT: no JSON object. */
enum err register_body_decode(struct arena *arena, struct bytes body, struct register_body *out) MUST_USE;
/* The packed form, inflated; with or without the mappings that 5.0 added. ERR_BAD_INPUT: cut short or malformed. */
enum err register_body_decode_packed(struct arena *arena, struct bytes plain, struct register_body *out) MUST_USE;

#endif
