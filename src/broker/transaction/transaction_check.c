/* transaction_check.c - the thread that goes through what is left open */
#include "broker/transaction/transaction_check.h"

#include <inttypes.h>
#include <stdlib.h>
#include "base/check.h"
#include "base/lock.h"
#include "base/log.h"
#include "broker/clients/producers.h"
#include "broker/stats/stats.h"
#include "broker/tables/topic_counts.h"
#include "message/msgid.h"
#include "os/clock.h"
#include "os/thread.h"
#include "wire/header.h"
#include "wire/request.h"

enum { ROUND_MS_MAX = 60000, ASK_BYTES_MAX = 4 << 20, ASK_PAUSE_MS = 20 };

struct transaction_check {
    struct broker *broker;
    struct lock lock; /* guards closing */
    struct cond wake;
    bool closing;
    int64_t opened_ms;
    pthread_t thread;
    bool started;
};

/* One walk over what is left. */
struct round {
    struct transaction_check *check;
    struct broker *broker;
    struct half_messages *halves;
    int64_t begin_ms;   /* wall clock */
    struct arena arena; /* of one half message */
    int64_t put_back, given_up;
    int64_t asked_bytes; /* since the last pause */
};

/* false: the thread is to end. */
static bool wait_ms(struct transaction_check *check, int64_t wait_ms) {
    lock_take(&check->lock);
    if (!check->closing && wait_ms > 0) (void)cond_wait_ms(&check->wake, &check->lock, wait_ms);
    bool closing = check->closing;
    lock_give(&check->lock);
    return !closing;
}

/* --- verdicts ----------------------------------------------------------------------------------------------- */

static int32_t check_times(const struct record *half) {
    int32_t times = 0;
    (void)bytes_to_i32(properties_get(half->properties, PROPERTY_TRANSACTION_CHECK_TIMES), &times);
    return MAX(times, 0);
}

int64_t half_immunity_ms(const struct broker *broker, const struct record *half) {
    int64_t seconds;
    struct bytes text = properties_get(half->properties, PROPERTY_CHECK_IMMUNITY_TIME_IN_SECONDS);
    if (!bytes_to_i64(text, &seconds) || seconds < 0 || seconds > INT64_MAX / 1000)
        return broker->config.transaction_timeout_ms;
    return seconds * 1000;
}

enum half_verdict half_judge(const struct broker *broker, const struct record *half, int64_t now_ms) {
    int64_t age_ms = now_ms - half->born_time_ms;
    if (check_times(half) >= broker->config.transaction_check_max ||
        age_ms > broker->store_config.file_reserved_time_h * 3600000LL)
        return HALF_GIVE_UP;
    if (properties_get(half->properties, PROPERTY_CHECK_IMMUNITY_TIME_IN_SECONDS).data)
        return age_ms < half_immunity_ms(broker, half) ? HALF_IMMUNE : HALF_ASK;
    return age_ms >= 0 && age_ms < broker->config.transaction_timeout_ms ? HALF_YOUNG : HALF_ASK;
}

/* --- what is done ------------------------------------------------------------------------------------------- */

/* The message as the producer sent it, at its new place. */
static struct bytes question_body(struct round *round, const struct record *half, const struct put *back) {
    struct record record = *half;
    record.topic = properties_get(half->properties, PROPERTY_REAL_TOPIC);
    (void)bytes_to_i32(properties_get(half->properties, PROPERTY_REAL_QID), &record.queue_id);
    uint32_t size_bytes = record_size(&record);
    char *body = arena_alloc(&round->arena, size_bytes);
    if (size_bytes == 0) return (struct bytes){NULL, 0};
    record_encode(&record, body);
    record_patch(body, back->offset_queue, back->offset_phys, back->store_time_ms);
    return bytes_make(body, size_bytes);
}

