/* state_file.c - reads, writes and backs up the files of tables */
#include "broker/tables/state_file.h"

#include <stdlib.h>
#include "base/check.h"
#include "base/log.h"
#include "broker/work.h"
#include "os/file.h"

enum { STATE_FILE_MAX_BYTES = 1 << 30, LOG_WAIT_MS = 5000 };

void state_file_init(struct state_file *file, struct broker *broker, const char *name, void *table,
                     void (*write)(void *table, struct json_writer *w)) {
    struct arena arena = {0};
    file->broker = broker;
    file->path = bytes_dup(bytes_of(broker_config_file(broker, &arena, name)));
    file->table = table;
    file->write = write;
    file->rests_on_log = file->spoiled = false;
    atomic_init(&file->changed, false);
    atomic_init(&file->queued, false);
    lock_init(&file->saving, LOCK_BROKER_STATE);
    arena_close(&arena);
}

void state_file_close(struct state_file *file) {
    if (!file->path) return;
    state_file_save(file);
    lock_close(&file->saving);
    free(file->path);
    file->path = NULL;
}

static enum err load_one(const char *path, struct arena *arena, struct buf *text, const struct json **out) {
    buf_clear(text);
    TRY(file_read_all(path, STATE_FILE_MAX_BYTES, text));
    if (bytes_trim(buf_bytes(text)).len == 0) return fail(ERR_CORRUPT, "%s: empty", path);
    enum err err = json_parse(arena, buf_bytes(text), out);
    if (err == ERR_OK && (*out)->type != JSON_TYPE_OBJECT) err = fail(ERR_BAD_INPUT, "not a JSON object");
    return err == ERR_OK ? ERR_OK : fail(ERR_CORRUPT, "%s: %s", path, err_detail(err));
}

enum err state_file_load(struct state_file *file, struct arena *arena, struct buf *text, const struct json **out) {
    *out = NULL;
    const char *bak = arena_printf(arena, "%s.bak", file->path).data;
    enum err err = load_one(file->path, arena, text, out);
    if (err == ERR_OK) return ERR_OK;
    if (err != ERR_NOT_FOUND && err != ERR_CORRUPT) return err;
    const char *why = arena_strdup(arena, bytes_of(err_detail(err)));
    enum err bak_err = load_one(bak, arena, text, out);
    if (bak_err == ERR_OK) {
        log_warn(MAIN, "state file not usable, its backup is: path=%s why=%s backup=%s", file->path, why, bak);
        file->spoiled = true;
        atomic_store(&file->changed, true);
        return ERR_OK;
    }
    *out = NULL;
    if (err == ERR_NOT_FOUND && bak_err == ERR_NOT_FOUND) return ERR_OK;
    if (bak_err != ERR_NOT_FOUND && bak_err != ERR_CORRUPT) return bak_err;
    return fail(ERR_CORRUPT,
                "%s; its backup neither (%s): repair one of the files or, to start without what they hold, "
                "move both away",
                why, err_detail(bak_err));
}

void state_file_changed(struct state_file *file) {
    atomic_store(&file->changed, true);
}

static void save_queued(void *arg) {
    struct state_file *file = arg;
    atomic_store(&file->queued, false);
    state_file_save(file);
}

void state_file_save_soon(struct state_file *file) {
    atomic_store(&file->changed, true);
    if (!file->broker->work || atomic_exchange(&file->queued, true)) return;
    enum err err = work_submit(file->broker->work, save_queued, file);
    if (err != ERR_OK) { /* the periodic save of housekeeping, or the one at the end, takes it */
        atomic_store(&file->queued, false);
        log_every_ms(10000, WARN, MAIN, "state file is saved later: path=%s why=%s", file->path, err_detail(err));
    }
}

static enum err write_content(struct state_file *file, struct bytes content) {
    struct store *store = file->broker->store;
    if (file->rests_on_log && store) TRY(store_wait_flushed(store, store_end_phys(store), LOG_WAIT_MS));
    return file_replace(file->path, content, !file->spoiled);
}

void state_file_save(struct state_file *file) {
    lock_take(&file->saving);
    if (atomic_exchange(&file->changed, false)) {
        struct buf out = {0};
        struct json_writer w = {.out = &out, .bare_int_keys = true, .pretty = true};
        file->write(file->table, &w);
        enum err err = write_content(file, buf_bytes(&out));
        buf_close(&out);
        if (err == ERR_OK) {
            file->spoiled = false;
        } else {
            atomic_store(&file->changed, true);
            log_error(MAIN, "state file not saved, will try again: why=%s", err_detail(err));
        }
    }
    lock_give(&file->saving);
}

void json_write_tree(struct json_writer *w, const struct json *node) {
    switch (node->type) {
    case JSON_TYPE_NULL:
        json_null(w);
        return;
    case JSON_TYPE_BOOL:
        json_boolean(w, node->boolean);
        return;
    case JSON_TYPE_NUMBER:
        json_raw(w, node->text);
        return;
    case JSON_TYPE_STRING:
        json_string(w, node->text);
        return;
    case JSON_TYPE_ARRAY:
        json_begin_array(w);
        break;
    case JSON_TYPE_OBJECT:
        json_begin_object(w);
        break;
    }
    for (const struct json *child = json_first(node); child; child = child->next) {
        if (child->key_object) {
            json_begin_key_object(w);
            for (const struct json *m = json_first(child->key_object); m; m = m->next) {
                json_key(w, m->key);
                json_write_tree(w, m);
            }
            json_end_key_object(w);
        } else if (node->type == JSON_TYPE_OBJECT) {
            json_key(w, child->key);
        }
        json_write_tree(w, child);
    }
    if (node->type == JSON_TYPE_ARRAY)
        json_end_array(w);
    else
        json_end_object(w);
}
