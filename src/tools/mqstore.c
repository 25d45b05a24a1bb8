/* mqstore.c - shows what is in the files of a store, and whether they agree with each other. Reads only, takes no lock
 * and recovers nothing: it also serves on the folder of a running broker, where the newest entries may be half written.
 * Formats: docs/disk. Works on stores of the Java broker too. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/arena.h"
#include "base/check.h"
#include "base/endian.h"
#include "base/hash.h"
#include "message/msgid.h"
#include "message/properties.h"
#include "message/record.h"
#include "os/file.h"
#include "store/checkpoint.h"
#include "store/consumequeue.h"
#include "store/index_file.h"
#include "store/mapped_file.h"

static struct arena arena; /* paths and lists; freed with the process */

/* --- files ----------------------------------------------------------------------------------------------- */

/* A folder of numbered files: the commit log, or one consume queue. */
struct chain {
    struct part {
        int64_t start, size_bytes;
        const char *path;
        char *data;
    } * parts;
    size_t count;
};

static const char *path_in(const char *dir, const char *name) {
    return arena_printf(&arena, "%s/%s", dir, name).data;
}

static enum err map_file(const char *path, char **data, int64_t *size_bytes) {
    int fd;
    TRY(file_open(path, FILE_READ_ONLY, &fd));
    enum err err = file_size(fd, size_bytes);
    *data = NULL;
    if (err == ERR_OK && *size_bytes > 0) err = file_map(fd, path, *size_bytes, false, data);
    file_close(fd);
    return err;
}

static enum err chain_open(const char *dir, struct chain *out) {
    const char **names;
    size_t count;
    *out = (struct chain){0};
    TRY(file_list(&arena, dir, &names, &count));
    out->parts = arena_calloc(&arena, count + 1, sizeof *out->parts);
    for (size_t i = 0; i < count; i++) {
        struct part *part = &out->parts[out->count];
        if (!mapped_file_parse_name(bytes_of(names[i]), &part->start)) continue;
        part->path = path_in(dir, names[i]);
        TRY(map_file(part->path, &part->data, &part->size_bytes));
        if (part->data) out->count++;
    }
    return ERR_OK;
}

static void chain_close(struct chain *chain) {
    for (size_t i = 0; i < chain->count; i++) file_unmap(chain->parts[i].data, chain->parts[i].size_bytes);
}

/* From `offset` to the end of its file; absent when no file has it. */
static struct bytes chain_at(const struct chain *chain, int64_t offset) {
    for (size_t i = chain->count; i > 0; i--) {
        const struct part *part = &chain->parts[i - 1];
        if (offset < part->start) continue;
        if (offset >= part->start + part->size_bytes) break;
        return bytes_make(part->data + (offset - part->start), (size_t)(part->start + part->size_bytes - offset));
    }
    return (struct bytes){0};
}

static enum err record_at(const struct chain *log, int64_t offset_phys, struct record *out) {
    struct bytes bytes = chain_at(log, offset_phys);
    if (!bytes.data) return fail(ERR_NOT_FOUND, "the log has no offset %" PRId64, offset_phys);
    TRY(record_decode(bytes, RECORD_CHECK_BODY_CRC, out));
    if (out->offset_phys != offset_phys)
        return fail(ERR_CORRUPT, "the record at %" PRId64 " says it lies at %" PRId64, offset_phys, out->offset_phys);
    return ERR_OK;
}

/* The next record at or behind *offset_phys, which moves behind it. ERR_NOT_FOUND: the log ends at *offset_phys. */
static enum err next_record(const struct chain *log, int64_t *offset_phys, struct record *out) {
    for (;;) {
        struct bytes bytes = chain_at(log, *offset_phys);
        if (bytes.len < 8) return fail(ERR_NOT_FOUND, "end of the log");
        uint32_t size_bytes = load_u32be(bytes.data), magic = load_u32be(bytes.data + RECORD_AT_MAGIC);
        if (size_bytes == 0 && magic == 0) return fail(ERR_NOT_FOUND, "end of the log");
        if (magic != RECORD_MAGIC_BLANK) break;
        *offset_phys += (int64_t)bytes.len;
    }
    TRY(record_at(log, *offset_phys, out));
    *offset_phys += out->size_bytes;
    return ERR_OK;
}

