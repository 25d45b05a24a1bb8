/* store_config.c - the rows of config.def as defaults and as keys. */
#include "store/store.h"

#include <stdio.h>
#include <stdlib.h>
#include "base/check.h"

void store_config_init(struct store_config *config) {
    struct store_config *c = config;
#define KEY     CONFIG_DEFAULT
#define IGNORED CONFIG_NOTHING
#define ALIAS(type, member, name, min, max, unit, of)
#include "store/config.def"
#undef KEY
#undef IGNORED
#undef ALIAS
    static char root[512]; /* same text for all: start-up is one thread */
    const char *home = getenv("HOME");
    snprintf(root, sizeof root, "%s/store", home ? home : ".");
    config->store_path_root_dir = bytes_of(root);
}

#define CONFIG_STRUCT struct store_config
const struct config_key store_config_keys[] = {
#define KEY     CONFIG_ROW
#define IGNORED CONFIG_IGNORED_ROW
#define ALIAS(type, member, name, min, max, unit, of)                                                                  \
    CONFIG_ROW(type, member, name, 0, min, max, unit, CONFIG_READ_ONLY, "older spelling of " of)
#include "store/config.def"
#undef KEY
#undef IGNORED
#undef ALIAS
};
const size_t store_config_key_count = ARRAY_LEN(store_config_keys);
