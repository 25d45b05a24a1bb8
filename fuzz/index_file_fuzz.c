/* A damaged index file: opened after a crash or a clean stop, searched, continued, opened again. Whatever it holds, the
 * start goes well and the records put from index_newest_phys on are found. */
#include <stdio.h>
#include <stdlib.h>
#include "base/check.h"
#include "base/log.h"
#include "os/file.h"
#include "store/index.h"
#include "store/index_file.h"

enum { SLOTS = 7, ENTRIES = 12, FULL_BYTES = INDEX_HEADER_BYTES + 4 * SLOTS + 20 * ENTRIES, LAST = 14 };

static char root[64], dir[80], path[128];

static void remove_root(void) {
    if (file_remove_tree(root) != ERR_OK) fprintf(stderr, "%s stays behind\n", root);
}

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc, (void)argv;
    log_set_level(LOG_ERROR + 1);
    snprintf(root, sizeof root, "%s/index-fuzz-XXXXXX", file_exists("/dev/shm") ? "/dev/shm" : "/tmp");
    must(mkdtemp(root));
    atexit(remove_root);
    snprintf(dir, sizeof dir, "%s/index", root);
    snprintf(path, sizeof path, "%s/20261124001152769", dir);
    return 0;
}

static void find(struct index_service *index, const char *key, int64_t expected_phys) {
    struct arena arena = {0};
    struct index_found found;
    index_find(index, BYTES("T"), bytes_of(key), 64, 0, INT64_MAX, &arena, &found);
    bool seen = expected_phys < 0;
    for (size_t i = 0; i < found.count; i++) seen |= found.offsets[i] == expected_phys;
    must(seen);
    arena_close(&arena);
}

/* The records of the log: one a multiple of 64, with keys "k" and its own number. Damage may have left an index that
 * believes to be ahead of the log: index_truncate says where that ends. */
static void continue_index(bool crashed) {
    struct index_options options = {dir, SLOTS, ENTRIES, crashed, 0};
    struct index_service *index;
    must(index_open(&options, &index) == ERR_OK);
    find(index, "k", -1);
    index_truncate(index, 64 * LAST);
    must(index_newest_phys(index) < 64 * LAST);
    for (int64_t n = 0; n < LAST; n++) {
        bool put = 64 * n > index_newest_phys(index);
        char number[16];
        snprintf(number, sizeof number, "%d", (int)n);
        struct index_record record = {64 * n, 1795479112729 + n, BYTES("T"), bytes_of(number), BYTES("k")};
        index_note(index, &record);
        must(index_put(index) == ERR_OK);
        if (put) find(index, number, 64 * n);
    }
    must(index_flush(index, true, NULL) == ERR_OK);
    must(index_delete_below(index, 64 * LAST / 2) >= 0);
    index_close(index);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 1) return 0;
    bool crashed = data[0] & 1, pad = data[0] & 2;
    char content[FULL_BYTES] = {0};
    size_t len = MIN(size - 1, sizeof content);
    memcpy(content, data + 1, len);
    must(file_make_dirs(dir) == ERR_OK);
    must(file_replace(path, bytes_make(content, pad ? sizeof content : len), false) == ERR_OK);
    continue_index(crashed);
    continue_index(!crashed);
    must(file_remove_tree(root) == ERR_OK);
    return 0;
}
