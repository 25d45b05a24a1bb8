/* chain.h - a folder of numbered files, mapped for reading: the commit log, or one consume queue. And the log's
 * records. Nothing is recovered here: it shows what lies in the files. Everything lives as long as the process, or
 * until chain_close. */
#ifndef RMQ_TOOLS_MQSTORE_CHAIN_H
#define RMQ_TOOLS_MQSTORE_CHAIN_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/err.h"
#include "message/record.h"

extern struct arena mqstore_arena; /* paths and lists; freed with the process */

struct chain_part {
    int64_t start, size_bytes;
    const char *path;
    char *data;
};
struct chain {
    struct chain_part *parts;
    size_t count;
};
/* A missing folder is an empty chain. Names that are no numbers and empty files are passed over. */
enum err chain_open(const char *dir, struct chain *out) MUST_USE;
/* The commit log of the store at `root`; ERR_NOT_FOUND when there is none. */
enum err chain_open_log(const char *root, struct chain *out) MUST_USE;
void chain_close(struct chain *chain);
int64_t chain_min(const struct chain *chain);
/* From `offset` to the end of its file; absent when no file has it. */
struct bytes chain_at(const struct chain *chain, int64_t offset);
enum err chain_map_file(const char *path, char **data, int64_t *size_bytes) MUST_USE;
const char *chain_path(const char *dir, const char *name);

/* The record at that physical offset. ERR_NOT_FOUND: no file has it; ERR_CORRUPT: there is none, or another's. */
enum err chain_record_at(const struct chain *log, int64_t offset_phys, enum record_check check,
                         struct record *out) MUST_USE;
/* The record at *offset_phys, behind a blank mark that may lie there; *offset_phys moves behind it. ERR_NOT_FOUND: the
 * log ends at *offset_phys. ERR_CORRUPT: something else lies there. */
enum err chain_next_record(const struct chain *log, int64_t *offset_phys, struct record *out) MUST_USE;
/* Where the log goes on behind a place without a record: a good record, the mark at the end of a file, or the next
 * file. -1: nowhere. Looks 64 MiB ahead. */
int64_t chain_find_record(const struct chain *log, int64_t offset_phys);

#endif
