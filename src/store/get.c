/* get.c - the read path: which messages a pull gets. @source shared facts: behaviour 6.2 */
#include "base/check.h"
#include "base/endian.h"
#include "base/hash.h"
#include "base/log.h"
#include "message/lmq.h"
#include "message/properties.h"
#include "os/clock.h"
#include "os/file.h"
#include "store/store_internal.h"

enum {
    CHUNK_ENTRIES = 64,
    SCAN_MAX = 1 << 14, /* entries a peer can make one get look at; Java has no such limit */
    MAX_BYTES_DEFAULT = 64 << 20,
    WARM_BYTES = 8 << 20, /* so near the end of the log that memory holds it */
    MATCH_MS_MAX = 10,    /* for tests of records, in one get */
    IDLE_RUNS_MAX = 64    /* of damaged entries of a batch queue, passed in one get */
};
/* Tags codes below belong to extension files of queues, which we do not read. @source shared facts: store 3.1 */
#define TAGS_CODE_EXTENSION_MAX (-2147483649LL)

const char *get_status_name(enum get_status status) {
    static const char *const names[] = {
        [GET_FOUND] = "FOUND",
        [GET_NO_MATCHED_MESSAGE] = "NO_MATCHED_MESSAGE",
        [GET_MESSAGE_WAS_REMOVING] = "MESSAGE_WAS_REMOVING",
        [GET_OFFSET_FOUND_NULL] = "OFFSET_FOUND_NULL",
        [GET_OFFSET_OVERFLOW_BADLY] = "OFFSET_OVERFLOW_BADLY",
        [GET_OFFSET_OVERFLOW_ONE] = "OFFSET_OVERFLOW_ONE",
        [GET_OFFSET_TOO_SMALL] = "OFFSET_TOO_SMALL",
        [GET_NO_MATCHED_LOGIC_QUEUE] = "NO_MATCHED_LOGIC_QUEUE",
        [GET_NO_MESSAGE_IN_QUEUE] = "NO_MESSAGE_IN_QUEUE",
        [GET_COLD] = "COLD",
    };
    return names[status];
}

/* One get under way. */
struct scan {
    struct store *store;
    struct arena *arena;
    struct get *get;
    int64_t start_ms;
    int64_t end_phys, hot_bytes;
    struct { /* what the answer may hold: [1] of records that memory is expected to hold, [0] of others */
        int64_t bytes;
        int32_t count;
    } room[2];
    bool is_batch;     /* entries may be of several messages */
    bool is_lmq;       /* queue offsets and topics of records are those of another queue */
    int64_t scan_end;  /* queue offset that is not looked at any more */
    int64_t last_phys; /* of the last entry looked at */
    int64_t skip_phys; /* entries below are of a log file that was removed; -1 = none */
    bool cold;         /* a record was met that memory need not hold */
    bool asked;        /* all others of the get are on their way from the disk */
    int64_t resident_from, resident_to;
    struct mapped_file *file; /* the one last used, with a reference */
    bool file_is_used;        /* the last slice is of that file, which it has to hold */
    size_t slice_cap;
};
/* STEP_DAMAGED: in a batch queue the next entry says where it goes on, what a damaged one says of itself may be the
 * damage. */
enum step { STEP_ON, STEP_STOP, STEP_DAMAGED };

static int64_t hot_bytes(const struct store *store) {
    int64_t ratio = LIVE(store, access_message_in_memory_max_ratio);
    if (store->is_slave && ratio > 10) ratio -= 10;
    return (int64_t)((double)store->memory_bytes * ((double)ratio / 100.0));
}

bool store_offset_hot(struct store *store, struct queue *queue, int64_t offset_queue) {
    struct queue_entry entry;
    if (queue_entry_at(store, queue, offset_queue, &entry) != ERR_OK) return true;
    return commitlog_end(&store->log) - entry.offset_phys <= hot_bytes(store);
}

