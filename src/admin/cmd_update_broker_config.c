/* cmd_update_broker_config.c - updateBrokerConfig: changes a setting of running brokers. They accept names they do not
 * know without a word, so each is asked afterwards whether it has such a setting. */
#include "admin/admin.h"
#include "admin/cmd.h"
#include "base/props.h"
#include "base/similar.h"

static enum err check_has_key(struct admin *admin, struct bytes address, struct bytes key) {
    struct outgoing request = {.code = REQUEST_GET_BROKER_CONFIG};
    struct command response;
    struct props props;
    TRY(admin_ask(admin, address, &request, &response));
    TRY(props_parse(&admin->arena, response.body, &props));
    struct similar similar = similar_begin(key);
    for (size_t i = 0; i < props.count; i++) {
        if (bytes_equal(props.items[i].key, key)) return ERR_OK;
        similar_consider(&similar, arena_strdup(&admin->arena, props.items[i].key));
    }
    return fail(ERR_NOT_FOUND, "the broker at %.*s has no setting %.*s%s%s%s", BYTES_ARG(address), BYTES_ARG(key),
                similar.best ? ": did you mean " : "", similar.best ? similar.best : "", similar.best ? "?" : "");
}

static enum err update_one(struct admin *admin, struct bytes address, const struct args_update_broker_config *args,
                           const struct outgoing *request) {
    TRY(admin_ask(admin, address, request, NULL));
    TRY(check_has_key(admin, address, args->key));
    fprintf(admin->out, "update broker config success, %.*s\n", BYTES_ARG(address));
    return ERR_OK;
}

enum err cmd_update_broker_config(struct admin *admin, const struct args_update_broker_config *args) {
    const struct member *members;
    size_t count;
    struct buf body = {0};
    TRY(admin_targets(admin, args->broker_addr, args->cluster, args->slaves, &members, &count));
    props_append(&body, args->key, args->value);
    struct outgoing request = {.code = REQUEST_UPDATE_BROKER_CONFIG, .body = buf_bytes(&body)};
    enum err err = ERR_OK;
    for (size_t i = 0; i < count && err == ERR_OK; i++) err = update_one(admin, members[i].address, args, &request);
    buf_close(&body);
    return err;
}
