/* Pages that cannot be read: a file that was cut short under its mapping gives the same SIGBUS as a bad disk. */
#include "os/map_guard.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/test.h"
#include "os/file.h"

enum { PAGE = 4096, PAGES = 4 };

static char path[64];

static char *map_cut_short(int *fd) {
    char *data;
    snprintf(path, sizeof path, "/tmp/map-guard-XXXXXX");
    *fd = mkstemp(path);
    assert_true(*fd >= 0);
    assert_ok(file_resize(*fd, path, PAGE * PAGES));
    assert_ok(file_map(*fd, path, PAGE * PAGES, true, &data));
    memset(data, 'x', PAGE * PAGES);
    assert_ok(file_resize(*fd, path, PAGE));
    return data;
}

static void lost_pages_read_as_zeros(void **state) {
    (void)state;
    int fd;
    char *data = map_cut_short(&fd);
    int64_t before = map_guard_pages();
    assert_false(map_guard_lost(data));
    assert_int_equal(data[10], 'x');
    assert_int_equal(*(volatile char *)(data + PAGE + 10), 0);
    assert_int_equal(*(volatile char *)(data + 3 * PAGE), 0);
    assert_int_equal(data[PAGE - 1], 'x');
    assert_true(map_guard_lost(data));
    assert_int_equal(map_guard_pages(), before + 2);
    file_unmap(data, PAGE * PAGES);
    assert_false(map_guard_lost(data));
    close(fd);
    unlink(path);
}

static void writes_to_lost_pages_are_known(void **state) {
    (void)state;
    int fd;
    char *data = map_cut_short(&fd);
    memset(data + PAGE, 'y', 2 * PAGE);
    assert_true(map_guard_lost(data));
    file_unmap(data, PAGE * PAGES);
    close(fd);
    unlink(path);
}

/* What is no mapping of ours ends the process, as without the guard. */
static void other_bus_errors_end_the_process(void **state) {
    (void)state;
    int fd;
    file_unmap(map_cut_short(&fd), PAGE * PAGES); /* the handler is there */
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        char *bare = mmap(NULL, PAGE * PAGES, PROT_READ, MAP_SHARED, fd, 0);
        _exit(bare == MAP_FAILED ? 1 : *(volatile char *)(bare + PAGE));
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS);
    close(fd);
    unlink(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lost_pages_read_as_zeros),
        cmocka_unit_test(writes_to_lost_pages_are_known),
        cmocka_unit_test(other_bus_errors_end_the_process),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
