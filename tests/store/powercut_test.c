/* Cuts the power at any call to the disk. Beside the store lies a model of what its disk holds for sure: of each file
 * the content at its last sync, of each folder the names at its last sync. At a cut a new store is made of that and of
 * any of what was not synced: sectors of files, sizes, names that were made or removed. It is opened and must have
 * every message that was acknowledged under SYNC_FLUSH, all below what the store had said is flushed, and in any case
 * queues without gaps, each message whole and found by its keys. Some of these stores are written to and cut again, so
 * that recoveries are cut too. */
#include "base/test.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/log.h"
#include "os/file.h"
#include "support/store_box.h"
#include "support/torture.h"

enum {
    FILES_MAX = 4096,
    SECTOR_BYTES = 512,
    CHAIN_MAX = 6,    /* stores made one of the other's cut */
    PENDING_MAX = 64, /* cuts that wait to be looked at */
    ACKS_MAX = 4096,  /* of a chain */
    SENDS = 25        /* in one life of a store */
};

/* --- the disk --------------------------------------------------------------------------------------------- */

/* A file or folder: what is on the disk of the one that has the name now, and of one that had it and whose removal is
 * not yet on disk. */
struct node {
    char path[160]; /* below the root */
    bool folder;
    bool named; /* the name is on disk */
    bool synced, ghost;
    struct buf content, ghost_content; /* synced; of the ghost */
};

static struct disk {
    pthread_mutex_t lock;
    char root[64];
    struct node nodes[FILES_MAX];
    size_t count;
} disk = {.lock = PTHREAD_MUTEX_INITIALIZER};

static struct node *node_of(const char *path) {
    for (size_t i = 0; i < disk.count; i++)
        if (strcmp(disk.nodes[i].path, path) == 0) return &disk.nodes[i];
    must(disk.count < FILES_MAX && strlen(path) < sizeof disk.nodes[0].path);
    struct node *node = &disk.nodes[disk.count++];
    *node = (struct node){0};
    strcpy(node->path, path);
    return node;
}

static void read_file(const char *path, struct buf *out) {
    char full[256];
    snprintf(full, sizeof full, "%s%s", disk.root, path);
    out->len = 0;
    FILE *file = fopen(full, "rb"); /* not through os/file.h, whose calls are cut */
    if (!file) return;
    char chunk[65536];
    for (size_t len; (len = fread(chunk, 1, sizeof chunk, file)) > 0;) buf_append(out, chunk, len);
    fclose(file);
}

static bool is_folder(const char *path) {
    char full[256];
    struct stat st;
    snprintf(full, sizeof full, "%s%s", disk.root, path);
    return stat(full, &st) == 0 && S_ISDIR(st.st_mode);
}

/* Calls visit for each name in the folder. */
static void each_name(const char *folder, void (*visit)(const char *path)) {
    char full[256], path[512];
    snprintf(full, sizeof full, "%s%s", disk.root, folder);
    DIR *dir = opendir(full);
    if (!dir) return;
    for (struct dirent *entry; (entry = readdir(dir));) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        visit(path);
    }
    closedir(dir);
}

static void name_synced(const char *path) {
    struct node *node = node_of(path);
    node->named = true;
    node->folder = is_folder(path);
}

static bool is_in(const char *path, const char *folder) {
    size_t len = strlen(folder);
    return strncmp(path, folder, len) == 0 && path[len] == '/' && !strchr(path + len + 1, '/');
}

static void folder_synced(const char *folder) {
    for (size_t i = 0; i < disk.count; i++)
        if (is_in(disk.nodes[i].path, folder)) disk.nodes[i].ghost = false;
    each_name(folder, name_synced);
}

static void file_synced(const char *path) {
    struct node *node = node_of(path);
    read_file(path, &node->content);
    node->synced = true;
}

static void removed(const char *path) {
    struct node *node = node_of(path);
    if (node->named && !node->folder) {
        node->ghost = true;
        node->ghost_content.len = 0;
        if (node->synced) buf_append(&node->ghost_content, node->content.data, node->content.len);
    }
    node->named = node->synced = false;
}

static void all_synced_below(const char *path);

static void synced_with_all(const char *path) {
    name_synced(path);
    node_of(path)->ghost = false;
    if (is_folder(path))
        all_synced_below(path);
    else
        file_synced(path);
}

static void all_synced_below(const char *path) {
    for (size_t i = 0; i < disk.count; i++)
        if (is_in(disk.nodes[i].path, path)) disk.nodes[i].ghost = false;
    each_name(path, synced_with_all);
}

/* --- a cut ------------------------------------------------------------------------------------------------- */

/* What the cut does to this file: how many of a hundred unsynced sectors stay. */
static uint32_t kept_percent;

static bool chance(uint32_t percent) {
    return torture_random(100) < percent;
}

