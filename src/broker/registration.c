/* registration.c - when and with what name servers are called. */
#include "broker/registration.h"

#include <stdlib.h>
#include "base/check.h"
#include "base/hash.h"
#include "base/lock.h"
#include "base/log.h"
#include "broker/static_topic/mappings.h"
#include "wire/body_kv_table.h"
#include "wire/body_register.h"
#include "wire/request.h"
#include "wire/response.h"

enum {
    PERIOD_MIN_MS = 10000,
    PERIOD_MAX_MS = 60000,
    RETRY_MS = 5000,      /* while a name server does not know us */
    CLOSED_MS = 1000,     /* after one closed its channel */
    UNREGISTER_MS = 3000, /* limit for each answer at the end */
    CHANGED_MAX = 64      /* more changed topics at once are a full registration */
};

struct name_server {
    struct registration *registration;
    struct bytes address;
    bool registered; /* its last answer was good */
};

/* Somebody who goes on when the name servers have heard of a change. */
struct wait {
    struct reactor *reactor;
    void (*go_on)(struct reactor *reactor, void *arg);
    void *arg;
    struct wait *next;
};

/* The calls that went out together, one to each name server. Ends when all have ended. */
struct round {
    struct round *earlier;
    size_t in_flight;
    void (*done)(struct broker *broker); /* may be NULL */
    struct wait *waits;
    struct telling {
        struct round *round;
        struct name_server *server;
    } tellings[];
};

struct registration {
    struct broker *broker;
    struct name_server *servers;
    size_t server_count;
    struct loop_timer timer;
    struct round *latest; /* those under way, the latest first */
    int64_t sent_version; /* counter of the last registration that went out */
    bool stopping;

    struct lock lock;                  /* guards these four */
    struct bytes changed[CHANGED_MAX]; /* names live as long as the topic table */
    size_t changed_count;
    bool changed_all;
    struct wait *waits; /* for what changed until now */
    struct loop_task changed_task;
};

/* The topics of a registration. */
struct topic_list {
    struct topic_config *items;
    struct topic_mapping *mappings; /* of the static topics among them */
    size_t count, mapping_count, cap;
    int32_t perm_mask;
    struct arena arena; /* texts of the mappings */
};

static void add_mapping(struct topic_list *list, struct topic *topic) {
    const struct queue_mapping_detail *mapping = topic_mapping(topic);
    struct buf info = {0};
    if (!mapping) return;
    queue_mapping_info_encode(&(struct json_writer){.out = &info}, mapping);
    list->mappings[list->mapping_count++] =
        (struct topic_mapping){topic_name(topic), arena_copy(&list->arena, buf_bytes(&info))};
    buf_close(&info);
}

static void list_add(struct topic *topic, void *arg) {
    struct topic_list *list = arg;
    if (list->count == list->cap) {
        list->cap = list->cap ? list->cap * 2 : 64;
        list->items = realloc(list->items, list->cap * sizeof *list->items);
        list->mappings = realloc(list->mappings, list->cap * sizeof *list->mappings);
        must(list->items && list->mappings);
    }
    struct topic_config config = topic_config_of(topic);
    config.perm &= list->perm_mask;
    list->items[list->count++] = config;
    add_mapping(list, topic);
}

/* --- rounds ------------------------------------------------------------------------------------------------ */
static void go_on(struct wait *waits) {
    while (waits) {
        struct wait *wait = waits;
        waits = wait->next;
        reactor_run(wait->reactor, wait->go_on, wait->arg);
        free(wait);
    }
}

static void add_waits(struct round *round, struct wait *waits) {
    struct wait **end = &round->waits;
    while (*end) end = &(*end)->next;
    *end = waits;
}

/* A round with one call of ours in flight, so that it does not end before all went out. */
static struct round *round_begin(struct registration *registration, void (*done)(struct broker *broker)) {
    struct round *round = calloc(1, sizeof *round + registration->server_count * sizeof *round->tellings);
    must(round);
    round->in_flight = 1;
    round->done = done;
    for (size_t i = 0; i < registration->server_count; i++)
        round->tellings[i] = (struct telling){round, &registration->servers[i]};
    round->earlier = registration->latest;
    registration->latest = round;
    return round;
}

