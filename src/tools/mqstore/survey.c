/* survey.c - the passes, and what they count. */
#include "tools/mqstore/survey.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <uthash.h>
#include "base/check.h"
#include "base/hash.h"
#include "base/json.h"
#include "message/properties.h"
#include "os/file.h"
#include "store/consumequeue.h"
#include "store/dispatch_record.h"

enum { TOPICS_MAX_BYTES = 256 << 20, FAULTS_SHOWN = 200 };

struct survey_queue {
    UT_hash_handle hh;
    int64_t singles, batches; /* records that have an entry, and hold one message, or a batch */
    int64_t next_offset;      /* behind the last of them */
    enum queue_kind kind;
    bool begun_anew, seen;
    bool known; /* to topics.json */
    size_t key_len;
    char key[]; /* topic, NUL, four bytes of id */
};

static void fault(struct survey *survey, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void fault(struct survey *survey, const char *format, ...) {
    survey->faults++;
    if (survey->quiet || survey->faults > FAULTS_SHOWN) return;
    va_list args;
    va_start(args, format);
    printf("FAULT ");
    vprintf(format, args);
    putchar('\n');
    va_end(args);
}

/* --- what the log has of queues ------------------------------------------------------------------------------- */

static struct survey_queue *queue_of(struct survey *survey, struct bytes topic, int32_t id, bool add) {
    char key[512];
    size_t key_len = topic.len + 1 + sizeof id;
    if (key_len > sizeof key) return NULL; /* topics have 255 bytes at most */
    memcpy(key, topic.data, topic.len);
    key[topic.len] = 0;
    memcpy(key + topic.len + 1, &id, sizeof id);
    struct survey_queue *queue;
    HASH_FIND(hh, survey->queues, key, key_len, queue);
    if (queue || !add) return queue;
    queue = calloc(1, sizeof *queue + key_len);
    must(queue);
    queue->key_len = key_len;
    memcpy(queue->key, key, key_len);
    HASH_ADD(hh, survey->queues, key, key_len, queue);
    return queue;
}

static int32_t id_of(const struct survey_queue *queue) {
    int32_t id;
    memcpy(&id, queue->key + queue->key_len - sizeof id, sizeof id);
    return id;
}

/* PREPARED and ROLLBACK records have no queue entry. */
static bool has_entry(const struct record *record) {
    int32_t kind = record->sys_flag & SYS_FLAG_TRANSACTION_MASK;
    return kind != SYS_FLAG_PREPARED && kind != SYS_FLAG_ROLLBACK;
}

static bool is_batch(const struct record *record) {
    return record->sys_flag & SYS_FLAG_INNER_BATCH;
}

bool survey_has_batches(const struct survey *survey, struct bytes topic) {
    for (size_t i = 0; i < survey->batch_topic_count; i++)
        if (bytes_is(topic, survey->batch_topics[i])) return true;
    return false;
}

static void set_kind(struct survey *survey, struct survey_queue *queue, enum queue_kind kind) {
    queue->kind = kind;
    if (kind == QUEUE_SIMPLE || survey_has_batches(survey, bytes_of(queue->key))) return;
    survey->batch_topics =
        realloc(survey->batch_topics, (survey->batch_topic_count + 1) * sizeof *survey->batch_topics);
    must(survey->batch_topics);
    survey->batch_topics[survey->batch_topic_count++] = queue->key;
}

static void count_record(struct survey *survey, const struct record *record) {
    survey->records++;
    if (!has_entry(record)) return;
    struct survey_queue *queue = queue_of(survey, record->topic, record->queue_id, true);
    if (!queue) return;
    if (record->offset_queue < queue->next_offset) {
        queue->begun_anew = true;
        queue->singles = queue->batches = 0;
    }
    if (is_batch(record)) {
        set_kind(survey, queue, QUEUE_BATCH);
        queue->batches++;
    } else {
        queue->singles++;
    }
    queue->next_offset = record->offset_queue + 1; /* or more, behind a batch */
}

/* A Java broker gives entries of batch queues to batches alone. */
static int64_t entries_due(const struct survey_queue *queue) {
    return queue->kind == QUEUE_BATCH ? queue->batches : queue->singles;
}

void survey_each_queue(const struct survey *survey, void (*visit)(void *ctx, const struct survey_found *found),
                       void *ctx) {
    for (struct survey_queue *queue = survey->queues; queue; queue = queue->hh.next)
        visit(ctx, &(struct survey_found){queue->key, id_of(queue), queue->kind, queue->begun_anew, queue->seen,
                                          queue->known});
}

/* --- log and index, side by side -------------------------------------------------------------------------------- */

/* Slots and back links follow from the hashes of the entries. */
static void check_chains(struct survey *survey, const struct index_view *view) {
    int32_t *newest = calloc((size_t)view->slots, sizeof *newest), bad = 0, bad_slots = 0;
    must(newest);
    for (int32_t number = 1; number < view->count; number++) {
        struct index_entry entry = index_view_entry(view, number);
        if (entry.hash < 0) {
            bad++;
            continue;
        }
        int32_t *slot = &newest[entry.hash % view->slots];
        bad += entry.prev != *slot;
        *slot = number;
    }
    for (int32_t slot = 0; slot < view->slots; slot++) bad_slots += index_view_slot(view, slot) != newest[slot];
    if (bad + bad_slots > 0)
        fault(survey, "index: %s: %d entries and %d slots lead to other entries than they should", view->name, bad,
              bad_slots);
    free(newest);
}

static void on_bad_index(void *ctx, const char *why) {
    struct survey *survey = ctx;
    if (strstr(why, "no entries")) return; /* a file just made */
    fault(survey, "index: %s", why);
}

static const struct index_view *view_at(const struct survey *survey) {
    return survey->at_view < survey->view_count ? &survey->views[survey->at_view] : NULL;
}

static void step_entry(struct survey *survey) {
    survey->index_entries++;
    if (++survey->at_entry < view_at(survey)->count) return;
    survey->at_view++;
    survey->at_entry = 1;
}

/* Entries follow the log; *entry gets the next one that does, and false is returned behind the last. */
static bool next_entry(struct survey *survey, struct index_entry *entry) {
    for (const struct index_view *view; (view = view_at(survey)); step_entry(survey)) {
        *entry = index_view_entry(view, survey->at_entry);
        if (entry->offset_phys >= survey->entry_phys && entry->offset_phys < survey->files_end_phys) {
            survey->entry_phys = entry->offset_phys;
            return true;
        }
        fault(survey, "index: %s entry %d: leads to %" PRId64 ", behind the log or before the entry before it",
              view->name, survey->at_entry, entry->offset_phys);
    }
    return false;
}

/* Entries below `offset_phys`, to which no record belongs. */
static void pass_entries(struct survey *survey, int64_t offset_phys) {
    for (struct index_entry entry; next_entry(survey, &entry) && entry.offset_phys < offset_phys; step_entry(survey))
        if (entry.offset_phys >= chain_min(&survey->log))
            fault(survey, "index: %s entry %d: no record at %" PRId64, view_at(survey)->name, survey->at_entry,
                  entry.offset_phys);
}

/* Takes off the list what the entry stands for; false when it stands for nothing of the record. */
static bool strike_out(struct index_hashes *hashes, int32_t hash, const struct record *record) {
    for (size_t i = 0; i < hashes->count; i++) {
        if (hashes->values[i] != hash) continue;
        hashes->values[i] = hashes->values[--hashes->count];
        return true;
    }
    if (hashes->has_tags && hashes->tags == hash) return true;
    struct index_hashes again = {0}; /* after a crash Java indexes the record at the seam a second time */
    index_hashes_of(record, &again);
    bool found = false;
    for (size_t i = 0; i < again.count; i++) found |= again.values[i] == hash;
    index_hashes_close(&again);
    return found;
}

static void compare_index(struct survey *survey, const struct record *record) {
    if (survey->view_count == 0) return; /* switched off */
    pass_entries(survey, record->offset_phys);
    struct index_hashes *hashes = &survey->hashes;
    index_hashes_of(record, hashes);
    for (struct index_entry entry; next_entry(survey, &entry) && entry.offset_phys == record->offset_phys;
         step_entry(survey))
        if (!strike_out(hashes, entry.hash, record))
            fault(survey, "index: %s entry %d: the record at %" PRId64 " has no such key", view_at(survey)->name,
                  survey->at_entry, record->offset_phys);
    if (hashes->count == 0) return;
    if (survey->unindexed++ == 0) survey->unindexed_from = record->offset_phys;
    survey->unindexed_to = record->offset_phys;
}

static void add_gap(struct survey *survey, struct survey_gap gap) {
    if (survey->gap_count == survey->gap_cap) {
        survey->gap_cap = survey->gap_cap ? survey->gap_cap * 2 : 16;
        survey->gaps = realloc(survey->gaps, survey->gap_cap * sizeof *survey->gaps);
        must(survey->gaps);
    }
    survey->gaps[survey->gap_count++] = gap;
}

/* Nothing readable at *at: goes on behind it where there is more; false at the end of the log. */
static bool pass_gap(struct survey *survey, int64_t *at, enum err why, int64_t before_ms) {
    char text[256];
    snprintf(text, sizeof text, "%s", err_detail(why));
    int64_t to = chain_find_record(&survey->log, *at);
    if (why == ERR_NOT_FOUND && to < 0) return false;
    if (to < 0) {
        fault(survey, "log: no record at %" PRId64 ": %s; none behind it either, so the log ends there", *at, text);
        return false;
    }
    fault(survey, "log: no record at %" PRId64 ": %s; it goes on at %" PRId64, *at, text, to);
    struct bytes rest = chain_at(&survey->log, *at);
    add_gap(survey, (struct survey_gap){*at, to, before_ms, to == *at + (int64_t)rest.len});
    *at = to;
    return true;
}

static void survey_log(struct survey *survey) {
    int64_t at = chain_min(&survey->log), before_ms = 0;
    for (;;) {
        struct record record;
        enum err err = chain_next_record(&survey->log, &at, &record);
        if (err == ERR_OK) {
            survey->end_phys = at;
            before_ms = record.store_time_ms;
            count_record(survey, &record);
            compare_index(survey, &record);
        } else if (!pass_gap(survey, &at, err, before_ms)) {
            break;
        }
    }
    survey->end_phys = at;
    pass_entries(survey, INT64_MAX);
}

/* --- queues ------------------------------------------------------------------------------------------------------ */

/* Delays have the time when they are due instead, and extension files their own. @source shared facts: store 3 */
static bool tags_code_fits(const struct record *record, int64_t tags_code) {
    if (tags_code < INT32_MIN || bytes_is(record->topic, "SCHEDULE_TOPIC_XXXX")) return true;
    struct bytes tags = properties_get(record->properties, PROPERTY_TAGS);
    return tags_code == (tags.len > 0 ? java_string_hash(tags) : 0);
}

/* An entry of queue `id` of `topic`; counts in *own those that stand for a record of it, in a batch queue for a batch.
 */
static void check_entry(struct survey *survey, const char *topic, int32_t id, enum queue_kind kind,
                        const struct queue_entry *entry, int64_t *own) {
    struct record record;
    int64_t offset_queue = entry->offset_queue;
    if (queue_entry_is_filler(entry)) return;
    if (entry->offset_phys < chain_min(&survey->log)) {
        survey->expired++;
    } else if (chain_record_at(&survey->log, entry->offset_phys, RECORD_CHECK_SHAPE, &record) != ERR_OK) {
        fault(survey, "queue %s/%d offset %" PRId64 ": no record at %" PRId64, topic, id, offset_queue,
              entry->offset_phys);
    } else if ((int64_t)record.size_bytes != entry->size_bytes) {
        fault(survey, "queue %s/%d offset %" PRId64 ": size %d, the record has %u", topic, id, offset_queue,
              entry->size_bytes, record.size_bytes);
    } else if (!tags_code_fits(&record, entry->tags_code)) {
        fault(survey, "queue %s/%d offset %" PRId64 ": tags code %" PRId64 " is not that of the record", topic, id,
              offset_queue, entry->tags_code);
    } else if (bytes_is(record.topic, topic) && record.queue_id == id) {
        *own += kind == QUEUE_SIMPLE || is_batch(&record);
        int32_t count = dispatch_entry_count(kind, &record);
        if (entry->count != count)
            fault(survey, "queue %s/%d offset %" PRId64 ": %d messages, the record has %d", topic, id, offset_queue,
                  entry->count, count);
        if (record.offset_queue != offset_queue)
            fault(survey, "queue %s/%d offset %" PRId64 ": the record says %" PRId64, topic, id, offset_queue,
                  record.offset_queue);
    } else if (bytes_starts_with(bytes_of(topic), BYTES("%LMQ%"))) {
        survey->copies++;
    } else {
        fault(survey, "queue %s/%d offset %" PRId64 ": a record of %.*s/%d", topic, id, offset_queue,
              BYTES_ARG(record.topic), record.queue_id);
    }
}

static void check_queue(struct survey *survey, enum queue_kind kind, const char *dir, const char *topic, int32_t id) {
    struct chain chain;
    enum err err = chain_open(dir, &chain);
    if (err != ERR_OK) {
        fault(survey, "queue %s/%d: %s", topic, id, err_detail(err));
        return;
    }
    int64_t own = 0, last_phys = -1, entry_bytes = queue_entry_bytes(kind);
    for (int64_t at = chain_min(&chain);; at += entry_bytes) {
        struct bytes bytes = chain_at(&chain, at);
        if ((int64_t)bytes.len < entry_bytes) break;
        struct queue_entry entry = queue_entry_decode(kind, at / entry_bytes, bytes.data);
        if (entry.size_bytes <= 0) break;
        if (entry.offset_phys <= last_phys && !queue_entry_is_filler(&entry))
            fault(survey, "queue %s/%d offset %" PRId64 ": goes back from %" PRId64 " to %" PRId64, topic, id,
                  entry.offset_queue, last_phys, entry.offset_phys);
        last_phys = entry.offset_phys;
        check_entry(survey, topic, id, kind, &entry, &own);
    }
    chain_close(&chain);
    survey->entries += own;
    struct survey_queue *queue = queue_of(survey, bytes_of(topic), id, false);
    if (!queue) return;
    queue->seen = true;
    set_kind(survey, queue, kind);
    if (entries_due(queue) != own)
        fault(survey, "queue %s/%d: %" PRId64 " records should have an entry, %" PRId64 " have", topic, id,
              entries_due(queue), own);
}

static enum err check_queues(struct survey *survey, enum queue_kind kind) {
    const char **topics, **ids, *root = chain_path(survey->root, queue_folders[kind]);
    size_t topic_count, id_count;
    TRY(file_list(&mqstore_arena, root, &topics, &topic_count));
    for (size_t t = 0; t < topic_count; t++) {
        const char *dir = chain_path(root, topics[t]);
        TRY(file_list(&mqstore_arena, dir, &ids, &id_count));
        for (size_t i = 0; i < id_count; i++) {
            int32_t id;
            if (bytes_to_i32(bytes_of(ids[i]), &id)) check_queue(survey, kind, chain_path(dir, ids[i]), topics[t], id);
        }
    }
    return ERR_OK;
}

/* Which of them topics.json has. That of 4.2.0 does not list the topic of delays. */
static void mark_known_topics(struct survey *survey) {
    struct arena arena = {0};
    struct buf content = {0};
    const struct json *root = NULL, *table = NULL;
    if (file_read_all(chain_path(survey->root, "config/topics.json"), TOPICS_MAX_BYTES, &content) == ERR_OK &&
        json_parse(&arena, buf_bytes(&content), &root) == ERR_OK)
        table = json_get(root, "topicConfigTable");
    for (struct survey_queue *queue = survey->queues; queue; queue = queue->hh.next)
        queue->known = !table || json_get(table, queue->key) || strcmp(queue->key, "SCHEDULE_TOPIC_XXXX") == 0;
    buf_close(&content);
    arena_close(&arena);
}

/* Records without a queue are what a deleted topic leaves, unless the table of topics has it. */
static void check_missing_queues(struct survey *survey) {
    for (struct survey_queue *queue = survey->queues; queue; queue = queue->hh.next) {
        if (queue->seen) continue;
        if (queue->known)
            fault(survey, "queue %s/%d: missing, with %" PRId64 " records in the log", queue->key, id_of(queue),
                  entries_due(queue));
        else
            survey->unqueued += entries_due(queue);
    }
}

/* --- all --------------------------------------------------------------------------------------------------------- */

enum err survey_run(const char *root, bool quiet, struct survey *out) {
    *out = (struct survey){.root = root, .quiet = quiet, .at_entry = 1, .entry_phys = -1};
    TRY(chain_open_log(root, &out->log));
    const struct chain_part *last = &out->log.parts[out->log.count - 1];
    out->files_end_phys = last->start + last->size_bytes;
    TRY(index_view_list(chain_path(root, "index"), on_bad_index, out, &out->views, &out->view_count));
    for (size_t i = 0; i < out->view_count; i++) check_chains(out, &out->views[i]);
    survey_log(out);
    TRY(check_queues(out, QUEUE_SIMPLE));
    TRY(check_queues(out, QUEUE_BATCH));
    mark_known_topics(out);
    check_missing_queues(out);
    return ERR_OK;
}

void survey_close(struct survey *survey) {
    chain_close(&survey->log);
    for (size_t i = 0; i < survey->view_count; i++) index_view_close(&survey->views[i]);
    index_hashes_close(&survey->hashes);
    struct survey_queue *queue, *next;
    HASH_ITER(hh, survey->queues, queue, next) {
        HASH_DEL(survey->queues, queue);
        free(queue);
    }
    free(survey->gaps);
    free(survey->batch_topics);
}

void survey_print(const struct survey *survey) {
    if (survey->faults > FAULTS_SHOWN) printf("NOTE  only the first %d faults are printed\n", FAULTS_SHOWN);
    if (file_exists(chain_path(survey->root, "abort")))
        puts("NOTE  the store was not stopped cleanly, or runs: the next start brings queues and index up to the log");
    if (survey->unqueued > 0)
        printf("NOTE  %" PRId64 " records have no queue: topics that are not in topics.json, deleted perhaps\n",
               survey->unqueued);
    if (survey->unindexed > 0)
        printf("NOTE  %" PRId64 " records from %" PRId64 " to %" PRId64 " have keys that are not in the index: a Java "
               "broker loses some when it is killed; repair brings them back\n",
               survey->unindexed, survey->unindexed_from, survey->unindexed_to);
    printf("log %" PRId64 "..%" PRId64 ", records %" PRId64 ", queue entries %" PRId64 " (expired %" PRId64
           ", copies %" PRId64 "), index entries %" PRId64 ", faults %" PRId64 "\n",
           chain_min(&survey->log), survey->end_phys, survey->records, survey->entries, survey->expired, survey->copies,
           survey->index_entries, survey->faults);
}
