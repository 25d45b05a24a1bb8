/* conn_test.c - bytes on their way: large transfers, units, slices, back pressure, ids. */
#include "net/conn.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/check.h"
#include "base/endian.h"
#include "base/test.h"
#include "net/listener.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/thread.h"

/* Bytes on their way: client and server live on one loop, which stops when the test has what it waits for. */

enum { DEADLINE_MS = 60000, UNIT_HEAD = 4 };

struct world {
    struct loop *loop;
    struct listener *listener;
    struct loop_timer deadline;
    void *test;
};

static void on_deadline(struct loop_timer *timer) {
    (void)timer;
    print_error("the test did not come to its end in time\n");
    abort();
}

static void world_open(struct world *world, const struct conn_options *server) {
    assert_int_equal(ERR_OK, loop_create("world", &world->loop));
    struct listener_options options = {.host = "127.0.0.1", .loops = &world->loop, .loop_count = 1, .conn = *server};
    options.conn.owner = world;
    assert_int_equal(ERR_OK, listener_open(world->loop, &options, &world->listener));
    loop_timer_start(world->loop, &world->deadline, DEADLINE_MS, 0, on_deadline);
}

static struct conn *world_connect(struct world *world, const struct conn_options *client) {
    struct conn *conn;
    struct conn_options options = *client;
    options.owner = world;
    assert_int_equal(ERR_OK, conn_connect(world->loop, BYTES("127.0.0.1"), listener_port(world->listener), 5000,
                                          &options, NULL, &conn));
    return conn;
}

static void world_close(struct world *world) {
    loop_timer_stop(&world->deadline);
    listener_close(world->listener);
    loop_destroy(world->loop);
}

static void ignore_opened(struct conn *conn) {
    (void)conn;
}
static void ignore_closed(struct conn *conn, enum err why) {
    (void)conn, (void)why;
}

/* --- large transfers --- */

enum { TRANSFER_BYTES = 24 << 20 };

struct transfer {
    size_t sent, back;
    bool wrong;
};

static char pattern(size_t at) {
    return (char)(at * 131 + (at >> 11));
}

static enum err echo(struct conn *conn, struct bytes input, size_t *taken, size_t *need) {
    (void)need;
    conn_write(conn, input);
    *taken = input.len;
    return ERR_OK;
}

static void send_more(struct conn *conn, struct transfer *transfer) {
    while (transfer->sent < TRANSFER_BYTES && conn_out_bytes(conn) < 1 << 20) {
        size_t len = MIN((size_t)1 + (transfer->sent * 7919) % 50000, TRANSFER_BYTES - transfer->sent);
        char *room = conn_reserve(conn, len);
        for (size_t i = 0; i < len; i++) room[i] = pattern(transfer->sent + i);
        conn_wrote(conn, len);
        transfer->sent += len;
    }
}

static void start_transfer(struct conn *conn) {
    send_more(conn, ((struct world *)conn_owner(conn))->test);
}

static enum err check_transfer(struct conn *conn, struct bytes input, size_t *taken, size_t *need) {
    (void)need;
    struct world *world = conn_owner(conn);
    struct transfer *transfer = world->test;
    for (size_t i = 0; i < input.len; i++) transfer->wrong |= input.data[i] != pattern(transfer->back + i);
    transfer->back += input.len;
    *taken = input.len;
    send_more(conn, transfer);
    if (transfer->back == TRANSFER_BYTES) loop_stop(world->loop);
    return ERR_OK;
}

static void large_transfers_arrive_whole_both_ways(void **state) {
    (void)state;
    static const struct conn_events server = {ignore_opened, echo, ignore_closed};
    static const struct conn_events client = {start_transfer, check_transfer, ignore_closed};
    struct transfer transfer = {0};
    struct world world = {.test = &transfer};
    world_open(&world, &(struct conn_options){.events = &server, .out_limit_bytes = 1 << 20});
    world_connect(&world, &(struct conn_options){.events = &client});
    loop_run(world.loop);
    assert_false(transfer.wrong);
    assert_int_equal(TRANSFER_BYTES, transfer.back);
    world_close(&world);
}

/* --- units: length(4), then so many bytes of one value --- */

static const uint32_t unit_lens[] = {0, 1, 100, 65532, 65536, 70000, 5, 200000, 1 << 20, 3, 65535, 131068, 9};
enum { UNIT_ROUNDS = 10, UNITS = UNIT_ROUNDS * ARRAY_LEN(unit_lens) };

struct units {
    size_t seen;
    bool wrong;
};

