/* remoting_echo.c - what one request through remoting costs, at some number in flight over one connection.
 *   bench_remoting_echo [IN_FLIGHT [BODY_BYTES [SECONDS [HOST:PORT]]]]
 * Without an address it serves itself on a thread of its own and tells that thread's CPU time a request; with one it
 * asks that server (bench_null_server, say). */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/check.h"
#include "os/clock.h"
#include "remoting/remoting.h"

struct bench {
    struct loop *server_loop, *loop;
    struct remoting *server, *client;
    struct remoting_server *port;
    char address[ADDRESS_TEXT_MAX];
    struct bytes body;
    struct loop_timer end;
    bool ended;
    int64_t in_flight, answered;
    int64_t server_cpu_ns;
};
static struct bench bench;

static int64_t cpu_ns(clockid_t clock) {
    struct timespec t;
    must(clock_gettime(clock, &t) == 0);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void echo(struct request *request) {
    struct outgoing response = {.body = request->command.body};
    remoting_reply(&request->to, &response);
}

static void ask(void);

static void on_answer(void *ctx, enum err err, const struct command *response) {
    (void)ctx, (void)response;
    if (err != ERR_OK) {
        fprintf(stderr, "%s\n", err_detail(err));
        exit(1);
    }
    bench.answered++;
    bench.in_flight--;
    if (!bench.ended)
        ask();
    else if (bench.in_flight == 0)
        loop_stop(bench.loop);
}

/* Fields of a send request's size. */
static void ask(void) {
    static const struct ext_field ext[] = {
        {BYTES("a"), BYTES("producer_group")},
        {BYTES("b"), BYTES("BenchmarkTest")},
        {BYTES("c"), BYTES("TBW102")},
        {BYTES("d"), BYTES("8")},
        {BYTES("e"), BYTES("3")},
        {BYTES("f"), BYTES("0")},
        {BYTES("g"), BYTES("1763951000000")},
        {BYTES("h"), BYTES("0")},
        {BYTES("i"), BYTES("UNIQ_KEY\1AC110001")},
    };
    struct outgoing request = {.code = 310, .ext = ext, .ext_count = ARRAY_LEN(ext), .body = bench.body};
    bench.in_flight++;
    remoting_call(bench.client, bytes_of(bench.address), &request, 10000, on_answer, NULL);
}

static void on_end(struct loop_timer *timer) {
    (void)timer;
    bench.ended = true;
}

static void serve(void) {
    struct remoting_options options = {.on_request = echo};
    must(loop_create("server", &bench.server_loop) == ERR_OK);
    must(remoting_create(bench.server_loop, &options, &bench.server) == ERR_OK);
    must(remoting_listen(bench.server_loop, &bench.server, 1, "127.0.0.1", 0, false, &bench.port) == ERR_OK);
    snprintf(bench.address, sizeof bench.address, "127.0.0.1:%u", remoting_server_port(bench.port));
    must(loop_start_thread(bench.server_loop) == ERR_OK);
}

static void note_server_cpu(struct loop_task *task) {
    (void)task;
    bench.server_cpu_ns = cpu_ns(CLOCK_THREAD_CPUTIME_ID);
}

static void end_server(void) {
    struct loop_task task = {.run = note_server_cpu};
    loop_post(bench.server_loop, &task);
    loop_stop(bench.server_loop);
    loop_join(bench.server_loop);
    remoting_server_close(bench.port);
    remoting_destroy(bench.server);
    loop_destroy(bench.server_loop);
}

int main(int argc, char **argv) {
    int in_flight = argc > 1 ? atoi(argv[1]) : 32, body_bytes = argc > 2 ? atoi(argv[2]) : 128;
    int seconds = argc > 3 ? atoi(argv[3]) : 3;
    struct remoting_options options = {.on_request = echo};
    bench.body = (struct bytes){calloc(1, (size_t)body_bytes + 1), (size_t)body_bytes};
    must(bench.body.data);
    if (argc > 4)
        snprintf(bench.address, sizeof bench.address, "%s", argv[4]);
    else
        serve();
    must(loop_create("client", &bench.loop) == ERR_OK);
    must(remoting_create(bench.loop, &options, &bench.client) == ERR_OK);
    loop_timer_start(bench.loop, &bench.end, seconds * 1000, 0, on_end);
    int64_t start_ns = clock_monotonic_ns(), start_cpu_ns = cpu_ns(CLOCK_THREAD_CPUTIME_ID);
    for (int i = 0; i < in_flight; i++) ask();
    loop_run(bench.loop);
    double count = (double)bench.answered, wall_ns = (double)(clock_monotonic_ns() - start_ns);
    printf("in_flight=%d body_bytes=%d requests_per_s=%.0f round_trip_us=%.1f client_cpu_us=%.2f", in_flight,
           body_bytes, count * 1e9 / wall_ns, wall_ns * in_flight / count / 1e3,
           (double)(cpu_ns(CLOCK_THREAD_CPUTIME_ID) - start_cpu_ns) / count / 1e3);
    remoting_destroy(bench.client);
    loop_destroy(bench.loop);
    if (argc <= 4) {
        end_server();
        printf(" server_cpu_us=%.2f", (double)bench.server_cpu_ns / count / 1e3);
    }
    printf("\n");
    free((char *)(uintptr_t)bench.body.data);
    return 0;
}
