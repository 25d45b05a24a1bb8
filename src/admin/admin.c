/* admin.c - requests and their answers, and what name servers know. */
#include "admin/admin.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/check.h"
#include "client/client.h"
#include "client/job.h"
#include "os/clock.h"

enum { TIMEOUT_MS = 5000 }; /* @source apache/rocketmq tools/.../admin/DefaultMQAdminExt.java */

/* ---- life ---------------------------------------------------------------------------------------------- */

enum err admin_open(struct admin *admin, struct bytes name_servers, FILE *out) {
    enum { LOG_ERRORS_ONLY = 3 };
    *admin = (struct admin){.out = out, .timeout_ms = TIMEOUT_MS, .response_code = -1};
    rmq_set_log(NULL, LOG_ERRORS_ONLY); /* to stderr, where the command's own words go */
    rmq_client_options_t options;
    rmq_client_options_init(&options);
    options.call_timeout_ms = TIMEOUT_MS;
    options.callback_threads = 1;
    options.name_servers = name_servers.data ? arena_strdup(&admin->arena, name_servers) : getenv("NAMESRV_ADDR");
    if (!options.name_servers || !*options.name_servers)
        return fail(ERR_BAD_CONFIG,
                    "no name server is set: give -n host:port or the environment variable NAMESRV_ADDR");
    if (rmq_client_create(&options, &admin->client) != RMQ_OK) return fail(ERR_BAD_CONFIG, "%s", rmq_last_error());
    return ERR_OK;
}

void admin_close(struct admin *admin) {
    rmq_client_destroy(admin->client);
    arena_close(&admin->arena);
}

void admin_problem(struct admin *admin, enum err err, const char *format, ...) {
    va_list args;
    va_start(args, format);
    fflush(admin->out);
    fprintf(stderr, "mqadmin: ");
    vfprintf(stderr, format, args);
    fprintf(stderr, ": %s\n", err_detail(err));
    va_end(args);
    admin->problems++;
}

/* ---- one request --------------------------------------------------------------------------------------- */

struct asking {
    struct waiting_call call;
    struct arena *arena;
    struct bytes address;
    const struct outgoing *request;
    const struct pull_request *pull; /* when not NULL: instead of request */
    int64_t timeout_ms;
    enum err err;
    struct command response;
};

static void copy_response(struct arena *arena, const struct command *from, struct command *to) {
    *to = *from;
    to->remark = arena_copy(arena, from->remark);
    to->body = arena_copy(arena, from->body);
    struct ext_field *ext = arena_calloc(arena, from->ext_count, sizeof *ext);
    for (size_t i = 0; i < from->ext_count; i++) {
        ext[i].key = arena_copy(arena, from->ext[i].key);
        ext[i].value = arena_copy(arena, from->ext[i].value);
    }
    to->ext = ext;
}

/* The arena is the waiting thread's, which does nothing until this has ended. */
static void on_answer(void *ctx, enum err err, const struct command *response) {
    struct asking *asking = ctx;
    asking->err = err;
    if (err == ERR_OK)
        copy_response(asking->arena, response, &asking->response);
    else
        outcome_err(&asking->call.outcome, err);
    waiting_call_end(&asking->call);
}

static void ask_on_loop(struct job *job) {
    struct asking *asking = CONTAINER_OF(job, struct asking, call.job);
    struct remoting *remoting = asking->call.client->remoting;
    if (asking->pull)
        pull_send(remoting, asking->address, true, asking->pull, asking->timeout_ms, on_answer, asking);
    else
        remoting_call(remoting, asking->address, asking->request, asking->timeout_ms, on_answer, asking);
}

static enum err run(struct admin *admin, struct asking *asking) {
    asking->arena = &admin->arena;
    asking->timeout_ms = admin->timeout_ms;
    admin->response_code = -1;
    waiting_call_run(admin->client, &asking->call, ask_on_loop);
    if (asking->err != ERR_OK) return fail(asking->err, "%s", asking->call.outcome.detail);
    admin->response_code = asking->response.code;
    return ERR_OK;
}

enum err admin_call(struct admin *admin, struct bytes address, const struct outgoing *request,
                    struct command *response) {
    struct asking asking = {.address = address, .request = request};
    TRY(run(admin, &asking));
    *response = asking.response;
    return ERR_OK;
}

static enum err check_response(const struct command *response) {
    if (response->code == RESPONSE_SUCCESS) return ERR_OK;
    return fail(ERR_RESPONSE, "CODE: %d  DESC: %.*s", response->code, BYTES_ARG(response->remark));
}

enum err admin_ask(struct admin *admin, struct bytes address, const struct outgoing *request,
                   struct command *response) {
    struct command own;
    if (!response) response = &own;
    TRY(admin_call(admin, address, request, response));
    return check_response(response);
}

size_t admin_namesrv_count(const struct admin *admin) {
    return admin->client->routes.name_server_count;
}