static void send_units(struct conn *conn) {
    for (size_t i = 0; i < UNITS; i++) {
        uint32_t len = unit_lens[i % ARRAY_LEN(unit_lens)];
        char *room = conn_reserve(conn, UNIT_HEAD + len);
        store_u32be(room, len);
        memset(room + UNIT_HEAD, (int)i, len);
        conn_wrote(conn, UNIT_HEAD + len);
    }
}

static void check_unit(struct units *units, struct bytes unit) {
    units->wrong |= unit.len != unit_lens[units->seen % ARRAY_LEN(unit_lens)];
    for (size_t i = 0; i < unit.len; i++) units->wrong |= unit.data[i] != (char)units->seen;
    units->seen++;
}

static enum err take_units(struct conn *conn, struct bytes input, size_t *taken, size_t *need) {
    struct world *world = conn_owner(conn);
    struct units *units = world->test;
    while (input.len - *taken >= UNIT_HEAD) {
        const char *unit = input.data + *taken;
        size_t len = load_u32be(unit);
        if (units->seen % 2) *need = UNIT_HEAD + len; /* known or not, units are put together */
        if (input.len - *taken < UNIT_HEAD + len) return ERR_OK;
        check_unit(units, (struct bytes){unit + UNIT_HEAD, len});
        *taken += UNIT_HEAD + len;
        *need = 0;
    }
    if (units->seen == UNITS) loop_stop(world->loop);
    return ERR_OK;
}

static void units_are_put_together(void **state) {
    (void)state;
    static const struct conn_events server = {ignore_opened, take_units, ignore_closed};
    static const struct conn_events client = {send_units, echo, ignore_closed};
    struct units units = {0};
    struct world world = {.test = &units};
    world_open(&world, &(struct conn_options){.events = &server, .in_limit_bytes = UNIT_HEAD + (1 << 20)});
    world_connect(&world, &(struct conn_options){.events = &client});
    loop_run(world.loop);
    assert_false(units.wrong);
    assert_int_equal(UNITS, units.seen);
    world_close(&world);
}

static void note_end_and_stop(struct conn *conn, enum err why) {
    struct world *world = conn_owner(conn);
    *(enum err *)world->test = why;
    loop_stop(world->loop);
}

static enum err need_too_much(struct conn *conn, struct bytes input, size_t *taken, size_t *need) {
    (void)conn, (void)input, (void)taken;
    *need = 1001;
    return ERR_OK;
}
static enum err take_nothing(struct conn *conn, struct bytes input, size_t *taken, size_t *need) {
    (void)conn, (void)input, (void)taken, (void)need;
    return ERR_OK;
}
static void send_2000_bytes(struct conn *conn) {
    memset(conn_reserve(conn, 2000), 0, 2000);
    conn_wrote(conn, 2000);
}

static enum err end_of_unit_above_limit(enum err (*received)(struct conn *, struct bytes, size_t *, size_t *)) {
    const struct conn_events server = {ignore_opened, received, note_end_and_stop};
    const struct conn_events client = {send_2000_bytes, echo, ignore_closed};
    enum err why = ERR_OK;
    struct world world = {.test = &why};
    world_open(&world, &(struct conn_options){.events = &server, .in_limit_bytes = 1000});
    world_connect(&world, &(struct conn_options){.events = &client});
    loop_run(world.loop);
    world_close(&world);
    return why;
}

static void a_unit_above_the_limit_ends_the_connection(void **state) {
    (void)state;
    assert_int_equal(ERR_TOO_BIG, end_of_unit_above_limit(need_too_much));
    assert_int_equal(ERR_TOO_BIG, end_of_unit_above_limit(take_nothing));
}

/* --- slices --- */

enum { SLICES = 300, LARGE_BYTES = 40000, SMALL_BYTES = 700 };

struct slices {
    char *memory;
    size_t slice_bytes;
    int released[SLICES];
    size_t received;
    bool wrong;
    size_t stop_at;
};
static int *release_counts;

static void release_slice(void *ctx) {
    release_counts[(intptr_t)ctx]++;
}

/* Copies and slices in turn: "h" and the slice's bytes, all of its number. */
static void send_slices(struct conn *conn) {
    struct slices *slices = ((struct world *)conn_owner(conn))->test;
    for (intptr_t i = 0; i < SLICES; i++) {
        conn_write(conn, BYTES("h"));
        struct bytes bytes = {slices->memory + (size_t)i * slices->slice_bytes, slices->slice_bytes};
        conn_write_slices(conn, &(struct slice){bytes, release_slice, (void *)i}, 1);
    }
}