static int64_t log_min(const struct chain *log) {
    return log->count ? log->parts[0].start : 0;
}

/* --- printing -------------------------------------------------------------------------------------------- */

static const char *time_text(int64_t time_ms) {
    static char text[4][48];
    static int turn;
    char *out = text[turn++ % 4];
    time_t seconds = (time_t)(time_ms / 1000);
    struct tm local;
    char day[32];
    if (!localtime_r(&seconds, &local) || !strftime(day, sizeof day, "%Y-%m-%d %H:%M:%S", &local)) day[0] = 0;
    snprintf(out, 48, "%" PRId64 " (%s.%03d)", time_ms, day, (int)(time_ms % 1000));
    return out;
}

static void print_quoted(struct bytes text) {
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (c < 0x20 || c == 0x7f || c == '\\')
            printf("\\x%02x", c);
        else
            putchar(c);
    }
}

static void print_line(const struct record *record) {
    printf("%" PRId64 " size=%u topic=%.*s queue=%d offset=%" PRId64 " stored=%" PRId64 " sysFlag=0x%x",
           record->offset_phys, record->size_bytes, BYTES_ARG(record->topic), record->queue_id, record->offset_queue,
           record->store_time_ms, (unsigned)record->sys_flag);
    const struct bytes *names[] = {&PROPERTY_TAGS, &PROPERTY_KEYS, &PROPERTY_UNIQ_KEY};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct bytes value = properties_get(record->properties, *names[i]);
        if (!value.data) continue;
        printf(" %.*s=", BYTES_ARG(*names[i]));
        print_quoted(value);
    }
    putchar('\n');
}

static void print_record(const struct record *record) {
    char id[MSGID_TEXT_MAX], host[64];
    msgid_offset_text(&record->store_host, record->offset_phys, id);
    printf("offsetMsgId      %s\nphysicalOffset   %" PRId64 "\nsize             %u\n", id, record->offset_phys,
           record->size_bytes);
    printf("topic            %.*s\nqueueId          %d\nqueueOffset      %" PRId64 "\n", BYTES_ARG(record->topic),
           record->queue_id, record->offset_queue);
    printf("flag             %d\nsysFlag          0x%x\nbodyCrc          %d\n", record->flag,
           (unsigned)record->sys_flag, record->body_crc);
    printf("born             %s by %s\n", time_text(record->born_time_ms), host_text(&record->born_host, host));
    printf("stored           %s by %s\n", time_text(record->store_time_ms), host_text(&record->store_host, host));
    printf("reconsumeTimes   %d\npreparedOffset   %" PRId64 "\nproperties\n", record->reconsume_times,
           record->prepared_offset);
    struct bytes rest = record->properties, name, value;
    while (properties_next(&rest, &name, &value)) {
        printf("  ");
        print_quoted(name);
        printf(" = ");
        print_quoted(value);
        putchar('\n');
    }
    printf("body             %zu bytes\n  ", record->body.len);
    print_quoted(record->body);
    putchar('\n');
}

/* --- index files ----------------------------------------------------------------------------------------- */

struct index_view {
    const char *path;
    char *data;
    int64_t size_bytes;
    int32_t slots, entries, count; /* count: number of the next entry */
    int64_t begin_ms, end_ms, begin_phys, end_phys;
};

static const char *index_entry_at(const struct index_view *view, int32_t number) {
    return view->data + INDEX_HEADER_BYTES + (int64_t)view->slots * INDEX_SLOT_BYTES +
           (int64_t)number * INDEX_ENTRY_BYTES;
}

static int64_t index_entry_phys(const struct index_view *view, int32_t number) {
    return load_i64be(index_entry_at(view, number) + 4);
}

/* How many slots a file has is written nowhere: the first and the last entry must be where the header says. */
static bool index_find_sizes(struct index_view *view) {
    for (view->slots = 1; view->slots < view->size_bytes / INDEX_SLOT_BYTES; view->slots++) {
        int64_t left = view->size_bytes - INDEX_HEADER_BYTES - (int64_t)view->slots * INDEX_SLOT_BYTES;
        view->entries = (int32_t)(left / INDEX_ENTRY_BYTES);
        if (view->count > view->entries) return false;
        if (left % INDEX_ENTRY_BYTES != 0) continue;
        if (index_entry_phys(view, 1) == view->begin_phys &&
            index_entry_phys(view, view->count - 1) == view->end_phys && load_i32be(index_entry_at(view, 1)) != 0 &&
            load_i64be(index_entry_at(view, 0)) == 0)
            return true;
    }
    return false;
}

