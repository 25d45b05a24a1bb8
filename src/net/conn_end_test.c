/* conn_end_test.c - how connections begin and end. */
#include "net/conn.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <netdb.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/check.h"
#include "net/listener.h"

/* How connections begin and end: each test runs one loop until both ends, or those it waits for, are closed. */

enum { DEADLINE_MS = 60000 };

struct world {
    struct loop *loop;
    struct listener *listener;
    struct loop_timer deadline;
    int opened, closed, stop_after; /* stop_after: ends waited for */
    enum err whys[8];
    char reason[256];
    char got[256]; /* by the server */
    char peer[ADDRESS_TEXT_MAX];
};

static void on_deadline(struct loop_timer *timer) {
    (void)timer;
    print_error("the test did not come to its end in time\n");
    abort();
}

static void note_opened(struct conn *conn) {
    ((struct world *)conn_owner(conn))->opened++;
}

static void note_closed(struct conn *conn, enum err why) {
    struct world *world = conn_owner(conn);
    snprintf(world->reason, sizeof world->reason, "%s", err_detail(why));
    world->whys[world->closed++] = why;
    if (world->closed == world->stop_after) loop_stop(world->loop);
}

static enum err note_input(struct conn *conn, struct bytes input, size_t *taken, size_t *need) {
    (void)need;
    struct world *world = conn_owner(conn);
    strncat(world->got, input.data, input.len);
    address_text(conn_peer(conn), world->peer);
    *taken = input.len;
    return ERR_OK;
}

static const struct conn_events noting = {note_opened, note_input, note_closed};

static void world_open_at(struct world *world, const char *host, const struct conn_events *events, int64_t idle_ms,
                          int stop_after) {
    *world = (struct world){.stop_after = stop_after};
    assert_int_equal(ERR_OK, loop_create("world", &world->loop));
    struct listener_options options = {.host = host,
                                       .loops = &world->loop,
                                       .loop_count = 1,
                                       .conn = {.events = events, .owner = world, .idle_ms = idle_ms}};
    assert_int_equal(ERR_OK, listener_open(world->loop, &options, &world->listener));
    loop_timer_start(world->loop, &world->deadline, DEADLINE_MS, 0, on_deadline);
}

static void world_open(struct world *world, const struct conn_events *events, int64_t idle_ms, int stop_after) {
    world_open_at(world, "127.0.0.1", events, idle_ms, stop_after);
}

static struct conn *world_connect_to(struct world *world, const char *host, uint16_t port, int64_t timeout_ms,
                                     const struct conn_events *events) {
    struct conn *conn;
    struct conn_options options = {.events = events, .owner = world};
    assert_int_equal(ERR_OK, conn_connect(world->loop, bytes_of(host), port, timeout_ms, &options, NULL, &conn));
    return conn;
}

static struct conn *world_connect(struct world *world, const struct conn_events *events) {
    return world_connect_to(world, "127.0.0.1", listener_port(world->listener), 5000, events);
}

static void world_close(struct world *world) {
    loop_timer_stop(&world->deadline);
    listener_close(world->listener);
    loop_destroy(world->loop);
}

/* A port that answers no connection attempt: its backlog is full. */
struct silent {
    int listening, waiting[3];
    uint16_t port;
};

static void silent_open(struct silent *silent) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    silent->listening = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(0, bind(silent->listening, (struct sockaddr *)&at, sizeof at));
    assert_int_equal(0, listen(silent->listening, 0));
    assert_int_equal(0, getsockname(silent->listening, (struct sockaddr *)&at, &len));
    silent->port = ntohs(at.sin_port);
    for (int i = 0; i < 3; i++) {
        silent->waiting[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        (void)!connect(silent->waiting[i], (struct sockaddr *)&at, sizeof at);
    }
}

static void silent_close(const struct silent *silent) {
    for (int i = 0; i < 3; i++) close(silent->waiting[i]);
    close(silent->listening);
}

/* --- closing --- */

static void close_when_opened(struct conn *conn) {
    note_opened(conn);
    conn_write(conn, BYTES("last words"));
    conn_close(conn);
    conn_close(conn);
    assert_true(conn_is_closing(conn));
}

static void what_was_written_before_closing_arrives(void **state) {
    (void)state;
    static const struct conn_events closing = {close_when_opened, note_input, note_closed};
    struct world world;
    world_open(&world, &noting, 0, 2);
    world_connect(&world, &closing);
    loop_run(world.loop);
    assert_string_equal("last words", world.got);
    assert_int_equal(2, world.opened);
    assert_int_equal(ERR_CLOSED, world.whys[0]);
    assert_int_equal(ERR_CLOSED, world.whys[1]);
    world_close(&world);
}

static enum err close_when_received(struct conn *conn, struct bytes input, size_t *taken, size_t *need) {
    (void)input, (void)taken, (void)need; /* takes nothing: is not asked again */
    assert_false(conn_is_closing(conn));
    conn_close(conn);
    return ERR_OK;
}

