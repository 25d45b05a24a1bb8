/* body_ack.c - the body of BATCH_ACK_MESSAGE */
#include "wire/body_ack.h"

#include "base/check.h"

/* --- base64 of bit sets ------------------------------------------------------------------------------------ */

static int digit_of(char c) {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* The bytes, in `arena`; none when a character is wrong. */
static struct bytes decode_bits(struct arena *arena, struct bytes text) {
    while (text.len > 0 && text.data[text.len - 1] == '=') text.len--;
    uint8_t *out = arena_alloc(arena, text.len * 3 / 4 + 1);
    uint32_t word = 0;
    size_t len = 0;
    int bits = 0;
    for (size_t i = 0; i < text.len; i++) {
        int digit = digit_of(text.data[i]);
        if (digit < 0) return BYTES("");
        word = word << 6 | (uint32_t)digit;
        bits += 6;
        if (bits < 8) continue;
        bits -= 8;
        out[len++] = (uint8_t)(word >> bits);
    }
    return bytes_make(out, len);
}

/* --- the body ---------------------------------------------------------------------------------------------- */

/* A member by its short name, or by the long one. */
static const struct json *member(const struct json *node, const char *key, const char *long_key) {
    const struct json *value = json_get(node, key);
    return value ? value : json_get(node, long_key);
}

static struct batch_ack decode_one(struct arena *arena, const struct json *node) {
    int64_t retry = json_i64(member(node, "r", "retry"), -1);
    return (struct batch_ack){
        .consumer_group = json_text(member(node, "c", "consumerGroup")),
        .topic = json_text(member(node, "t", "topic")),
        .retry = retry >= 0 && retry <= 2 ? (int32_t)retry : -1,
        .start_offset = json_i64(member(node, "so", "startOffset"), 0),
        .queue_id = (int32_t)json_i64(member(node, "q", "queueId"), 0),
        .revive_queue_id = (int32_t)json_i64(member(node, "rq", "reviveQueueId"), 0),
        .pop_time_ms = json_i64(member(node, "pt", "popTime"), 0),
        .invisible_ms = json_i64(member(node, "it", "invisibleTime"), 0),
        .bits = decode_bits(arena, json_text(member(node, "b", "bitSet"))),
    };
}

enum err batch_acks_decode(struct arena *arena, struct bytes body, const struct batch_ack **out, size_t *count) {
    const struct json *root;
    TRY(json_parse(arena, body, &root));
    const struct json *acks = json_get(root, "acks");
    size_t total = 0;
    for (const struct json *n = json_first(acks); n; n = n->next) total++;
    struct batch_ack *items = arena_calloc(arena, total + 1, sizeof *items);
    *count = 0;
    for (const struct json *n = json_first(acks); n; n = n->next) items[(*count)++] = decode_one(arena, n);
    *out = items;
    return ERR_OK;
}