static enum err index_view_open(const char *path, struct index_view *view) {
    *view = (struct index_view){.path = path};
    TRY(map_file(path, &view->data, &view->size_bytes));
    if (view->size_bytes < INDEX_HEADER_BYTES + INDEX_SLOT_BYTES + 2 * INDEX_ENTRY_BYTES)
        return fail(ERR_CORRUPT, "%s: too short for an index file", path);
    view->begin_ms = load_i64be(view->data);
    view->end_ms = load_i64be(view->data + 8);
    view->begin_phys = load_i64be(view->data + 16);
    view->end_phys = load_i64be(view->data + 24);
    view->count = load_i32be(view->data + 36);
    if (view->count <= 1) return fail(ERR_NOT_FOUND, "%s: no entries", path);
    if (!index_find_sizes(view)) return fail(ERR_CORRUPT, "%s: header and entries do not agree", path);
    return ERR_OK;
}

static void index_view_close(struct index_view *view) {
    if (view->data) file_unmap(view->data, view->size_bytes);
}

static int32_t index_hash(struct bytes topic, struct bytes key) {
    int32_t hash = java_string_hash_more(java_string_hash(topic), BYTES("#"));
    hash = java_string_hash_more(hash, key);
    return hash == INT32_MIN ? 0 : abs(hash);
}

/* --- commands -------------------------------------------------------------------------------------------- */

struct args {
    const char *root;
    const char *words[3]; /* NULL when not given */
};

static int failed(enum err err) {
    fprintf(stderr, "mqstore: %s\n", err_detail(err));
    return 1;
}

static int64_t number_or(const char *word, int64_t otherwise) {
    int64_t number = otherwise;
    if (word && !bytes_to_i64(bytes_of(word), &number)) {
        fprintf(stderr, "mqstore: %s is no number\n", word);
        exit(2);
    }
    return number;
}

static enum err open_log(const struct args *args, struct chain *log) {
    TRY(chain_open(path_in(args->root, "commitlog"), log));
    if (log->count == 0) return fail(ERR_NOT_FOUND, "%s/commitlog: no commit log files", args->root);
    return ERR_OK;
}

static int show_record(const struct args *args) {
    struct chain log;
    struct record record;
    enum err err = open_log(args, &log);
    if (err == ERR_OK) err = record_at(&log, number_or(args->words[0], 0), &record);
    if (err != ERR_OK) return failed(err);
    print_record(&record);
    chain_close(&log);
    return 0;
}

static int show_log(const struct args *args) {
    struct chain log;
    enum err err = open_log(args, &log);
    if (err != ERR_OK) return failed(err);
    int64_t offset_phys = number_or(args->words[0], log_min(&log)), left = number_or(args->words[1], INT64_MAX);
    struct record record;
    for (; left > 0 && (err = next_record(&log, &offset_phys, &record)) == ERR_OK; left--) print_line(&record);
    if (err == ERR_NOT_FOUND)
        printf("%" PRId64 " end of the log\n", offset_phys);
    else if (err != ERR_OK)
        printf("%" PRId64 " no record: %s\n", offset_phys, err_detail(err));
    chain_close(&log);
    return 0;
}

static int show_queue(const struct args *args) {
    const char *topic = args->words[0], *id = args->words[1];
    if (!topic || !id) return -1;
    struct chain queue, log;
    enum err err = chain_open(arena_printf(&arena, "%s/consumequeue/%s/%s", args->root, topic, id).data, &queue);
    if (err == ERR_OK && queue.count == 0) err = fail(ERR_NOT_FOUND, "no queue %s of topic %s", id, topic);
    if (err == ERR_OK) err = open_log(args, &log);
    if (err != ERR_OK) return failed(err);
    int64_t offset_queue = number_or(args->words[2], log_min(&queue) / QUEUE_ENTRY_BYTES);
    for (;; offset_queue++) {
        struct bytes bytes = chain_at(&queue, offset_queue * QUEUE_ENTRY_BYTES);
        if (bytes.len < QUEUE_ENTRY_BYTES) break;
        struct queue_entry entry = queue_entry_decode(bytes.data);
        if (entry.size_bytes <= 0) break;
        printf("%" PRId64 " phys=%" PRId64 " size=%d tagsCode=%" PRId64, offset_queue, entry.offset_phys,
               entry.size_bytes, entry.tags_code);
        struct record record;
        if (queue_entry_is_filler(&entry))
            puts(" filler");
        else if (entry.offset_phys < log_min(&log))
            puts(" expired");
        else if (record_at(&log, entry.offset_phys, &record) != ERR_OK)
            puts(" NO RECORD");
        else
            putchar('\n');
    }
    chain_close(&queue);
    chain_close(&log);
    return 0;
}

