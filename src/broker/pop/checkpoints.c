/* checkpoints.c - one hash table, one heap and one list over the same checkpoints */
#include "broker/pop/checkpoints.h"

#include <stdlib.h>
#include "base/check.h"

enum {
    BUCKETS_MIN = 64,
    /* The Java broker's timer brings a checkpoint up to 1 s early and acks up to about that much late. */
    TIMER_LATE_MS = 3000,
    /* Early acks wait this much longer than their checkpoint's messages are out. */
    EARLY_WAIT_MS = 10000
};

/* What names a checkpoint. @source apache/rocketmq PopReviveService mergeKey; the broker's name is always ours */
struct key {
    struct progress *progress;
    int32_t queue_id;
    int64_t start_offset, pop_time_ms;
};

static uint64_t key_hash(const struct key *key) {
    uint64_t hash = (uintptr_t)key->progress * 0x9E3779B97F4A7C15u;
    hash = (hash ^ (uint64_t)key->start_offset) * 0xff51afd7ed558ccdu;
    hash = (hash ^ (uint64_t)key->pop_time_ms ^ (uint64_t)key->queue_id << 48) * 0xc4ceb9fe1a85ec53u;
    return hash ^ hash >> 32;
}

static struct key key_of(const struct checkpoint *c) {
    return (struct key){c->progress, c->queue_id, c->start_offset, c->pop_time_ms};
}

static struct checkpoint **bucket_of(const struct checkpoints *all, const struct key *key) {
    return &all->buckets[key_hash(key) & (all->bucket_count - 1)];
}

static struct checkpoint *find(const struct checkpoints *all, const struct key *key) {
    struct checkpoint *c = *bucket_of(all, key);
    while (c && !(c->progress == key->progress && c->queue_id == key->queue_id &&
                  c->start_offset == key->start_offset && c->pop_time_ms == key->pop_time_ms))
        c = c->hash_next;
    return c;
}

/* Times of records are what a client or another broker wrote. */
static int64_t later_ms(int64_t time_ms, int64_t more_ms) {
    int64_t sum;
    return __builtin_add_overflow(time_ms, more_ms, &sum) ? INT64_MAX : sum;
}

/* --- the heap ---------------------------------------------------------------------------------------------- */

static void heap_put(struct checkpoints *all, size_t at, struct checkpoint *c) {
    all->heap[at] = c;
    c->heap_at = at;
}

static void heap_up(struct checkpoints *all, struct checkpoint *c) {
    size_t at = c->heap_at;
    for (; at > 0 && all->heap[(at - 1) / 2]->due_ms > c->due_ms; at = (at - 1) / 2)
        heap_put(all, at, all->heap[(at - 1) / 2]);
    heap_put(all, at, c);
}

static void heap_down(struct checkpoints *all, struct checkpoint *c) {
    size_t at = c->heap_at;
    for (;;) {
        size_t child = at * 2 + 1;
        if (child >= all->count) break;
        if (child + 1 < all->count && all->heap[child + 1]->due_ms < all->heap[child]->due_ms) child++;
        if (all->heap[child]->due_ms >= c->due_ms) break;
        heap_put(all, at, all->heap[child]);
        at = child;
    }
    heap_put(all, at, c);
}

/* --- in and out -------------------------------------------------------------------------------------------- */

static void grow(struct checkpoints *all) {
    free(all->buckets);
    all->bucket_count = all->bucket_count ? all->bucket_count * 2 : BUCKETS_MIN;
    all->buckets = calloc(all->bucket_count, sizeof *all->buckets);
    all->heap = realloc(all->heap, all->bucket_count * sizeof *all->heap);
    must(all->buckets && all->heap);
    for (size_t i = 0; i < all->count; i++) {
        struct key key = key_of(all->heap[i]);
        struct checkpoint **bucket = bucket_of(all, &key);
        all->heap[i]->hash_next = *bucket;
        *bucket = all->heap[i];
    }
}

static void link_last(struct checkpoints *all, struct checkpoint *c, int64_t revive_offset) {
    c->revive_offset = revive_offset;
    c->prev = all->last;
    c->next = NULL;
    if (all->last)
        all->last->next = c;
    else
        all->first = c;
    all->last = c;
}

static void unlink_list(struct checkpoints *all, struct checkpoint *c) {
    if (c->prev)
        c->prev->next = c->next;
    else
        all->first = c->next;
    if (c->next)
        c->next->prev = c->prev;
    else
        all->last = c->prev;
}

