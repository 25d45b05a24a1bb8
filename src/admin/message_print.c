/* message_print.c - MessageExt.toString of 5.x and the label lines of the queryMsgBy commands.
 * @source shared golden outputs: mqadmin printMsg, queryMsgById; apache/rocketmq common/.../message/MessageExt.java */
#include "admin/message_print.h"

#include <iconv.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "admin/print.h"
#include "base/check.h"
#include "base/hash.h"
#include "os/file.h"

#define BODY_DIR "/tmp/rocketmq/msgbodys"

/* ---- bodies -------------------------------------------------------------------------------------------- */

static struct bytes body_of(const rmq_message_ext_t *message) {
    size_t size;
    const void *body = rmq_message_ext_body(message, &size);
    return bytes_make(body, size);
}

enum err message_text(struct bytes text, struct bytes charset, struct buf *out) {
    if (!charset.data) {
        buf_append_bytes(out, text);
        return ERR_OK;
    }
    char name[64];
    snprintf(name, sizeof name, "%.*s", BYTES_ARG(charset));
    iconv_t conversion = iconv_open("UTF-8", name);
    if (conversion == (iconv_t)-1) return fail(ERR_BAD_PARAMETER, "no character set %s here: see iconv -l", name);
    char *from = (char *)(uintptr_t)text.data;
    size_t left = text.len;
    while (left > 0) {
        enum { ROOM = 256 };
        char *to = buf_reserve(out, ROOM), *end = to;
        size_t room = ROOM, before = left;
        (void)iconv(conversion, &from, &left, &end, &room);
        out->len += (size_t)(end - to);
        if (left < before || end > to) continue;
        buf_append_char(out, '?'); /* neither read nor written: this byte begins nothing */
        from++;
        left--;
    }
    iconv_close(conversion);
    return ERR_OK;
}

/* ---- toString ------------------------------------------------------------------------------------------ */

struct property {
    const char *name, *value;
    uint32_t bucket;
    size_t number;
};

static int by_bucket(const void *a, const void *b) {
    const struct property *left = a, *right = b;
    if (left->bucket != right->bucket) return left->bucket < right->bucket ? -1 : 1;
    return (left->number > right->number) - (left->number < right->number);
}

static void add_property(struct property *properties, size_t *count, const char *name, const char *value) {
    for (size_t i = 0; i < *count; i++) {
        if (strcmp(properties[i].name, name) != 0) continue;
        properties[i].value = value;
        return;
    }
    properties[*count] = (struct property){.name = name, .value = value, .number = *count};
    ++*count;
}

/* In the order of a java.util.HashMap made for 128, so that outputs can be compared. */
static void sort_as_java(struct property *properties, size_t count) {
    uint32_t buckets = 128;
    while (count > buckets / 4 * 3) buckets *= 2;
    for (size_t i = 0; i < count; i++) {
        uint32_t hash = (uint32_t)java_string_hash(bytes_of(properties[i].name));
        properties[i].bucket = (hash ^ hash >> 16) & (buckets - 1);
    }
    if (count > 0) qsort(properties, count, sizeof *properties, by_bucket);
}

static void print_properties(FILE *out, const rmq_message_ext_t *message) {
    const char *name, *value;
    size_t room = 2, count = 0;
    char min[24], max[24];
    for (size_t at = 0; (at = rmq_message_ext_next_property(message, at, &name, &value)) != 0;) room++;
    struct property *properties = calloc(room, sizeof *properties);
    must(properties);
    for (size_t at = 0; (at = rmq_message_ext_next_property(message, at, &name, &value)) != 0;)
        add_property(properties, &count, name, value);
    if (message->min_offset >= 0) {
        snprintf(min, sizeof min, "%" PRId64, message->min_offset);
        snprintf(max, sizeof max, "%" PRId64, message->max_offset);
        add_property(properties, &count, "MIN_OFFSET", min);
        add_property(properties, &count, "MAX_OFFSET", max);
    }
    sort_as_java(properties, count);
    for (size_t i = 0; i < count; i++)
        fprintf(out, "%s%s=%s", i > 0 ? ", " : "", properties[i].name, properties[i].value);
    free(properties);
}

static void print_body_bytes(FILE *out, struct bytes body) {
    for (size_t i = 0; i < body.len; i++) fprintf(out, "%s%d", i > 0 ? ", " : "", (signed char)body.data[i]);
}