static enum err list_index(const struct args *args, const char ***names, size_t *count) {
    return file_list(&arena, path_in(args->root, "index"), names, count);
}

static int show_index(const struct args *args) {
    const char **names;
    size_t count;
    enum err err = list_index(args, &names, &count);
    if (err != ERR_OK) return failed(err);
    for (size_t i = 0; i < count; i++) {
        struct index_view view;
        err = index_view_open(arena_printf(&arena, "%s/index/%s", args->root, names[i]).data, &view);
        if (err != ERR_OK)
            printf("%s\n", err_detail(err));
        else
            printf("%s slots=%d entries=%d of %d phys=%" PRId64 "..%" PRId64 " stored=%s..%s\n", names[i], view.slots,
                   view.count - 1, view.entries - 1, view.begin_phys, view.end_phys, time_text(view.begin_ms),
                   time_text(view.end_ms));
        index_view_close(&view);
    }
    return 0;
}

static void print_chain(const struct index_view *view, int32_t hash, const struct chain *log) {
    const char *slot = view->data + INDEX_HEADER_BYTES + (int64_t)(hash % view->slots) * INDEX_SLOT_BYTES;
    int32_t number = load_i32be(slot), newer = view->count;
    for (; number > 0 && number < newer; newer = number, number = load_i32be(index_entry_at(view, newer) + 16)) {
        const char *entry = index_entry_at(view, number);
        if (load_i32be(entry) != hash) continue;
        struct record record;
        if (record_at(log, load_i64be(entry + 4), &record) == ERR_OK)
            print_line(&record);
        else
            printf("%" PRId64 " no record\n", load_i64be(entry + 4));
    }
}

/* All hash matches, newest first: a record with another key of the same hash shows too. */
static int show_key(const struct args *args) {
    if (!args->words[0] || !args->words[1]) return -1;
    struct chain log;
    const char **names;
    size_t count;
    enum err err = open_log(args, &log);
    if (err == ERR_OK) err = list_index(args, &names, &count);
    if (err != ERR_OK) return failed(err);
    int32_t hash = index_hash(bytes_of(args->words[0]), bytes_of(args->words[1]));
    for (size_t i = count; i > 0; i--) {
        struct index_view view;
        if (index_view_open(arena_printf(&arena, "%s/index/%s", args->root, names[i - 1]).data, &view) == ERR_OK)
            print_chain(&view, hash, &log);
        index_view_close(&view);
    }
    chain_close(&log);
    return 0;
}

static int show_checkpoint(const struct args *args) {
    struct buf content = {0};
    enum err err = file_read_all(path_in(args->root, "checkpoint"), 2 * CHECKPOINT_SIZE_BYTES, &content);
    if (err == ERR_OK && content.len != CHECKPOINT_SIZE_BYTES)
        err = fail(ERR_CORRUPT, "checkpoint has %zu bytes, not %d", content.len, CHECKPOINT_SIZE_BYTES);
    if (err == ERR_OK) {
        const char *names[] = {"physicMsgTimestamp", "logicsMsgTimestamp", "indexMsgTimestamp"};
        for (size_t i = 0; i < ARRAY_LEN(names); i++)
            printf("%-19s %s\n", names[i], time_text(load_i64be(content.data + 8 * i)));
        printf("masterFlushedOffset %" PRId64 "\n", load_i64be(content.data + 24));
        printf("confirmPhyOffset    %" PRId64 "\n", load_i64be(content.data + 32));
        printf("abort file          %s\n",
               file_exists(path_in(args->root, "abort")) ? "present: no clean stop" : "none");
    }
    buf_close(&content);
    return err == ERR_OK ? 0 : failed(err);
}