static enum err check_slices(struct conn *conn, struct bytes input, size_t *taken, size_t *need) {
    (void)need;
    struct world *world = conn_owner(conn);
    struct slices *slices = world->test;
    for (size_t i = 0; i < input.len; i++) {
        size_t at = slices->received + i, number = at / (slices->slice_bytes + 1);
        slices->wrong |= input.data[i] != (at % (slices->slice_bytes + 1) == 0 ? 'h' : (char)number);
    }
    slices->received += input.len;
    *taken = input.len;
    if (slices->received >= slices->stop_at) loop_stop(world->loop);
    return ERR_OK;
}

static void run_slices(size_t slice_bytes, size_t stop_at) {
    static const struct conn_events server = {send_slices, echo, ignore_closed};
    static const struct conn_events client = {ignore_opened, check_slices, ignore_closed};
    struct slices slices = {.memory = malloc(SLICES * slice_bytes), .slice_bytes = slice_bytes, .stop_at = stop_at};
    struct world world = {.test = &slices};
    release_counts = slices.released;
    for (int i = 0; i < SLICES; i++) memset(slices.memory + (size_t)i * slice_bytes, i, slice_bytes);
    world_open(&world, &(struct conn_options){.events = &server});
    world_connect(&world, &(struct conn_options){.events = &client});
    loop_run(world.loop);
    assert_false(slices.wrong);
    assert_true(slices.received >= stop_at);
    world_close(&world);
    for (int i = 0; i < SLICES; i++) assert_int_equal(1, slices.released[i]);
    free(slices.memory);
}

static void slices_are_sent_and_released_once(void **state) {
    (void)state;
    run_slices(LARGE_BYTES, (size_t)SLICES * (LARGE_BYTES + 1));
    run_slices(SMALL_BYTES, (size_t)SLICES * (SMALL_BYTES + 1));
}

static void slices_are_released_once_when_the_connection_goes_before(void **state) {
    (void)state;
    run_slices(LARGE_BYTES, 1);
    run_slices(LARGE_BYTES, LARGE_BYTES * 100);
    run_slices(SMALL_BYTES, 1);
}

/* --- slices that share a release: the last one has it --- */

static const size_t shared_bytes[] = {300, LARGE_BYTES, 40, 2000, 700, 5, LARGE_BYTES, 100, 0, 2048, 900, 3000, 1};
struct shared {
    char *memory;
    size_t total, received;
    int released;
    bool wrong;
};

static char shared_byte(size_t at) {
    return (char)(at * 31 >> 3);
}

/* Nobody may look at it any more. */
static void release_shared(void *ctx) {
    struct shared *shared = ctx;
    memset(shared->memory, 0xEE, shared->total);
    shared->released++;
}

static void send_shared(struct conn *conn) {
    struct shared *shared = ((struct world *)conn_owner(conn))->test;
    struct slice slices[ARRAY_LEN(shared_bytes)] = {0};
    size_t at = 0;
    for (size_t i = 0; i < ARRAY_LEN(shared_bytes); at += shared_bytes[i++])
        slices[i].bytes = bytes_make(shared->memory + at, shared_bytes[i]);
    slices[ARRAY_LEN(slices) - 1].release = release_shared;
    slices[ARRAY_LEN(slices) - 1].ctx = shared;
    conn_write_slices(conn, slices, ARRAY_LEN(slices));
    conn_write(conn, BYTES("end"));
}

static enum err check_shared(struct conn *conn, struct bytes input, size_t *taken, size_t *need) {
    (void)need;
    struct world *world = conn_owner(conn);
    struct shared *shared = world->test;
    for (size_t i = 0; i < input.len; i++, shared->received++)
        shared->wrong |= shared->received < shared->total && input.data[i] != shared_byte(shared->received);
    *taken = input.len;
    if (shared->received == shared->total + strlen("end")) loop_stop(world->loop);
    return ERR_OK;
}

static void shared_slices_stay_until_the_last_is_sent(void **state) {
    (void)state;
    static const struct conn_events server = {send_shared, echo, ignore_closed};
    static const struct conn_events client = {ignore_opened, check_shared, ignore_closed};
    struct shared shared = {0};
    struct world world = {.test = &shared};
    for (size_t i = 0; i < ARRAY_LEN(shared_bytes); i++) shared.total += shared_bytes[i];
    shared.memory = malloc(shared.total);
    for (size_t i = 0; i < shared.total; i++) shared.memory[i] = shared_byte(i);
    world_open(&world, &(struct conn_options){.events = &server});
    world_connect(&world, &(struct conn_options){.events = &client});
    loop_run(world.loop);
    assert_false(shared.wrong);
    assert_int_equal(shared.released, 1);
    world_close(&world);
    assert_int_equal(shared.released, 1);
    free(shared.memory);
}

