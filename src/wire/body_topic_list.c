/* body_topic_list.c - TopicList as JSON. */
#include "wire/body_topic_list.h"

void topic_list_encode(const struct topic_list *list, struct buf *out) {
    struct json_writer w = {.out = out};
    json_begin_object(&w);
    json_member_opt(&w, "brokerAddr", list->broker_addr);
    json_key_text(&w, "topicList");
    json_begin_array(&w);
    for (size_t i = 0; i < list->count; i++) json_string(&w, list->topics[i]);
    json_end_array(&w);
    json_end_object(&w);
}

enum err topic_list_decode(struct arena *arena, struct bytes body, struct topic_list *out) {
    const struct json *top;
    TRY(json_parse(arena, body, &top));
    if (top->type != JSON_TYPE_OBJECT) return fail(ERR_BAD_INPUT, "topic list is no JSON object");
    *out = (struct topic_list){.broker_addr = json_text(json_get(top, "brokerAddr"))};
    json_texts(arena, json_get(top, "topicList"), &out->topics, &out->count);
    return ERR_OK;
}