/* Slaves leave a wrong offset to the client unless told otherwise. */
static int64_t correct(const struct scan *scan, int64_t right) {
    bool corrects = !scan->store->is_slave || LIVE(scan->store, offset_check_in_slave);
    return corrects ? right : scan->get->offset_queue;
}

/* Answers the gets that need no look at entries. */
static bool answer_bounds(struct scan *scan) {
    struct get *get = scan->get;
    int64_t offset = get->offset_queue;
    if (!get->queue || queue_deleted(get->queue)) {
        get->status = GET_NO_MATCHED_LOGIC_QUEUE;
        get->next_offset = correct(scan, 0);
        return true;
    }
    get->min_offset = queue_min(get->queue);
    get->max_offset = queue_max(get->queue);
    if (get->max_offset == 0) {
        get->status = GET_NO_MESSAGE_IN_QUEUE;
        get->next_offset = correct(scan, 0);
    } else if (offset < get->min_offset) {
        get->status = GET_OFFSET_TOO_SMALL;
        get->next_offset = correct(scan, get->min_offset);
    } else if (offset == get->max_offset) {
        get->status = GET_OFFSET_OVERFLOW_ONE;
        get->next_offset = correct(scan, offset);
    } else if (offset > get->max_offset) {
        get->status = GET_OFFSET_OVERFLOW_BADLY;
        get->next_offset = correct(scan, get->max_offset);
    } else {
        return false;
    }
    return true;
}

/* Does the answer end before that record? Never before the first. */
static bool is_full(const struct scan *scan, const struct queue_entry *entry, bool hot) {
    const struct get *get = scan->get;
    return get->count > 0 && (get->count > scan->room[hot].count - entry->count ||
                              get->total_bytes + entry->size_bytes > scan->room[hot].bytes);
}

static void measure_room(struct scan *scan) {
    const struct store *store = scan->store;
    const struct get *get = scan->get;
    int64_t bytes = get->max_bytes > 0 ? get->max_bytes : MAX_BYTES_DEFAULT;
    scan->room[0].bytes = MIN(bytes, LIVE(store, max_transfer_bytes_in_disk));
    scan->room[0].count = MIN(get->max_count, LIVE(store, max_transfer_count_in_disk));
    scan->room[1].bytes = MIN(bytes, LIVE(store, max_transfer_bytes_in_memory));
    scan->room[1].count = MIN(get->max_count, LIVE(store, max_transfer_count_in_memory));
}

/* The last of its slices takes the reference over. */
static void leave_file(struct scan *scan) {
    struct get *get = scan->get;
    if (scan->file_is_used)
        get->slices[get->slice_count - 1].hold = scan->file;
    else if (scan->file)
        mapped_file_release(scan->file);
    scan->file = NULL;
    scan->file_is_used = false;
}

/* The bytes of a record in place; false when the log no longer holds them. */
static bool find_record(struct scan *scan, const struct queue_entry *entry, struct bytes *out) {
    int64_t phys = entry->offset_phys, size_bytes = entry->size_bytes;
    if (queue_entry_is_filler(entry) || phys < 0 || size_bytes <= 0 || size_bytes > scan->end_phys - phys) return false;
    struct mapped_file *file = scan->file;
    if (!file || phys < file->start_phys || phys >= file->start_phys + file->size_bytes) {
        leave_file(scan);
        scan->file = file = mapped_queue_find(&scan->store->log.files, phys);
    }
    if (!file || size_bytes > file->start_phys + file->size_bytes - phys) return false;
    *out = bytes_make(file->data + (phys - file->start_phys), (size_t)size_bytes);
    return true;
}

/* Does memory hold the record, as all that was just written? */
static bool is_warm(const struct scan *scan, int64_t phys) {
    return phys >= scan->store->opened_phys && scan->end_phys - phys <= WARM_BYTES;
}