static void ask_producer(struct round *round, const struct record *half, const struct put *back) {
    const struct broker *broker = round->broker;
    struct bytes group = properties_get(half->properties, PROPERTY_PGROUP);
    struct bytes unique_key = properties_get(half->properties, PROPERTY_UNIQ_KEY);
    struct client_channel channel;
    char id[MSGID_TEXT_MAX];
    if (!producers_pick(broker->producers, group, &channel)) {
        log_every_ms(10000, WARN, CLIENT, "no producer to ask about a transaction: group=%.*s", BYTES_ARG(group));
        return;
    }
    struct hdr_check_transaction_state header = {
        .present = HEADER_ALL,
        .tran_state_table_offset = back->offset_queue,
        .commit_log_offset = back->offset_phys,
        .msg_id = unique_key,
        .transaction_id = unique_key,
        .offset_msg_id = bytes_make(id, msgid_offset_text(&half->store_host, back->offset_phys, id)),
        .topic = TOPIC_HALF,
    };
    struct ext_field broker_name = {.key = BYTES("bname"), .value = broker->config.broker_name};
    struct outgoing question = {.code = REQUEST_CHECK_TRANSACTION_STATE,
                                .layout = layout_check_transaction_state(),
                                .fields = &header,
                                .ext = &broker_name,
                                .ext_count = 1,
                                .body = question_body(round, half, back)};
    client_oneway(channel, &question);
    round->asked_bytes += (int64_t)question.body.len;
    if (round->asked_bytes < ASK_BYTES_MAX) return;
    round->asked_bytes = 0; /* questions must not pile up faster than they can be sent */
    (void)wait_ms(round->check, ASK_PAUSE_MS);
}

static enum err put_back(struct round *round, const struct record *half, bool ask) {
    struct put back;
    bool moved;
    struct record again;
    int32_t times = ask ? check_times(half) + 1 : -1;
    TRY(half_messages_encode_back(round->halves, half, times, &round->arena, &back));
    TRY(half_messages_put_back(round->halves, half, &back, &moved));
    if (!moved) return ERR_OK;
    round->put_back++;
    if (!ask) return ERR_OK;
    TRY(record_decode(bytes_make(back.record, back.size_bytes), RECORD_CHECK_SHAPE, &again));
    ask_producer(round, &again, &back);
    return ERR_OK;
}

static enum err give_up(struct round *round, const struct record *half) {
    struct broker *broker = round->broker;
    struct record record = *half;
    struct message_place place = {.sys_flag = half->sys_flag};
    struct put put;
    bool ended;
    TRY(topics_create(broker->topics, TOPIC_TRANS_CHECK_MAX_TIME, 1, PERM_READ | PERM_WRITE, 0, false, &place.topic));
    TRY(message_place_encode(broker, &place, &record, &round->arena, &put));
    TRY(half_messages_end(round->halves, half, &put, &ended));
    if (!ended) return ERR_OK;
    struct bytes topic = properties_get(half->properties, PROPERTY_REAL_TOPIC);
    log_warn(MAIN, "transaction given up: topic=%.*s group=%.*s checks=%d offset=%" PRId64 " stored in %.*s",
             BYTES_ARG(topic), BYTES_ARG(properties_get(half->properties, PROPERTY_PGROUP)), check_times(half),
             half->offset_phys, BYTES_ARG(TOPIC_TRANS_CHECK_MAX_TIME));
    topic_counts_add(broker->transaction_counts, topic, -1);
    stats_count_put(broker->stats, place.topic, 1, put.size_bytes);
    round->given_up++;
    return ERR_OK;
}

/* *stop: those behind it are younger. */
static enum err look(struct round *round, const struct record *half, bool *stop) {
    enum half_verdict verdict = half_judge(round->broker, half, clock_wall_ms());
    *stop = verdict == HALF_YOUNG || (verdict != HALF_GIVE_UP && half->store_time_ms >= round->begin_ms);
    if (*stop) return ERR_OK;
    if (verdict == HALF_GIVE_UP) return give_up(round, half);
    return put_back(round, half, verdict == HALF_ASK);
}