/* `now` becomes what the disk has: the synced content with any of the sectors that changed since. */
static void mix(const struct buf *base, struct buf *now) {
    size_t size = chance(50) ? now->len : base->len;
    size_t both = MAX(now->len, base->len);
    struct buf out = {0};
    char *to = buf_reserve(&out, both + 1);
    memset(to, 0, both + 1);
    if (base->len > 0) memcpy(to, base->data, base->len);
    for (size_t at = 0; at < now->len; at += SECTOR_BYTES)
        if (chance(kept_percent)) memcpy(to + at, now->data + at, MIN(SECTOR_BYTES, now->len - at));
    now->len = 0;
    buf_append(now, to, size);
    buf_close(&out);
}

static void write_out(const char *root, const char *path, const struct buf *content) {
    char full[256];
    snprintf(full, sizeof full, "%s%s", root, path);
    FILE *file = fopen(full, "wb");
    must(file && (content->len == 0 || fwrite(content->data, 1, content->len, file) == content->len));
    fclose(file);
}

static const char *cut_to; /* root of the store that is made */

/* A file or folder that is there now. */
static void cut_one(const char *path) {
    struct node *node = node_of(path);
    bool there = node->named || chance(50);
    if (is_folder(path)) {
        char full[256];
        snprintf(full, sizeof full, "%s%s", cut_to, path);
        if (there && mkdir(full, 0755) == 0) each_name(path, cut_one);
        return;
    }
    struct buf now = {0}, none = {0};
    read_file(path, &now);
    if (there) {
        mix(node->synced ? &node->content : &none, &now);
        write_out(cut_to, path, &now);
    } else if (node->ghost && chance(50)) {
        write_out(cut_to, path, &node->ghost_content);
    }
    buf_close(&now);
}

/* Removed, and the removal not yet on disk. */
static void raise_ghosts(void) {
    for (size_t i = 0; i < disk.count; i++) {
        char now[256], then[256], *slash;
        snprintf(now, sizeof now, "%s%s", disk.root, disk.nodes[i].path);
        snprintf(then, sizeof then, "%s%s", cut_to, disk.nodes[i].path);
        if (!disk.nodes[i].ghost || access(now, F_OK) == 0 || chance(50)) continue;
        *(slash = strrchr(then, '/')) = '\0';
        if (access(then, F_OK) != 0) continue;
        write_out(cut_to, disk.nodes[i].path, &disk.nodes[i].ghost_content);
    }
}

struct cut {
    char root[64];
    int64_t flushed_phys; /* what the store had said */
    size_t acks;          /* how many of the messages were acknowledged */
};

static struct cut pending[PENDING_MAX];
static _Atomic size_t pending_count, ack_count;
static _Atomic(struct store *) running;
static uint32_t cut_odds; /* one in so many calls */

static void make_cut(struct cut *cut) {
    static const uint32_t percents[] = {0, 5, 50, 95, 100};
    kept_percent = percents[torture_random(ARRAY_LEN(percents))];
    strcpy(cut->root, "/dev/shm/cut-XXXXXX");
    must(mkdtemp(cut->root));
    cut_to = cut->root;
    each_name("", cut_one);
    raise_ghosts();
}

/* Not a fault, but the place where each call passes by, before its effect. */
static int on_call(enum file_call call, const char *path) {
    size_t len = strlen(disk.root), acks = atomic_load(&ack_count);
    struct store *store = atomic_load(&running);
    int64_t flushed_phys = store ? store_flushed_phys(store) : 0;
    if (strncmp(path, disk.root, len) != 0) return 0;
    pthread_mutex_lock(&disk.lock);
    size_t count = atomic_load(&pending_count);
    if (call != FILE_READ && count < PENDING_MAX && torture_random(cut_odds) == 0) {
        pending[count] = (struct cut){.flushed_phys = flushed_phys, .acks = acks};
        make_cut(&pending[count]);
        atomic_store(&pending_count, count + 1);
    }
    path += len;
    if (call == FILE_SYNC_ALL) all_synced_below(path);
    if (call == FILE_UNLINK || call == FILE_RENAME) removed(path); /* the new name is not on disk, nor the content */
    if (call == FILE_SYNC) is_folder(path) ? folder_synced(path) : file_synced(path);
    pthread_mutex_unlock(&disk.lock);
    return 0;
}

/* --- lives of stores --------------------------------------------------------------------------------------- */

struct life {
    struct box box;
    bool is_sync;
    struct box_put acks[ACKS_MAX];
    int64_t number; /* of the next message */
};

