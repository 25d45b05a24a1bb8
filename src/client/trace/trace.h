/* trace.h - the message trace of a client: what its producers and consumers tell of their messages goes in batches to
 * the trace topic, where tools find it by the ids and keys of the messages. What cannot be sent, or comes faster than
 * it can be, is dropped with a line in the log: a trace never holds up messages.
 * @source apache/rocketmq client/.../trace/AsyncTraceDispatcher.java */
#ifndef RMQ_CLIENT_TRACE_H
#define RMQ_CLIENT_TRACE_H

#include "client/job.h"
#include "message/trace.h"
#include "net/loop.h"

struct trace_batch;
struct trace {
    struct rmq_client *client;
    char *topic;
    struct lock lock; /* of the next two */
    struct trace_batch *first, *last;
    struct loop_task news;
    /* The rest is the I/O thread's. */
    struct loop_timer linger;
    bool lingering;
    size_t sending;               /* batches */
    struct waiting_call *flushed; /* waits for the end of all; NULL: nobody */
};
/* topic: NULL is RMQ_SYS_TRACE_TOPIC. */
void trace_open(struct trace *trace, struct rmq_client *client, const char *topic);
void trace_close(struct trace *trace);
/* Texts are copied. Messages of the trace topic itself have no trace: the caller asks trace_wants. @thread any */
void trace_add(struct trace *trace, const struct trace_record *record);
bool trace_wants(const struct trace *trace, struct bytes topic);
/* Sends what waits and returns when all sends have ended. @thread any but the I/O thread */
void trace_flush(struct trace *trace);

#endif
