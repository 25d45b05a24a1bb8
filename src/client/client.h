/* client.h - the shared client: the I/O thread with its connections, and all that producers and consumers share.
 * Everything in it but `jobs`, `callbacks` and `trace` belongs to the I/O thread and is touched by no other, so that
 * there is no lock on any path of a message; other threads hand it jobs (client_post) and wait. */
#ifndef RMQ_CLIENT_CLIENT_H
#define RMQ_CLIENT_CLIENT_H

#include "client/job.h"
#include "client/names.h"
#include "client/routes.h"
#include "client/trace/trace.h"
#include "net/loop.h"
#include "remoting/remoting.h"
#include "rocketmq/client.h"

#define INNER_PRODUCER_GROUP "CLIENT_INNER_PRODUCER"
#define RETRY_TOPIC_PREFIX   "%RETRY%"

enum { GROUP_MAX_LEN = 255, TOPIC_MAX_LEN = 127 };

struct rmq_client {
    struct loop *loop;
    struct remoting *remoting;
    struct rmq_client_options options; /* its texts are not used: see the next members */
    char *id;                          /* "ip@instance", with the process id and a time when no instance was given */
    char *offset_dir;                  /* of this client id */
    struct job_list jobs;
    struct loop_task jobs_task;
    struct job_pool callbacks;
    struct trace trace;
    struct names names;
    struct routes routes;
    struct loop_timer route_timer, heartbeat_timer, offset_timer, rebalance_timer, rebalance_soon_timer;
    struct rmq_producer *producers; /* the inner one among them */
    struct rmq_producer *inner_producer;
    struct rmq_push_consumer *push_consumers;
    struct rmq_pull_consumer *pull_consumers;
    int64_t rebalance_due_ms;   /* by rebalance_soon_timer; 0: not asked for */
    int64_t heartbeat_asked_ms; /* last client_heartbeat_soon that was heard */
    bool stopping;              /* calls only end now, no new ones are made */
};

/* Has the I/O thread run `job` soon. @thread any */
void client_post(struct rmq_client *client, struct job *job);
/* Rebalances all consumers within delay_ms. */
void client_rebalance_soon(struct rmq_client *client, int64_t delay_ms);
/* A broker does not know our groups or subscriptions, as after its restart: tells all, at most once a second. */
void client_heartbeat_soon(struct rmq_client *client);
/* A group or topic name: letters, digits, %|-_ only, at most `max_len`. The outcome is reported. @thread any */
rmq_error_t client_check_name(const char *what, const char *name, size_t max_len);

/* As the public interface shows a queue; its texts are kept names. */
struct rmq_message_queue message_queue_view(const struct message_queue *queue);

#endif
