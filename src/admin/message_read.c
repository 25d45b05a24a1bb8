/* message_read.c - pull after pull until the end. */
#include "admin/message_read.h"

#include "admin/print.h"
#include "base/check.h"

static enum err take_block(struct message_reading *reading, struct message_block *block, bool *enough) {
    enum err err = ERR_OK;
    for (size_t i = 0; i < block->count && err == ERR_OK && !*enough; i++) {
        const rmq_message_ext_t *message = &block->messages[i];
        if (message->record.offset_queue >= reading->end) break;
        reading->next = message->record.offset_queue + 1;
        err = reading->each(message, reading->arg);
        reading->count++;
        *enough = reading->count_max > 0 && reading->count >= reading->count_max;
    }
    message_block_release(block);
    return err;
}

enum err message_read(struct message_reading *reading) {
    bool enough = false;
    reading->next = reading->begin;
    reading->count = 0;
    reading->status = RMQ_PULL_NO_NEW_MSG;
    while (!enough && reading->next < reading->end) {
        struct pull_answer answer;
        int64_t asked = reading->next;
        TRY(admin_pull(reading->admin, reading->place, reading->group, reading->subscription, asked, &answer));
        reading->status = answer.status;
        if (answer.status == RMQ_PULL_NO_NEW_MSG) return ERR_OK;
        if (answer.block) TRY(take_block(reading, answer.block, &enough));
        if (!enough) reading->next = answer.next_begin_offset;
        if (reading->next <= asked && !enough) /* it would never end */
            return fail(ERR_BAD_INPUT, "broker %.*s says to go on at offset %lld behind %lld",
                        BYTES_ARG(reading->place->address), (long long)reading->next, (long long)asked);
    }
    return ERR_OK;
}

enum err message_read_range(struct admin *admin, const struct queue_place *place, struct bytes begin, struct bytes end,
                            int64_t *first, int64_t *last) {
    int64_t time_ms;
    if (begin.data) {
        TRY(print_parse_time(begin, &time_ms));
        TRY(admin_search_offset(admin, place, time_ms, first));
    } else {
        TRY(admin_min_offset(admin, place, first));
    }
    if (!end.data) return admin_max_offset(admin, place, last);
    TRY(print_parse_time(end, &time_ms));
    return admin_search_offset(admin, place, time_ms, last);
}
