/* server.c - wiring. */
#include "namesrv/server.h"

#include <signal.h>
#include <stdlib.h>
#include "base/check.h"
#include "base/log.h"
#include "namesrv/dispatch.h"
#include "wire/request.h"

enum { FIRST_SCAN_MS = 5, KV_LOG_PERIOD_MS = 600000 };

static void channel_closed(void *owner, struct remoting *remoting, uint64_t channel_id, const struct address *peer) {
    struct namesrv *namesrv = owner;
    (void)remoting;
    (void)peer;
    route_table_channel_closed(namesrv->routes, channel_id);
}

static void scan_brokers(struct loop_timer *timer) {
    struct namesrv *namesrv = CONTAINER_OF(timer, struct namesrv, scan);
    struct arena arena = {0};
    const uint64_t *channels;
    const size_t count = route_table_expire(namesrv->routes, loop_now_ms(namesrv->loop), &arena, &channels);
    for (size_t i = 0; i < count; i++) remoting_close_channel(namesrv->remoting, channels[i]);
    arena_close(&arena);
}

static void log_kv(struct loop_timer *timer) {
    kv_config_log(CONTAINER_OF(timer, struct namesrv, log_kv)->kv);
}

/* Tells the brokers of that name. Who became the lowest by coming knows it. */
static void min_broker_changed(void *ctx, const struct min_broker_change *change) {
    struct namesrv *namesrv = ctx;
    const struct broker_data *broker = change->broker;
    const struct hdr_notify_min_broker_id_change fields = {.present = HEADER_ALL,
                                                           .min_broker_id = broker->addresses[0].broker_id,
                                                           .min_broker_addr = broker->addresses[0].address,
                                                           .offline_broker_addr = change->offline_address,
                                                           .ha_broker_addr = change->ha_server_address};
    const struct outgoing notice = {
        .code = REQUEST_NOTIFY_MIN_BROKER_ID_CHANGE, .layout = layout_notify_min_broker_id_change(), .fields = &fields};
    const bool all = change->offline_address.data != NULL || broker->address_count == 1;
    for (size_t i = all ? 0 : 1; i < broker->address_count; i++)
        remoting_oneway(namesrv->remoting, broker->addresses[i].address, &notice);
}

static void on_signal(void *arg, int signal_number) {
    log_info(MAIN, "Shutdown hook was invoked, 1: signal=%s", strsignal(signal_number));
    namesrv_stop(arg);
}

static enum err open_network(struct namesrv *namesrv) {
    const struct remoting_options options = {
        .owner = namesrv,
        .on_request = dispatch_request,
        .on_closed = channel_closed,
        .server_idle_ms = (int64_t)namesrv->config.server_channel_max_idle_time_seconds * 1000,
        .language = LANGUAGE_OTHER,
    };
    char host[256];
    const struct bytes address = namesrv->config.bind_address;
    if (address.len >= sizeof host) return fail(ERR_BAD_CONFIG, "bindAddress is no address: %.*s", BYTES_ARG(address));
    memcpy(host, address.data, address.len);
    host[address.len] = '\0';
    TRY(remoting_create(namesrv->loop, &options, &namesrv->remoting));
    return remoting_listen(namesrv->loop, &namesrv->remoting, 1, host, (uint16_t)namesrv->config.listen_port, false,
                           &namesrv->listening);
}

static enum err open_all(struct namesrv *namesrv) {
    char *path = bytes_dup(namesrv->config.kv_config_path);
    const enum err err = kv_config_open(path, &namesrv->kv);
    free(path);
    TRY(err);
    TRY(loop_create("main", &namesrv->loop));
    namesrv->saver = saver_create(namesrv->loop);
    TRY(open_network(namesrv));
    TRY(loop_on_signal(namesrv->loop, SIGTERM, on_signal, namesrv));
    TRY(loop_on_signal(namesrv->loop, SIGINT, on_signal, namesrv));
    namesrv->started_ms = loop_now_ms(namesrv->loop);
    loop_timer_start(namesrv->loop, &namesrv->scan, FIRST_SCAN_MS, namesrv->config.scan_not_active_broker_interval_ms,
                     scan_brokers);
    loop_timer_start(namesrv->loop, &namesrv->log_kv, KV_LOG_PERIOD_MS, KV_LOG_PERIOD_MS, log_kv);
    return ERR_OK;
}

enum err namesrv_open(const struct namesrv_config *config, struct namesrv **out) {
    struct namesrv *namesrv = calloc(1, sizeof *namesrv);
    must(namesrv != NULL);
    namesrv->config = *config;
    namesrv->routes = route_table_create(&(struct route_table_options){
        .config = &namesrv->config, .ctx = namesrv, .min_broker_changed = min_broker_changed});
    const enum err err = open_all(namesrv);
    if (err != ERR_OK) {
        namesrv_close(namesrv);
        return err;
    }
    *out = namesrv;
    return ERR_OK;
}

uint16_t namesrv_port(const struct namesrv *namesrv) {
    return remoting_server_port(namesrv->listening);
}

void namesrv_run(struct namesrv *namesrv) {
    loop_run(namesrv->loop);
}

void namesrv_stop(struct namesrv *namesrv) {
    loop_stop(namesrv->loop);
}

/* The replies that files still owe go out before the connections do. */
void namesrv_close(struct namesrv *namesrv) {
    if (namesrv->listening != NULL) remoting_server_close(namesrv->listening);
    if (namesrv->saver != NULL) saver_finish(namesrv->saver);
    if (namesrv->remoting != NULL) remoting_destroy(namesrv->remoting);
    if (namesrv->loop != NULL) {
        loop_timer_stop(&namesrv->scan);
        loop_timer_stop(&namesrv->log_kv);
        loop_destroy(namesrv->loop);
    }
    if (namesrv->saver != NULL) saver_destroy(namesrv->saver);
    if (namesrv->kv != NULL) kv_config_close(namesrv->kv);
    route_table_destroy(namesrv->routes);
    free(namesrv);
}
