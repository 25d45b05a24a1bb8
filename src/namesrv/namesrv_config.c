/* namesrv_config.c - the table made from config.def, and changes of it. */
#include "namesrv/namesrv_config.h"

#include <stdlib.h>
#include "base/check.h"

#define CONFIG_STRUCT struct namesrv_config
static const struct config_key keys[] = {
#define KEY     CONFIG_ROW
#define IGNORED CONFIG_IGNORED_ROW
#include "namesrv/config.def"
#undef KEY
#undef IGNORED
};

void namesrv_config_init(struct namesrv_config *config) {
    struct namesrv_config *c = config;
#define KEY     CONFIG_DEFAULT
#define IGNORED CONFIG_NOTHING
#include "namesrv/config.def"
#undef KEY
#undef IGNORED
}

struct config_section namesrv_config_section(struct namesrv_config *config) {
    return (struct config_section){"NamesrvConfig", config, keys, ARRAY_LEN(keys)};
}

static void default_text(struct config_section *section, const char *key, const char *text) {
    enum err err = config_set(section, 1, bytes_of(key), bytes_of(text), NULL);
    must(err == ERR_OK);
}

void namesrv_config_finish(struct namesrv_config *config, const char *file) {
    struct config_section section = namesrv_config_section(config);
    const char *home = getenv("HOME");
    struct arena arena = {0};
    if (home == NULL || home[0] == '\0') home = ".";
    if (config->kv_config_path.len == 0)
        default_text(&section, "kvConfigPath", arena_printf(&arena, "%s/namesrv/kvConfig.json", home).data);
    if (config->config_store_path.len == 0)
        default_text(&section, "configStorePath",
                     file != NULL ? file : arena_printf(&arena, "%s/namesrv/namesrv.properties", home).data);
    arena_close(&arena);
}

static bool is_black_listed(const struct namesrv_config *config, struct bytes key) {
    struct bytes rest = config->config_black_list, name;
    while (bytes_split(&rest, ';', &name))
        if (bytes_equal(bytes_trim(name), key)) return true;
    return false;
}

enum err namesrv_config_update(struct namesrv_config *config, const struct props *props) {
    struct namesrv_config changed = *config;
    struct config_section section = namesrv_config_section(&changed);
    for (size_t i = 0; i < props->count; i++) {
        const struct prop *prop = &props->items[i];
        const char *nearest;
        const struct config_key *key = config_find(&section, 1, prop->key, NULL);
        if ((key != NULL && key->flags & CONFIG_READ_ONLY) || is_black_listed(config, prop->key))
            return fail(ERR_NO_PERMISSION, "Can not update config in black list.");
        const enum err err = config_set(&section, 1, prop->key, prop->value, &nearest);
        if (err != ERR_OK) return fail(ERR_BAD_PARAMETER, "%s", err_detail(err));
    }
    *config = changed;
    return ERR_OK;
}
