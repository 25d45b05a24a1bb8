/* Unpacks with tar; the manifest is parsed with our own reader. */
#include "support/golden_store.h"

#include <stdio.h>
#include <stdlib.h>
#include "base/test.h"
#include "os/file.h"

const char *const golden_store_names[] = {
    "v533-clean", "v533-kill", "v533-torn", "v533-options", "v420-clean", "v420-kill", "v420-torn",
};
const size_t golden_store_count = ARRAY_LEN(golden_store_names);

const char *golden_store_dir(void) {
    static char dir[512];
    const char *golden = getenv("RMQ_GOLDEN");
    if (!golden) return NULL;
    snprintf(dir, sizeof dir, "%s/store", golden);
    return file_exists(dir) ? dir : NULL;
}

/* The members of `config` that are settings of the store; the others are the broker's. */
static void read_config(struct golden_store *golden) {
    store_config_init(&golden->config);
    struct config_section section = {"MessageStoreConfig", &golden->config, store_config_keys, store_config_key_count};
    const struct json *config = json_get(golden->manifest, "config");
    assert_non_null(config);
    for (const struct json *member = json_first(config); member; member = member->next) {
        if (!config_find(&section, 1, member->key, NULL)) continue;
        enum err err = config_set(&section, 1, member->key, json_text(member), NULL);
        if (err != ERR_OK) print_error("%s\n", err_detail(err));
        assert_int_equal(err, ERR_OK);
    }
    golden->config.store_path_root_dir = bytes_of(golden->root);
    golden->config.store_path_commit_log = (struct bytes){0};
}

void golden_store_unpack(struct golden_store *golden, const char *name) {
    *golden = (struct golden_store){.name = name};
    const char *dir = golden_store_dir();
    assert_non_null(dir);
    snprintf(golden->temp, sizeof golden->temp, "/tmp/golden-XXXXXX");
    assert_non_null(mkdtemp(golden->temp));
    snprintf(golden->root, sizeof golden->root, "%s/%s", golden->temp, name);
    char text[1024];
    snprintf(text, sizeof text, "tar --zstd -xf '%s/%s.tar.zst' -C '%s'", dir, name, golden->temp);
    assert_int_equal(system(text), 0);
    snprintf(text, sizeof text, "%s/%s.manifest.json", dir, name);
    assert_int_equal(file_read_all(text, 16 << 20, &golden->text), ERR_OK);
    assert_int_equal(json_parse(&golden->arena, buf_bytes(&golden->text), &golden->manifest), ERR_OK);
    read_config(golden);
}

void golden_store_close(struct golden_store *golden) {
    assert_int_equal(file_remove_tree(golden->temp), ERR_OK);
    arena_close(&golden->arena);
    buf_close(&golden->text);
}

static void ignore_arrived(void *owner, struct queue *queue) {
    (void)owner, (void)queue;
}

static void ignore_flushed(void *owner, int64_t offset_phys) {
    (void)owner, (void)offset_phys;
}

static void store_failed(void *owner, const char *why) {
    (void)owner;
    print_error("the store failed: %s\n", why);
    abort();
}

struct store *golden_store_open(struct golden_store *golden) {
    static const struct store_events events = {
        .arrived = ignore_arrived, .flushed = ignore_flushed, .failed = store_failed};
    struct store *store = NULL;
    enum err err = store_open(&golden->config, &events, &store);
    if (err != ERR_OK) print_error("%s: %s\n", golden->name, err_detail(err));
    assert_int_equal(err, ERR_OK);
    return store;
}