static void write_when_opened(struct conn *conn) {
    note_opened(conn);
    conn_write(conn, BYTES("hello"));
}

static void a_connection_may_be_closed_while_it_receives(void **state) {
    (void)state;
    static const struct conn_events server = {note_opened, close_when_received, note_closed};
    static const struct conn_events client = {write_when_opened, note_input, note_closed};
    struct world world;
    world_open(&world, &server, 0, 2);
    world_connect(&world, &client);
    loop_run(world.loop);
    assert_int_equal(2, world.closed);
    world_close(&world);
}

static void close_each(struct conn *conn, void *arg) {
    (*(int *)arg)++;
    conn_close(conn);
}

static enum err close_all_when_received(struct conn *conn, struct bytes input, size_t *taken, size_t *need) {
    (void)need;
    int count = 0;
    *taken = input.len;
    conn_each(conn_loop(conn), close_each, &count);
    assert_in_range(count, 2, 8);
    return ERR_OK;
}

static void all_connections_may_be_closed_from_one(void **state) {
    (void)state;
    static const struct conn_events server = {note_opened, close_all_when_received, note_closed};
    static const struct conn_events client = {write_when_opened, note_input, note_closed};
    struct world world;
    world_open(&world, &server, 0, 4);
    world_connect(&world, &noting);
    world_connect(&world, &client);
    loop_run(world.loop);
    assert_int_equal(4, world.closed);
    world_close(&world);
}

static enum err refuse(struct conn *conn, struct bytes input, size_t *taken, size_t *need) {
    (void)conn, (void)input, (void)taken, (void)need;
    return ERR_BAD_INPUT;
}

static void refused_input_ends_the_connection(void **state) {
    (void)state;
    static const struct conn_events server = {note_opened, refuse, note_closed};
    static const struct conn_events client = {write_when_opened, note_input, note_closed};
    struct world world;
    world_open(&world, &server, 0, 2);
    world_connect(&world, &client);
    loop_run(world.loop);
    assert_int_equal(ERR_BAD_INPUT, world.whys[0]);
    assert_int_equal(ERR_CLOSED, world.whys[1]);
    world_close(&world);
}

static void an_idle_connection_is_closed(void **state) {
    (void)state;
    struct world world;
    world_open(&world, &noting, 100, 2);
    world_connect(&world, &noting);
    int64_t start_ms = loop_now_ms(world.loop);
    loop_run(world.loop);
    assert_in_range(loop_now_ms(world.loop) - start_ms, 90, 2000);
    world_close(&world);
}

static void destroying_the_loop_ends_open_connections(void **state) {
    (void)state;
    struct world world;
    world_open(&world, &noting, 0, 0);
    world_connect(&world, &noting);
    world_connect_to(&world, "localhost", listener_port(world.listener), 5000, &noting);
    loop_timer_stop(&world.deadline);
    listener_close(world.listener);
    loop_destroy(world.loop);
    assert_int_equal(0, world.opened);
    assert_int_equal(2, world.closed);
    assert_int_equal(ERR_CANCELLED, world.whys[0]);
}

static void drop_the_other(struct conn *conn) {
    struct world *world = conn_owner(conn);
    struct conn *other = conn_user(conn);
    note_opened(conn);
    conn_drop(other);
    conn_close(conn);
    world->stop_after = 2; /* this one and its server side */
}

static void a_dropped_connection_has_no_end_event(void **state) {
    (void)state;
    static const struct conn_events dropping = {drop_the_other, note_input, note_closed};
    struct world world;
    struct silent silent;
    silent_open(&silent);
    world_open(&world, &noting, 0, 0);
    struct conn *other = world_connect_to(&world, "127.0.0.1", silent.port, 50000, &noting);
    conn_write(other, BYTES("never sent"));
    conn_set_user(world_connect(&world, &dropping), other);
    loop_run(world.loop);
    assert_int_equal(2, world.closed);
    world_close(&world);
    silent_close(&silent);
}

/* --- connecting --- */

static void a_refused_connection_ends_without_opening(void **state) {
    (void)state;
    struct world world;
    world_open(&world, &noting, 0, 2);
    struct conn *conn = world_connect_to(&world, "127.0.0.1", 1, 5000, &noting);
    conn_write(conn, BYTES("never sent"));
    world_connect_to(&world, "localhost", 1, 5000, &noting);
    loop_run(world.loop);
    assert_int_equal(0, world.opened);
    assert_int_equal(ERR_CONNECT, world.whys[0]);
    assert_int_equal(ERR_CONNECT, world.whys[1]);
    assert_non_null(strstr(world.reason, "connection refused"));
    world_close(&world);
}

