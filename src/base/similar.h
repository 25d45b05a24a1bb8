/* similar.h - the name that was probably meant, for messages that refuse one. */
#ifndef RMQ_BASE_SIMILAR_H
#define RMQ_BASE_SIMILAR_H

#include "base/bytes.h"

struct similar {
    struct bytes asked;
    const char *best; /* NULL: none of those seen is close */
    size_t best_distance;
};
/* A name is close when less than a third of the letters asked for and one more must change; case does not count. */
struct similar similar_begin(struct bytes asked);
void similar_consider(struct similar *similar, const char *name);

#endif
