/* cmd_producer.c - producer: every group and client a broker knows to send. */
#include "admin/admin.h"
#include "admin/cmd.h"
#include "base/json.h"

static void print_clients(FILE *out, struct bytes group, const struct json *clients) {
    for (const struct json *client = json_first(clients); client; client = client->next) {
        struct bytes ip = json_text(json_get(client, "remoteIP"));
        bool has_slash = ip.len > 0 && ip.data[0] == '/'; /* as Java prints an address without a name */
        fprintf(out, "producer group (%.*s) instance : clientId=%.*s,remoteIP=%s%.*s, language=%.*s", BYTES_ARG(group),
                BYTES_ARG(json_text(json_get(client, "clientId"))), has_slash ? "" : "/", BYTES_ARG(ip),
                BYTES_ARG(json_text(json_get(client, "language"))));
        fprintf(out, ", version=%lld, lastUpdateTimestamp=%lld\n", (long long)json_i64(json_get(client, "version"), 0),
                (long long)json_i64(json_get(client, "lastUpdateTimestamp"), 0));
    }
}

enum err cmd_producer(struct admin *admin, const struct args_producer *args) {
    struct outgoing request = {.code = REQUEST_GET_ALL_PRODUCER_INFO};
    struct command response;
    const struct json *body;
    TRY(admin_ask(admin, args->broker_addr, &request, &response));
    TRY(json_parse(&admin->arena, response.body, &body));
    for (const struct json *group = json_first(json_get(body, "data")); group; group = group->next)
        print_clients(admin->out, group->key, group);
    return ERR_OK;
}
