/* route_table.c - registering, leaving, expiring. */
#include "namesrv/route_table.h"

#include <stdlib.h>
#include "base/check.h"
#include "base/log.h"
#include "namesrv/route_table_internal.h"

static struct bytes own(struct bytes text) {
    return text.data != NULL ? bytes_make(bytes_dup(text), text.len) : text;
}

static void disown(struct bytes *text) {
    free((void *)(uintptr_t)text->data); /* a copy of own() */
    *text = (struct bytes){0};
}

static void renew(struct bytes *text, struct bytes value) {
    if (bytes_equal(*text, value) && (text->data == NULL) == (value.data == NULL)) return;
    const struct bytes copy = own(value);
    disown(text);
    *text = copy;
}

static void *grown(void *items, size_t count, size_t item_bytes) {
    void *more = realloc(items, count * item_bytes);
    must(more != NULL);
    return more;
}

struct route_table *route_table_create(const struct route_table_options *options) {
    struct route_table *table = calloc(1, sizeof *table);
    must(table != NULL);
    table->options = *options;
    table->lost = lost_topics_create();
    return table;
}

/* --- finding -------------------------------------------------------------------------------------------- */
struct broker_entry *route_table_find_broker(const struct route_table *table, struct bytes broker_name) {
    struct broker_entry *broker;
    HASH_FIND(hh, table->brokers, broker_name.data, broker_name.len, broker);
    return broker;
}

struct topic_entry *route_table_find_topic(const struct route_table *table, struct bytes topic) {
    struct topic_entry *entry;
    HASH_FIND(hh, table->topics, topic.data, topic.len, entry);
    return entry;
}

struct live_entry *route_table_find_live(const struct route_table *table, struct bytes cluster, struct bytes address) {
    struct live_entry *live;
    struct buf key = {0};
    buf_printf(&key, "%.*s\n%.*s", BYTES_ARG(cluster), BYTES_ARG(address));
    HASH_FIND(hh, table->lives, key.data, key.len, live);
    buf_close(&key);
    return live;
}

struct queue_row *topic_row(const struct topic_entry *topic, const struct broker_entry *broker) {
    for (size_t i = 0; i < topic->row_count; i++)
        if (topic->rows[i].broker == broker) return &topic->rows[i];
    return NULL;
}

/* --- brokers -------------------------------------------------------------------------------------------- */
static struct broker_address *addresses_of(const struct broker_entry *broker) {
    return (struct broker_address *)(uintptr_t)broker->data.addresses; /* ours: the view is const for others */
}

static struct broker_entry *broker_add(struct route_table *table, const struct broker_identity *identity) {
    struct broker_entry *broker = calloc(1, sizeof *broker);
    must(broker != NULL);
    broker->data.broker_name = own(identity->broker_name);
    broker->data.cluster = own(identity->cluster);
    HASH_ADD_KEYPTR(hh, table->brokers, broker->data.broker_name.data, broker->data.broker_name.len, broker);
    return broker;
}

static void broker_remove_address(struct broker_entry *broker, size_t at) {
    struct broker_address *addresses = addresses_of(broker);
    disown(&addresses[at].address);
    memmove(&addresses[at], &addresses[at + 1], (--broker->data.address_count - at) * sizeof *addresses);
}

/* Under this id alone: returns whether the id had no address before. */
static bool broker_set_address(struct broker_entry *broker, int64_t broker_id, struct bytes address) {
    size_t at = 0;
    while (at < broker->data.address_count && broker->data.addresses[at].broker_id < broker_id) at++;
    if (at < broker->data.address_count && broker->data.addresses[at].broker_id == broker_id) {
        renew(&addresses_of(broker)[at].address, address);
        return false;
    }
    const size_t count = broker->data.address_count + 1;
    struct broker_address *addresses = grown(addresses_of(broker), count, sizeof *addresses);
    memmove(&addresses[at + 1], &addresses[at], (broker->data.address_count - at) * sizeof *addresses);
    addresses[at] = (struct broker_address){broker_id, own(address)};
    broker->data.addresses = addresses;
    broker->data.address_count = count;
    return true;
}

