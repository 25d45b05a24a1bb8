/* cmd_producer_connection.c - producerConnection: the clients of a producer group at the brokers of a topic. */
#include "admin/admin.h"
#include "admin/cmd.h"
#include "admin/print.h"

static bool seen(const struct bytes *ids, size_t count, struct bytes id) {
    for (size_t i = 0; i < count; i++)
        if (bytes_equal(ids[i], id)) return true;
    return false;
}

struct producers {
    struct bytes *ids;
    size_t count;
};

/* Those that no broker before has told of. */
static void print_more(struct admin *admin, const struct connection_list *clients, struct producers *all) {
    struct bytes *ids = arena_calloc(&admin->arena, all->count + clients->connection_count, sizeof *ids);
    for (size_t i = 0; i < all->count; i++) ids[i] = all->ids[i];
    all->ids = ids;
    for (size_t i = 0; i < clients->connection_count; i++) {
        const struct connection *client = &clients->connections[i];
        if (seen(ids, all->count, client->client_id)) continue;
        ids[all->count++] = client->client_id;
        fprintf(admin->out, "%04zu  %-32.*s %-22.*s %-8.*s %s\n", all->count, BYTES_ARG(client->client_id),
                BYTES_ARG(client->client_addr), BYTES_ARG(client->language),
                print_version(&admin->arena, client->version).data);
    }
}

enum err cmd_producer_connection(struct admin *admin, const struct args_producer_connection *args) {
    struct hdr_producer_group header = {.present = HEADER_ALL, .producer_group = args->group};
    struct topic_route route;
    struct producers all = {0};
    TRY(admin_route(admin, args->topic, &route));
    enum err err = fail(ERR_NOT_FOUND, "no broker has topic %.*s now", BYTES_ARG(args->topic));
    for (size_t i = 0; i < route.broker_count; i++) {
        struct bytes address = admin_address_of(&route.brokers[i]);
        struct command response;
        struct connection_list clients;
        if (!address.data) continue;
        err =
            admin_ask(admin, address, ADMIN_REQUEST(GET_PRODUCER_CONNECTION_LIST, producer_group, &header), &response);
        if (err == ERR_RESPONSE) continue; /* not connected to this broker */
        TRY(err);
        TRY(connection_list_decode(&admin->arena, response.body, &clients));
        print_more(admin, &clients, &all);
    }
    return all.count > 0 ? ERR_OK : err;
}