/* A file that was cut short under its mapping gives what a disk does that cannot read. */
static char *unreadable;

static void send_unreadable(struct conn *conn) {
    conn_write(conn, BYTES("good"));
    struct bytes bytes = {unreadable, *(size_t *)((struct world *)conn_owner(conn))->test};
    conn_write_slices(conn, &(struct slice){bytes, release_slice, NULL}, 1);
    conn_write(conn, BYTES("behind"));
}

static enum err expect_good(struct conn *conn, struct bytes input, size_t *taken, size_t *need) {
    (void)conn, (void)need;
    struct bytes all = BYTES("good");
    assert_true(input.len <= all.len && memcmp(input.data, all.data, input.len) == 0);
    *taken = input.len;
    return ERR_OK;
}

static void stop_loop(struct conn *conn, enum err why) {
    (void)why;
    loop_stop(((struct world *)conn_owner(conn))->loop);
}

static void send_what_cannot_be_read(size_t len) {
    static const struct conn_events server = {send_unreadable, echo, ignore_closed};
    static const struct conn_events client = {ignore_opened, expect_good, stop_loop};
    char path[] = "/tmp/conn-test-XXXXXX";
    int released[1] = {0}, fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(file_resize(fd, path, 1 << 16), ERR_OK);
    assert_int_equal(file_map(fd, path, 1 << 16, true, &unreadable), ERR_OK);
    assert_int_equal(file_resize(fd, path, 0), ERR_OK);
    release_counts = released;
    struct world world = {.test = &len};
    world_open(&world, &(struct conn_options){.events = &server});
    world_connect(&world, &(struct conn_options){.events = &client});
    loop_run(world.loop);
    world_close(&world);
    assert_int_equal(released[0], 1);
    file_unmap(unreadable, 1 << 16);
    close(fd);
    unlink(path);
}

static void what_cannot_be_read_ends_the_connection(void **state) {
    (void)state;
    send_what_cannot_be_read(100);
    send_what_cannot_be_read(1 << 16);
}

static void a_slice_without_a_connection_is_released(void **state) {
    (void)state;
    static const struct conn_events events = {ignore_opened, echo, note_end_and_stop};
    int released[1] = {0};
    enum err why = ERR_OK;
    release_counts = released;
    struct world world = {.test = &why};
    world_open(&world, &(struct conn_options){.events = &events});
    uint16_t port = listener_port(world.listener);
    listener_close(world.listener);
    struct conn *conn;
    struct conn_options options = {.events = &events, .owner = &world};
    assert_int_equal(ERR_OK, conn_connect(world.loop, BYTES("127.0.0.1"), port, 5000, &options, NULL, &conn));
    conn_write_slices(conn, &(struct slice){BYTES("never sent"), release_slice, NULL}, 1);
    assert_int_equal(10, conn_out_bytes(conn));
    loop_run(world.loop);
    assert_int_equal(ERR_CONNECT, why);
    assert_int_equal(1, released[0]);
    loop_timer_stop(&world.deadline);
    loop_destroy(world.loop);
}

/* --- back pressure: a peer that asks a lot and reads late --- */

enum { ASKED = 500, ANSWER_BYTES = 64 << 10, OUT_LIMIT = 256 << 10 };

struct pressure {
    uint16_t port;
    size_t answered, most_queued;
    bool was_full;
    size_t got;
    bool wrong;
};
static char answer[ANSWER_BYTES];

/* One byte asks for one answer; a full connection is asked no more until the peer has read. */
static enum err answer_asked(struct conn *conn, struct bytes input, size_t *taken, size_t *need) {
    (void)need;
    struct pressure *pressure = ((struct world *)conn_owner(conn))->test;
    while (*taken < input.len && !conn_is_full(conn)) {
        (*taken)++;
        answer[0] = (char)pressure->answered++;
        conn_write(conn, (struct bytes){answer, sizeof answer});
        pressure->most_queued = MAX(pressure->most_queued, conn_out_bytes(conn));
    }
    pressure->was_full |= conn_is_full(conn);
    return ERR_OK;
}

static int connect_plain(uint16_t port) {
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    must(fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof to) == 0);
    return fd;
}

static void ask_and_read_late(void *arg) {
    struct world *world = arg;
    struct pressure *pressure = world->test;
    static char buffer[ANSWER_BYTES];
    int fd = connect_plain(pressure->port);
    char ask[ASKED] = {0};
    must(write(fd, ask, sizeof ask) == ASKED);
    clock_sleep_ms(200);
    for (; pressure->got < ASKED; pressure->got++) {
        if (recv(fd, buffer, sizeof buffer, MSG_WAITALL) != ANSWER_BYTES) break;
        pressure->wrong |= buffer[0] != (char)pressure->got;
    }
    close(fd);
    loop_stop(world->loop);
}