static void broker_free(struct broker_entry *broker) {
    while (broker->data.address_count > 0) broker_remove_address(broker, broker->data.address_count - 1);
    free(addresses_of(broker));
    disown(&broker->data.broker_name);
    disown(&broker->data.cluster);
    disown(&broker->data.zone_name);
    free(broker);
}

/* --- topics --------------------------------------------------------------------------------------------- */
static void topic_remove_row(struct topic_entry *topic, struct queue_row *row) {
    disown(&row->mapping);
    *row = topic->rows[--topic->row_count];
}

static void topic_remove(struct route_table *table, struct topic_entry *topic) {
    HASH_DEL(table->topics, topic);
    while (topic->row_count > 0) topic_remove_row(topic, &topic->rows[topic->row_count - 1]);
    disown(&topic->name);
    free(topic->rows);
    free(topic);
}

/* The row to be filled in, made with its topic when it is missing. */
static struct queue_row *row_of(struct route_table *table, struct bytes name, struct broker_entry *broker) {
    struct topic_entry *topic = route_table_find_topic(table, name);
    if (topic == NULL) {
        topic = calloc(1, sizeof *topic);
        must(topic != NULL);
        topic->name = own(name);
        lost_topics_found(table->lost, name);
        HASH_ADD_KEYPTR(hh, table->topics, topic->name.data, topic->name.len, topic);
    }
    struct queue_row *row = topic_row(topic, broker);
    if (row != NULL) return row;
    topic->rows = grown(topic->rows, topic->row_count + 1, sizeof *topic->rows);
    row = &topic->rows[topic->row_count++];
    *row = (struct queue_row){.broker = broker};
    return row;
}

/* Takes the broker's rows out of all topics, but those of the registration `kept` (0 keeps none). */
static void remove_rows(struct route_table *table, const struct broker_entry *broker, uint64_t kept, enum loss how) {
    struct topic_entry *topic, *next;
    HASH_ITER(hh, table->topics, topic, next) {
        struct queue_row *row = topic_row(topic, broker);
        if (row == NULL || (kept != 0 && row->registration == kept)) continue;
        topic_remove_row(topic, row);
        if (topic->row_count > 0) continue;
        lost_topics_add(table->lost, topic->name, broker->data.broker_name, how);
        topic_remove(table, topic);
    }
}

/* Sets the permission of all the broker's rows to (perm & keep) | add; returns how many they are. */
static int32_t change_perm(struct route_table *table, const struct broker_entry *broker, int32_t keep, int32_t add) {
    int32_t count = 0;
    for (struct topic_entry *topic = table->topics; topic != NULL; topic = topic->hh.next) {
        struct queue_row *row = topic_row(topic, broker);
        if (row == NULL) continue;
        row->perm = (row->perm & keep) | add;
        count++;
    }
    return count;
}

/* --- live brokers --------------------------------------------------------------------------------------- */
static void live_set_filter_servers(struct live_entry *live, const struct bytes *servers, size_t count) {
    for (size_t i = 0; i < live->filter_server_count; i++) disown(&live->filter_servers[i]);
    live->filter_servers = count > 0 ? grown(live->filter_servers, count, sizeof *servers) : live->filter_servers;
    for (size_t i = 0; i < count; i++) live->filter_servers[i] = own(servers[i]);
    live->filter_server_count = count;
}

static void live_remove(struct route_table *table, struct live_entry *live) {
    HASH_DEL(table->lives, live);
    live_set_filter_servers(live, NULL, 0);
    free(live->filter_servers);
    disown(&live->key);
    disown(&live->broker_name);
    disown(&live->ha_server_address);
    free(live);
}

static struct broker_identity live_identity(const struct live_entry *live) {
    struct bytes address = live->key, cluster;
    bytes_split(&address, '\n', &cluster);
    return (struct broker_identity){cluster, live->broker_name, address, live->broker_id};
}

static struct live_entry *live_add(struct route_table *table, const struct broker_identity *identity) {
    struct live_entry *live = calloc(1, sizeof *live);
    must(live != NULL);
    struct buf key = {0};
    buf_printf(&key, "%.*s\n%.*s", BYTES_ARG(identity->cluster), BYTES_ARG(identity->address));
    live->key = own(buf_bytes(&key));
    buf_close(&key);
    HASH_ADD_KEYPTR(hh, table->lives, live->key.data, live->key.len, live);
    return live;
}

