/* forward.c - the way to another broker: its address from the route, then the call */
#include "broker/static_topic/forward.h"

#include <stdlib.h>
#include "base/check.h"
#include "broker/cluster_routes.h"

struct forward {
    struct reactor *reactor;
    struct bytes topic, broker_name;
    int32_t code;
    const struct header_layout *layout;
    const void *fields;
    forward_done *done;
    void *arg;
};

static void answered(void *ctx, enum err err, const struct command *response) {
    struct forward *forward = ctx;
    forward->done(forward->reactor, err, response, forward->arg);
    free(forward);
}

static void route_known(struct reactor *reactor, const struct cluster_route *route, void *arg) {
    struct forward *forward = arg;
    struct bytes address = reactor ? cluster_route_master(route, forward->broker_name) : (struct bytes){0};
    if (!address.data) {
        enum err err = reactor ? fail(ERR_CONNECT, "no name server knows a master of broker %.*s with topic %.*s",
                                      BYTES_ARG(forward->broker_name), BYTES_ARG(forward->topic))
                               : ERR_SHUTTING_DOWN;
        forward->done(reactor, err, NULL, forward->arg);
        free(forward);
        return;
    }
    const struct ext_field ext[] = {{BYTES("lo"), BYTES("false")}, {BYTES("bname"), forward->broker_name}};
    struct outgoing request = {.code = forward->code,
                               .layout = forward->layout,
                               .fields = forward->fields,
                               .ext = ext,
                               .ext_count = ARRAY_LEN(ext)};
    remoting_call(reactor->remoting, address, &request, reactor->broker->config.forward_timeout_ms, answered, forward);
}

void forward_ask(struct reactor *reactor, struct bytes topic, struct bytes broker_name, int32_t code,
                 const struct header_layout *layout, const void *fields, forward_done *done, void *arg) {
    struct forward *forward = malloc(sizeof *forward);
    must(forward);
    *forward = (struct forward){reactor, topic, broker_name, code, layout, fields, done, arg};
    cluster_routes_ask(reactor->broker->cluster_routes, reactor, topic, route_known, forward);
}