static void round_ended_one(struct registration *registration, struct round *round) {
    if (--round->in_flight > 0) return;
    struct round **at = &registration->latest;
    while (*at != round) at = &(*at)->earlier;
    *at = round->earlier;
    go_on(round->waits);
    if (round->done) round->done(registration->broker);
    free(round);
}

/* --- registering ------------------------------------------------------------------------------------------- */

/* Topics that a name server wants ordered. */
static void take_order_topics(struct registration *registration, struct bytes body) {
    struct arena arena = {0};
    const struct kv *items;
    size_t count = 0;
    if (body.len > 0 && kv_table_decode(&arena, body, &items, &count) == ERR_OK)
        for (size_t i = 0; i < count; i++) topics_set_order(registration->broker->topics, items[i].key, true);
    arena_close(&arena);
}

static void set_timer(struct registration *registration, int64_t delay_ms);

static void registered(void *ctx, enum err err, const struct command *response) {
    struct telling *telling = ctx;
    struct name_server *server = telling->server;
    struct registration *registration = server->registration;
    bool good = err == ERR_OK && response->code == RESPONSE_SUCCESS;
    if (good && !server->registered)
        log_info(MAIN, "registered: name_server=%.*s", BYTES_ARG(server->address));
    else if (!good && err != ERR_OK)
        log_every_ms(30000, WARN, MAIN, "registration failed: name_server=%.*s cause=%s", BYTES_ARG(server->address),
                     err_detail(err));
    else if (!good)
        log_every_ms(30000, WARN, MAIN, "registration refused: name_server=%.*s code=%d remark=%.*s",
                     BYTES_ARG(server->address), response->code, BYTES_ARG(response->remark));
    server->registered = good;
    if (good) take_order_topics(registration, response->body);
    if (!good && !registration->stopping) set_timer(registration, RETRY_MS);
    round_ended_one(registration, telling->round);
}

static struct hdr_broker_identity identity(const struct broker *broker) {
    return (struct hdr_broker_identity){.present = HEADER_ALL,
                                        .broker_name = broker->config.broker_name,
                                        .broker_addr = bytes_of(broker->address),
                                        .cluster_name = broker->config.broker_cluster_name,
                                        .broker_id = broker->config.broker_id};
}

static void send_registration(struct telling *telling, struct bytes body) {
    struct broker *broker = telling->server->registration->broker;
    struct hdr_register_broker header = {
        .present = HEADER_ALL,
        .broker_name = broker->config.broker_name,
        .broker_addr = bytes_of(broker->address),
        .cluster_name = broker->config.broker_cluster_name,
        .ha_server_addr = bytes_of(broker->ha_address),
        .broker_id = broker->config.broker_id,
        .body_crc32 = crc32_java(body),
    };
    header.has.heartbeat_timeout_millis = false;
    struct outgoing request = {
        .code = REQUEST_REGISTER_BROKER, .layout = layout_register_broker(), .fields = &header, .body = body};
    telling->round->in_flight++;
    remoting_call(broker->main_remoting, telling->server->address, &request, broker->config.register_broker_timeout_ms,
                  registered, telling);
}

/* Only what changed, or, with names == NULL, everything. */
static void make_body(struct registration *registration, const struct bytes *names, size_t name_count,
                      struct buf *out) {
    struct broker *broker = registration->broker;
    struct topic_list list = {.perm_mask = -1};
    struct register_body body = {.has_filter_servers = true};
    if (!broker_readable(broker) || !broker_writable(broker)) list.perm_mask = broker->config.broker_permission;
    topics_data_version(broker->topics, &body.data_version);
    if (names && body.data_version.counter == registration->sent_version) {
        /* A name server passes over changed topics under a version that it has. */
        topics_bump_data_version(broker->topics);
        topics_data_version(broker->topics, &body.data_version);
    }
    registration->sent_version = body.data_version.counter;
    for (size_t i = 0; i < name_count; i++) {
        struct topic *topic = topics_find(broker->topics, names[i]);
        if (topic) list_add(topic, &list);
    }
    if (!names) topics_each(broker->topics, list_add, &list);
    body.topics = list.items;
    body.topic_count = list.count;
    body.mappings = list.mappings;
    body.mapping_count = list.mapping_count;
    register_body_encode(&body, out);
    free(list.items);
    free(list.mappings);
    arena_close(&list.arena);
}

