/* queue_entry.c - the bytes of both forms. */
#include "store/queue_entry.h"

/* Of the batch form. */
enum { AT_STORE_TIME = 20, AT_QUEUE_OFFSET = 28, AT_COUNT = 36, AT_COMPACTED_OFFSET = 38, AT_RESERVED = 42 };

void queue_entry_encode(enum queue_kind kind, const struct queue_entry *entry, char *out) {
    store_u64be(out, (uint64_t)entry->offset_phys);
    store_u32be(out + 8, (uint32_t)entry->size_bytes);
    store_u64be(out + 12, (uint64_t)entry->tags_code);
    if (kind != QUEUE_BATCH) return;
    store_u64be(out + AT_STORE_TIME, (uint64_t)entry->store_time_ms);
    store_u64be(out + AT_QUEUE_OFFSET, (uint64_t)entry->offset_queue);
    store_u16be(out + AT_COUNT, (uint16_t)entry->count);
    store_u32be(out + AT_COMPACTED_OFFSET, UINT32_MAX); /* none */
    store_u32be(out + AT_RESERVED, 0);
}

struct queue_entry queue_batch_entry_decode(const char *data) {
    return (struct queue_entry){.offset_phys = load_i64be(data),
                                .size_bytes = load_i32be(data + 8),
                                .tags_code = load_i64be(data + 12),
                                .store_time_ms = load_i64be(data + AT_STORE_TIME),
                                .offset_queue = load_i64be(data + AT_QUEUE_OFFSET),
                                .count = (int16_t)load_u16be(data + AT_COUNT)};
}