/* One that cannot be read any more is passed over: retention has deleted it. */
static enum err look_at(struct round *round, int64_t offset_queue, bool *stop) {
    struct store *store = round->broker->store;
    struct queue_entry entry;
    struct store_slice slice;
    struct record half;
    enum err err = queue_entry_at(store, half_messages_queue(round->halves), offset_queue, &entry);
    if (err == ERR_OK) err = store_record_at(store, entry.offset_phys, &slice);
    if (err == ERR_NOT_FOUND) return ERR_OK;
    TRY(err);
    if (record_decode(slice.bytes, RECORD_CHECK_SHAPE, &half) == ERR_OK)
        err = look(round, &half, stop);
    else
        log_error(STORE, "half message cannot be read: offset=%" PRId64 " phys=%" PRId64, offset_queue,
                  entry.offset_phys);
    store_release(slice.hold);
    arena_reset(&round->arena);
    return err;
}

/* Returns when it was over, by the clock before others can see that it is. */
static int64_t run_round(struct transaction_check *check) {
    struct broker *broker = check->broker;
    struct round round = {
        .check = check, .broker = broker, .halves = broker->half_messages, .begin_ms = clock_wall_ms()};
    int64_t first = half_messages_first(round.halves), max = queue_max(half_messages_queue(round.halves)), at = first;
    int64_t until_ms = clock_monotonic_ms() + ROUND_MS_MAX;
    enum err err = ERR_OK;
    for (; at < max && wait_ms(check, 0) && clock_monotonic_ms() < until_ms; at++) {
        bool stop = false;
        if (!half_messages_finished(round.halves, at)) err = look_at(&round, at, &stop);
        if (err != ERR_OK || stop) break;
    }
    int64_t over_ms = clock_monotonic_ms();
    if (err == ERR_OK) err = half_messages_pass(round.halves, at);
    if (err != ERR_OK)
        log_warn(MAIN, "check of transactions broke off, trying again: offset=%" PRId64 " cause=%s", at,
                 err_detail(err));
    if (round.put_back > 0 || round.given_up > 0)
        log_info(MAIN, "transactions checked: from=%" PRId64 " to=%" PRId64 " put_back=%" PRId64 " given_up=%" PRId64,
                 first, at, round.put_back, round.given_up);
    arena_close(&round.arena);
    return over_ms;
}

/* --- the thread --------------------------------------------------------------------------------------------- */

static void check_thread(void *arg) {
    struct transaction_check *check = arg;
    struct broker *broker = check->broker;
    const struct broker_config *config = &broker->config;
    int64_t check_ms = check->opened_ms, ops_ms = check_ms, save_ms = check_ms; /* when each was done */
    for (;;) {
        int64_t next_ms =
            MIN(check_ms + config->transaction_check_interval_ms, ops_ms + config->transaction_op_batch_interval_ms);
        if (!wait_ms(check, next_ms - clock_monotonic_ms())) break;
        int64_t now_ms = clock_monotonic_ms();
        if (now_ms - ops_ms >= config->transaction_op_batch_interval_ms) {
            enum err err = half_messages_write_ops(broker->half_messages);
            if (err != ERR_OK) log_every_ms(10000, WARN, MAIN, "op records not written: cause=%s", err_detail(err));
            ops_ms = now_ms;
        }
        if (now_ms - check_ms >= config->transaction_check_interval_ms) {
            check_ms = run_round(check);
        }
        if (now_ms - save_ms >= config->transaction_metric_flush_interval_ms) {
            topic_counts_save(broker->transaction_counts);
            save_ms = now_ms;
        }
    }
}

enum err transaction_check_open(struct broker *broker, struct transaction_check **out) {
    struct transaction_check *check = calloc(1, sizeof *check);
    must(check);
    check->broker = broker;
    check->opened_ms = clock_monotonic_ms();
    lock_init(&check->lock, LOCK_WORK);
    cond_init(&check->wake);
    enum err err = thread_start(&check->thread, "transaction", check_thread, check);
    check->started = err == ERR_OK;
    if (err == ERR_OK)
        *out = check;
    else
        transaction_check_close(check);
    return err;
}

void transaction_check_close(struct transaction_check *check) {
    if (!check) return;
    lock_take(&check->lock);
    check->closing = true;
    cond_signal(&check->wake);
    lock_give(&check->lock);
    if (check->started) thread_join(check->thread);
    cond_close(&check->wake);
    lock_close(&check->lock);
    free(check);
}