static void register_with(struct registration *registration, const struct bytes *names, size_t name_count,
                          struct round *round) {
    struct buf body = {0};
    make_body(registration, names, name_count, &body);
    for (size_t i = 0; i < registration->server_count; i++) send_registration(&round->tellings[i], buf_bytes(&body));
    buf_close(&body);
    round_ended_one(registration, round);
}

static void register_all(struct registration *registration, struct round *round) {
    register_with(registration, NULL, 0, round);
}

/* --- forceRegister=false: asks first, registers where something changed ------------------------------------ */
static void version_answered(void *ctx, enum err err, const struct command *response) {
    struct telling *telling = ctx;
    struct registration *registration = telling->server->registration;
    struct hdr_query_data_version_result result = {.changed = true};
    if (!registration->stopping) {
        bool known = err == ERR_OK && response->code == RESPONSE_SUCCESS &&
                     header_decode(layout_query_data_version_result(), response, &result) == ERR_OK;
        if (!known || result.changed) {
            struct buf body = {0};
            make_body(registration, NULL, 0, &body);
            send_registration(telling, buf_bytes(&body));
            buf_close(&body);
        }
    }
    round_ended_one(registration, telling->round);
}

static void ask_versions(struct registration *registration) {
    struct broker *broker = registration->broker;
    struct hdr_broker_identity header = identity(broker);
    struct data_version version;
    struct buf body = {0};
    struct json_writer w = {.out = &body};
    struct round *round = round_begin(registration, NULL);
    topics_data_version(broker->topics, &version);
    data_version_encode(&w, &version);
    for (size_t i = 0; i < registration->server_count; i++) {
        round->in_flight++;
        remoting_call(broker->main_remoting, registration->servers[i].address,
                      &(struct outgoing){.code = REQUEST_QUERY_DATA_VERSION,
                                         .layout = layout_broker_identity(),
                                         .fields = &header,
                                         .body = buf_bytes(&body)},
                      broker->config.register_broker_timeout_ms, version_answered, &round->tellings[i]);
    }
    buf_close(&body);
    round_ended_one(registration, round);
}

/* --- when -------------------------------------------------------------------------------------------------- */
static bool all_registered(const struct registration *registration) {
    for (size_t i = 0; i < registration->server_count; i++)
        if (!registration->servers[i].registered) return false;
    return true;
}

static void timer_fired(struct loop_timer *timer) {
    struct registration *registration = CONTAINER_OF(timer, struct registration, timer);
    const struct broker_config *config = &registration->broker->config;
    set_timer(registration, MIN(MAX(config->register_name_server_period_ms, PERIOD_MIN_MS), PERIOD_MAX_MS));
    if (config->force_register || !all_registered(registration))
        register_all(registration, round_begin(registration, NULL));
    else
        ask_versions(registration);
}

static void set_timer(struct registration *registration, int64_t delay_ms) {
    loop_timer_start(registration->broker->main_loop, &registration->timer, delay_ms, 0, timer_fired);
}

static void changed(struct loop_task *task) {
    struct registration *registration = CONTAINER_OF(task, struct registration, changed_task);
    struct bytes names[CHANGED_MAX];
    lock_take(&registration->lock);
    size_t count = registration->changed_count;
    bool all = registration->changed_all;
    struct wait *waits = registration->waits;
    memcpy(names, registration->changed, count * sizeof *names);
    registration->changed_count = 0;
    registration->changed_all = false;
    registration->waits = NULL;
    lock_give(&registration->lock);
    bool news = (all || count > 0) && !registration->stopping && registration->server_count > 0;
    struct round *round = news ? round_begin(registration, NULL) : registration->latest;
    if (!round || registration->stopping)
        go_on(waits);
    else
        add_waits(round, waits);
    if (!news) return;
    /* A server that does not know us yet would refuse a table of one topic. */
    if (all || !all_registered(registration))
        register_all(registration, round);
    else
        register_with(registration, names, count, round);
}

/* Adds a name that is not there; too many become "all". */
static void note_changed(struct registration *registration, struct bytes name) {
    for (size_t i = 0; i < registration->changed_count; i++)
        if (bytes_equal(registration->changed[i], name)) return;
    if (registration->changed_count == CHANGED_MAX)
        registration->changed_all = true;
    else
        registration->changed[registration->changed_count++] = name;
}

