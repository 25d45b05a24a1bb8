/* Fails calls to the disk: the n-th for n = 1, 2, ... until a whole run needs fewer, once or from then on, or any by
 * chance, with each error that a disk or a system gives, over starts, messages, new files, deletion, stops and
 * recoveries. Whatever fails, a refusal comes at once and with its reason, and a start without faults has every message
 * that was acknowledged. */
#include "base/test.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/log.h"
#include "os/file.h"
#include "support/store_box.h"
#include "support/torture.h"

enum { SENDS = 24, RUNS_MAX = 4000, WAIT_MS = 5000 };

static _Atomic int calls, fail_at, fail_with, injected;
static _Atomic bool fail_on, fired; /* fail_on: all later calls too */
static _Atomic uint32_t fail_odds;  /* one in so many calls, instead of the n-th; 0 = none */

static int fault(enum file_call call, const char *path) {
    (void)path;
    int error = atomic_load(&fail_with), number = atomic_fetch_add(&calls, 1) + 1, at = atomic_load(&fail_at);
    if (error != EIO && (call == FILE_READ || call == FILE_UNLINK)) return 0;
    uint32_t odds = atomic_load(&fail_odds);
    if (odds ? torture_random(odds) != 0 : number != at && !(number > at && atomic_load(&fail_on))) return 0;
    atomic_store(&fired, true);
    atomic_fetch_add(&injected, 1);
    return error;
}

struct run {
    struct box box;
    struct box_put acks[2 * SENDS * 2];
    size_t ack_count;
    int64_t number;
    int refused;
};

static void send(struct run *run, struct store *store, int count) {
    struct box_put puts[2];
    enum err err = box_put_batch(store, run->number, count, puts);
    if (err == ERR_OK && store_is_sync_flush(store)) err = store_wait_flushed(store, puts[count - 1].end_phys, WAIT_MS);
    run->number += count;
    if (err != ERR_OK) {
        must(err != ERR_TIMEOUT && strlen(err_detail(err)) > 0); /* at once, and with a reason */
        run->refused++;
        return;
    }
    memcpy(&run->acks[run->ack_count], puts, (size_t)count * sizeof puts[0]);
    run->ack_count += (size_t)count;
}

static void live(struct run *run) {
    struct store *store;
    if (box_try_open(&run->box, &store) != ERR_OK) return;
    for (int i = 0; i < SENDS; i++) send(run, store, 1 + i % 2);
    store_delete_expired(store);
    if (store_delete_topic(store, BYTES("NoSuchTopic")) != ERR_OK) run->refused++;
    store_close(store);
}

static void make_abort(const struct run *run) {
    char path[256];
    snprintf(path, sizeof path, "%s/abort", run->box.root);
    FILE *file = fopen(path, "w"); /* not through os/file.h, whose calls are counted */
    must(file);
    fclose(file);
}

static void check(struct run *run) {
    struct store *store = box_open(&run->box);
    must(box_check_queues(store) >= (int64_t)run->ack_count);
    for (size_t i = 0; i < run->ack_count; i++) box_check(store, &run->acks[i]);
    struct box_put next;
    box_put(store, run->number, &next); /* it takes messages again */
    store_close(store);
}

/* Returns whether the run met the fault. */
static bool fail_call(int n, int error, bool on, bool is_sync) {
    static struct run run;
    run.ack_count = 0;
    run.number = run.refused = 0;
    box_init(&run.box);
    run.box.config.flush_disk_type = bytes_of(is_sync ? "SYNC_FLUSH" : "ASYNC_FLUSH");
    atomic_store(&calls, 0);
    atomic_store(&fired, false);
    atomic_store(&fail_at, n);
    atomic_store(&fail_with, error);
    atomic_store(&fail_on, on);
    file_set_fault(fault);
    live(&run);
    make_abort(&run);
    live(&run);
    file_set_fault(NULL);
    check(&run);
    box_close(&run.box);
    must(run.refused == 0 || atomic_load(&fired));
    return atomic_load(&fired);
}

static void each_call_fails(void **state) {
    (void)state;
    static const int errors[] = {EIO, ENOSPC, EMFILE, EROFS, ENOMEM};
    int stride = torture_count(23, 1), runs = 0;
    char text[100];
    torture_begin("failed calls");
    for (size_t e = 0; e < ARRAY_LEN(errors); e++)
        for (int variant = 0; variant < 4; variant++)
            for (int n = 1 + (int)torture_random((uint32_t)stride);; n += stride) {
                must(n < RUNS_MAX);
                if (!fail_call(n, errors[e], variant & 1, variant & 2)) break;
                torture_progress("failed calls, runs", ++runs, torture_count(200, 6000));
            }
    for (int i = torture_count(50, 1500); i > 0; i--) {
        atomic_store(&fail_odds, 10 + torture_random(100));
        fail_call(0, errors[i % (int)ARRAY_LEN(errors)], false, i % 2);
        torture_progress("failed calls, runs", ++runs, torture_count(200, 6000));
    }
    atomic_store(&fail_odds, 0);
    snprintf(text, sizeof text, "in %d runs; 0 messages lost, each refusal with its reason", runs);
    torture_result("failed calls", atomic_load(&injected), text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_call_fails),
    };
    log_set_level(LOG_ERROR + 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