enum err message_print_line(FILE *out, const rmq_message_ext_t *message, bool with_body, struct bytes charset) {
    const struct record *record = &message->record;
    char born[64], store[64];
    struct buf body = {0};
    TRY(message_text(body_of(message), charset, &body));
    fprintf(out, "MSGID: %s MessageExt [brokerName=%s, queueId=%d, storeSize=%u, queueOffset=%" PRId64 ", sysFlag=%d",
            message->msg_id, message->broker_name, record->queue_id, record->size_bytes, record->offset_queue,
            record->sys_flag);
    fprintf(out, ", bornTimestamp=%" PRId64 ", bornHost=/%s, storeTimestamp=%" PRId64 ", storeHost=/%s",
            record->born_time_ms, host_text(&record->born_host, born), record->store_time_ms,
            host_text(&record->store_host, store));
    fprintf(out, ", msgId=%s, commitLogOffset=%" PRId64 ", bodyCRC=%d, reconsumeTimes=%d", message->offset_id,
            record->offset_phys, record->body_crc, record->reconsume_times);
    fprintf(out, ", preparedTransactionOffset=%" PRId64 ", toString()=Message{topic='%s', flag=%d, properties={",
            record->prepared_offset, message->topic, record->flag);
    print_properties(out, message);
    fprintf(out, "}, body=[");
    print_body_bytes(out, body_of(message));
    fprintf(out, "], transactionId='null'}] BODY: ");
    if (with_body)
        fwrite(buf_bytes(&body).data, 1, body.len, out);
    else
        fprintf(out, "NOT PRINT BODY");
    fputc('\n', out);
    buf_close(&body);
    return ERR_OK;
}

/* ---- details ------------------------------------------------------------------------------------------- */

/* The id is the producer's: nothing in it may lead out of the folder. */
static struct bytes body_path(struct admin *admin, const rmq_message_ext_t *message, size_t number) {
    char *id = arena_strdup(&admin->arena, bytes_of(message->msg_id));
    for (char *at = id; *at; at++)
        if (*at == '/' || *at == '.') *at = '_';
    if (number == 0) return arena_printf(&admin->arena, BODY_DIR "/%.200s", id);
    return arena_printf(&admin->arena, BODY_DIR "/%.200s_%zu", id, number);
}

static void print_label(FILE *out, const char *label, const char *value) {
    fprintf(out, "%-20s %s\n", label, value);
}

static void print_number(FILE *out, const char *label, int64_t value) {
    fprintf(out, "%-20s %" PRId64 "\n", label, value);
}

static void print_text_or_null(FILE *out, const char *label, const char *value) {
    fprintf(out, "%-20s [%s]\n", label, value ? value : "null");
}

static void print_times_and_hosts(struct admin *admin, const struct record *record) {
    char host[64];
    print_label(admin->out, "Born Timestamp:", print_time(&admin->arena, record->born_time_ms, TIME_MILLIS).data);
    print_label(admin->out, "Store Timestamp:", print_time(&admin->arena, record->store_time_ms, TIME_MILLIS).data);
    print_label(admin->out, "Born Host:", host_text(&record->born_host, host));
    print_label(admin->out, "Store Host:", host_text(&record->store_host, host));
}

enum err message_print_details(struct admin *admin, const rmq_message_ext_t *message, bool with_offset_id,
                               size_t number, struct bytes charset) {
    const struct record *record = &message->record;
    FILE *out = admin->out;
    struct buf body = {0};
    if (charset.data) TRY(message_text(body_of(message), charset, &body));
    if (with_offset_id) print_label(out, "OffsetID:", message->offset_id);
    print_label(out, "Topic:", message->topic);
    print_text_or_null(out, "Tags:", rmq_message_ext_tag(message));
    print_text_or_null(out, "Keys:", rmq_message_ext_keys(message));
    print_number(out, "Queue ID:", record->queue_id);
    print_number(out, "Queue Offset:", record->offset_queue);
    print_number(out, "CommitLog Offset:", record->offset_phys);
    print_number(out, "Reconsume Times:", record->reconsume_times);
    print_times_and_hosts(admin, record);
    print_number(out, "System Flag:", record->sys_flag);
    fprintf(out, "%-20s {", "Properties:");
    print_properties(out, message);
    fprintf(out, "}\n");
    const char *path = body_path(admin, message, number).data;
    print_label(out, "Message Body Path:", path);
    if (charset.data) fprintf(out, "%-20s %.*s\n", "Message Body:", BYTES_ARG(buf_bytes(&body)));
    buf_close(&body);
    fprintf(out, "\n\n");
    TRY(file_make_dirs(BODY_DIR));
    return file_replace(path, body_of(message), false);
}
