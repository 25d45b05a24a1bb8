/* cmd_print_msg_by_queue.c - printMsgByQueue: the messages of one queue by tags and times, or their number by tag. */
#include <stdlib.h>
#include <string.h>
#include "admin/admin.h"
#include "admin/cmd.h"
#include "admin/message_print.h"
#include "admin/message_read.h"

struct tag_count {
    const char *tag;
    int64_t count;
};
struct printing {
    struct admin *admin;
    const struct args_print_msg_by_queue *args;
    struct tag_count *tags;
    size_t tag_count, tag_cap;
};

static void count_tag(struct printing *printing, const char *tag) {
    for (size_t i = 0; i < printing->tag_count; i++) {
        if (strcmp(printing->tags[i].tag, tag) != 0) continue;
        printing->tags[i].count++;
        return;
    }
    if (printing->tag_count == printing->tag_cap) {
        size_t cap = printing->tag_cap ? printing->tag_cap * 2 : 16;
        struct tag_count *more = arena_calloc(&printing->admin->arena, cap, sizeof *more);
        for (size_t i = 0; i < printing->tag_count; i++) more[i] = printing->tags[i];
        printing->tags = more;
        printing->tag_cap = cap;
    }
    printing->tags[printing->tag_count++] = (struct tag_count){arena_strdup(&printing->admin->arena, bytes_of(tag)), 1};
}

static enum err take_message(const rmq_message_ext_t *message, void *arg) {
    struct printing *printing = arg;
    const char *tag = rmq_message_ext_tag(message);
    if (printing->args->count && tag) count_tag(printing, tag);
    if (!printing->args->print) return ERR_OK;
    return message_print_line(printing->admin->out, message, printing->args->body, printing->args->charset);
}

/* Most frequent first. */
static int by_count(const void *a, const void *b) {
    const struct tag_count *left = a, *right = b;
    if (left->count != right->count) return left->count > right->count ? -1 : 1;
    return strcmp(left->tag, right->tag);
}

static void print_counts(struct printing *printing) {
    if (printing->tag_count > 0) qsort(printing->tags, printing->tag_count, sizeof *printing->tags, by_count);
    for (size_t i = 0; i < printing->tag_count; i++)
        fprintf(printing->admin->out, "Tag: %-30s Count: %lld\n", printing->tags[i].tag,
                (long long)printing->tags[i].count);
}

enum err cmd_print_msg_by_queue(struct admin *admin, const struct args_print_msg_by_queue *args) {
    struct printing printing = {.admin = admin, .args = args};
    struct subscription subscription;
    struct queue_place place;
    if (!args->print && !args->count)
        return fail(ERR_BAD_PARAMETER, "nothing to do: give -p true to print the messages, -f true to count them");
    TRY(subscription_parse(&admin->arena, args->topic, args->expression.data ? args->expression : BYTES("*"),
                           (struct bytes){0}, &subscription));
    TRY(admin_find_queue(admin, args->topic, args->topic, args->broker_name, (int32_t)args->queue_id, &place));
    struct message_reading reading = {.admin = admin,
                                      .place = &place,
                                      .group = BYTES(TOOLS_CONSUMER_GROUP),
                                      .subscription = &subscription,
                                      .each = take_message,
                                      .arg = &printing};
    TRY(message_read_range(admin, &place, args->begin, args->end, &reading.begin, &reading.end));
    TRY(message_read(&reading));
    print_counts(&printing);
    return ERR_OK;
}
