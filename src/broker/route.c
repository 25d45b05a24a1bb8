/* route.c - the table made from wire/requests.def, and the way through a work thread and back. */
#include "broker/route.h"

#include <stdarg.h>
#include <stdlib.h>
#include "base/check.h"
#include "broker/lite/lite.h"
#include "broker/registration.h"
#include "broker/work.h"
#include "wire/request.h"

enum { VERSION_KNOWS_GO_AWAY = 476 /* newer than V5_3_1 */ };

enum runs { RUNS_INLINE, RUNS_WORK };

struct route {
    enum runs runs;
    enum err (*serve)(struct call *call);
};

#define BROKER(name, code, function, runs, header)                                                                     \
    static enum err serve_##name(struct call *call) {                                                                  \
        struct hdr_##header fields;                                                                                    \
        TRY(header_decode(layout_##header(), &call->request->command, &fields));                                       \
        return broker_handle_##function(call, &fields);                                                                \
    }
#include "wire/requests.def"

static const struct route *route_find(int32_t code) {
    switch (code) {
#define BROKER(name, code, function, runs, header)                                                                     \
    case code: {                                                                                                       \
        static const struct route route = {RUNS_##runs, serve_##name};                                                 \
        return &route;                                                                                                 \
    }
#include "wire/requests.def"
    default:
        return NULL;
    }
}

/* The fast port is for what must not wait behind pulls. @source shared facts: behaviour 1.4 */
static bool is_pull(int32_t code) {
    switch (code) {
    case REQUEST_PULL_MESSAGE:
    case REQUEST_LITE_PULL_MESSAGE:
    case REQUEST_POP_MESSAGE:
    case REQUEST_POP_LITE_MESSAGE:
    case REQUEST_PEEK_MESSAGE:
    case REQUEST_NOTIFICATION:
    case REQUEST_POLLING_INFO:
        return true;
    default:
        return false;
    }
}

/* A binary header has two bytes for the code: clients of pop send what is left of it. @source shared facts: protocol T3
 */
static int32_t whole_code(const struct request *request) {
    enum { CUT_OFF = 3 << 16, FIRST = 200050, LAST = 200199 };
    int32_t code = request->command.code, whole = code + CUT_OFF;
    return request->to.serialize == SERIALIZE_ROCKETMQ && whole >= FIRST && whole <= LAST ? whole : code;
}

void *call_reply_fields(struct call *call, const struct header_layout *layout) {
    void *fields = arena_calloc(call->request->arena, 1, layout->size_bytes);
    *(uint32_t *)fields = HEADER_ALL;
    call->reply.layout = layout;
    call->reply.fields = fields;
    return fields;
}

enum err call_refuse(struct call *call, int32_t code, const char *format, ...) {
    va_list args;
    va_start(args, format);
    outgoing_refuse(&call->reply, call->request->arena, code, format, args);
    va_end(args);
    return ERR_OK;
}

/* Turns an error into a reply: the text of the error belongs to this thread, the reply may go to another. */
static void call_settle(struct call *call, enum err err) {
    if (err != ERR_OK) {
        struct bytes remark = arena_copy(call->request->arena, bytes_of(err_detail(err)));
        call->reply = (struct outgoing){.code = response_of(err), .remark = remark};
    } else if (!call->reply.body.data && call->body.len > 0) {
        call->reply.body = buf_bytes(&call->body);
    }
}

/* --- through a work thread and back ------------------------------------------------------------------------ */

static void work_call_answer(struct reactor *reactor, void *arg) {
    (void)reactor;
    struct call *call = arg;
    if (!call->later) remoting_reply(&call->request->to, &call->reply);
    buf_close(&call->body);
    request_free(call->request);
    free(call);
}

static void work_call_run(void *arg) {
    struct call *call = arg;
    struct reactor *reactor = call->request->owner;
    enum err err = route_find(call->request->command.code)->serve(call);
    if (!call->later) call_settle(call, err);
    if (!call->when_registered || !registration_then(call->broker, reactor, work_call_answer, call))
        reactor_run(reactor, work_call_answer, call);
}

static enum err work_call_start(struct reactor *reactor, const struct request *request) {
    struct call *call = calloc(1, sizeof *call);
    must(call);
    call->broker = reactor->broker;
    call->request = request_detach(request);
    enum err err = work_submit(reactor->broker->work, work_call_run, call);
    if (err != ERR_OK) {
        request_free(call->request);
        free(call);
    }
    return err;
}

/* Without a reactor the broker stops, and there is nobody to answer. */
static void call_again(struct reactor *reactor, void *arg) {
    struct request *request = arg;
    if (reactor && atomic_load(&reactor->broker->stopping))
        remoting_reply_error(&request->to, fail(ERR_SHUTTING_DOWN, "the broker is shutting down"));
    else if (reactor)
        route_request(request);
    request_free(request);
}

bool call_again_when_registered(struct call *call) {
    struct request *request = request_detach(call->request);
    call->later = registration_then(call->broker, call->reactor, call_again, request);
    if (!call->later) request_free(request);
    return call->later;
}

bool call_again_when_lite_route_known(struct call *call, struct bytes parent) {
    struct request *request = request_detach(call->request);
    call->later = lite_route_then(call->broker->lite, parent, request->owner, call_again, request);
    if (!call->later) request_free(request);
    return call->later;
}

void route_request(struct request *request) {
    struct reactor *reactor = request->owner;
    struct broker *broker = reactor->broker;
    const struct command *command = &request->command;
    request->command.code = whole_code(request);
    struct call call = {.broker = broker, .reactor = reactor, .request = request};
    const struct route *route = route_find(command->code);
    enum err err = ERR_OK;

    if (broker->config.enable_shutdown_gracefully && atomic_load_explicit(&broker->stopping, memory_order_relaxed) &&
        command->version >= VERSION_KNOWS_GO_AWAY)
        err = call_refuse(&call, RESPONSE_GO_AWAY, "please go away");
    else if (!route || (request->to.fast && is_pull(command->code)))
        err = fail(ERR_NOT_SUPPORTED, " request type %d not supported", command->code);
    else if (route->runs == RUNS_INLINE)
        err = route->serve(&call);
    else {
        err = work_call_start(reactor, request);
        call.later = err == ERR_OK;
    }
    if (!call.later) {
        call_settle(&call, err);
        remoting_reply(&request->to, &call.reply);
    }
    buf_close(&call.body);
}