static struct checkpoint *add(struct checkpoints *all, const struct key *key, int64_t due_ms, int64_t revive_offset) {
    struct checkpoint *c = calloc(1, sizeof *c);
    must(c);
    c->progress = key->progress;
    c->queue_id = key->queue_id;
    c->start_offset = key->start_offset;
    c->pop_time_ms = key->pop_time_ms;
    c->due_ms = due_ms;
    if (all->count == all->bucket_count) grow(all);
    struct checkpoint **bucket = bucket_of(all, key);
    c->hash_next = *bucket;
    *bucket = c;
    heap_put(all, all->count, c);
    all->count++;
    heap_up(all, c);
    link_last(all, c, revive_offset);
    return c;
}

static uint32_t all_bits(const struct checkpoint *c) {
    return c->count == POP_MESSAGES_MAX ? UINT32_MAX : ((uint32_t)1 << c->count) - 1;
}

static bool all_acked(const struct checkpoint *c) {
    return (c->acked & all_bits(c)) == all_bits(c);
}

/* Its messages are out from now on (sign 1), or not any more (-1). */
static void count_out(struct checkpoints *all, const struct checkpoint *c, int sign) {
    int64_t out = __builtin_popcount(all_bits(c) & ~c->acked);
    if (out > 0) progress_add_in_flight(all->offsets, c->progress, c->queue_id, sign * out);
}

static void destroy(struct checkpoint *c) {
    free(c->diffs);
    free(c->early.offsets);
    free(c);
}

void checkpoints_remove(struct checkpoints *all, struct checkpoint *c) {
    struct key key = key_of(c);
    count_out(all, c, -1);
    struct checkpoint **at = bucket_of(all, &key);
    while (*at != c) at = &(*at)->hash_next;
    *at = c->hash_next;
    unlink_list(all, c);
    struct checkpoint *last = all->heap[--all->count];
    if (last != c) {
        heap_put(all, c->heap_at, last);
        heap_up(all, last);
        heap_down(all, last);
    }
    destroy(c);
}

void checkpoints_put_off(struct checkpoints *all, struct checkpoint *c, int64_t due_ms) {
    c->due_ms = due_ms;
    heap_up(all, c);
    heap_down(all, c);
}

/* --- records ----------------------------------------------------------------------------------------------- */

/* Acks of offsets that the checkpoint does not have are passed over. */
static void set_acked(struct checkpoint *c, int64_t offset_queue) {
    for (int32_t i = 0; i < c->count; i++)
        if (checkpoint_offset(c, i) == offset_queue) c->acked |= (uint32_t)1 << i;
}

void checkpoints_set_acked(struct checkpoints *all, struct checkpoint *c, uint32_t bits) {
    count_out(all, c, -1);
    c->acked |= bits;
    count_out(all, c, 1);
}

static void note_early(struct checkpoint *c, const struct ack_record *ack) {
    struct early_acks *early = &c->early;
    for (int32_t i = 0; i < ack->count; i++) {
        if (early->count == early->cap) {
            early->cap = early->cap ? early->cap * 2 : POP_MESSAGES_MAX;
            early->offsets = realloc(early->offsets, (size_t)early->cap * sizeof *early->offsets);
            must(early->offsets);
        }
        early->offsets[early->count++] = ack->offsets[i];
    }
}

static void set_messages(struct checkpoint *c, const struct checkpoint_record *record) {
    bool in_a_row = true;
    for (int32_t i = 0; i < record->count; i++) in_a_row &= record->diffs[i] == i;
    free(c->diffs);
    c->diffs = NULL;
    c->count = record->count;
    c->suspend = record->suspend;
    c->invisible_ms = record->invisible_ms;
    if (in_a_row) return;
    c->diffs = malloc((size_t)c->count * sizeof *c->diffs);
    must(c->diffs);
    memcpy(c->diffs, record->diffs, (size_t)c->count * sizeof *c->diffs);
}

static bool same_messages(const struct checkpoint *c, const struct checkpoint_record *record) {
    bool same = c->count == record->count;
    for (int32_t i = 0; i < c->count && same; i++)
        same = checkpoint_offset(c, i) == record->start_offset + record->diffs[i];
    return same;
}

