/* receipt.c - receipts as text */
#include "broker/pop/receipt.h"

#include <inttypes.h>
#include "base/check.h"

enum { WORDS_NEEDED = 4, WORD_KIND = 4, WORD_BROKER, WORD_QUEUE, WORD_OFFSET, WORDS_MAX };

static enum err number(struct bytes word, const char *name, int64_t *out) {
    if (bytes_to_i64(word, out)) return ERR_OK;
    return fail(ERR_BAD_INPUT, "extraInfo: %s is no number: \"%.*s\"", name, BYTES_ARG(word));
}

enum err receipt_parse(struct bytes text, struct receipt *out) {
    struct bytes words[WORDS_MAX] = {0};
    size_t count = 0;
    int64_t revive_queue, kind = RETRY_KIND_NONE, queue_id = 0;
    for (struct bytes rest = text; count < WORDS_MAX && bytes_split(&rest, ' ', &words[count]);) count++;
    if (count < WORDS_NEEDED)
        return fail(ERR_BAD_INPUT, "extraInfo has %zu words, not %d: \"%.*s\"", count, WORDS_NEEDED, BYTES_ARG(text));
    *out = (struct receipt){.offset_queue = -1, .broker_name = words[WORD_BROKER]};
    TRY(number(words[0], "startOffset", &out->start_offset));
    TRY(number(words[1], "popTime", &out->pop_time_ms));
    TRY(number(words[2], "invisibleTime", &out->invisible_ms));
    TRY(number(words[3], "reviveQid", &revive_queue));
    if (count > WORD_KIND) TRY(number(words[WORD_KIND], "retry", &kind));
    if (count > WORD_QUEUE) TRY(number(words[WORD_QUEUE], "queueId", &queue_id));
    if (count > WORD_OFFSET) TRY(number(words[WORD_OFFSET], "queueOffset", &out->offset_queue));
    if (revive_queue < 0 || revive_queue > INT32_MAX || queue_id < 0 || queue_id > INT32_MAX ||
        kind < RETRY_KIND_NONE || kind > RETRY_KIND_V2)
        return fail(ERR_BAD_INPUT, "extraInfo has a number out of range: \"%.*s\"", BYTES_ARG(text));
    out->revive_queue = (int32_t)revive_queue;
    out->kind = (enum retry_kind)kind;
    out->queue_id = (int32_t)queue_id;
    return ERR_OK;
}

int64_t receipt_invisible_ms(int64_t asked_ms) {
    const int64_t longest_ms = INT64_C(100) * 365 * 24 * 3600 * 1000;
    return MIN(MAX(asked_ms, 0), longest_ms);
}

struct bytes receipt_text(const struct receipt *receipt, struct arena *arena) {
    return arena_printf(arena, "%" PRId64 " %" PRId64 " %" PRId64 " %d %d %.*s %d %" PRId64, receipt->start_offset,
                        receipt->pop_time_ms, receipt->invisible_ms, receipt->revive_queue, (int)receipt->kind,
                        BYTES_ARG(receipt->broker_name), receipt->queue_id, receipt->offset_queue);
}
