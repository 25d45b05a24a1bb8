/* body_subscription.c - subscriptions as users write them and as bodies carry them */
#include "wire/body_subscription.h"

#include "base/hash.h"

bool subscription_is_tag(const struct subscription *subscription) {
    return subscription->expression_type.len == 0 || bytes_is(subscription->expression_type, "TAG");
}

/* Cuts the next piece before "||" off `rest`; false when nothing is left. */
static bool next_tag(struct bytes *rest, struct bytes *tag) {
    if (rest->len == 0) return false;
    const char *end = memmem(rest->data, rest->len, "||", 2);
    *tag = end ? bytes_make(rest->data, (size_t)(end - rest->data)) : *rest;
    *rest = bytes_skip(*rest, tag->len + (end ? 2 : 0));
    *tag = bytes_trim(*tag);
    return true;
}

static bool has_tag(const struct bytes *tags, size_t count, struct bytes tag) {
    for (size_t i = 0; i < count; i++)
        if (bytes_equal(tags[i], tag)) return true;
    return false;
}

enum err subscription_parse(struct arena *arena, struct bytes topic, struct bytes expression, struct bytes type,
                            struct subscription *out) {
    *out = (struct subscription){.topic = topic, .expression = expression, .expression_type = type};
    if (type.len == 0) out->expression_type = BYTES("TAG");
    if (expression.len == 0) out->expression = BYTES("*");
    if (!subscription_is_tag(out) || bytes_is(out->expression, "*")) return ERR_OK;
    struct bytes rest = expression, tag;
    struct bytes *tags = arena_alloc(arena, (expression.len / 2 + 1) * sizeof *tags);
    int32_t *codes = arena_alloc(arena, (expression.len / 2 + 1) * sizeof *codes);
    size_t count = 0;
    while (next_tag(&rest, &tag)) {
        if (tag.len == 0 || has_tag(tags, count, tag)) continue;
        tags[count] = tag;
        codes[count++] = java_string_hash(tag);
    }
    if (count == 0) return fail(ERR_BAD_SUBSCRIPTION, "no tag in the subscription \"%.*s\"", BYTES_ARG(expression));
    out->tags = tags;
    out->codes = codes;
    out->tag_count = out->code_count = count;
    return ERR_OK;
}

struct subscription subscription_decode(struct arena *arena, const struct json *node) {
    struct subscription out = {
        .topic = json_text(json_get(node, "topic")),
        .expression = json_text(json_get(node, "subString")),
        .expression_type = json_text(json_get(node, "expressionType")),
        .version_ms = json_i64(json_get(node, "subVersion"), 0),
        .class_filter_mode = json_bool(json_get(node, "classFilterMode"), false),
    };
    if (!json_get(node, "expressionType")) out.expression_type = BYTES("TAG"); /* clients of 4.2.0 leave it out */
    json_texts(arena, json_get(node, "tagsSet"), &out.tags, &out.tag_count);
    const struct json *code_set = json_get(node, "codeSet");
    int32_t *codes = arena_calloc(arena, code_set ? code_set->count : 0, sizeof *codes);
    for (const struct json *code = json_first(code_set); code; code = code->next)
        codes[out.code_count++] = (int32_t)json_i64(code, 0);
    out.codes = codes;
    return out;
}

void subscription_encode(struct json_writer *w, const struct subscription *subscription) {
    json_begin_object(w);
    json_member_bool(w, "classFilterMode", subscription->class_filter_mode);
    json_key_text(w, "codeSet");
    json_begin_array(w);
    for (size_t i = 0; i < subscription->code_count; i++) json_int(w, subscription->codes[i]);
    json_end_array(w);
    json_member_opt(w, "expressionType", subscription->expression_type);
    json_member_opt(w, "subString", subscription->expression);
    json_member_int(w, "subVersion", subscription->version_ms);
    json_key_text(w, "tagsSet");
    json_begin_array(w);
    for (size_t i = 0; i < subscription->tag_count; i++) json_string(w, subscription->tags[i]);
    json_end_array(w);
    json_member_opt(w, "topic", subscription->topic);
    json_end_object(w);
}
