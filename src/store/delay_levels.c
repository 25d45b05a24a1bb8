/* delay_levels.c - "10m" to milliseconds. */
#include "store/delay_levels.h"

#include "base/check.h"

/* "10s" to 10000; false if it is none. */
static bool parse_delay(struct bytes text, int64_t *delay_ms) {
    static const struct {
        char letter;
        int64_t ms;
    } units[] = {{'s', 1000}, {'m', 60 * 1000}, {'h', 60 * 60 * 1000}, {'d', 24 * 60 * 60 * 1000}};
    int64_t number;
    if (text.len < 2 || !bytes_to_i64(bytes_make(text.data, text.len - 1), &number)) return false;
    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        if (text.data[text.len - 1] == units[i].letter)
            return number >= 0 && !__builtin_mul_overflow(number, units[i].ms, delay_ms);
    }
    return false;
}

enum err delay_levels_parse(struct bytes text, struct delay_levels *out) {
    *out = (struct delay_levels){0};
    struct bytes rest = bytes_trim(text), item;
    while (bytes_split(&rest, ' ', &item)) {
        if (item.len == 0) continue;
        if (out->count == DELAY_LEVELS_MAX)
            return fail(ERR_BAD_CONFIG, "messageDelayLevel has more than %d levels", DELAY_LEVELS_MAX);
        if (!parse_delay(item, &out->delay_ms[out->count]))
            return fail(ERR_BAD_CONFIG, "messageDelayLevel: \"%.*s\" is no delay; write a number and s, m, h or d",
                        BYTES_ARG(item));
        out->count++;
    }
    return ERR_OK;
}

int64_t delay_levels_due_ms(const struct delay_levels *levels, int64_t level, int64_t store_time_ms) {
    if (level > levels->count) level = levels->count;
    return store_time_ms + (level > 0 ? levels->delay_ms[level - 1] : 1000);
}
