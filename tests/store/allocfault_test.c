/* The n-th allocation of a process fails: it may end there, as small allocations do, or go on without; a start after
 * that has every message that was acknowledged. */
#include "base/test.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/log.h"
#include "support/store_box.h"
#include "support/torture.h"

enum { SENDS = 24 };

/* Sanitizers have an allocator of their own. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define CAN_FAIL false
static _Atomic int allocations, fail_at;
#else
#define CAN_FAIL true
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);
static _Atomic int allocations, fail_at;

static bool fails(void) {
    return atomic_fetch_add(&allocations, 1) + 1 == atomic_load(&fail_at);
}

void *malloc(size_t size) {
    return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
    return fails() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *old, size_t size) {
    return fails() ? NULL : __libc_realloc(old, size);
}
#endif

struct shared {
    _Atomic int64_t ack_count;
    struct box_put acks[SENDS];
    _Atomic bool reached; /* the allocation that was to fail */
};

_Noreturn static void live(struct box *box, struct shared *shared, int n) {
    struct store *store;
    must(freopen("/dev/null", "w", stderr)); /* how a process ends is told there */
    atomic_store(&allocations, 0);
    atomic_store(&fail_at, n);
    if (box_try_open(box, &store) == ERR_OK) {
        for (int i = 0; i < SENDS; i++) {
            int64_t count = atomic_load(&shared->ack_count);
            struct box_put *put = &shared->acks[count];
            if (box_put_batch(store, i, 1, put) != ERR_OK) continue;
            if (store_wait_flushed(store, put->end_phys, 5000) == ERR_OK) atomic_store(&shared->ack_count, count + 1);
            if (atomic_load(&allocations) >= n) atomic_store(&shared->reached, true);
        }
        store_close(store);
    }
    if (atomic_load(&allocations) >= n) atomic_store(&shared->reached, true);
    _exit(0);
}

_Noreturn static void check(struct box *box, struct shared *shared) {
    struct store *store = box_open(box);
    must(box_check_queues(store) >= atomic_load(&shared->ack_count));
    for (int64_t i = 0; i < atomic_load(&shared->ack_count); i++) box_check(store, &shared->acks[i]);
    store_close(store);
    _exit(0);
}

static int wait_for(pid_t child) {
    int status;
    must(child > 0 && waitpid(child, &status, 0) == child);
    return status;
}

/* Returns whether there were n allocations. */
static bool fail_allocation(struct shared *shared, int n) {
    struct box box;
    box_init(&box);
    box.config.flush_disk_type = BYTES("SYNC_FLUSH");
    atomic_store(&shared->ack_count, 0);
    atomic_store(&shared->reached, false);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) live(&box, shared, n);
    int status = wait_for(child);
    must(WIFEXITED(status) || WTERMSIG(status) == SIGABRT); /* never by a pointer to nowhere */
    child = fork();
    if (child == 0) check(&box, shared);
    must(wait_for(child) == 0);
    box_close(&box);
    return atomic_load(&shared->reached) || WIFSIGNALED(status);
}

static void each_allocation_fails(void **state) {
    (void)state;
    if (!CAN_FAIL) skip();
    struct shared *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    must(shared != MAP_FAILED);
    int stride = torture_count(17, 1), failed = 0;
    torture_begin("failed allocations");
    for (int n = 1 + (int)torture_random((uint32_t)stride); fail_allocation(shared, n); n += stride) {
        must(n < 100000);
        torture_progress("failed allocations", ++failed, 0);
    }
    torture_result("failed allocations", failed, "0 messages lost");
    munmap(shared, sizeof *shared);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_allocation_fails),
    };
    log_set_level(LOG_ERROR + 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