struct bytes admin_namesrv(const struct admin *admin, size_t i) {
    return bytes_of(admin->client->routes.name_servers[i]);
}

enum err admin_ask_namesrv(struct admin *admin, const struct outgoing *request, struct command *response) {
    struct command own;
    if (!response) response = &own;
    enum err err = ERR_OK;
    for (size_t i = 0; i < admin_namesrv_count(admin); i++) {
        err = admin_call(admin, admin_namesrv(admin, i), request, response);
        if (err == ERR_OK) return check_response(response);
    }
    return fail(err, "no name server answered: %s. Is one running there? -n and NAMESRV_ADDR say where",
                err_detail(err));
}

enum err admin_tell_namesrvs(struct admin *admin, const struct outgoing *request) {
    for (size_t i = 0; i < admin_namesrv_count(admin); i++) {
        enum err err = admin_ask(admin, admin_namesrv(admin, i), request, NULL);
        if (err != ERR_OK)
            return fail(err, "name server %.*s: %s", BYTES_ARG(admin_namesrv(admin, i)), err_detail(err));
    }
    return ERR_OK;
}

/* What the server said itself, of outcome_response's "answer 1 SYSTEM_ERROR: what it said". */
static const char *remark_of(const char *told) {
    const char *colon = strstr(told, ": ");
    return colon ? colon + 2 : told;
}

enum err admin_err(struct admin *admin, rmq_error_t error) {
    const char *told = rmq_last_error();
    switch (error) {
    case RMQ_OK:
        return ERR_OK;
    case RMQ_NOT_FOUND:
        admin->response_code = RESPONSE_NO_MESSAGE;
        break;
    case RMQ_NO_ROUTE:
        admin->response_code = RESPONSE_TOPIC_NOT_EXIST;
        break;
    case RMQ_BROKER:
        admin->response_code = rmq_last_response_code();
        told = remark_of(told);
        break;
    default:
        return fail(ERR_FAILED, "%s", told);
    }
    return fail(ERR_RESPONSE, "CODE: %d  DESC: %s", admin->response_code, told);
}

enum err admin_producer(struct admin *admin, bool trace, rmq_producer_t **producer) {
    char group[64];
    rmq_producer_options_t options;
    rmq_producer_options_init(&options);
    snprintf(group, sizeof group, "mqadmin_%d_%" PRId64, (int)getpid(), clock_wall_ms());
    options.group = group;
    options.message_trace_enable = trace;
    return admin_err(admin, rmq_producer_create(admin->client, &options, producer));
}

/* ---- name servers -------------------------------------------------------------------------------------- */

enum err admin_route(struct admin *admin, struct bytes topic, struct topic_route *out) {
    struct hdr_get_routeinfo_by_topic header = {.present = HEADER_ALL, .topic = topic};
    struct command response;
    header.has.accept_standard_json_only = false;
    TRY(admin_ask_namesrv(admin, ADMIN_REQUEST(GET_ROUTEINFO_BY_TOPIC, get_routeinfo_by_topic, &header), &response));
    return topic_route_decode(&admin->arena, response.body, out);
}

enum err admin_route_or(struct admin *admin, struct bytes cluster, struct bytes topic, struct topic_route *out) {
    return admin_route(admin, cluster.data ? cluster : topic, out);
}

struct bytes admin_address_of(const struct broker_data *broker) {
    struct bytes master = broker_data_address(broker, MASTER_ID);
    if (master.data || broker->address_count == 0) return master;
    return broker->addresses[0].address;
}

static int by_text(const void *a, const void *b) {
    return bytes_compare(*(const struct bytes *)a, *(const struct bytes *)b);
}

static const struct bytes *sorted(struct arena *arena, const struct bytes *texts, size_t count) {
    struct bytes *copy = arena_calloc(arena, count, sizeof *copy);
    for (size_t i = 0; i < count; i++) copy[i] = texts[i];
    if (count > 0) qsort(copy, count, sizeof *copy, by_text);
    return copy;
}

enum err admin_topics(struct admin *admin, struct topic_list *out) {
    struct command response;
    struct outgoing request = {.code = REQUEST_GET_ALL_TOPIC_LIST_FROM_NAMESERVER};
    TRY(admin_ask_namesrv(admin, &request, &response));
    TRY(topic_list_decode(&admin->arena, response.body, out));
    out->topics = sorted(&admin->arena, out->topics, out->count);
    return ERR_OK;
}

static int by_cluster(const void *a, const void *b) {
    return bytes_compare(((const struct cluster_brokers *)a)->cluster, ((const struct cluster_brokers *)b)->cluster);
}

