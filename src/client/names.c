/* names.c - a hash table of texts that are never removed: their number is that of topics and brokers. */
#include "client/names.h"

#include <stdlib.h>
#include "base/check.h"
#include "base/hash.h"

struct name {
    struct name *next;
    size_t len;
    char text[];
};

struct bytes names_keep(struct names *names, struct bytes text) {
    struct name **bucket = &names->buckets[(uint32_t)java_string_hash(text) % NAME_BUCKETS];
    for (struct name *name = *bucket; name; name = name->next) {
        if (bytes_equal(bytes_make(name->text, name->len), text)) return bytes_make(name->text, name->len);
    }
    struct name *name = malloc(sizeof *name + text.len + 1);
    must(name);
    name->len = text.len;
    if (text.len > 0) memcpy(name->text, text.data, text.len);
    name->text[text.len] = '\0';
    name->next = *bucket;
    *bucket = name;
    return bytes_make(name->text, name->len);
}

void names_close(struct names *names) {
    for (size_t i = 0; i < NAME_BUCKETS; i++) {
        while (names->buckets[i]) {
            struct name *name = names->buckets[i];
            names->buckets[i] = name->next;
            free(name);
        }
    }
}
