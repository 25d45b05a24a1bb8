/* cold_look.c - from the reactor to a read thread and back */
#include "broker/pull/cold_look.h"

#include <stdlib.h>
#include "base/check.h"

enum { TRIES_MAX = 4 /* then memory is too short to hold what was read */ };

struct cold_look {
    struct reactor *reactor;
    cold_again *again;
    void *ctx;
    struct get get;
    bool copies;        /* `get` is answered, its slices are a copy */
    struct arena arena; /* of the copy's slices, then of the look */
    struct loop_task warm;
};

static void release_slices(struct get *get) {
    for (size_t i = 0; i < get->slice_count; i++) get->release(get->slices[i].hold);
}

static void look_again(struct loop_task *task) {
    struct cold_look *look = CONTAINER_OF(task, struct cold_look, warm);
    struct reactor *reactor = look->reactor;
    look->again(reactor, look->ctx, look->copies ? &look->get : NULL, &look->arena);
    if (look->copies) release_slices(&look->get);
    arena_close(&look->arena);
    free(look);
    atomic_fetch_sub(&reactor->cold_looks, 1);
}

/* Reads as the reactor would, but may wait for the disk, and keeps what it read: one slice, of the heap.
 * @thread read-i */
static void copy_messages(struct cold_look *look) {
    struct get *get = &look->get;
    get->may_wait = get->was_cold = true;
    store_get(look->reactor->broker->store, &look->arena, get);
    if (get->slice_count == 0) return;
    char *copy = malloc((size_t)get->total_bytes), *at = copy;
    must(copy);
    for (size_t i = 0; i < get->slice_count; i++) {
        memcpy(at, get->slices[i].bytes.data, get->slices[i].bytes.len);
        at += get->slices[i].bytes.len;
    }
    release_slices(get);
    get->slices[0] = (struct store_slice){bytes_make(copy, (size_t)(at - copy)), copy};
    get->slice_count = 1;
    get->release = free;
}

static void brought_in(void *ctx) {
    struct cold_look *look = ctx;
    if (look->copies) copy_messages(look);
    loop_post(look->reactor->loop, &look->warm);
}

enum err cold_look_later(struct reactor *reactor, const struct get *get, int32_t tries, cold_again *again, void *ctx) {
    struct cold_look *look = malloc(sizeof *look);
    must(look);
    *look = (struct cold_look){.reactor = reactor,
                               .again = again,
                               .ctx = ctx,
                               .get = *get,
                               .copies = tries >= TRIES_MAX,
                               .warm = {.run = look_again}};
    atomic_fetch_add(&reactor->cold_looks, 1);
    enum err err = store_get_later(reactor->broker->store, get, brought_in, look);
    if (err == ERR_OK) return ERR_OK;
    atomic_fetch_sub(&reactor->cold_looks, 1);
    free(look);
    return err;
}
