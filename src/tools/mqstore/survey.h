/* survey.h - what there is in a store, and what of it does not agree: one pass over the log and the index side by side,
 * one over the queues. Memory: a few dozen bytes a queue. */
#ifndef RMQ_TOOLS_MQSTORE_SURVEY_H
#define RMQ_TOOLS_MQSTORE_SURVEY_H

#include "store/store.h"
#include "tools/mqstore/chain.h"
#include "tools/mqstore/index_view.h"

/* A stretch of the log without a readable record, between records that are fine. */
struct survey_gap {
    int64_t from, to;  /* physical */
    int64_t before_ms; /* store time of the record before it */
    bool to_file_end;
};
/* What the log holds of a queue. A queue whose topic was deleted and made again begins anew: that counts alone. */
struct survey_queue;

struct survey {
    const char *root;
    bool quiet; /* prints no fault */
    struct chain log;
    int64_t end_phys, files_end_phys; /* behind the last record, behind the last file */
    struct survey_gap *gaps;
    size_t gap_count, gap_cap;
    struct survey_queue *queues; /* by topic and id */
    struct index_view *views;
    size_t view_count;
    const char **batch_topics; /* whose queues have batches: few */
    size_t batch_topic_count;
    size_t at_view; /* next entry to be compared */
    int32_t at_entry;
    int64_t entry_phys; /* of the last one */
    struct index_hashes hashes;
    int64_t records, entries, expired, copies, index_entries, faults;
    int64_t unindexed, unindexed_from, unindexed_to, unqueued;
};
/* Looks at everything and prints a line for each fault. ERR_NOT_FOUND: no log, ERR_IO; faults are no error. */
enum err survey_run(const char *root, bool quiet, struct survey *out) MUST_USE;
void survey_close(struct survey *survey);
bool survey_has_batches(const struct survey *survey, struct bytes topic);
/* "log 0..796272, records 517, ..., faults 0", and notes. */
void survey_print(const struct survey *survey);

/* A queue that the log has records of. */
struct survey_found {
    const char *topic;
    int32_t queue_id;
    enum queue_kind kind;
    bool begun_anew; /* its topic was deleted once, and made again */
    bool there;      /* has files */
    bool known;      /* topics.json has its topic */
};
void survey_each_queue(const struct survey *survey, void (*visit)(void *ctx, const struct survey_found *found),
                       void *ctx);

#endif