static bool is_resident(struct scan *scan, int64_t phys, struct bytes record) {
    int64_t end_phys = phys + (int64_t)record.len;
    if (phys >= scan->resident_from && end_phys <= scan->resident_to) return true;
    int64_t file_end = scan->file->start_phys + scan->file->size_bytes;
    scan->resident_from = phys;
    scan->resident_to = resident_until(&scan->store->resident, scan->file, phys, (int64_t)record.len,
                                       MIN(file_end, scan->end_phys), scan->start_ms);
    return end_phys <= scan->resident_to;
}

/* May the record be touched now? Who waits for the disk first asks it for all that he will come to. */
static bool is_at_hand(struct scan *scan, int64_t phys, struct bytes record) {
    struct get *get = scan->get;
    if (is_warm(scan, phys)) return true;
    scan->cold = true;
    if (get->may_wait && (scan->asked || get->max_count == 1)) return true;
    if (is_resident(scan, phys, record)) return true;
    if (!get->may_wait) return false;
    scan->asked = true;
    reader_prefetch(scan->store, get->queue, get->next_offset, get->max_count - get->count);
    return true;
}

/* The tags code of an entry that leads to an extension file is made from the record again. */
static int64_t tags_code_of(const struct scan *scan, const struct queue_entry *entry, struct bytes record) {
    struct record parts;
    if (entry->tags_code > TAGS_CODE_EXTENSION_MAX || record_decode(record, RECORD_CHECK_SHAPE, &parts) != ERR_OK)
        return entry->tags_code;
    return dispatch_tags_code(scan->store, &parts);
}

/* What does not agree with its queue entry was damaged, the one or the other. Cheap: the front of the record. */
static bool head_agrees(const struct scan *scan, const struct queue_entry *entry, struct bytes record) {
    const char *at = record.data;
    if (record.len < RECORD_FIXED_V1_IPV4 || load_u32be(at + RECORD_AT_SIZE) != record.len) return false;
    uint32_t magic = load_u32be(at + RECORD_AT_MAGIC);
    return (magic == RECORD_MAGIC_V1 || magic == RECORD_MAGIC_V2) &&
           load_i64be(at + RECORD_AT_PHYSICAL_OFFSET) == entry->offset_phys &&
           (scan->is_lmq || load_i64be(at + RECORD_AT_QUEUE_OFFSET) == entry->offset_queue);
}

/* All that the format can tell of a record that was read from a disk. The due time that stands for the tags of a
 * delayed message depends on settings that may have changed. */
static bool is_whole(const struct scan *scan, const struct queue_entry *entry, struct bytes record) {
    const struct queue *queue = scan->get->queue;
    struct record parts;
    if (record_decode(record, RECORD_CHECK_BODY_CRC, &parts) != ERR_OK) return false;
    if (!scan->is_lmq && (parts.queue_id != queue->id || !bytes_equal(parts.topic, queue->topic))) return false;
    if (entry->count != dispatch_entry_count(queue->kind, &parts)) return false;
    return entry->tags_code <= TAGS_CODE_EXTENSION_MAX || bytes_is(parts.topic, "SCHEDULE_TOPIC_XXXX") ||
           dispatch_tags_code(scan->store, &parts) == entry->tags_code;
}

/* What this process wrote and memory has held since is as it was written; what comes from the disk is looked through.
 */
static bool is_sound(const struct scan *scan, const struct queue_entry *entry, struct bytes record) {
    int64_t phys = entry->offset_phys;
    bool as_written = phys >= scan->store->opened_phys && !scan->get->was_cold && !scan->get->may_wait;
    if (head_agrees(scan, entry, record) && (as_written || is_whole(scan, entry, record))) return true;
    log_every_ms(
        1000, ERROR, STORE, "damaged message or queue entry, not served: topic=%.*s queue=%d offset=%lld phys=%lld",
        BYTES_ARG(scan->get->queue->topic), scan->get->queue->id, (long long)entry->offset_queue, (long long)phys);
    return false;
}

