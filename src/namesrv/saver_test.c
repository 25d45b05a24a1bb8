/* saver_test.c - files get there in order, the newest content wins, each waiter is told once. */
#include "namesrv/saver.h"

#include <stdio.h>
#include <stdlib.h>
#include "base/test.h"
#include "os/file.h"

static char dir[64];
static int told, failed;
static char detail[256];

static void count(void *ctx, enum err err) {
    (void)ctx;
    told++;
    if (err == ERR_OK) return;
    failed++;
    snprintf(detail, sizeof detail, "%s", err_detail(err));
}

static void save(struct saver *saver, const char *path, const char *text) {
    struct buf content = {0};
    buf_append_text(&content, text);
    saver_save(saver, bytes_of(path), &content, count, NULL);
    assert_null(content.data);
}

static void assert_file(const char *path, const char *text) {
    struct buf content = {0};
    assert_ok(file_read_all(path, 1 << 20, &content));
    assert_bytes(buf_bytes(&content), text);
    buf_close(&content);
}

static void writes_what_came_last(void **state) {
    (void)state;
    char a[96], b[96], text[32];
    struct loop *loop;
    strcpy(dir, "/tmp/rmq-saver.XXXXXX");
    assert_non_null(mkdtemp(dir));
    snprintf(a, sizeof a, "%s/new/folder/a", dir);
    snprintf(b, sizeof b, "%s/b", dir);
    assert_ok(loop_create("test", &loop));
    struct saver *saver = saver_create(loop);
    for (int i = 0; i < 100; i++) {
        snprintf(text, sizeof text, "content %d", i);
        save(saver, a, text);
        save(saver, b, text);
    }
    save(saver, "/proc/no/such/folder", "x");
    saver_finish(saver);
    assert_int_equal(told, 201);
    assert_int_equal(failed, 1);
    assert_non_null(strstr(detail, "/proc/no"));
    assert_file(a, "content 99");
    assert_file(b, "content 99");
    loop_destroy(loop);
    saver_destroy(saver);
    assert_ok(file_remove_tree(dir));
}

static void an_idle_one_ends(void **state) {
    (void)state;
    struct loop *loop;
    assert_ok(loop_create("test", &loop));
    struct saver *saver = saver_create(loop);
    saver_finish(saver);
    loop_destroy(loop);
    saver_destroy(saver);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_what_came_last),
        cmocka_unit_test(an_idle_one_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