static void live_renew(struct live_entry *live, const struct registration *registration, int64_t now_ms) {
    renew(&live->broker_name, registration->broker.broker_name);
    renew(&live->ha_server_address, registration->ha_server_address);
    live->broker_id = registration->broker.broker_id;
    live->seen_ms = now_ms;
    live->timeout_ms = registration->timeout_ms > 0 ? registration->timeout_ms : BROKER_TIMEOUT_MS;
    live->data_version = registration->body->data_version;
    live->channel_id = registration->channel_id;
    if (registration->body->has_filter_servers)
        live_set_filter_servers(live, registration->body->filter_servers, registration->body->filter_server_count);
}

/* --- registering ---------------------------------------------------------------------------------------- */
/* The address is listed under another id: its role has changed. */
static void forget_former_id(struct broker_entry *broker, const struct broker_identity *identity) {
    for (size_t i = broker->data.address_count; i-- > 0;) {
        const struct broker_address *row = &broker->data.addresses[i];
        if (row->broker_id != identity->broker_id && bytes_equal(row->address, identity->address))
            broker_remove_address(broker, i);
    }
}

/* Another address holds the id and has seen a later state. */
static bool is_outdated(const struct route_table *table, const struct broker_entry *broker,
                        const struct registration *registration) {
    const struct bytes holder = broker_data_address(&broker->data, registration->broker.broker_id);
    if (holder.data == NULL || bytes_equal(holder, registration->broker.address)) return false;
    const struct live_entry *live = route_table_find_live(table, registration->broker.cluster, holder);
    return live != NULL && live->data_version.state_version > registration->body->data_version.state_version;
}

static void take_mappings(struct route_table *table, const struct broker_entry *broker,
                          const struct register_body *body) {
    for (size_t i = 0; i < body->mapping_count; i++) {
        const struct topic_entry *topic = route_table_find_topic(table, body->mappings[i].topic);
        struct queue_row *row = topic != NULL ? topic_row(topic, broker) : NULL;
        if (row != NULL) renew(&row->mapping, body->mappings[i].info);
    }
}

/* `changed`: all of it is news; else only topics that are missing here. */
static void take_topics(struct route_table *table, struct broker_entry *broker, const struct registration *registration,
                        bool changed) {
    const struct register_body *body = registration->body;
    const bool acting = registration->broker.broker_id != MASTER_ID && broker->data.enable_acting_master;
    table->registrations++;
    for (size_t i = 0; i < body->topic_count; i++) {
        const struct topic_config *topic = &body->topics[i];
        struct queue_row *row = row_of(table, topic->name, broker);
        const bool missing = row->registration == 0;
        row->registration = table->registrations;
        if (!changed && !missing) continue;
        row->read_queue_nums = topic->read_queue_nums;
        row->write_queue_nums = topic->write_queue_nums;
        row->perm = acting ? topic->perm & ~PERM_WRITE : topic->perm;
        row->sys_flag = topic->sys_flag;
    }
    if (changed) take_mappings(table, broker, body);
    if (table->options.config->delete_topic_with_broker_registration && body->mapping_count == 0)
        remove_rows(table, broker, table->registrations, LOSS_UNLISTED);
}

static void min_broker_changed(const struct route_table *table, const struct broker_entry *broker,
                               struct bytes offline_address, struct bytes ha_server_address) {
    if (!table->options.config->notify_min_broker_id_changed) return;
    table->options.min_broker_changed(table->options.ctx,
                                      &(struct min_broker_change){&broker->data, offline_address, ha_server_address});
}

static void find_master(const struct route_table *table, const struct broker_entry *broker, struct bytes cluster,
                        struct registration_result *out) {
    const struct bytes master = broker_data_address(&broker->data, MASTER_ID);
    const struct live_entry *live = master.data != NULL ? route_table_find_live(table, cluster, master) : NULL;
    if (live == NULL) return;
    out->master_address = master;
    out->ha_server_address = live->ha_server_address;
}

/* A broker that is not listed may not come with a single topic: it would hide its other ones. */
static bool is_stranger_with_one_topic(const struct broker_entry *broker, const struct registration *registration) {
    const bool listed =
        broker != NULL && broker_data_address(&broker->data, registration->broker.broker_id).data != NULL;
    return !listed && registration->body->topic_count == 1;
}

