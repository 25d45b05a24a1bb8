/* route.h - from a request to its handler and from the handler's result to the one answer.
 * Each BROKER row of wire/requests.def names a function `broker_handle_<function>` declared here.
 *
 * A handler fills call->reply and returns ERR_OK, or returns an error: then its response code and err_detail are
 * answered. Or it sets call->later and takes over the duty to answer (remoting_reply on the reactor's thread).
 * What reply points to lives in call->request->arena, is static, or is call->body. INLINE handlers run on the reactor;
 * WORK handlers on a work thread with a detached request: they may wait, and have no reactor to touch.
 * One-way requests are handled the same; their replies are dropped. */
#ifndef RMQ_BROKER_ROUTE_H
#define RMQ_BROKER_ROUTE_H

#include "broker/broker.h"
#include "wire/header.h"
#include "wire/response.h"

/* The end of many remarks. @source apache/rocketmq FAQUrl.suggestTodo */
#define FAQ_HINT "\nSee https://rocketmq.apache.org/docs/bestPractice/06FAQ for further details."

struct call {
    struct broker *broker;
    struct reactor *reactor; /* NULL on a work thread; where it came from is request->owner then */
    struct request *request;
    struct outgoing reply;
    struct buf body; /* the reply's body when reply.body is not set; freed after sending */
    bool later;
    bool when_registered; /* WORK: answer when the name servers have heard of what changed */
};

/* remoting's on_request for all reactors. */
void route_request(struct request *request);

/* A zeroed header struct of `layout` in the request's arena that goes out with the reply, all fields marked present. */
void *call_reply_fields(struct call *call, const struct header_layout *layout);
/* Answers a code and a remark that no `enum err` stands for; returns ERR_OK for `return call_refuse(...)`. */
enum err call_refuse(struct call *call, int32_t code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* For an INLINE handler that has made a topic and done nothing else: the request comes again when the name servers have
 * heard of it, so that the client finds the topic's route, not that of a topic still to be made. False when there is
 * nothing to wait for; else call->later is set. */
bool call_again_when_registered(struct call *call) MUST_USE;
/* The same for a handler that has to know which brokers have the parent of lite topics, and has done nothing yet. */
bool call_again_when_lite_route_known(struct call *call, struct bytes parent) MUST_USE;

#define BROKER(name, code, function, runs, header)                                                                     \
    enum err broker_handle_##function(struct call *call, const struct hdr_##header *header);
#include "wire/requests.def"

#endif
