/* similar.c - names by their distance. */
#include "base/similar.h"

#include "base/check.h"

enum { NAME_MAX_LEN = 64 };

static char lower(char c) {
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Levenshtein distance without regard to case; both at most NAME_MAX_LEN long. */
static size_t edit_distance(struct bytes a, struct bytes b) {
    size_t row[NAME_MAX_LEN + 1];
    for (size_t j = 0; j <= b.len; j++) row[j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            size_t above = row[j];
            size_t change = diagonal + (lower(a.data[i - 1]) != lower(b.data[j - 1]));
            row[j] = MIN(change, MIN(above, row[j - 1]) + 1);
            diagonal = above;
        }
    }
    return row[b.len];
}

struct similar similar_begin(struct bytes asked) {
    return (struct similar){.asked = asked, .best_distance = asked.len / 3 + 1};
}

void similar_consider(struct similar *similar, const char *name) {
    struct bytes text = bytes_of(name);
    if (text.len > NAME_MAX_LEN || similar->asked.len > NAME_MAX_LEN) return;
    size_t distance = edit_distance(similar->asked, text);
    if (distance >= similar->best_distance) return;
    similar->best_distance = distance;
    similar->best = name;
}
