/* lost_topics.c - a hash table whose oldest entry makes room */
#include "namesrv/lost_topics.h"

#include <stdlib.h>
#include <uthash.h>
#include "base/check.h"
#include "os/clock.h"

struct lost_topic {
    UT_hash_handle hh; /* by topic; the table keeps the order of the additions */
    char *topic, *broker_name;
    enum loss how;
    int64_t when_ms; /* monotonic */
};
struct lost_topics {
    struct lost_topic *topics;
};

static struct lost_topic *find(const struct lost_topics *lost, struct bytes topic) {
    struct lost_topic *found;
    HASH_FIND(hh, lost->topics, topic.data, topic.len, found);
    return found;
}

static void forget(struct lost_topics *lost, struct lost_topic *topic) {
    HASH_DEL(lost->topics, topic);
    free(topic->topic);
    free(topic->broker_name);
    free(topic);
}

struct lost_topics *lost_topics_create(void) {
    struct lost_topics *lost = calloc(1, sizeof *lost);
    must(lost != NULL);
    return lost;
}

void lost_topics_destroy(struct lost_topics *lost) {
    while (lost->topics != NULL) forget(lost, lost->topics);
    free(lost);
}

void lost_topics_add(struct lost_topics *lost, struct bytes topic, struct bytes broker_name, enum loss how) {
    lost_topics_found(lost, topic);
    if (HASH_COUNT(lost->topics) == LOST_TOPICS_MAX) forget(lost, lost->topics);
    struct lost_topic *added = calloc(1, sizeof *added);
    must(added != NULL);
    added->topic = bytes_dup(topic);
    added->broker_name = bytes_dup(broker_name);
    added->how = how;
    added->when_ms = clock_monotonic_ms();
    HASH_ADD_KEYPTR(hh, lost->topics, added->topic, topic.len, added);
}

void lost_topics_found(struct lost_topics *lost, struct bytes topic) {
    struct lost_topic *found = find(lost, topic);
    if (found != NULL) forget(lost, found);
}

bool lost_topics_tell(const struct lost_topics *lost, struct bytes topic, struct buf *out) {
    static const char *const hows[] = {
        [LOSS_UNREGISTERED] = "was shut down",
        [LOSS_DISCONNECTED] = "lost its connection",
        [LOSS_SILENT] = "was not heard of in its time and given up",
        [LOSS_UNLISTED] = "registered without it",
        [LOSS_DELETED] = "lost it to a request to delete it",
    };
    const struct lost_topic *found = find(lost, topic);
    if (found == NULL) return false;
    buf_printf(out, "the last broker that had it, %s, %s %lld s ago", found->broker_name, hows[found->how],
               (long long)(clock_monotonic_ms() - found->when_ms) / 1000);
    return true;
}
