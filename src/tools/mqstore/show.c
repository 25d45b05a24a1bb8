/* show.c - what lies at a place of a store, in lines. */
#include "tools/mqstore/show.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include "base/check.h"
#include "base/endian.h"
#include "message/msgid.h"
#include "message/properties.h"
#include "os/file.h"
#include "store/checkpoint.h"
#include "store/consumequeue.h"
#include "tools/mqstore/chain.h"
#include "tools/mqstore/index_view.h"

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

/* --- commands -------------------------------------------------------------------------------------------- */

int show_failed(enum err err) {
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

int show_record(const struct mqstore_args *args) {
    struct chain log;
    struct record record;
    enum err err = chain_open_log(args->root, &log);
    if (err == ERR_OK) err = chain_record_at(&log, number_or(args->words[0], 0), RECORD_CHECK_BODY_CRC, &record);
    if (err != ERR_OK) return show_failed(err);
    print_record(&record);
    chain_close(&log);
    return 0;
}

int show_log(const struct mqstore_args *args) {
    struct chain log;
    enum err err = chain_open_log(args->root, &log);
    if (err != ERR_OK) return show_failed(err);
    int64_t offset_phys = number_or(args->words[0], chain_min(&log)), left = number_or(args->words[1], INT64_MAX);
    struct record record;
    for (; left > 0 && (err = chain_next_record(&log, &offset_phys, &record)) == ERR_OK; left--) print_line(&record);
    if (err == ERR_NOT_FOUND)
        printf("%" PRId64 " end of the log\n", offset_phys);
    else if (err != ERR_OK)
        printf("%" PRId64 " no record: %s\n", offset_phys, err_detail(err));
    chain_close(&log);
    return 0;
}

static enum err open_queue(const char *root, const char *topic, const char *id, enum queue_kind *kind,
                           struct chain *out) {
    for (*kind = QUEUE_SIMPLE; *kind < QUEUE_KINDS; ++*kind) {
        struct bytes path = arena_printf(&mqstore_arena, "%s/%s/%s/%s", root, queue_folders[*kind], topic, id);
        TRY(chain_open(path.data, out));
        if (out->count > 0) return ERR_OK;
    }
    return fail(ERR_NOT_FOUND, "no queue %s of topic %s", id, topic);
}

int show_queue(const struct mqstore_args *args) {
    const char *topic = args->words[0], *id = args->words[1];
    if (!topic || !id) return -1;
    struct chain queue, log;
    enum queue_kind kind;
    enum err err = open_queue(args->root, topic, id, &kind, &queue);
    if (err == ERR_OK) err = chain_open_log(args->root, &log);
    if (err != ERR_OK) return show_failed(err);
    int64_t entry_bytes = queue_entry_bytes(kind), first = chain_min(&queue) / entry_bytes;
    int64_t from = number_or(args->words[2], 0), slot = kind == QUEUE_SIMPLE ? MAX(first, from) : first;
    for (;; slot++) {
        struct bytes bytes = chain_at(&queue, slot * entry_bytes);
        if ((int64_t)bytes.len < entry_bytes) break;
        struct queue_entry entry = queue_entry_decode(kind, slot, bytes.data);
        if (entry.size_bytes <= 0) break;
        if (queue_entry_end(&entry) <= from) continue;
        printf("%" PRId64 " phys=%" PRId64 " size=%d tagsCode=%" PRId64, entry.offset_queue, entry.offset_phys,
               entry.size_bytes, entry.tags_code);
        if (kind == QUEUE_BATCH) printf(" messages=%d stored=%s", entry.count, time_text(entry.store_time_ms));
        struct record record;
        if (queue_entry_is_filler(&entry))
            puts(" filler");
        else if (entry.offset_phys < chain_min(&log))
            puts(" expired");
        else if (chain_record_at(&log, entry.offset_phys, RECORD_CHECK_BODY_CRC, &record) != ERR_OK)
            puts(" NO RECORD");
        else
            putchar('\n');
    }
    chain_close(&queue);
    chain_close(&log);
    return 0;
}

static void print_bad_index(void *ctx, const char *why) {
    (void)ctx;
    puts(why);
}

static enum err list_index(const struct mqstore_args *args, struct index_view **views, size_t *count) {
    return index_view_list(chain_path(args->root, "index"), print_bad_index, NULL, views, count);
}

static void print_index(const struct index_view *view) {
    printf("%s slots=%d entries=%d of %d phys=%" PRId64 "..%" PRId64 " stored=%s..%s\n", view->name, view->slots,
           view->count - 1, view->entries - 1, view->begin_phys, view->end_phys, time_text(view->begin_ms),
           time_text(view->end_ms));
}

static void print_entry(const struct index_view *view, int32_t number) {
    struct index_entry entry = index_view_entry(view, number);
    printf("%s entry=%d hash=%d phys=%" PRId64 " after=%ds prev=%d", view->name, number, entry.hash, entry.offset_phys,
           entry.after_s, entry.prev);
}

int show_index(const struct mqstore_args *args) {
    struct index_view *views;
    size_t count, shown = 0;
    enum err err = list_index(args, &views, &count);
    if (err != ERR_OK) return show_failed(err);
    for (size_t i = 0; i < count; i++) {
        if (args->words[0] && strcmp(args->words[0], views[i].name) != 0) continue;
        print_index(&views[i]);
        shown++;
        for (int32_t number = 1; args->words[0] && number < views[i].count; number++) {
            print_entry(&views[i], number);
            putchar('\n');
        }
    }
    for (size_t i = 0; i < count; i++) index_view_close(&views[i]);
    if (args->words[0] && shown == 0) return show_failed(fail(ERR_NOT_FOUND, "no index file %s", args->words[0]));
    return 0;
}

/* The chain of the slot, newest first; of it the entries with that hash. */
static void print_chain(const struct index_view *view, int32_t hash, const struct chain *log) {
    int32_t number = index_view_slot(view, hash % view->slots), newer = view->count;
    for (; number > 0 && number < newer; newer = number, number = index_view_entry(view, newer).prev) {
        struct index_entry entry = index_view_entry(view, number);
        if (entry.hash != hash) continue;
        struct record record;
        print_entry(view, number);
        putchar(' ');
        if (chain_record_at(log, entry.offset_phys, RECORD_CHECK_BODY_CRC, &record) == ERR_OK)
            print_line(&record);
        else
            puts("NO RECORD");
    }
}

/* All hash matches: a record with another key of the same hash shows too. */
int show_key(const struct mqstore_args *args) {
    if (!args->words[0] || !args->words[1]) return -1;
    struct chain log;
    struct index_view *views;
    size_t count;
    enum err err = chain_open_log(args->root, &log);
    if (err == ERR_OK) err = list_index(args, &views, &count);
    if (err != ERR_OK) return show_failed(err);
    int32_t hash = index_view_hash(bytes_of(args->words[0]), bytes_of(args->words[1]));
    for (size_t i = count; i > 0; i--) print_chain(&views[i - 1], hash, &log);
    for (size_t i = 0; i < count; i++) index_view_close(&views[i]);
    chain_close(&log);
    return 0;
}

int show_checkpoint(const struct mqstore_args *args) {
    struct buf content = {0};
    enum err err = file_read_all(chain_path(args->root, "checkpoint"), 2 * CHECKPOINT_SIZE_BYTES, &content);
    if (err == ERR_OK && content.len != CHECKPOINT_SIZE_BYTES)
        err = fail(ERR_CORRUPT, "checkpoint has %zu bytes, not %d", content.len, CHECKPOINT_SIZE_BYTES);
    if (err == ERR_OK) {
        const char *names[] = {"physicMsgTimestamp", "logicsMsgTimestamp", "indexMsgTimestamp"};
        for (size_t i = 0; i < ARRAY_LEN(names); i++)
            printf("%-19s %s\n", names[i], time_text(load_i64be(content.data + 8 * i)));
        printf("masterFlushedOffset %" PRId64 "\n", load_i64be(content.data + 24));
        printf("confirmPhyOffset    %" PRId64 "\n", load_i64be(content.data + 32));
        printf("logicsPhyOffset     %" PRId64 "\n", load_i64be(content.data + 40));
        printf("abort file          %s\n",
               file_exists(chain_path(args->root, "abort")) ? "present: no clean stop" : "none");
    }
    buf_close(&content);
    return err == ERR_OK ? 0 : show_failed(err);
}
