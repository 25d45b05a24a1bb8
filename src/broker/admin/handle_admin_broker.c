/* handle_admin_broker.c - the broker as a whole: settings, state, statistics, clean-up.
 * @source shared facts: behaviour 2 and 14, protocol 4.3 */
#include "broker/route.h"

#include <strings.h>
#include "base/check.h"
#include "base/log.h"
#include "broker/admin/config_update.h"
#include "broker/delay/delay.h"
#include "broker/admin/runtime_info.h"
#include "broker/stats/stats.h"
#include "os/thread.h"
#include "wire/body_data_version.h"

/* --- settings ---------------------------------------------------------------------------------------------- */

enum err broker_handle_update_broker_config(struct call *call, const struct hdr_none *header) {
    (void)header;
    call->when_registered = true; /* of brokerPermission */
    return config_update(call->broker, call->request->command.body);
}

enum err broker_handle_get_broker_config(struct call *call, const struct hdr_none *header) {
    (void)header;
    struct broker *broker = call->broker;
    int64_t changed_ms = atomic_load(&broker->config_changed_ms);
    struct data_version version = {.counter = atomic_load(&broker->config_changes),
                                   .timestamp_ms = changed_ms ? changed_ms : broker->boot_time_ms};
    struct buf text = {0};
    data_version_encode(&(struct json_writer){.out = &text}, &version);
    struct hdr_get_broker_config_result *result = call_reply_fields(call, layout_get_broker_config_result());
    result->version = arena_copy(call->request->arena, buf_bytes(&text));
    buf_close(&text);
    config_print(broker->sections, broker->section_count, 0, &call->body);
    /* No settings here, but exportMetrics takes the first for the number of processors, exportConfigs shows the other.
     * @source ExportMetricsCommand.getRuntimeEnv, ExportConfigsCommand.needBrokerProprties */
    buf_printf(&call->body, "clientCallbackExecutorThreads=%d\nuseTLS=false\n", thread_cpu_count());
    return ERR_OK;
}

/* --- state ------------------------------------------------------------------------------------------------- */

enum err broker_handle_get_broker_runtime_info(struct call *call, const struct hdr_none *header) {
    (void)header;
    struct kv items[RUNTIME_INFO_MAX];
    size_t count = runtime_info(call->broker, call->request->arena, items);
    kv_table_encode(items, count, &call->body);
    return ERR_OK;
}

enum err broker_handle_get_all_delay_offset(struct call *call, const struct hdr_none *header) {
    (void)header;
    struct json_writer w = {.out = &call->body, .bare_int_keys = true};
    delay_write(call->broker->delay, &w);
    return ERR_OK;
}

static void write_window(struct json_writer *w, const char *key, const struct stat_window *window) {
    json_key_text(w, key);
    json_begin_object(w);
    json_member_real(w, "avgpt", window->avgpt);
    json_member_int(w, "sum", window->sum);
    json_member_real(w, "tps", window->tps);
    json_end_object(w);
}

enum err broker_handle_view_broker_stats_data(struct call *call, const struct hdr_view_broker_stats_data *header) {
    struct stat_view view;
    TRY(stats_view(call->broker->stats, header->stats_name, header->stats_key, &view));
    struct json_writer w = {.out = &call->body};
    json_begin_object(&w);
    write_window(&w, "statsDay", &view.day);
    write_window(&w, "statsHour", &view.hour);
    write_window(&w, "statsMinute", &view.minute);
    json_end_object(&w);
    return ERR_OK;
}

/* --- clean-up ---------------------------------------------------------------------------------------------- */

enum err broker_handle_clean_expired_consumequeue(struct call *call, const struct hdr_none *header) {
    (void)header;
    store_clean_expired_queues(call->broker->store);
    return ERR_OK;
}

enum err broker_handle_delete_expired_commitlog(struct call *call, const struct hdr_none *header) {
    (void)header;
    store_delete_expired(call->broker->store);
    return ERR_OK;
}

/* --- what other kinds of brokers have ---------------------------------------------------------------------- */

