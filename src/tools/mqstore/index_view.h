/* index_view.h - a file of the key index as it lies there, of whatever sizes it was made with.
 * How many slots a file has is written nowhere: it follows from where the first and the last entry must be.
 * @source shared facts: store 4, since-5.3.3 7 */
#ifndef RMQ_TOOLS_MQSTORE_INDEX_VIEW_H
#define RMQ_TOOLS_MQSTORE_INDEX_VIEW_H

#include "base/bytes.h"
#include "base/err.h"
#include "message/record.h"
#include "store/index_file.h"

struct index_view {
    const char *path, *name;
    char *data;
    int64_t size_bytes;
    int32_t slots, entries, count; /* count: number of the next entry */
    int64_t begin_ms, end_ms, begin_phys, end_phys;
};
/* ERR_NOT_FOUND: without entries, as a file just made. ERR_CORRUPT: header and entries do not agree. */
enum err index_view_open(const char *dir, const char *name, struct index_view *view) MUST_USE;
void index_view_close(struct index_view *view);
/* All with entries, in the order of the log; of the others `bad` hears why. */
enum err index_view_list(const char *dir, void (*bad)(void *ctx, const char *why), void *ctx, struct index_view **views,
                         size_t *count) MUST_USE;

struct index_entry index_view_entry(const struct index_view *view, int32_t number);
int32_t index_view_slot(const struct index_view *view, int32_t slot);
/* Hash of "topic#key" as entries have it. */
int32_t index_view_hash(struct bytes topic, struct bytes key);
/* Hashes under which a record is indexed, each of which must be there, and that of its tags, which only brokers since
 * 5.4.0 index. {0} at first, used again and again, index_hashes_close in the end. */
struct index_hashes {
    int32_t *values;
    size_t count, cap;
    int32_t tags;
    bool has_tags;
};
void index_hashes_of(const struct record *record, struct index_hashes *out);
void index_hashes_close(struct index_hashes *hashes);

#endif
