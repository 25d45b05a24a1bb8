/* dispatch.c - the table of handlers, made from wire/requests.def. */
#include "namesrv/dispatch.h"

#include <stdarg.h>
#include <stdlib.h>
#include "base/check.h"
#include "base/log.h"
#include "wire/request.h"

enum { REFUSED_LOG_PAUSE_MS = 100 };

#define NAMESRV(name, code, function, header)                                                                          \
    static enum err serve_##name(struct namesrv_call *call) {                                                          \
        struct hdr_##header fields;                                                                                    \
        TRY(header_decode(layout_##header(), &call->request->command, &fields));                                       \
        return namesrv_handle_##function(call, &fields);                                                               \
    }
#include "wire/requests.def"

static enum err serve(struct namesrv_call *call) {
    switch (call->request->command.code) {
#define NAMESRV(name, code, function, header)                                                                          \
    case code:                                                                                                         \
        return serve_##name(call);
#include "wire/requests.def"
    default:
        return fail(ERR_NOT_SUPPORTED, " request type %d not supported", call->request->command.code);
    }
}

void dispatch_request(struct request *request) {
    struct namesrv_call call = {.namesrv = request->owner, .request = request};
    const enum err err = serve(&call);
    if (err != ERR_OK) {
        char peer[ADDRESS_TEXT_MAX];
        log_every_ms(REFUSED_LOG_PAUSE_MS, WARN, MAIN, "request refused: code=%s peer=%s reason=%s",
                     request_name(request->command.code), address_text(&request->peer, peer), err_detail(err));
        remoting_reply_error(&request->to, err);
    } else if (!call.later) {
        if (call.body.len > 0) call.reply.body = buf_bytes(&call.body);
        remoting_reply(&request->to, &call.reply);
    }
    buf_close(&call.body);
}

void *namesrv_call_fields(struct namesrv_call *call, const struct header_layout *layout) {
    void *fields = arena_calloc(call->request->arena, 1, layout->size_bytes);
    *(uint32_t *)fields = HEADER_ALL;
    call->reply.layout = layout;
    call->reply.fields = fields;
    return fields;
}

enum err namesrv_call_refuse(struct namesrv_call *call, int32_t code, const char *format, ...) {
    va_list args;
    va_start(args, format);
    outgoing_refuse(&call->reply, call->request->arena, code, format, args);
    va_end(args);
    return ERR_OK;
}

static void saved(void *ctx, enum err err) {
    struct reply_to *to = ctx;
    if (err == ERR_OK) {
        remoting_reply(to, &(struct outgoing){0});
    } else {
        log_error(MAIN, "cannot save: %s", err_detail(err));
        remoting_reply_error(to, err);
    }
    free(to);
}

enum err namesrv_call_save(struct namesrv_call *call, struct bytes path, struct buf *content) {
    struct reply_to *to = malloc(sizeof *to);
    must(to != NULL);
    *to = call->request->to;
    call->later = true;
    saver_save(call->namesrv->saver, path, content, saved, to);
    return ERR_OK;
}
