/* timer_files_fuzz.c - a damaged timer log and a damaged checkpoint: whatever they hold, reading ends, and what is put
 * behind the last good unit is found again. */
#include <stdio.h>
#include <stdlib.h>
#include "base/check.h"
#include "base/log.h"
#include "os/file.h"
#include "store/timer_checkpoint.h"
#include "store/timer_log.h"

enum { FILE_BYTES = 4096 };

static char root[64], path[96], checkpoint_path[96];

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void remove_root(void) {
    if (file_remove_tree(root) != ERR_OK) fprintf(stderr, "%s stays behind\n", root);
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc, (void)argv;
    log_set_level(LOG_ERROR + 1);
    snprintf(root, sizeof root, "%s/timer-fuzz-XXXXXX", file_exists("/dev/shm") ? "/dev/shm" : "/tmp");
    must(mkdtemp(root));
    atexit(remove_root);
    snprintf(path, sizeof path, "%s/00000000000000000000", root);
    snprintf(checkpoint_path, sizeof checkpoint_path, "%s/timercheck", root);
    return 0;
}

static void continue_log(void) {
    struct timer_log log;
    struct timer_unit unit, put = {.prev = -1, .kind = TIMER_UNIT_MESSAGE, .write_ms = 1000, .size_bytes = 1};
    int64_t at = 0, end = 0, position;
    must(timer_log_open(&log, root, FILE_BYTES) == ERR_OK);
    for (; timer_log_next(&log, &at, &unit) == ERR_OK; at += TIMER_UNIT_BYTES) end = at + TIMER_UNIT_BYTES;
    must(end <= FILE_BYTES);
    must(timer_log_cut(&log, end) == ERR_OK);
    must(timer_log_append(&log, &put, &position) == ERR_OK);
    must(position >= end);
    must(timer_log_next(&log, &end, &unit) == ERR_OK && end == position && unit.write_ms == 1000);
    timer_log_close(&log);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct timer_checkpoint checkpoint;
    char content[FILE_BYTES] = {0};
    memcpy(content, data, MIN(size, sizeof content));
    must(file_replace(checkpoint_path, bytes_make(content, sizeof content), false) == ERR_OK);
    must(timer_checkpoint_load(checkpoint_path, &checkpoint) == ERR_OK);
    must(checkpoint.read_ms >= 0 && checkpoint.log_end >= 0 && checkpoint.queue_offset >= 0);
    must(file_unlink(checkpoint_path) == ERR_OK);
    must(file_replace(path, bytes_make(content, sizeof content), false) == ERR_OK);
    continue_log();
    must(file_remove_tree(root) == ERR_OK && file_make_dirs(root) == ERR_OK);
    return 0;
}