/* --- verify ---------------------------------------------------------------------------------------------- */

struct verify {
    struct chain log;
    int64_t end_phys;
    int64_t records, with_entry, entries, expired, copies, index_entries, faults;
};

static void fault(struct verify *v, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void fault(struct verify *v, const char *format, ...) {
    va_list args;
    va_start(args, format);
    printf("FAULT ");
    vprintf(format, args);
    putchar('\n');
    va_end(args);
    v->faults++;
}

/* PREPARED and ROLLBACK records have no queue entry; batches in one record lie in another kind of queue. */
static bool has_entry(const struct record *record) {
    int32_t kind = record->sys_flag & SYS_FLAG_TRANSACTION_MASK;
    return kind != SYS_FLAG_PREPARED && kind != SYS_FLAG_ROLLBACK && !(record->sys_flag & SYS_FLAG_INNER_BATCH);
}

static void verify_log(struct verify *v) {
    struct record record;
    enum err err;
    v->end_phys = log_min(&v->log);
    while ((err = next_record(&v->log, &v->end_phys, &record)) == ERR_OK) {
        v->records++;
        v->with_entry += has_entry(&record);
    }
    if (err != ERR_NOT_FOUND) fault(v, "log: no record at %" PRId64 ": %s", v->end_phys, err_detail(err));
}

static void verify_entry(struct verify *v, const char *topic, int32_t id, int64_t offset_queue,
                         struct queue_entry entry) {
    struct record record;
    if (queue_entry_is_filler(&entry)) return;
    if (entry.offset_phys < log_min(&v->log)) {
        v->expired++;
    } else if (entry.offset_phys >= v->end_phys || record_at(&v->log, entry.offset_phys, &record) != ERR_OK) {
        fault(v, "queue %s/%d offset %" PRId64 ": no record at %" PRId64, topic, id, offset_queue, entry.offset_phys);
    } else if ((int64_t)record.size_bytes != entry.size_bytes) {
        fault(v, "queue %s/%d offset %" PRId64 ": size %d, the record has %u", topic, id, offset_queue,
              entry.size_bytes, record.size_bytes);
    } else if (bytes_is(record.topic, topic) && record.queue_id == id) {
        v->entries++;
        if (record.offset_queue != offset_queue)
            fault(v, "queue %s/%d offset %" PRId64 ": the record says %" PRId64, topic, id, offset_queue,
                  record.offset_queue);
    } else if (bytes_starts_with(bytes_of(topic), BYTES("%LMQ%"))) {
        v->copies++;
    } else {
        fault(v, "queue %s/%d offset %" PRId64 ": a record of %.*s/%d", topic, id, offset_queue,
              BYTES_ARG(record.topic), record.queue_id);
    }
}

static void verify_queue(struct verify *v, const char *dir, const char *topic, const char *id_text) {
    int32_t id;
    struct chain queue;
    if (!bytes_to_i32(bytes_of(id_text), &id)) return;
    enum err err = chain_open(dir, &queue);
    if (err != ERR_OK) {
        fault(v, "queue %s/%s: %s", topic, id_text, err_detail(err));
        return;
    }
    for (int64_t at = log_min(&queue);; at += QUEUE_ENTRY_BYTES) {
        struct bytes bytes = chain_at(&queue, at);
        if (bytes.len < QUEUE_ENTRY_BYTES) break;
        struct queue_entry entry = queue_entry_decode(bytes.data);
        if (entry.size_bytes <= 0) break;
        verify_entry(v, topic, id, at / QUEUE_ENTRY_BYTES, entry);
    }
    chain_close(&queue);
}

static enum err verify_queues(struct verify *v, const struct args *args) {
    const char **topics, **ids, *root = path_in(args->root, "consumequeue");
    size_t topic_count, id_count;
    TRY(file_list(&arena, root, &topics, &topic_count));
    for (size_t t = 0; t < topic_count; t++) {
        const char *dir = path_in(root, topics[t]);
        TRY(file_list(&arena, dir, &ids, &id_count));
        for (size_t i = 0; i < id_count; i++) verify_queue(v, path_in(dir, ids[i]), topics[t], ids[i]);
    }
    if (v->entries != v->with_entry)
        fault(v, "queues: %" PRId64 " records should have an entry, %" PRId64 " have", v->with_entry, v->entries);
    return ERR_OK;
}

/* Brokers since 5.4.0 index tags too, as "TOPIC#T#TAGS". @source shared facts: since-5.3.3 */
static bool record_has_hash(const struct record *record, int32_t hash) {
    struct bytes key = properties_get(record->properties, PROPERTY_UNIQ_KEY);
    if (key.len && index_hash(record->topic, key) == hash) return true;
    struct bytes tags = properties_get(record->properties, PROPERTY_TAGS);
    struct bytes tag_key = arena_printf(&arena, "T#%.*s", BYTES_ARG(tags));
    if (tags.len && index_hash(record->topic, tag_key) == hash) return true;
    struct bytes rest = properties_get(record->properties, PROPERTY_KEYS);
    while (bytes_split(&rest, ' ', &key))
        if (key.len && index_hash(record->topic, key) == hash) return true;
    return false;
}

static void verify_index_file(struct verify *v, const char *path) {
    struct index_view view;
    enum err err = index_view_open(path, &view);
    if (err == ERR_CORRUPT) fault(v, "index: %s", err_detail(err));
    for (int32_t number = 1; err == ERR_OK && number < view.count; number++) {
        int64_t offset_phys = index_entry_phys(&view, number);
        struct record record;
        v->index_entries++;
        if (offset_phys < log_min(&v->log)) continue;
        if (offset_phys >= v->end_phys || record_at(&v->log, offset_phys, &record) != ERR_OK)
            fault(v, "index: %s entry %d: no record at %" PRId64, path, number, offset_phys);
        else if (!record_has_hash(&record, load_i32be(index_entry_at(&view, number))))
            fault(v, "index: %s entry %d: the record at %" PRId64 " has no such key", path, number, offset_phys);
    }
    index_view_close(&view);
}

static int verify_store(const struct args *args) {
    struct verify v = {0};
    const char **names;
    size_t count;
    enum err err = open_log(args, &v.log);
    if (err != ERR_OK) return failed(err);
    verify_log(&v);
    err = verify_queues(&v, args);
    if (err == ERR_OK) err = list_index(args, &names, &count);
    if (err != ERR_OK) return failed(err);
    for (size_t i = 0; i < count; i++)
        verify_index_file(&v, arena_printf(&arena, "%s/index/%s", args->root, names[i]).data);
    printf("log %" PRId64 "..%" PRId64 ", records %" PRId64 ", queue entries %" PRId64 " (expired %" PRId64
           ", copies %" PRId64 "), index entries %" PRId64 ", faults %" PRId64 "\n",
           log_min(&v.log), v.end_phys, v.records, v.entries, v.expired, v.copies, v.index_entries, v.faults);
    chain_close(&v.log);
    return v.faults ? 1 : 0;
}

/* --- main ------------------------------------------------------------------------------------------------ */

static const struct command {
    const char *name, *args, *about;
    int (*run)(const struct args *args); /* exit status; -1 = words are missing */
} commands[] = {
    {"log", "[OFFSET [COUNT]]", "records of the commit log, a line each", show_log},
    {"record", "OFFSET", "everything of the record at a physical offset", show_record},
    {"queue", "TOPIC ID [OFFSET]", "entries of a consume queue", show_queue},
    {"index", "", "the index files", show_index},
    {"key", "TOPIC KEY", "records that the index has for a key, newest first", show_key},
    {"checkpoint", "", "the checkpoint, and whether the store was stopped cleanly", show_checkpoint},
    {"verify", "", "checks log, queues and index against each other; status 1 when they do not agree", verify_store},
};

static int usage(void) {
    fprintf(stderr, "usage: mqstore STORE COMMAND ...   STORE is the folder storePathRootDir names\n");
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        fprintf(stderr, "  %-10s %-18s %s\n", commands[i].name, commands[i].args, commands[i].about);
    return 2;
}

int main(int argc, char **argv) {
    if (argc < 3 || argc > 6) return usage();
    struct args args = {.root = argv[1]};
    for (int i = 3; i < argc; i++) args.words[i - 3] = argv[i];
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        if (strcmp(commands[i].name, argv[2]) == 0) {
            int status = commands[i].run(&args);
            arena_close(&arena);
            return status < 0 ? usage() : status;
        }
    return usage();
}