static void add_record(struct scan *scan, const struct queue_entry *entry, struct bytes record) {
    struct get *get = scan->get;
    get->count += entry->count;
    get->total_bytes += (int64_t)record.len;
    get->status = GET_FOUND;
    struct store_slice *last = scan->file_is_used ? &get->slices[get->slice_count - 1] : NULL;
    if (last && last->bytes.data + last->bytes.len == record.data) {
        last->bytes.len += record.len;
        return;
    }
    if (get->slice_count == scan->slice_cap) {
        scan->slice_cap = scan->slice_cap ? scan->slice_cap * 2 : 8;
        struct store_slice *grown = arena_alloc(scan->arena, scan->slice_cap * sizeof *grown);
        if (get->slice_count > 0) memcpy(grown, get->slices, get->slice_count * sizeof *grown);
        get->slices = grown;
    }
    get->slices[get->slice_count++] = (struct store_slice){.bytes = record};
    scan->file_is_used = true;
}

static enum step pass_over(struct scan *scan, enum get_status status) {
    if (scan->get->count == 0) scan->get->status = status;
    return STEP_ON;
}

/* Does the entry say all of its tags? Those of the messages in a batch are inside. */
static bool are_tags_known(const struct scan *scan, const struct queue_entry *entry) {
    bool may_be_batch = scan->is_batch && entry->tags_code == 0;
    return entry->tags_code > TAGS_CODE_EXTENSION_MAX && !may_be_batch;
}

/* Batches are for all tags: consumers look at what is inside. (The Java broker leaves them out for who wants tags.) */
static bool matches_tags(const struct scan *scan, const struct queue_entry *entry, struct bytes record) {
    const struct get *get = scan->get;
    if (!get->match_tags || (load_i32be(record.data + RECORD_AT_SYS_FLAG) & SYS_FLAG_INNER_BATCH)) return true;
    return get->match_tags(get->match_ctx, tags_code_of(scan, entry, record));
}

static enum step take_record(struct scan *scan, const struct queue_entry *entry) {
    struct get *get = scan->get;
    struct bytes record;
    if (!find_record(scan, entry, &record)) {
        if (!queue_entry_is_filler(entry) && entry->offset_phys < commitlog_min(&scan->store->log))
            scan->skip_phys = commitlog_roll(&scan->store->log, MAX(entry->offset_phys, 0));
        return pass_over(scan, GET_MESSAGE_WAS_REMOVING);
    }
    bool tags_known = are_tags_known(scan, entry), by_record = get->match_record || !tags_known;
    if (tags_known && get->match_tags && !get->match_tags(get->match_ctx, entry->tags_code))
        return pass_over(scan, GET_NO_MATCHED_MESSAGE);
    if (!is_at_hand(scan, entry->offset_phys, record)) {
        if (get->count == 0) get->status = GET_COLD;
        return STEP_STOP;
    }
    if (!is_sound(scan, entry, record)) {
        (void)pass_over(scan, GET_MESSAGE_WAS_REMOVING);
        return scan->is_batch ? STEP_DAMAGED : STEP_ON;
    }
    if (by_record) {
        if (!tags_known && !matches_tags(scan, entry, record)) return pass_over(scan, GET_NO_MATCHED_MESSAGE);
        if (get->match_record && !get->match_record(get->match_ctx, record))
            return pass_over(scan, GET_NO_MATCHED_MESSAGE);
    }
    add_record(scan, entry, record);
    scan->skip_phys = -1;
    return STEP_ON;
}

static enum step look_at(struct scan *scan, const struct queue_entry *entry) {
    struct get *get = scan->get;
    bool hot = scan->end_phys - entry->offset_phys <= scan->hot_bytes;
    if (is_full(scan, entry, hot)) return STEP_STOP;
    enum step step = STEP_ON;
    if (entry->offset_phys >= scan->skip_phys) {
        int32_t count = get->count;
        step = take_record(scan, entry);
        if (step == STEP_STOP) return STEP_STOP;
        scan->last_phys = entry->offset_phys;
        if (get->count > count && !hot) get->from_disk = true;
    }
    if (step == STEP_ON) get->next_offset = queue_entry_end(entry);
    return STEP_ON;
}

