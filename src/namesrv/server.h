/* server.h - the name server: one loop on the main thread owns the route table, the KV table and all connections; the
 * thread `save` writes files, the thread `log` the log. */
#ifndef RMQ_NAMESRV_SERVER_H
#define RMQ_NAMESRV_SERVER_H

#include "namesrv/kv_config.h"
#include "namesrv/namesrv_config.h"
#include "namesrv/route_table.h"
#include "namesrv/saver.h"

struct namesrv {
    struct namesrv_config config;
    struct loop *loop;
    struct remoting *remoting;
    struct remoting_server *listening;
    struct route_table *routes;
    struct kv_config *kv;
    struct saver *saver;
    struct loop_timer scan, log_kv;
    int64_t started_ms; /* monotonic */
};

/* Opens everything and listens. Errors name the cause and what to do. `config` is copied. */
enum err namesrv_open(const struct namesrv_config *config, struct namesrv **out) MUST_USE;
uint16_t namesrv_port(const struct namesrv *namesrv);
void namesrv_run(struct namesrv *namesrv);  /* until namesrv_stop or a signal */
void namesrv_stop(struct namesrv *namesrv); /* @thread any */
void namesrv_close(struct namesrv *namesrv);

#endif
