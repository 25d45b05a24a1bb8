/* body_connection.c - ConsumerConnection and ProducerConnection from JSON. */
#include "wire/body_connection.h"

enum err connection_list_decode(struct arena *arena, struct bytes body, struct connection_list *out) {
    const struct json *top;
    TRY(json_parse(arena, body, &top));
    if (top->type != JSON_TYPE_OBJECT) return fail(ERR_BAD_INPUT, "list of connections is no JSON object");
    const struct json *set = json_get(top, "connectionSet"), *table = json_get(top, "subscriptionTable");
    struct connection *connections = arena_calloc(arena, set ? set->count : 0, sizeof *connections);
    struct subscription *subscriptions = arena_calloc(arena, table ? table->count : 0, sizeof *subscriptions);
    *out = (struct connection_list){.connections = connections,
                                    .consume_type = json_text(json_get(top, "consumeType")),
                                    .message_model = json_text(json_get(top, "messageModel")),
                                    .consume_from_where = json_text(json_get(top, "consumeFromWhere")),
                                    .subscriptions = subscriptions};
    for (const struct json *node = json_first(set); node; node = node->next) {
        connections[out->connection_count++] = (struct connection){
            .client_id = json_text(json_get(node, "clientId")),
            .client_addr = json_text(json_get(node, "clientAddr")),
            .language = json_text(json_get(node, "language")),
            .version = (int32_t)json_i64(json_get(node, "version"), 0),
        };
    }
    for (const struct json *node = json_first(table); node; node = node->next)
        subscriptions[out->subscription_count++] = subscription_decode(arena, node);
    return ERR_OK;
}
