/* call.c - calls to masters of broker sets: the address if known, else the route first. */
#include "client/call.h"

#include "base/check.h"
#include "client/client.h"

static void on_answer(void *ctx, enum err err, const struct command *response) {
    struct broker_call *call = ctx;
    outcome_err(&call->outcome, err);
    call->done(call, response);
}

static void not_known(struct broker_call *call) {
    outcome_fail(&call->outcome, RMQ_NO_BROKER, "broker %.*s is not known or has no master now",
                 BYTES_ARG(call->broker_name));
    call->done(call, NULL);
}

static bool try_call(struct broker_call *call) {
    struct bytes address = broker_master(call->client, call->broker_name);
    if (!address.data) return false;
    int64_t timeout_ms = call->timeout_ms ? call->timeout_ms : call->client->options.call_timeout_ms;
    remoting_call(call->client->remoting, address, &call->request, timeout_ms, on_answer, call);
    return true;
}

static void on_route(struct route_wait *wait, struct route *route, const struct outcome *outcome) {
    struct broker_call *call = CONTAINER_OF(wait, struct broker_call, wait);
    if (!route && outcome->error != RMQ_NO_ROUTE) {
        call->outcome = *outcome;
        call->done(call, NULL);
    } else if (!try_call(call)) {
        not_known(call);
    }
}

void broker_call(struct broker_call *call) {
    if (try_call(call)) return;
    call->wait.done = on_route;
    if (call->topic.data)
        routes_fetch(call->client, call->topic, &call->wait);
    else
        not_known(call);
}

bool broker_call_succeeded(struct broker_call *call, const struct command *response) {
    if (call->outcome.error != RMQ_OK) return false;
    if (response->code == RESPONSE_SUCCESS) return true;
    outcome_response(&call->outcome, response);
    return false;
}

void answers_wait_begin(struct answers_wait *wait) {
    wait->pending = 1;
}

void answers_wait_add(struct answers_wait *wait) {
    wait->pending++;
}

void answers_wait_end(struct answers_wait *wait) {
    if (--wait->pending == 0) wait->done(wait);
}
