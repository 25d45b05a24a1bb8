/* broker_testing.h - what the tests of this folder share: a broker's settings over a folder of its own, for tables that
 * are tested alone; recorded stores; JSON compared by meaning. */
#ifndef RMQ_BROKER_BROKER_TESTING_H
#define RMQ_BROKER_BROKER_TESTING_H

#include <stdio.h>
#include <stdlib.h>
#include "base/test.h"
#include "base/json.h"
#include "broker/broker.h"
#include "os/file.h"

struct testing {
    char root[64];
    struct broker broker;
};

static inline void testing_init(struct testing *t) {
    memset(t, 0, sizeof *t);
    snprintf(t->root, sizeof t->root, "/tmp/rmq_broker_XXXXXX");
    assert_non_null(mkdtemp(t->root));
    broker_config_init(&t->broker.config);
    store_config_init(&t->broker.store_config);
    t->broker.config.broker_name = BYTES("broker-a");
    t->broker.store_config.store_path_root_dir = bytes_of(t->root);
    struct arena arena = {0};
    assert_ok(file_make_dirs(broker_config_file(&t->broker, &arena, "")));
    arena_close(&arena);
}

static inline void testing_done(struct testing *t) {
    assert_ok(file_remove_tree(t->root));
}

/* The text of config/<name>; the caller closes it. */
static inline struct buf testing_read(const struct testing *t, const char *name) {
    struct arena arena = {0};
    struct buf text = {0};
    assert_ok(file_read_all(broker_config_file(&t->broker, &arena, name), SIZE_MAX, &text));
    arena_close(&arena);
    return text;
}

static inline void testing_write(const struct testing *t, const char *name, const char *text) {
    struct arena arena = {0};
    assert_ok(file_replace(broker_config_file(&t->broker, &arena, name), bytes_of(text), false));
    arena_close(&arena);
}

/* Puts config/ of a recorded store into the folder; skips the test where there are no recordings. */
static inline void testing_unpack(const struct testing *t, const char *store) {
    const char *golden = getenv("RMQ_GOLDEN");
    char command[512], path[256];
    snprintf(path, sizeof path, "%s/store/%s.tar.zst", golden ? golden : "", store);
    if (!golden || !file_exists(path)) {
        assert_ok(file_remove_tree(t->root));
        skip();
    }
    snprintf(command, sizeof command, "zstd -dc %s | tar xf - -C %s --strip-components=1 --wildcards '%s/config/*'",
             path, t->root, store);
    assert_int_equal(system(command), 0);
}

/* Is all that `part` says also in `whole`? Order and more members do not matter. */
static inline bool json_within(const struct json *part, const struct json *whole) {
    if (!whole || part->type != whole->type) return false;
    if (part->type == JSON_TYPE_BOOL) return part->boolean == whole->boolean;
    if (part->type != JSON_TYPE_OBJECT && part->type != JSON_TYPE_ARRAY) return bytes_equal(part->text, whole->text);
    for (const struct json *p = json_first(part); p; p = p->next) {
        bool found = false;
        for (const struct json *w = json_first(whole); w && !found; w = w->next)
            found = (part->type == JSON_TYPE_ARRAY || bytes_equal(p->key, w->key)) && json_within(p, w);
        if (!found) {
            print_message("missing or different: %.*s\n", BYTES_ARG(p->key));
            return false;
        }
    }
    return true;
}

/* Does `now` say all that `before` says under `member`? */
static inline void assert_json_kept(struct bytes before, struct bytes now, const char *member) {
    struct arena arena = {0};
    const struct json *part, *whole;
    assert_ok(json_parse(&arena, before, &part));
    assert_ok(json_parse(&arena, now, &whole));
    assert_non_null(json_get(part, member));
    assert_true(json_within(json_get(part, member), json_get(whole, member)));
    arena_close(&arena);
}

#endif
