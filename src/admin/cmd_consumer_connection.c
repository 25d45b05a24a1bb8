/* cmd_consumer_connection.c - consumerConnection: the clients of a group and what they subscribe to. */
#include "admin/admin.h"
#include "admin/cmd.h"
#include "admin/print.h"
#include "base/check.h"

static void print_clients(struct admin *admin, const struct connection_list *clients) {
    static const struct column columns[] = {
        {"#ClientId", -36, 1}, {"#ClientAddr", -22, 1}, {"#Language", -10, 1}, {"#Version", 0, 0}};
    struct table table = table_begin(admin->out, columns, ARRAY_LEN(columns));
    for (size_t i = 0; i < clients->connection_count; i++) {
        const struct connection *client = &clients->connections[i];
        table_text(&table, client->client_id);
        table_text(&table, client->client_addr);
        table_text(&table, client->language);
        table_text(&table, print_version(&admin->arena, client->version));
    }
}

static void print_subscriptions(FILE *out, const struct connection_list *clients) {
    static const struct column columns[] = {{"#Topic", -20, 1}, {"#SubExpression", 0, 0}};
    struct table table = table_begin(out, columns, ARRAY_LEN(columns));
    for (size_t i = 0; i < clients->subscription_count; i++) {
        table_text(&table, clients->subscriptions[i].topic);
        table_text(&table, clients->subscriptions[i].expression);
    }
}

enum err cmd_consumer_connection(struct admin *admin, const struct args_consumer_connection *args) {
    struct connection_list clients;
    if (args->broker_addr.data)
        TRY(admin_consumer_connection(admin, args->broker_addr, args->group, &clients));
    else
        TRY(admin_group_connection(admin, args->group, &clients));
    print_clients(admin, &clients);
    fprintf(admin->out, "\nBelow is subscription:\n");
    print_subscriptions(admin->out, &clients);
    fprintf(admin->out, "\nConsumeType: %.*s\nMessageModel: %.*s\nConsumeFromWhere: %.*s\n",
            BYTES_ARG(clients.consume_type), BYTES_ARG(clients.message_model), BYTES_ARG(clients.consume_from_where));
    return ERR_OK;
}