void registration_topic_changed(struct broker *broker, struct bytes topic) {
    struct registration *registration = broker->registration;
    struct topic *found = topics_find(broker->topics, topic);
    if (!registration) return; /* the first registration tells all */
    lock_take(&registration->lock);
    if (found)
        note_changed(registration, topic_name(found));
    else
        registration->changed_all = true;
    lock_give(&registration->lock);
    loop_post(broker->main_loop, &registration->changed_task);
}

void registration_all_changed(struct broker *broker) {
    struct registration *registration = broker->registration;
    if (!registration) return;
    lock_take(&registration->lock);
    registration->changed_all = true;
    lock_give(&registration->lock);
    loop_post(broker->main_loop, &registration->changed_task);
}

bool registration_then(struct broker *broker, struct reactor *reactor, void (*next)(struct reactor *reactor, void *arg),
                       void *arg) {
    struct registration *registration = broker->registration;
    if (!registration || registration->server_count == 0 || atomic_load(&broker->stopping)) return false;
    struct wait *wait = malloc(sizeof *wait);
    must(wait);
    *wait = (struct wait){.reactor = reactor, .go_on = next, .arg = arg};
    lock_take(&registration->lock);
    struct wait **end = &registration->waits;
    while (*end) end = &(*end)->next;
    *end = wait;
    lock_give(&registration->lock);
    loop_post(broker->main_loop, &registration->changed_task);
    return true;
}

void registration_channel_closed(struct registration *registration) {
    if (!registration || registration->stopping || !all_registered(registration)) return;
    set_timer(registration, CLOSED_MS);
    for (size_t i = 0; i < registration->server_count; i++) registration->servers[i].registered = false;
}

void registration_start(struct registration *registration, void (*done)(struct broker *broker)) {
    if (registration->server_count == 0) {
        done(registration->broker);
        return;
    }
    set_timer(registration, PERIOD_MIN_MS);
    register_all(registration, round_begin(registration, done));
}

static void unregistered(void *ctx, enum err err, const struct command *response) {
    struct telling *telling = ctx;
    (void)response;
    if (err != ERR_OK)
        log_warn(MAIN, "not unregistered: name_server=%.*s cause=%s", BYTES_ARG(telling->server->address),
                 err_detail(err));
    round_ended_one(telling->server->registration, telling->round);
}

void registration_stop(struct registration *registration, void (*done)(struct broker *broker)) {
    struct broker *broker = registration->broker;
    struct hdr_broker_identity header = identity(broker);
    loop_timer_stop(&registration->timer);
    registration->stopping = true;
    struct round *round = round_begin(registration, done);
    round->in_flight += registration->server_count;
    for (size_t i = 0; i < registration->server_count; i++)
        remoting_call(broker->main_remoting, registration->servers[i].address,
                      &(struct outgoing){
                          .code = REQUEST_UNREGISTER_BROKER, .layout = layout_broker_identity(), .fields = &header},
                      UNREGISTER_MS, unregistered, &round->tellings[i]);
    round_ended_one(registration, round);
}

enum err registration_open(struct broker *broker, struct registration **out) {
    struct registration *registration = calloc(1, sizeof *registration);
    must(registration);
    registration->broker = broker;
    registration->sent_version = -1;
    registration->changed_task.run = changed;
    lock_init(&registration->lock, LOCK_INBOX);
    struct bytes rest = broker->config.namesrv_addr, piece;
    while (bytes_split(&rest, ';', &piece)) {
        piece = bytes_trim(piece);
        if (piece.len == 0) continue;
        registration->servers =
            realloc(registration->servers, (registration->server_count + 1) * sizeof *registration->servers);
        must(registration->servers);
        registration->servers[registration->server_count++] =
            (struct name_server){.registration = registration, .address = piece};
    }
    *out = registration;
    return ERR_OK;
}

void registration_halt(struct registration *registration) {
    if (!registration) return;
    registration->stopping = true;
    loop_timer_stop(&registration->timer);
    go_on(registration->waits);
    registration->waits = NULL;
    for (struct round *round = registration->latest; round; round = round->earlier) {
        go_on(round->waits);
        round->waits = NULL;
    }
}

void registration_close(struct registration *registration) {
    if (!registration) return;
    lock_close(&registration->lock);
    free(registration->servers);
    free(registration);
}
