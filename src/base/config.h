/* config.h - typed settings made from the rows of a config.def.
 * Row: KEY(type, member, "javaName", default, min, max, "unit", flags, "what it is")
 *   type: i32 i64 boolean real text   - members are int32_t, int64_t, bool, double, struct bytes
 *   default: an expression of the type; for text a string literal or NULL. min/max count for i32 and i64 only.
 *   flags: CONFIG_STATIC, CONFIG_DYNAMIC (may change while running; not for texts: readers take no lock, and only a
 *          number changes in one store), CONFIG_READ_ONLY (no remote update), CONFIG_IMPORTANT (printed by -m), or'ed.
 * IGNORED("javaName", "why") - a Java key that we accept without effect.
 * A module makes its struct and its table with the macros at the end of this file. */
#ifndef RMQ_BASE_CONFIG_H
#define RMQ_BASE_CONFIG_H

#include <stdatomic.h>
#include "base/buf.h"
#include "base/err.h"
#include "base/props.h"

enum config_type { CONFIG_i32, CONFIG_i64, CONFIG_boolean, CONFIG_real, CONFIG_text };
enum { CONFIG_STATIC = 0, CONFIG_DYNAMIC = 1, CONFIG_READ_ONLY = 2, CONFIG_IMPORTANT = 4, CONFIG_IGNORED = 8 };
struct config_key {
    const char *name;
    enum config_type type;
    size_t offset;
    int64_t min, max;
    const char *unit;
    int flags;
    const char *about;
};
/* One struct of settings with its keys; a program has several (BrokerConfig, MessageStoreConfig, ...). */
struct config_section {
    const char *name; /* "BrokerConfig" */
    void *values;
    const struct config_key *keys;
    size_t key_count;
};
/* Sets one key from text in whichever section has it.
 * ERR_NOT_FOUND: no such key (`nearest` then gives the closest known name or NULL; may be NULL to not ask)
 * ERR_BAD_CONFIG: does not parse or out of range; the detail says the range; the old value stays.
 * Text values are copied and live as long as the process. @thread start-up, or the one that owns the config */
enum err config_set(const struct config_section *sections, size_t count, struct bytes key, struct bytes value,
                    const char **nearest) MUST_USE;
/* Whether config_set would take the value: ERR_OK or its ERR_BAD_CONFIG. Changes nothing. */
enum err config_check(const struct config_key *key, struct bytes value) MUST_USE;
/* Sets all of a file; problems that Java would accept silently (unknown key, bad number) become one text line each
 * in `warnings`. A file that cannot be read is an error. */
enum err config_load_file(const struct config_section *sections, size_t count, const char *path,
                          struct buf *warnings) MUST_USE;
const struct config_key *config_find(const struct config_section *sections, size_t count, struct bytes key,
                                     const struct config_section **section);
/* Appends the value's text form; nothing for an absent text. */
void config_value_text(const struct config_section *section, const struct config_key *key, struct buf *out);
/* All keys as key=value lines, ignored ones left out; only_flags 0 = all, CONFIG_IMPORTANT = -m. */
void config_print(const struct config_section *sections, size_t count, int only_flags, struct buf *out);

#define CONFIG_C_i32           int32_t
#define CONFIG_C_i64           int64_t
#define CONFIG_C_boolean       bool
#define CONFIG_C_real          double
#define CONFIG_C_text          struct bytes
#define CONFIG_INIT_i32(v)     (v)
#define CONFIG_INIT_i64(v)     (v)
#define CONFIG_INIT_boolean(v) (v)
#define CONFIG_INIT_real(v)    (v)
#define CONFIG_INIT_text(v)    bytes_of(v)
/* Usage in x_config.h:                      and in x_config.c:
 *   struct x_config {                         void x_config_init(struct x_config *c) {
 *   #define KEY CONFIG_MEMBER                 #define KEY CONFIG_DEFAULT
 *   #define IGNORED CONFIG_NOTHING            ...
 *   #include "x/config.def"                   const struct config_key x_config_keys[] = {
 *   #undef KEY                                #define CONFIG_STRUCT struct x_config
 *   #undef IGNORED                            #define KEY CONFIG_ROW
 *   };                                        #define IGNORED CONFIG_IGNORED_ROW ... */
#define CONFIG_NOTHING(name, why)
#define CONFIG_MEMBER(type, member, name, def, min, max, unit, flags, about)  CONFIG_C_##type member;
#define CONFIG_DEFAULT(type, member, name, def, min, max, unit, flags, about) c->member = CONFIG_INIT_##type(def);
#define CONFIG_ROW(type, member, name, def, min, max, unit, flags, about)                                              \
    {name, CONFIG_##type, offsetof(CONFIG_STRUCT, member), min, max, unit, flags, about},
#define CONFIG_IGNORED_ROW(name, why) {name, CONFIG_text, 0, 0, 0, "", CONFIG_IGNORED, why},

#endif
