/* dispatch.h - from a request to its handler and from the handler's result to the one answer.
 * Each NAMESRV row of wire/requests.def names a function `namesrv_handle_<function>` declared here.
 *
 * A handler fills call->reply and returns ERR_OK, or returns an error: then its response code and err_detail are
 * answered. Or it calls namesrv_call_save, which answers when the file is written. What reply points to lives in the
 * request's arena, is static, or is call->body. @thread the loop's */
#ifndef RMQ_NAMESRV_DISPATCH_H
#define RMQ_NAMESRV_DISPATCH_H

#include "namesrv/server.h"
#include "remoting/remoting.h"

struct namesrv_call {
    struct namesrv *namesrv;
    struct request *request;
    struct outgoing reply;
    struct buf body; /* the reply's body; freed after sending */
    bool later;
};

/* remoting's on_request. */
void dispatch_request(struct request *request);

/* A zeroed header struct of `layout` in the request's arena that goes out with the reply, all fields marked present. */
void *namesrv_call_fields(struct namesrv_call *call, const struct header_layout *layout);
/* Answers a code and a remark that no `enum err` stands for; returns ERR_OK for `return namesrv_call_refuse(...)`. */
enum err namesrv_call_refuse(struct namesrv_call *call, int32_t code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Writes the file and answers success once it is on the disk. Takes the content. Returns ERR_OK. */
enum err namesrv_call_save(struct namesrv_call *call, struct bytes path, struct buf *content);

#define NAMESRV(name, code, function, header)                                                                          \
    enum err namesrv_handle_##function(struct namesrv_call *call, const struct hdr_##header *header);
#include "wire/requests.def"

#endif
