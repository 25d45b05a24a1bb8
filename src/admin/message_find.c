/* message_find.c - which kind of id it is, and the search. */
#include "admin/message_find.h"

#include "client/query.h"
#include "os/clock.h"

enum { FOUND_MAX = 32, CLOCK_SLACK_MS = 1000 };

/* The id says when it was made; one that does not may be of any time. */
static int64_t begin_of(const struct message_search *search) {
    int64_t made_ms;
    if (search->begin_ms >= 0) return search->begin_ms;
    return msgid_unique_time_ms(search->id, clock_wall_ms(), &made_ms) == ERR_OK ? made_ms - CLOCK_SLACK_MS : 0;
}

enum err message_find_unique(struct admin *admin, const struct message_search *search, rmq_message_list_t **list) {
    struct hdr_query_message query = {.present = HEADER_ALL,
                                      .topic = search->topic,
                                      .key = search->id,
                                      .max_num = FOUND_MAX,
                                      .begin_timestamp = begin_of(search),
                                      .end_timestamp = search->end_ms,
                                      .unique_key_query = true};
    struct bytes route_topic = search->route_topic.data ? search->route_topic : search->topic;
    return admin_err(admin, client_query(admin->client, route_topic, &query, list));
}

static bool in_route(const struct topic_route *route, const char *address) {
    for (size_t i = 0; i < route->broker_count; i++)
        for (size_t k = 0; k < route->brokers[i].address_count; k++)
            if (bytes_is(route->brokers[i].addresses[k].address, address)) return true;
    return false;
}

enum err message_find_any(struct admin *admin, const struct message_search *search, rmq_message_list_t **list) {
    struct host host;
    int64_t offset_phys;
    struct topic_route route;
    char address[64];
    const char *id = arena_strdup(&admin->arena, search->id);
    enum err err = msgid_offset_parse(search->id, &host, &offset_phys);
    if (!search->topic.data) {
        if (err != ERR_OK)
            return fail(err, "%s. Is it the id of a producer, then give the topic with -t", err_detail(err));
        return admin_err(admin, rmq_client_view_message(admin->client, NULL, id, list));
    }
    TRY(admin_route_or(admin, search->route_topic, search->topic, &route));
    if (err == ERR_OK && in_route(&route, host_text(&host, address)) &&
        rmq_client_view_message(admin->client, NULL, id, list) == RMQ_OK)
        return ERR_OK;
    return message_find_unique(admin, search, list);
}