static void run_pressure(struct pressure *pressure, const struct conn_events *server) {
    struct world world = {.test = pressure};
    world_open(&world, &(struct conn_options){.events = server, .out_limit_bytes = OUT_LIMIT});
    pressure->port = listener_port(world.listener);
    pthread_t peer;
    assert_int_equal(ERR_OK, thread_start(&peer, "slow", ask_and_read_late, &world));
    loop_run(world.loop);
    thread_join(peer);
    assert_false(pressure->wrong);
    assert_int_equal(ASKED, pressure->got);
    world_close(&world);
}

static void a_slow_reader_is_not_read_from(void **state) {
    (void)state;
    static const struct conn_events server = {ignore_opened, answer_asked, ignore_closed};
    struct pressure pressure = {0};
    run_pressure(&pressure, &server);
    assert_true(pressure.was_full);
    assert_true(pressure.most_queued < OUT_LIMIT + ANSWER_BYTES);
}

/* All answers before anything is asked. */
static void answer_unasked(struct conn *conn) {
    struct pressure *pressure = ((struct world *)conn_owner(conn))->test;
    for (; pressure->answered < ASKED; pressure->answered++) {
        answer[0] = (char)pressure->answered;
        conn_write(conn, (struct bytes){answer, sizeof answer});
    }
}

static enum err note_full(struct conn *conn, struct bytes input, size_t *taken, size_t *need) {
    (void)need;
    struct pressure *pressure = ((struct world *)conn_owner(conn))->test;
    pressure->was_full |= conn_is_full(conn);
    *taken = input.len;
    return ERR_OK;
}

static void a_full_connection_brings_no_input(void **state) {
    (void)state;
    static const struct conn_events server = {answer_unasked, note_full, ignore_closed};
    struct pressure pressure = {0};
    run_pressure(&pressure, &server);
    assert_false(pressure.was_full);
}

/* --- ids --- */

enum { GENERATIONS = 200 };
struct ids {
    uint64_t old[GENERATIONS];
    size_t count;
    bool wrong;
};

static void open_next(struct world *world);

static void check_id_and_close(struct conn *conn) {
    struct ids *ids = ((struct world *)conn_owner(conn))->test;
    ids->wrong |= conn_find(conn_loop(conn), conn_id(conn)) != conn || conn_id(conn) == 0;
    for (size_t i = 0; i < ids->count; i++) ids->wrong |= ids->old[i] == conn_id(conn);
    ids->old[ids->count++] = conn_id(conn);
    conn_close(conn);
}

static void open_next_or_stop(struct conn *conn, enum err why) {
    struct world *world = conn_owner(conn);
    struct ids *ids = world->test;
    ids->wrong |= conn_find(world->loop, conn_id(conn)) != NULL || why != ERR_CLOSED;
    if (ids->count < GENERATIONS)
        open_next(world);
    else
        loop_stop(world->loop);
}

static void open_next(struct world *world) {
    static const struct conn_events client = {check_id_and_close, echo, open_next_or_stop};
    world_connect(world, &(struct conn_options){.events = &client});
}

static void an_id_finds_its_connection_and_never_a_later_one(void **state) {
    (void)state;
    static const struct conn_events server = {ignore_opened, echo, ignore_closed};
    struct ids ids = {0};
    struct world world = {.test = &ids};
    world_open(&world, &(struct conn_options){.events = &server});
    open_next(&world);
    loop_run(world.loop);
    assert_false(ids.wrong);
    for (size_t i = 0; i < ids.count; i++) assert_null(conn_find(world.loop, ids.old[i]));
    assert_null(conn_find(world.loop, 0));
    assert_null(conn_find(world.loop, UINT64_MAX));
    world_close(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(large_transfers_arrive_whole_both_ways),
        cmocka_unit_test(units_are_put_together),
        cmocka_unit_test(a_unit_above_the_limit_ends_the_connection),
        cmocka_unit_test(slices_are_sent_and_released_once),
        cmocka_unit_test(shared_slices_stay_until_the_last_is_sent),
        cmocka_unit_test(slices_are_released_once_when_the_connection_goes_before),
        cmocka_unit_test(what_cannot_be_read_ends_the_connection),
        cmocka_unit_test(a_slice_without_a_connection_is_released),
        cmocka_unit_test(a_slow_reader_is_not_read_from),
        cmocka_unit_test(a_full_connection_brings_no_input),
        cmocka_unit_test(an_id_finds_its_connection_and_never_a_later_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
