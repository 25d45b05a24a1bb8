/* config_update.c - checks, applies and writes down changed settings */
#include "broker/admin/config_update.h"

#include "base/check.h"
#include "base/lock.h"
#include "base/log.h"
#include "broker/registration.h"
#include "broker/tables/topics.h"
#include "os/clock.h"
#include "os/file.h"

enum { CONFIG_FILE_MAX_BYTES = 1 << 20 };

static struct lock updating = {.mutex = PTHREAD_MUTEX_INITIALIZER, .rank = LOCK_BROKER_STATE};

/* --- which keys may change --------------------------------------------------------------------------------- */

static bool black_listed(const struct broker *broker, struct bytes key) {
    static const char *const always[] = {"brokerConfigPath", "rocketmqHome", "configBlackList"};
    struct bytes list = broker->config.config_black_list, item;
    for (size_t i = 0; i < ARRAY_LEN(always); i++)
        if (bytes_is(key, always[i])) return true;
    while (bytes_split(&list, ';', &item))
        if (bytes_equal(bytes_trim(item), key)) return true;
    return false;
}

static enum err check_all(const struct broker *broker, const struct props *changes) {
    for (size_t i = 0; i < changes->count; i++)
        if (black_listed(broker, changes->items[i].key))
            return fail(ERR_NO_PERMISSION, "Can not update config in black list.");
    for (size_t i = 0; i < changes->count; i++) {
        const struct prop *change = &changes->items[i];
        const struct config_section *section;
        const struct config_key *key = config_find(broker->sections, broker->section_count, change->key, &section);
        if (!key) {
            log_warn(MAIN, "unknown setting passed over: key=%.*s", BYTES_ARG(change->key));
            continue;
        }
        TRY(config_check(key, change->value));
        if (!(key->flags & (CONFIG_IGNORED | CONFIG_DYNAMIC)) && !broker->config_path)
            return fail(ERR_BAD_CONFIG, "%s takes effect at start: set it in the file given with -c and restart",
                        key->name);
    }
    return ERR_OK;
}

/* Of values that were checked. */
static void apply(struct broker *broker, const struct props *changes) {
    for (size_t i = 0; i < changes->count; i++) {
        const struct prop *change = &changes->items[i];
        const struct config_section *section;
        const struct config_key *key = config_find(broker->sections, broker->section_count, change->key, &section);
        if (!key || !(key->flags & CONFIG_DYNAMIC)) continue;
        enum err err = config_set(broker->sections, broker->section_count, change->key, change->value, NULL);
        must(err == ERR_OK);
        log_info(MAIN, "setting changed: %.*s=%.*s", BYTES_ARG(change->key), BYTES_ARG(change->value));
    }
}

/* --- the file ---------------------------------------------------------------------------------------------- */

static const struct prop *change_of(const struct props *changes, struct bytes key) {
    const struct prop *last = NULL;
    for (size_t i = 0; i < changes->count; i++)
        if (bytes_equal(changes->items[i].key, key)) last = &changes->items[i];
    return last;
}

/* A line and those that a backslash at its end joins to it. */
static struct bytes next_line(struct bytes *rest) {
    size_t len = 0;
    bool joined = true;
    while (joined && len < rest->len) {
        const char *end = memchr(rest->data + len, '\n', rest->len - len);
        size_t stop = end ? (size_t)(end - rest->data) : rest->len, backslashes = 0;
        while (stop - backslashes > len && rest->data[stop - backslashes - 1] == '\\') backslashes++;
        joined = backslashes % 2 == 1;
        len = end ? stop + 1 : stop;
    }
    struct bytes line = bytes_make(rest->data, len);
    *rest = bytes_skip(*rest, len);
    return line;
}

void config_text_edit(struct bytes file, const struct props *changes, struct buf *out) {
    struct arena arena = {0};
    bool *written = arena_calloc(&arena, changes->count + 1, sizeof *written);
    while (file.len > 0) {
        struct bytes line = next_line(&file);
        struct props parsed = {0};
        const struct prop *change = NULL;
        if (props_parse(&arena, line, &parsed) == ERR_OK && parsed.count == 1)
            change = change_of(changes, parsed.items[0].key);
        if (!change) {
            buf_append_bytes(out, line);
        } else if (!written[change - changes->items]) {
            props_append(out, change->key, change->value);
            written[change - changes->items] = true;
        }
    }
    if (out->len > 0 && out->data[out->len - 1] != '\n') buf_append_char(out, '\n');
    for (size_t i = 0; i < changes->count; i++)
        if (!written[i] && change_of(changes, changes->items[i].key) == &changes->items[i])
            props_append(out, changes->items[i].key, changes->items[i].value);
    arena_close(&arena);
}

static enum err save(const struct broker *broker, const struct props *changes) {
    struct buf file = {0}, edited = {0};
    enum err err = file_read_all(broker->config_path, CONFIG_FILE_MAX_BYTES, &file);
    if (err == ERR_OK) {
        config_text_edit(buf_bytes(&file), changes, &edited);
        err = file_replace(broker->config_path, buf_bytes(&edited), true);
    }
    buf_close(&file);
    buf_close(&edited);
    return err;
}

/* Only what we know goes to the file. */
static void keep_known(const struct broker *broker, struct props *changes) {
    size_t count = 0;
    const struct config_section *section;
    for (size_t i = 0; i < changes->count; i++)
        if (config_find(broker->sections, broker->section_count, changes->items[i].key, &section))
            changes->items[count++] = changes->items[i];
    changes->count = count;
}

static enum err update(struct broker *broker, struct props *changes) {
    TRY(check_all(broker, changes));
    keep_known(broker, changes);
    if (broker->config_path) TRY(save(broker, changes)); /* first: it may fail, what follows cannot */
    apply(broker, changes);
    atomic_fetch_add(&broker->config_changes, 1);
    atomic_store(&broker->config_changed_ms, clock_wall_ms());
    if (change_of(changes, BYTES("brokerPermission"))) {
        topics_bump_data_version(broker->topics);
        registration_all_changed(broker);
    }
    return ERR_OK;
}

enum err config_update(struct broker *broker, struct bytes text) {
    struct arena arena = {0};
    struct props changes;
    enum err err = props_parse(&arena, text, &changes);
    if (err == ERR_OK) {
        lock_take(&updating);
        err = update(broker, &changes);
        lock_give(&updating);
    }
    arena_close(&arena);
    return err;
}
