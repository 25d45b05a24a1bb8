/* listener_test.c - spreading over loops, taken ports, running out of descriptors. */
#include "net/listener.h"

#include <arpa/inet.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/check.h"
#include "os/clock.h"

enum { LOOPS = 4, CONNECTIONS = 40, WAIT_MS = 30000 };

static _Atomic int opened[LOOPS];
static int owners[LOOPS]; /* their addresses are the owners */
static struct loop *loops[LOOPS];
static char all[] = "all"; /* owner of the listener */

static void greet(struct conn *conn) {
    int *owner = conn_owner(conn);
    must(loop_is_mine(conn_loop(conn)) && conn_loop(conn) == loops[owner - owners]);
    opened[owner - owners]++;
    conn_write(conn, BYTES("w"));
}
static enum err take_all(struct conn *conn, struct bytes input, size_t *taken, size_t *need) {
    (void)conn, (void)need;
    *taken = input.len;
    return ERR_OK;
}
static void ignore_closed(struct conn *conn, enum err why) {
    (void)conn, (void)why;
}
static const struct conn_events events = {greet, take_all, ignore_closed};

static void *owner_of(void *owner, struct loop *loop) {
    assert_ptr_equal(all, owner);
    int i = 0;
    while (loops[i] != loop) i++;
    return &owners[i];
}

static int connect_to(uint16_t port) {
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (fd < 0) return -1;
    assert_int_equal(0, connect(fd, (struct sockaddr *)&to, sizeof to));
    return fd;
}

static void expect_greeting(int fd) {
    char c;
    struct pollfd readable = {.fd = fd, .events = POLLIN};
    assert_int_equal(1, poll(&readable, 1, WAIT_MS));
    assert_int_equal(1, read(fd, &c, 1));
}

static struct listener *open_on_all(size_t count) {
    struct listener *listener;
    for (size_t i = 0; i < count; i++) {
        opened[i] = 0;
        assert_int_equal(ERR_OK, loop_create("net", &loops[i]));
    }
    struct listener_options options = {.host = "127.0.0.1",
                                       .loops = loops,
                                       .loop_count = count,
                                       .conn = {.events = &events, .owner = all},
                                       .owner_of = owner_of};
    assert_int_equal(ERR_OK, listener_open(loops[0], &options, &listener));
    return listener;
}

static void close_all(struct listener *listener, size_t count) {
    for (size_t i = 0; i < count; i++) loop_stop(loops[i]);
    for (size_t i = 0; i < count; i++) loop_join(loops[i]);
    listener_close(listener);
    for (size_t i = 0; i < count; i++) loop_destroy(loops[i]);
}

static void connections_go_to_the_loop_with_the_fewest(void **state) {
    (void)state;
    struct listener *listener = open_on_all(LOOPS);
    int fds[CONNECTIONS];
    for (int i = 0; i < LOOPS; i++) assert_int_equal(ERR_OK, loop_start_thread(loops[i]));
    for (int i = 0; i < CONNECTIONS; i++) fds[i] = connect_to(listener_port(listener));
    for (int i = 0; i < CONNECTIONS; i++) expect_greeting(fds[i]);
    for (int i = 0; i < LOOPS; i++) assert_int_equal(CONNECTIONS / LOOPS, opened[i]);
    for (int i = 0; i < CONNECTIONS; i++) close(fds[i]);
    close_all(listener, LOOPS);
}

static void a_taken_port_is_named(void **state) {
    (void)state;
    struct listener *listener = open_on_all(1), *second;
    struct listener_options options = {.host = "127.0.0.1",
                                       .port = listener_port(listener),
                                       .loops = loops,
                                       .loop_count = 1,
                                       .conn = {.events = &events}};
    assert_int_equal(ERR_EXISTS, listener_open(loops[0], &options, &second));
    assert_non_null(strstr(err_detail(ERR_EXISTS), "is in use"));
    options.host = "no-such-host.invalid";
    assert_int_equal(ERR_BAD_CONFIG, listener_open(loops[0], &options, &second));
    options.host = "192.0.2.1"; /* not ours */
    assert_int_equal(ERR_IO, listener_open(loops[0], &options, &second));
    listener_close(listener);
    loop_destroy(loops[0]);
}

/* With no descriptor left, connections wait in the backlog and are taken when there is one again. */
static void running_out_of_descriptors_is_survived(void **state) {
    (void)state;
    struct listener *listener = open_on_all(1);
    struct rlimit old, low;
    int used[256], used_count = 0, fds[4];
    for (int i = 0; i < 4; i++) fds[i] = connect_to(listener_port(listener)); /* into the backlog */
    assert_int_equal(0, getrlimit(RLIMIT_NOFILE, &old));
    low = old;
    low.rlim_cur = 200;
    assert_int_equal(0, setrlimit(RLIMIT_NOFILE, &low));
    while (used_count < 256 && (used[used_count] = dup(0)) >= 0) used_count++;
    assert_int_equal(ERR_OK, loop_start_thread(loops[0]));
    clock_sleep_ms(50);
    assert_int_equal(0, opened[0]);
    while (used_count > 0) close(used[--used_count]);
    for (int i = 0; i < 4; i++) expect_greeting(fds[i]);
    assert_int_equal(0, setrlimit(RLIMIT_NOFILE, &old));
    for (int i = 0; i < 4; i++) close(fds[i]);
    close_all(listener, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connections_go_to_the_loop_with_the_fewest),
        cmocka_unit_test(a_taken_port_is_named),
        cmocka_unit_test(running_out_of_descriptors_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