static void apply_checkpoint(struct checkpoints *all, const struct revive_record *record, int64_t revive_offset,
                             bool counted) {
    const struct checkpoint_record *r = &record->checkpoint;
    struct progress *progress = offsets_progress(all->offsets, r->topic, r->group, true);
    if (!progress || r->count == 0) return;
    if (counted) progress_add_in_flight(all->offsets, progress, r->queue_id, -r->count);
    int64_t due_ms = later_ms(r->pop_time_ms, r->invisible_ms);
    if (record->by_timer) due_ms = later_ms(MAX(due_ms, record->store_time_ms), TIMER_LATE_MS);
    struct key key = {progress, r->queue_id, r->start_offset, r->pop_time_ms};
    struct checkpoint *c = find(all, &key);
    if (c) { /* written again, or acked before it came */
        count_out(all, c, -1);
        uint32_t acked = same_messages(c, r) ? c->acked : 0;
        c->acked = acked | r->acked;
        unlink_list(all, c);
        link_last(all, c, revive_offset);
        checkpoints_put_off(all, c, due_ms);
    } else {
        c = add(all, &key, due_ms, revive_offset);
        c->acked = r->acked;
    }
    set_messages(c, r);
    for (int32_t i = 0; i < c->early.count; i++) set_acked(c, c->early.offsets[i]);
    c->early.count = 0;
    count_out(all, c, 1);
    if (all_acked(c)) checkpoints_remove(all, c);
}

static void apply_ack(struct checkpoints *all, const struct ack_record *ack, int64_t revive_offset, bool counted) {
    struct progress *progress = offsets_progress(all->offsets, ack->topic, ack->group, false);
    struct key key = {progress, ack->queue_id, ack->start_offset, ack->pop_time_ms};
    if (ack->next_offset >= 0) return; /* of an ordered pop */
    if (counted && progress && ack->invisible_ms >= 0)
        progress_add_in_flight(all->offsets, progress, ack->queue_id, ack->count);
    struct checkpoint *c = progress ? find(all, &key) : NULL;
    if (!c) {
        if (ack->invisible_ms < 0 || ack->pop_time_ms >= all->boot_time_ms) return;
        progress = offsets_progress(all->offsets, ack->topic, ack->group, true);
        if (!progress) return;
        key.progress = progress;
        c = add(all, &key, later_ms(later_ms(ack->pop_time_ms, ack->invisible_ms), EARLY_WAIT_MS), revive_offset);
    }
    if (c->count == 0) {
        note_early(c, ack);
        return;
    }
    count_out(all, c, -1);
    for (int32_t i = 0; i < ack->count; i++) set_acked(c, ack->offsets[i]);
    count_out(all, c, 1);
    if (all_acked(c)) checkpoints_remove(all, c);
}

void checkpoints_apply(struct checkpoints *all, const struct revive_record *record, int64_t revive_offset,
                       bool counted) {
    if (record->kind == REVIVE_CHECKPOINT) apply_checkpoint(all, record, revive_offset, counted);
    if (record->kind == REVIVE_ACK) apply_ack(all, &record->ack, revive_offset, counted);
}

/* --- views ------------------------------------------------------------------------------------------------- */

int64_t checkpoints_next_due_ms(const struct checkpoints *all) {
    return all->count > 0 ? all->heap[0]->due_ms : INT64_MAX;
}

struct checkpoint *checkpoints_due(const struct checkpoints *all, int64_t now_ms) {
    return checkpoints_next_due_ms(all) <= now_ms ? all->heap[0] : NULL;
}

int64_t checkpoints_first(const struct checkpoints *all, int64_t otherwise) {
    return all->first ? all->first->revive_offset : otherwise;
}

void checkpoint_to_record(const struct checkpoint *c, struct checkpoint_record *out) {
    *out = (struct checkpoint_record){
        .topic = c->progress->topic,
        .group = c->progress->group,
        .queue_id = c->queue_id,
        .start_offset = c->start_offset,
        .pop_time_ms = c->pop_time_ms,
        .invisible_ms = c->invisible_ms,
        .acked = c->acked,
        .count = c->count,
        .suspend = c->suspend,
    };
    for (int32_t i = 0; i < c->count; i++) out->diffs[i] = c->diffs ? c->diffs[i] : i;
}

void checkpoints_init(struct checkpoints *all, struct offsets *offsets, int64_t boot_time_ms) {
    *all = (struct checkpoints){.offsets = offsets, .boot_time_ms = boot_time_ms};
    grow(all);
}

void checkpoints_close(struct checkpoints *all) {
    for (size_t i = 0; i < all->count; i++) destroy(all->heap[i]);
    free(all->buckets);
    free(all->heap);
}