enum err route_table_register(struct route_table *table, const struct registration *registration, int64_t now_ms,
                              struct registration_result *out) {
    const struct broker_identity *identity = &registration->broker;
    struct broker_entry *broker = route_table_find_broker(table, identity->broker_name);
    *out = (struct registration_result){0};
    if (is_stranger_with_one_topic(broker, registration)) return fail(ERR_FAILED, "register broker failed");
    if (broker != NULL) forget_former_id(broker, identity);
    struct live_entry *live = route_table_find_live(table, identity->cluster, identity->address);
    if (broker != NULL && is_outdated(table, broker, registration)) {
        log_warn(MAIN,
                 "registration is older than that of the broker with the same id: broker=%.*s id=%lld address=%.*s",
                 BYTES_ARG(identity->broker_name), (long long)identity->broker_id, BYTES_ARG(identity->address));
        if (live != NULL) live_remove(table, live);
        return ERR_OK;
    }
    if (broker == NULL) broker = broker_add(table, identity);
    broker->data.enable_acting_master = registration->enable_acting_master;
    renew(&broker->data.zone_name, registration->zone_name);
    const bool lowest = broker->data.address_count > 0 && identity->broker_id < broker->data.addresses[0].broker_id;
    const bool first = broker_set_address(broker, identity->broker_id, identity->address);
    const bool changed =
        first || live == NULL || !data_version_equal(&live->data_version, &registration->body->data_version);
    const bool prime_slave = registration->knows_acting_master && identity->broker_id != MASTER_ID &&
                             broker->data.addresses[0].broker_id == identity->broker_id;
    if (identity->broker_id == MASTER_ID || prime_slave) take_topics(table, broker, registration, changed);
    if (live == NULL) {
        live = live_add(table, identity);
        log_info(MAIN, "new broker registered: broker=%.*s id=%lld address=%.*s", BYTES_ARG(identity->broker_name),
                 (long long)identity->broker_id, BYTES_ARG(identity->address));
    }
    live_renew(live, registration, now_ms);
    if (identity->broker_id != MASTER_ID) find_master(table, broker, identity->cluster, out);
    if (lowest) min_broker_changed(table, broker, (struct bytes){0}, live->ha_server_address);
    return ERR_OK;
}

/* --- leaving -------------------------------------------------------------------------------------------- */
/* One of its addresses has been taken out. */
static void address_gone(struct route_table *table, struct broker_entry *broker, enum loss how) {
    if (broker->data.address_count == 0) {
        log_info(MAIN, "last broker of the name is gone: broker=%.*s", BYTES_ARG(broker->data.broker_name));
        remove_rows(table, broker, 0, how);
        HASH_DEL(table->brokers, broker);
        broker_free(broker);
    } else if (broker->data.enable_acting_master && broker_data_address(&broker->data, MASTER_ID).data == NULL) {
        change_perm(table, broker, ~PERM_WRITE, 0);
    }
}

static void leave(struct route_table *table, const struct broker_identity *identity, enum loss how) {
    struct broker_entry *broker = route_table_find_broker(table, identity->broker_name);
    struct live_entry *live = route_table_find_live(table, identity->cluster, identity->address);
    log_info(MAIN, "broker leaves: broker=%.*s id=%lld address=%.*s", BYTES_ARG(identity->broker_name),
             (long long)identity->broker_id, BYTES_ARG(identity->address));
    if (broker != NULL) {
        bool was_lowest = false;
        for (size_t i = broker->data.address_count; i-- > 0;) {
            if (!bytes_equal(broker->data.addresses[i].address, identity->address)) continue;
            was_lowest = i == 0;
            broker_remove_address(broker, i);
        }
        if (was_lowest && broker->data.address_count > 0)
            min_broker_changed(table, broker, identity->address, (struct bytes){0});
        address_gone(table, broker, how);
    }
    if (live != NULL) live_remove(table, live); /* last: the identity may point into it */
}

void route_table_unregister(struct route_table *table, const struct broker_identity *identity) {
    leave(table, identity, LOSS_UNREGISTERED);
}