/* Tests of records may be slow, and the caller may be an event loop: the peer asks again from where this one ended, as
 * after any scan that found nothing. */
static bool is_over_time(const struct scan *scan) {
    return scan->get->match_record && !scan->get->may_wait && clock_monotonic_ms() - scan->start_ms >= MATCH_MS_MAX;
}

/* An entry of a batch queue says itself of which messages it is: not one that was damaged. */
static bool says_its_place(const struct scan *scan, const struct queue_entry *entry) {
    const struct get *get = scan->get;
    return !scan->is_batch || (queue_entry_is_used(entry) && queue_entry_end(entry) > get->next_offset &&
                               queue_entry_end(entry) <= get->max_offset);
}

/* Nothing can be read at next_offset. */
static void pass_file(struct get *get, const struct scan *scan) {
    if (get->count > 0) return;
    get->status = GET_OFFSET_FOUND_NULL;
    get->next_offset = correct(scan, consumequeue_roll(get->queue, get->next_offset));
}

static void scan_entries(struct scan *scan) {
    struct get *get = scan->get;
    struct queue_run run;
    run.count = 0; /* its memory is left as it is */
    for (int idle_runs = 0; get->next_offset < scan->scan_end; idle_runs++) {
        int64_t begin = get->next_offset;
        int32_t max = (int32_t)MIN(CHUNK_ENTRIES, scan->scan_end - begin);
        enum err err = run.count == 0 ? consumequeue_read(get->queue, begin, max, get->may_wait, &run)
                                      : consumequeue_read_on(get->queue, max, get->may_wait, &run);
        if (err == ERR_BUSY && get->count == 0) get->status = GET_COLD;
        if (err == ERR_BUSY) return;
        if (run.count == 0 || idle_runs > IDLE_RUNS_MAX) {
            pass_file(get, scan);
            return;
        }
        for (int32_t i = 0; i < run.count; i++) {
            struct queue_entry entry = queue_run_at(&run, i);
            if (!says_its_place(scan, &entry)) continue;
            if (look_at(scan, &entry) == STEP_STOP || is_over_time(scan)) return;
        }
        if (get->next_offset > begin) idle_runs = 0;
    }
}

void store_get(struct store *store, struct arena *arena, struct get *get) {
    struct scan scan = {.store = store,
                        .start_ms = clock_monotonic_ms(),
                        .arena = arena,
                        .get = get,
                        .hot_bytes = hot_bytes(store),
                        .is_lmq = get->queue && lmq_is(get->queue->topic),
                        .is_batch = get->queue && get->queue->kind == QUEUE_BATCH,
                        .last_phys = -1,
                        .skip_phys = -1};
    get->slices = NULL;
    get->slice_count = 0;
    get->release = store_release;
    get->count = 0;
    get->total_bytes = get->min_offset = get->max_offset = 0;
    get->from_disk = get->suggest_slave = false;
    if (!answer_bounds(&scan)) {
        /* only now: the log's end from before the queue's may lie before the records of its newest entries */
        scan.end_phys = commitlog_end(&store->log);
        measure_room(&scan);
        int64_t limit = MAX(LIVE(store, max_filter_message_size) / QUEUE_ENTRY_BYTES, MIN(get->max_count, SCAN_MAX));
        scan.scan_end = MIN(get->max_offset, get->offset_queue + limit);
        get->status = GET_NO_MATCHED_MESSAGE;
        get->next_offset = get->offset_queue;
        scan_entries(&scan);
        if (scan.cold && !get->may_wait && get->count > 0) reader_read_on(&store->reader, get->queue, get->next_offset);
        get->suggest_slave = scan.last_phys >= 0 && scan.end_phys - scan.last_phys > scan.hot_bytes;
    }
    leave_file(&scan);
    if (get->status != GET_COLD) store_stats_get(&store->stats, get->count, clock_monotonic_ms() - scan.start_ms);
}

enum err store_get_later(struct store *store, const struct get *get, void (*done)(void *ctx), void *ctx) {
    return reader_add(&store->reader, get, done, ctx);
}