/* The power comes back. With `adopt` a copy is looked at: the store itself is the next to live, and to be cut. */
static void check_cut(struct life *life, const struct cut *cut, bool adopt) {
    struct box found = life->box, copy;
    strcpy(found.root, cut->root);
    found.config.store_path_root_dir = bytes_of(found.root);
    if (adopt) box_copy(&found, &copy);
    struct box *box = adopt ? &copy : &found;
    struct store *store = box_open(box);
    struct store_facts facts;
    store_facts(store, &facts);
    must(facts.max_phys >= cut->flushed_phys);
    box_check_queues(store);
    for (size_t i = 0; i < cut->acks; i++)
        if (life->is_sync || life->acks[i].end_phys <= facts.max_phys) box_check(store, &life->acks[i]);
    store_close(store);
    box_close(box);
}

/* Messages, one by one or in batches; now and then a clean stop and a start. */
static void live(struct life *life) {
    struct store *store = box_open(&life->box);
    atomic_store(&running, store);
    for (int i = 0; i < SENDS; i++) {
        struct box_put puts[4];
        int count = 1 + (int)torture_random(4);
        must(box_put_batch(store, life->number, count, puts) == ERR_OK);
        life->number += count;
        if (life->is_sync) must(store_wait_flushed(store, puts[count - 1].end_phys, 20000) == ERR_OK);
        struct store_facts facts;
        store_facts(store, &facts);
        if (life->is_sync) must(facts.dispatched_phys <= store_flushed_phys(store)); /* what consumers see */
        size_t acks = atomic_load(&ack_count);
        must(acks + (size_t)count <= ACKS_MAX);
        memcpy(&life->acks[acks], puts, (size_t)count * sizeof puts[0]);
        atomic_store(&ack_count, acks + (size_t)count);
    }
    atomic_store(&running, NULL);
    store_close(store);
}

static void forget_disk(void) {
    for (size_t i = 0; i < disk.count; i++) {
        buf_close(&disk.nodes[i].content);
        buf_close(&disk.nodes[i].ghost_content);
    }
    disk.count = 0;
}

/* The hook looks at `root` from now on; all that is there is on disk. */
static void plug_in(const char *root) {
    forget_disk();
    strcpy(disk.root, root);
    all_synced_below("");
    file_set_fault(on_call);
}

static size_t look_at_cuts(struct life *life, size_t adopt) {
    size_t count = atomic_load(&pending_count);
    file_set_fault(NULL);
    for (size_t i = 0; i < count; i++) check_cut(life, &pending[i], i == adopt);
    atomic_store(&pending_count, 0);
    return count;
}

/* ASYNC_FLUSH may have lost what was acknowledged. */
static void forget_lost(struct life *life, int64_t flushed_phys) {
    size_t kept = 0, count = atomic_load(&ack_count);
    for (size_t i = 0; i < count; i++)
        if (life->is_sync || life->acks[i].end_phys <= flushed_phys) life->acks[kept++] = life->acks[i];
    atomic_store(&ack_count, kept);
}

static int cut_a_chain(bool is_sync) {
    static struct life life;
    int cuts = 0, length = 1 + (int)torture_random(CHAIN_MAX);
    life.is_sync = is_sync;
    life.number = 0;
    atomic_store(&ack_count, 0);
    box_init(&life.box);
    life.box.config.flush_disk_type = bytes_of(is_sync ? "SYNC_FLUSH" : "ASYNC_FLUSH");
    life.box.config.flush_interval_commit_log_ms = 5;
    life.box.config.flush_interval_consume_queue_ms = 1;
    life.box.config.flush_consume_queue_thorough_interval_ms = 1;
    for (int i = 0; i < length; i++) {
        cut_odds = 5 + torture_random(20);
        plug_in(life.box.root);
        live(&life);
        size_t count = atomic_load(&pending_count);
        size_t adopt = i + 1 < length && count > 0 ? torture_random((uint32_t)count) : count;
        struct cut next = count > adopt ? pending[adopt] : (struct cut){0};
        cuts += (int)look_at_cuts(&life, adopt);
        if (adopt == count) break;
        box_close(&life.box);
        strcpy(life.box.root, next.root);
        life.box.config.store_path_root_dir = bytes_of(life.box.root);
        atomic_store(&ack_count, next.acks);
        forget_lost(&life, next.flushed_phys);
    }
    box_close(&life.box);
    return cuts;
}

static void cut(bool is_sync, const char *what) {
    int wanted = torture_count(150, 3000), cuts = 0;
    torture_begin(what);
    while (cuts < wanted) {
        cuts += cut_a_chain(is_sync);
        torture_progress(what, cuts, wanted);
    }
    torture_result(what, cuts, "0 messages lost, 0 torn");
}

static void power_cuts_sync(void **state) {
    (void)state;
    cut(true, "power cuts, SYNC_FLUSH");
}

static void power_cuts_async(void **state) {
    (void)state;
    cut(false, "power cuts, ASYNC_FLUSH");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(power_cuts_sync),
        cmocka_unit_test(power_cuts_async),
    };
    log_set_level(LOG_ERROR + 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