/* Of a master that no slave follows. @source apache/rocketmq HARuntimeInfo */
enum err broker_handle_get_broker_ha_status(struct call *call, const struct hdr_none *header) {
    (void)header;
    static const char *const of_slaves[] = {"lastReadTimestamp", "lastWriteTimestamp", "masterFlushOffset", "maxOffset",
                                            "transferredByteInSecond"};
    struct store_facts facts;
    struct json_writer w = {.out = &call->body};
    store_facts(call->broker->store, &facts);
    json_begin_object(&w);
    json_key_text(&w, "haClientRuntimeInfo");
    json_begin_object(&w);
    for (size_t i = 0; i < ARRAY_LEN(of_slaves); i++) json_member_int(&w, of_slaves[i], 0);
    json_end_object(&w);
    json_key_text(&w, "haConnectionInfo");
    json_begin_array(&w);
    json_end_array(&w);
    json_member_int(&w, "inSyncSlaveNums", 0);
    json_member_bool(&w, "master", true);
    json_member_int(&w, "masterCommitLogMaxOffset", facts.max_phys);
    json_end_object(&w);
    return ERR_OK;
}

enum err broker_handle_get_broker_epoch_cache(struct call *call, const struct hdr_none *header) {
    (void)call;
    (void)header;
    return fail(ERR_FAILED, "this request only for controllerMode ");
}

/* How far the master has flushed is what slaves are told; a master passes it over. */
enum err broker_handle_reset_master_flush_offset(struct call *call, const struct hdr_none *header) {
    (void)call;
    (void)header;
    return ERR_OK;
}

/* Users and what they may do. */
enum err broker_handle_access_control(struct call *call, const struct hdr_none *header) {
    (void)header;
    return fail(
        ERR_NOT_SUPPORTED,
        " request type %d not supported: this broker has no access control, keep it from strangers by the network",
        call->request->command.code);
}

/* @source apache/rocketmq CheckRocksdbCqWriteResult: 0 is CHECK_OK */
enum err broker_handle_check_rocksdb_cq_write_progress(struct call *call,
                                                       const struct hdr_check_rocksdb_cq_write_progress *header) {
    (void)header;
    struct json_writer w = {.out = &call->body};
    json_begin_object(&w);
    json_member(&w, "checkResult", BYTES("It is not CombineConsumeQueueStore, no need check"));
    json_member_int(&w, "checkStatus", 0);
    json_end_object(&w);
    return ERR_OK;
}

static bool is_name(struct bytes text, const char *name) {
    return text.len == strlen(name) && strncasecmp(text.data, name, text.len) == 0;
}

/* The tables are JSON files already. */
enum err broker_handle_export_rocksdb_config_to_json(struct call *call,
                                                     const struct hdr_export_rocksdb_config_to_json *header) {
    static const char *const types[] = {"topics", "subscriptionGroups", "consumerOffsets"};
    struct bytes rest = header->config_type, type;
    while (bytes_split(&rest, ';', &type)) {
        bool known = bytes_trim(type).len == 0;
        for (size_t i = 0; i < ARRAY_LEN(types) && !known; i++) known = is_name(bytes_trim(type), types[i]);
        if (!known) return fail(ERR_FAILED, "Unknown config type: %.*s", BYTES_ARG(type));
    }
    return call_refuse(call, RESPONSE_SUCCESS, "export done.");
}

/* A master has nothing to do when the lowest id among its slaves changes. */
enum err broker_handle_notify_min_broker_id_change(struct call *call,
                                                   const struct hdr_notify_min_broker_id_change *header) {
    (void)call;
    log_info(MAIN, "lowest broker id of the set: id=%lld addr=%.*s", (long long)header->min_broker_id,
             BYTES_ARG(header->min_broker_addr));
    return ERR_OK;
}

/* There is one engine, the wheel in files. @source apache/rocketmq AdminBrokerProcessor.switchTimerEngine, 5.5.0 */
enum err broker_handle_switch_timer_engine(struct call *call, const struct hdr_switch_timer_engine *header) {
    if (!call->broker->store_config.timer_wheel_enable)
        return fail(ERR_BAD_PARAMETER, "broker timerWheelEnable is false");
    if (call->request->command.ext_count == 0) return fail(ERR_BAD_PARAMETER, "param error, extFields is null");
    if (bytes_is(header->engine, "F")) return call_refuse(call, RESPONSE_SUCCESS, "switch timer engine success");
    if (bytes_is(header->engine, "R"))
        return fail(ERR_BAD_PARAMETER, "timerRocksDBEnable must be configured true when broker start");
    return fail(ERR_BAD_PARAMETER, "param error");
}