enum err admin_cluster_info(struct admin *admin, struct cluster_info *out) {
    struct command response;
    struct outgoing request = {.code = REQUEST_GET_BROKER_CLUSTER_INFO};
    TRY(admin_ask_namesrv(admin, &request, &response));
    TRY(cluster_info_decode(&admin->arena, response.body, out));
    struct cluster_brokers *clusters = arena_calloc(&admin->arena, out->cluster_count, sizeof *clusters);
    for (size_t i = 0; i < out->cluster_count; i++) {
        clusters[i] = out->clusters[i];
        clusters[i].broker_names = sorted(&admin->arena, clusters[i].broker_names, clusters[i].count);
    }
    if (out->cluster_count > 0) qsort(clusters, out->cluster_count, sizeof *clusters, by_cluster);
    out->clusters = clusters;
    return ERR_OK;
}

static const struct broker_data *find_broker(const struct cluster_info *info, struct bytes name) {
    for (size_t i = 0; i < info->broker_count; i++)
        if (bytes_equal(info->brokers[i].broker_name, name)) return &info->brokers[i];
    return NULL;
}

static enum err fail_no_cluster(struct admin *admin, const struct cluster_info *info, struct bytes cluster) {
    struct bytes names = BYTES("none");
    for (size_t i = 0; i < info->cluster_count; i++)
        names = i == 0
                    ? info->clusters[0].cluster
                    : arena_printf(&admin->arena, "%.*s, %.*s", BYTES_ARG(names), BYTES_ARG(info->clusters[i].cluster));
    return fail(ERR_NOT_FOUND, "the name server knows no cluster %.*s; it knows: %.*s", BYTES_ARG(cluster),
                BYTES_ARG(names));
}

/* Adds to `members` and *count what `slaves` asks for of a broker set. */
static void add_members(const struct cluster_brokers *cluster, const struct broker_data *broker, bool slaves,
                        struct member *members, size_t *count) {
    for (size_t i = 0; i < broker->address_count; i++) {
        const struct broker_address *address = &broker->addresses[i];
        if (!slaves && address->broker_id != MASTER_ID) continue;
        members[(*count)++] =
            (struct member){cluster->cluster, broker->broker_name, address->address, address->broker_id};
    }
}

enum err admin_cluster_members(struct admin *admin, struct bytes cluster, bool slaves, const struct member **out,
                               size_t *count) {
    struct cluster_info info;
    TRY(admin_cluster_info(admin, &info));
    size_t room = 0, found = 0;
    for (size_t i = 0; i < info.broker_count; i++) room += info.brokers[i].address_count;
    struct member *members = arena_calloc(&admin->arena, room, sizeof *members);
    *count = 0;
    for (size_t c = 0; c < info.cluster_count; c++) {
        const struct cluster_brokers *one = &info.clusters[c];
        if (cluster.data && !bytes_equal(one->cluster, cluster)) continue;
        found++;
        for (size_t i = 0; i < one->count; i++) {
            const struct broker_data *broker = find_broker(&info, one->broker_names[i]);
            /* a name server may name a broker twice, which must not overflow */
            if (broker && *count + broker->address_count <= room) add_members(one, broker, slaves, members, count);
        }
    }
    *out = members;
    if (found == 0) return fail_no_cluster(admin, &info, cluster.data ? cluster : BYTES("at all"));
    if (*count == 0)
        return fail(ERR_NOT_FOUND, "cluster %.*s has no %s now", BYTES_ARG(cluster), slaves ? "broker" : "master");
    return ERR_OK;
}

enum err admin_targets(struct admin *admin, struct bytes broker_addr, struct bytes cluster, bool slaves,
                       const struct member **out, size_t *count) {
    if (!broker_addr.data) return admin_cluster_members(admin, cluster, slaves, out, count);
    struct member *member = arena_calloc(&admin->arena, 1, sizeof *member);
    member->address = broker_addr;
    *out = member;
    *count = 1;
    return ERR_OK;
}

enum err admin_ask_members(struct admin *admin, struct bytes broker_addr, struct bytes cluster,
                           const struct outgoing *request) {
    const struct member *members;
    size_t count;
    TRY(admin_targets(admin, broker_addr, cluster, false, &members, &count));
    for (size_t i = 0; i < count; i++) TRY(admin_ask(admin, members[i].address, request, NULL));
    return ERR_OK;
}

/* ---- pull ---------------------------------------------------------------------------------------------- */

enum err admin_pull(struct admin *admin, const struct queue_place *place, struct bytes group,
                    const struct subscription *subscription, int64_t offset, struct pull_answer *out) {
    enum { MESSAGES_A_PULL = 32 };
    struct pull_request pull = {.group = group,
                                .queue = place->queue,
                                .offset = offset,
                                .max_count = MESSAGES_A_PULL,
                                .flags = PULL_SUBSCRIPTION,
                                .subscription = subscription};
    struct asking asking = {.address = place->address, .pull = &pull};
    struct outcome outcome;
    TRY(run(admin, &asking));
    rmq_error_t error =
        pull_read(&asking.response, place->queue.broker_name, subscription, (struct bytes){0}, out, &outcome);
    if (error == RMQ_OK) return ERR_OK;
    if (error == RMQ_BROKER) return check_response(&asking.response);
    return fail(ERR_BAD_INPUT, "%s", outcome.detail);
}
