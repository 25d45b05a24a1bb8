/* map_guard.c - a table without locks, for a signal handler reads it. */
#include "os/map_guard.h"

#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <unistd.h>

struct guard {
    _Atomic uintptr_t start; /* 0 = free, 1 = being filled */
    _Atomic size_t len;
    _Atomic uintptr_t lost_end; /* of the last page that is lost; 0 = none */
};
static struct guard guards[MAP_GUARDS_MAX];
static _Atomic size_t used; /* none at or behind it is taken */
static _Atomic int64_t lost_pages;
static _Atomic size_t page_bytes;

static struct guard *guard_of(uintptr_t at) {
    size_t count = atomic_load(&used);
    for (size_t i = 0; i < count; i++) {
        uintptr_t start = atomic_load(&guards[i].start);
        if (start > 1 && at >= start && at - start < atomic_load(&guards[i].len)) return &guards[i];
    }
    return NULL;
}

static void note_lost(struct guard *guard, uintptr_t end) {
    uintptr_t lost_end = atomic_load(&guard->lost_end);
    while (lost_end < end && !atomic_compare_exchange_weak(&guard->lost_end, &lost_end, end)) {
    }
    atomic_fetch_add(&lost_pages, 1);
}

static void on_bus_error(int number, siginfo_t *info, void *context) {
    (void)context;
    size_t len = atomic_load(&page_bytes);
    uintptr_t page = (uintptr_t)info->si_addr & ~(uintptr_t)(len - 1);
    struct guard *guard = guard_of((uintptr_t)info->si_addr);
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
    if (guard) note_lost(guard, page + len); /* first: other threads may write to the substitute at once */
    if (guard && mmap((void *)page, len, PROT_READ | PROT_WRITE, flags, -1, 0) != MAP_FAILED) return;
    signal(number, SIG_DFL); /* the instruction is repeated and ends the process */
}

/* With each mapping: others of the process may have put theirs in its place. */
static void install(void) {
    atomic_store(&page_bytes, (size_t)sysconf(_SC_PAGESIZE));
    struct sigaction action = {.sa_sigaction = on_bus_error, .sa_flags = SA_SIGINFO};
    sigaction(SIGBUS, &action, NULL);
}

void map_guard_add(char *data, size_t len) {
    install();
    for (size_t i = 0; i < MAP_GUARDS_MAX; i++) {
        uintptr_t is_free = 0;
        if (!atomic_compare_exchange_strong(&guards[i].start, &is_free, 1)) continue;
        atomic_store(&guards[i].len, len);
        atomic_store(&guards[i].lost_end, 0);
        atomic_store(&guards[i].start, (uintptr_t)data);
        size_t count = atomic_load(&used);
        while (count <= i && !atomic_compare_exchange_weak(&used, &count, i + 1)) {
        }
        return;
    }
}

void map_guard_remove(const char *data) {
    struct guard *guard = guard_of((uintptr_t)data);
    if (guard) atomic_store(&guard->start, 0);
}

bool map_guard_lost(const char *from) {
    if (map_guard_pages() == 0) return false;
    struct guard *guard = guard_of((uintptr_t)from);
    return guard && atomic_load(&guard->lost_end) > (uintptr_t)from;
}

int64_t map_guard_pages(void) {
    return atomic_load(&lost_pages);
}
