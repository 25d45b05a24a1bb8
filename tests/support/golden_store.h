/* golden_store.h - stores written by real Java brokers (shared facts: golden/store), unpacked to be opened. */
#ifndef TESTS_SUPPORT_GOLDEN_STORE_H
#define TESTS_SUPPORT_GOLDEN_STORE_H

#include "base/arena.h"
#include "base/json.h"
#include "store/store.h"

extern const char *const golden_store_names[];
extern const size_t golden_store_count;

struct golden_store {
    const char *name;
    char temp[64];  /* a folder of its own */
    char root[128]; /* the unpacked store: TEMP/NAME */
    struct arena arena;
    struct buf text;
    const struct json *manifest; /* in the arena, over text */
    struct store_config config;  /* the manifest's, with root as storePathRootDir */
};
/* Where the recorded stores are; NULL when RMQ_GOLDEN does not name such a folder. */
const char *golden_store_dir(void);
/* Fails the test when it cannot. */
void golden_store_unpack(struct golden_store *golden, const char *name);
/* Removes the unpacked store. */
void golden_store_close(struct golden_store *golden);
struct store *golden_store_open(struct golden_store *golden);

#endif
