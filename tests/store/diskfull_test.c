/* Fills a small file system under a store that is being written to, and frees it again: refused at once with the
 * reason, reads go on, service comes back within seconds, nothing is torn or lost, also when the store is stopped, or
 * killed as far as its files tell, on the full disk. Needs a mount of its own (a private name space); skipped where
 * that is not permitted. */
#include "base/test.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <unistd.h>
#include "base/log.h"
#include "os/clock.h"
#include "os/file.h"
#include "support/store_box.h"
#include "support/torture.h"

enum { CYCLES_A_STORE = 10, ACKS_MAX = 20000, REFUSED_WITHIN_MS = 2000, BACK_WITHIN_MS = 5000 };

static char mount_point[64];
static struct box_put acks[ACKS_MAX];
static size_t ack_count;
static int64_t number;
static int64_t slowest_back_ms;

/* --- a small disk ------------------------------------------------------------------------------------------ */

static bool write_text(const char *path, const char *text) {
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    if (fd >= 0) close(fd);
    return ok;
}

/* As root a name space of mounts is enough, as anybody else one of users makes us root in it. */
static bool enter_name_space(void) {
    char map[64];
    uid_t uid = getuid();
    gid_t gid = getgid();
    if (uid == 0) return unshare(CLONE_NEWNS) == 0;
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return false;
    snprintf(map, sizeof map, "0 %d 1", (int)uid);
    if (!write_text("/proc/self/uid_map", map) || !write_text("/proc/self/setgroups", "deny")) return false;
    snprintf(map, sizeof map, "0 %d 1", (int)gid);
    return write_text("/proc/self/gid_map", map);
}

static bool mount_small_disk(void) {
    strcpy(mount_point, "/tmp/diskfull-XXXXXX");
    must(mkdtemp(mount_point));
    return enter_name_space() && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
           mount("tmpfs", mount_point, "tmpfs", 0, "size=8m") == 0;
}

static void fill(void) {
    char path[128], chunk[4096] = {0};
    snprintf(path, sizeof path, "%s/ballast", mount_point);
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    must(fd >= 0);
    while (write(fd, chunk, sizeof chunk) > 0) {
    }
    close(fd);
}

static void free_disk(void) {
    char path[128];
    snprintf(path, sizeof path, "%s/ballast", mount_point);
    must(unlink(path) == 0);
}

/* --- a cycle ----------------------------------------------------------------------------------------------- */

/* ERR_OK, or why not. What is acknowledged is kept. */
static enum err send(struct store *store) {
    struct box_put put;
    enum err err = box_put_batch(store, number, 1, &put);
    if (err == ERR_OK && store_is_sync_flush(store)) err = store_wait_flushed(store, put.end_phys, 10000);
    if (err != ERR_OK) return err;
    number++;
    must(ack_count < ACKS_MAX);
    acks[ack_count++] = put;
    return ERR_OK;
}

static void send_until_refused(struct store *store) {
    enum err err = ERR_OK;
    int64_t start_ms = clock_monotonic_ms();
    while (err == ERR_OK) {
        start_ms = clock_monotonic_ms();
        err = send(store);
    }
    must(err == ERR_DISK_FULL && strlen(err_detail(err)) > 0);
    must(clock_monotonic_ms() - start_ms < REFUSED_WITHIN_MS);
    must(store_writable(store) == ERR_DISK_FULL);
}

static void send_when_there_is_room(struct store *store) {
    int64_t start_ms = clock_monotonic_ms(), took_ms = 0;
    while (send(store) != ERR_OK) {
        took_ms = clock_monotonic_ms() - start_ms;
        must(took_ms < BACK_WITHIN_MS);
        clock_sleep_ms(10);
    }
    slowest_back_ms = MAX(slowest_back_ms, took_ms);
}

/* Messages that are in their queues already can be read: those that are not wait for room. */
static void read_some(struct store *store) {
    struct store_facts facts;
    store_facts(store, &facts);
    for (int i = 0; i < 20 && ack_count > 0; i++) {
        const struct box_put *put = &acks[torture_random((uint32_t)ack_count)];
        if (put->end_phys <= facts.dispatched_phys) box_check(store, put);
    }
}

static void make_abort(const struct box *box) {
    char path[128];
    snprintf(path, sizeof path, "%s/abort", box->root);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600); /* an empty file needs no block */
    must(fd >= 0);
    close(fd);
}

/* On the full disk; when it does not even have room for a start, that says so and does after room was made. */
static struct store *restart(struct box *box, struct store *store) {
    store_close(store);
    if (torture_random(2)) make_abort(box);
    enum err err = box_try_open(box, &store);
    if (err == ERR_OK) return store;
    must(err == ERR_DISK_FULL && strlen(err_detail(err)) > 0);
    return NULL;
}

static struct store *cycle(struct box *box, struct store *store) {
    fill();
    send_until_refused(store);
    read_some(store);
    if (torture_random(3) == 0) store = restart(box, store);
    free_disk();
    if (!store) store = box_open(box);
    send_when_there_is_room(store);
    box_settle(store);
    read_some(store);
    return store;
}

static void check_all(struct box *box) {
    struct store *store = box_open(box);
    must(box_check_queues(store) >= (int64_t)ack_count);
    for (size_t i = 0; i < ack_count; i++) box_check(store, &acks[i]);
    store_close(store);
}

static int fill_and_free(const char *flush_disk_type) {
    struct box box;
    box_init_in(&box, mount_point);
    box.config.flush_disk_type = bytes_of(flush_disk_type);
    box.config.clean_file_forcibly_enable = false; /* nothing goes unless told */
    ack_count = 0;
    struct store *store = box_open(&box);
    for (int i = 0; i < CYCLES_A_STORE; i++) store = cycle(&box, store);
    store_close(store);
    check_all(&box);
    box_close(&box);
    return CYCLES_A_STORE;
}

static void disk_fills_and_is_freed(void **state) {
    (void)state;
    int wanted = torture_count(10, 120), cycles = 0;
    torture_begin("disk full");
    for (int i = 0; cycles < wanted; i++) {
        cycles += fill_and_free(i % 2 ? "ASYNC_FLUSH" : "SYNC_FLUSH");
        torture_progress("disk full", cycles, wanted);
    }
    char text[100];
    snprintf(text, sizeof text, "0 messages lost or torn, service back after at most %d ms", (int)slowest_back_ms);
    torture_result("disk full", cycles, text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(disk_fills_and_is_freed),
    };
    log_set_level(LOG_ERROR + 1);
    if (!mount_small_disk()) {
        printf("SKIPPED: no private mount is permitted here\n");
        rmdir(mount_point);
        return 0;
    }
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    umount(mount_point);
    rmdir(mount_point);
    return failed;
}