void route_table_heartbeat(struct route_table *table, struct bytes cluster, struct bytes address, int64_t now_ms) {
    struct live_entry *live = route_table_find_live(table, cluster, address);
    if (live != NULL) live->seen_ms = now_ms;
}

bool route_table_data_version(const struct route_table *table, struct bytes cluster, struct bytes address,
                              struct data_version *out) {
    const struct live_entry *live = route_table_find_live(table, cluster, address);
    if (live != NULL) *out = live->data_version;
    return live != NULL;
}

void route_table_channel_closed(struct route_table *table, uint64_t channel_id) {
    struct live_entry *live, *next;
    HASH_ITER(hh, table->lives, live, next) {
        if (live->channel_id != channel_id) continue;
        const struct broker_identity identity = live_identity(live);
        leave(table, &identity, LOSS_DISCONNECTED);
    }
}

size_t route_table_expire(struct route_table *table, int64_t now_ms, struct arena *arena, const uint64_t **channels) {
    uint64_t *gone = arena_alloc(arena, HASH_COUNT(table->lives) * sizeof *gone);
    size_t count = 0;
    struct live_entry *live, *next;
    HASH_ITER(hh, table->lives, live, next) {
        if (now_ms - live->seen_ms <= live->timeout_ms) continue;
        const struct broker_identity identity = live_identity(live);
        log_warn(MAIN, "broker is silent: broker=%.*s address=%.*s timeout_ms=%lld", BYTES_ARG(live->broker_name),
                 BYTES_ARG(identity.address), (long long)live->timeout_ms);
        gone[count++] = live->channel_id;
        leave(table, &identity, LOSS_SILENT);
    }
    *channels = gone;
    return count;
}

/* --- topics by request ---------------------------------------------------------------------------------- */
void route_table_register_topic(struct route_table *table, struct bytes topic, const struct queue_data *queues,
                                size_t count) {
    for (size_t i = 0; i < count; i++) {
        struct broker_entry *broker = route_table_find_broker(table, queues[i].broker_name);
        if (broker == NULL) return;
        struct queue_row *row = row_of(table, topic, broker);
        row->registration = ++table->registrations;
        row->read_queue_nums = queues[i].read_queue_nums;
        row->write_queue_nums = queues[i].write_queue_nums;
        row->perm = queues[i].perm;
        row->sys_flag = queues[i].topic_sys_flag;
    }
}

void route_table_delete_topic(struct route_table *table, struct bytes topic, struct bytes cluster) {
    struct topic_entry *entry = route_table_find_topic(table, topic);
    if (entry == NULL) return;
    const struct broker_entry *last = NULL;
    for (size_t i = entry->row_count; i-- > 0;) {
        if (cluster.len > 0 && !bytes_equal(entry->rows[i].broker->data.cluster, cluster)) continue;
        last = entry->rows[i].broker;
        topic_remove_row(entry, &entry->rows[i]);
    }
    if (entry->row_count > 0 || last == NULL) return;
    lost_topics_add(table->lost, entry->name, last->data.broker_name, LOSS_DELETED);
    topic_remove(table, entry);
}

int32_t route_table_wipe_write_perm(struct route_table *table, struct bytes broker_name) {
    const struct broker_entry *broker = route_table_find_broker(table, broker_name);
    return broker != NULL ? change_perm(table, broker, ~PERM_WRITE, 0) : 0;
}

int32_t route_table_add_write_perm(struct route_table *table, struct bytes broker_name) {
    const struct broker_entry *broker = route_table_find_broker(table, broker_name);
    return broker != NULL ? change_perm(table, broker, 0, PERM_READ | PERM_WRITE) : 0;
}

void route_table_destroy(struct route_table *table) {
    struct topic_entry *topic, *next_topic;
    HASH_ITER(hh, table->topics, topic, next_topic) topic_remove(table, topic);
    struct live_entry *live, *next_live;
    HASH_ITER(hh, table->lives, live, next_live) live_remove(table, live);
    struct broker_entry *broker, *next_broker;
    HASH_ITER(hh, table->brokers, broker, next_broker) {
        HASH_DEL(table->brokers, broker);
        broker_free(broker);
    }
    lost_topics_destroy(table->lost);
    free(table);
}