static void an_unknown_name_ends_without_opening(void **state) {
    (void)state;
    struct world world;
    world_open(&world, &noting, 0, 1);
    world_connect_to(&world, "no-such-host.invalid", 1, 30000, &noting);
    loop_run(world.loop);
    assert_int_equal(0, world.opened);
    assert_int_equal(ERR_CONNECT, world.whys[0]);
    struct conn *conn;
    struct conn_options options = {.events = &noting, .owner = &world};
    assert_int_equal(ERR_BAD_INPUT, conn_connect(world.loop, BYTES(""), 1, 1, &options, NULL, &conn));
    world_close(&world);
}

static void connecting_has_a_deadline(void **state) {
    (void)state;
    struct silent silent;
    silent_open(&silent);
    struct world world;
    world_open(&world, &noting, 0, 1);
    world_connect_to(&world, "127.0.0.1", silent.port, 100, &noting);
    loop_run(world.loop);
    assert_int_equal(0, world.opened);
    assert_int_equal(ERR_TIMEOUT, world.whys[0]);
    world_close(&world);
    silent_close(&silent);
}

static bool has_ipv6(void) {
    struct sockaddr_in6 at = {.sin6_family = AF_INET6, .sin6_addr = in6addr_loopback};
    int fd = socket(AF_INET6, SOCK_STREAM, 0);
    bool has = bind(fd, (struct sockaddr *)&at, sizeof at) == 0;
    close(fd);
    return has;
}

/* Takes the place of the C library's: "two-addresses.test" has one where nothing listens and then ours. */
typedef int resolve(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **found);
__attribute__((visibility("default"))) resolve getaddrinfo;
int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **found) {
    resolve *real = (resolve *)dlsym(RTLD_NEXT, "getaddrinfo");
    if (strcmp(name, "two-addresses.test") != 0) return real(name, service, hints, found);
    int status = real("127.0.0.2", service, hints, found);
    return status ? status : real("127.0.0.1", service, hints, &(*found)->ai_next);
}

static void each_address_of_a_name_is_tried(void **state) {
    (void)state;
    static const struct conn_events closing = {close_when_opened, note_input, note_closed};
    struct world world;
    world_open(&world, &noting, 0, 2);
    struct conn *conn = world_connect_to(&world, "two-addresses.test", listener_port(world.listener), 5000, &closing);
    conn_write(conn, BYTES("early "));
    loop_run(world.loop);
    assert_int_equal(2, world.opened);
    assert_string_equal("early last words", world.got);
    world_close(&world);
}

static void ipv6_is_spoken(void **state) {
    (void)state;
    if (!has_ipv6()) skip();
    static const struct conn_events closing = {close_when_opened, note_input, note_closed};
    struct world world;
    world_open_at(&world, NULL, &noting, 0, 4);
    world_connect_to(&world, "::1", listener_port(world.listener), 5000, &closing);
    world_connect(&world, &closing);
    loop_run(world.loop);
    assert_int_equal(4, world.opened);
    world_close(&world);
}

/* --- first bytes --- */

static void write_tls_hello(struct conn *conn) {
    conn_write(conn, BYTES("\x16\x03\x01\x02"));
}

static void tls_is_refused(void **state) {
    (void)state;
    static const struct conn_events client = {write_tls_hello, note_input, note_closed};
    struct world world;
    world_open(&world, &noting, 0, 2);
    world_connect(&world, &client);
    loop_run(world.loop);
    assert_int_equal(ERR_NOT_SUPPORTED, world.whys[0]);
    assert_string_equal("", world.got);
    world_close(&world);
}

static void write_proxied(struct conn *conn) {
    conn_write(conn, BYTES("PROXY TCP4 10.1.2.3 10.0.0.1 4711 10911\r\nrequest"));
    conn_close(conn);
}

static void a_proxy_header_is_stripped_and_names_the_peer(void **state) {
    (void)state;
    static const struct conn_events client = {write_proxied, note_input, note_closed};
    struct world world;
    world_open(&world, &noting, 0, 2);
    world_connect(&world, &client);
    loop_run(world.loop);
    assert_string_equal("request", world.got);
    assert_string_equal("10.1.2.3:4711", world.peer);
    world_close(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_written_before_closing_arrives),
        cmocka_unit_test(a_connection_may_be_closed_while_it_receives),
        cmocka_unit_test(all_connections_may_be_closed_from_one),
        cmocka_unit_test(refused_input_ends_the_connection),
        cmocka_unit_test(an_idle_connection_is_closed),
        cmocka_unit_test(destroying_the_loop_ends_open_connections),
        cmocka_unit_test(a_dropped_connection_has_no_end_event),
        cmocka_unit_test(a_refused_connection_ends_without_opening),
        cmocka_unit_test(an_unknown_name_ends_without_opening),
        cmocka_unit_test(connecting_has_a_deadline),
        cmocka_unit_test(each_address_of_a_name_is_tried),
        cmocka_unit_test(ipv6_is_spoken),
        cmocka_unit_test(tls_is_refused),
        cmocka_unit_test(a_proxy_header_is_stripped_and_names_the_peer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
