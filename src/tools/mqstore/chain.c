/* chain.c - mapping, and finding one's way through a log that may be damaged. */
#include "tools/mqstore/chain.h"

#include <inttypes.h>
#include "base/check.h"
#include "base/endian.h"
#include "os/file.h"
#include "store/mapped_file.h"

enum { SEARCH_BYTES = 64 << 20, BLANK_MARK_BYTES = 8 };

struct arena mqstore_arena;

const char *chain_path(const char *dir, const char *name) {
    return arena_printf(&mqstore_arena, "%s/%s", dir, name).data;
}

enum err chain_map_file(const char *path, char **data, int64_t *size_bytes) {
    int fd;
    TRY(file_open(path, FILE_READ_ONLY, &fd));
    enum err err = file_size(fd, size_bytes);
    *data = NULL;
    if (err == ERR_OK && *size_bytes > 0) err = file_map(fd, path, *size_bytes, false, data);
    file_close(fd);
    return err;
}

enum err chain_open(const char *dir, struct chain *out) {
    const char **names;
    size_t count;
    *out = (struct chain){0};
    TRY(file_list(&mqstore_arena, dir, &names, &count));
    out->parts = arena_calloc(&mqstore_arena, count + 1, sizeof *out->parts);
    for (size_t i = 0; i < count; i++) {
        struct chain_part *part = &out->parts[out->count];
        if (!mapped_file_parse_name(bytes_of(names[i]), &part->start)) continue;
        part->path = chain_path(dir, names[i]);
        TRY(chain_map_file(part->path, &part->data, &part->size_bytes));
        if (part->data) out->count++;
    }
    return ERR_OK;
}

enum err chain_open_log(const char *root, struct chain *out) {
    TRY(chain_open(chain_path(root, "commitlog"), out));
    return out->count > 0 ? ERR_OK : fail(ERR_NOT_FOUND, "%s/commitlog: no commit log files", root);
}

void chain_close(struct chain *chain) {
    for (size_t i = 0; i < chain->count; i++) file_unmap(chain->parts[i].data, chain->parts[i].size_bytes);
    chain->count = 0;
}

int64_t chain_min(const struct chain *chain) {
    return chain->count ? chain->parts[0].start : 0;
}

static const struct chain_part *part_of(const struct chain *chain, int64_t offset) {
    size_t low = 0, high = chain->count; /* the last part that starts at or before it */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (chain->parts[middle].start <= offset)
            low = middle + 1;
        else
            high = middle;
    }
    const struct chain_part *part = low > 0 ? &chain->parts[low - 1] : NULL;
    return part && offset - part->start < part->size_bytes ? part : NULL;
}

struct bytes chain_at(const struct chain *chain, int64_t offset) {
    const struct chain_part *part = part_of(chain, offset);
    if (!part) return (struct bytes){0};
    int64_t at = offset - part->start;
    return bytes_make(part->data + at, (size_t)(part->size_bytes - at));
}

/* --- records --------------------------------------------------------------------------------------------- */

enum err chain_record_at(const struct chain *log, int64_t offset_phys, enum record_check check, struct record *out) {
    struct bytes bytes = chain_at(log, offset_phys);
    if (!bytes.data) return fail(ERR_NOT_FOUND, "the log has no offset %" PRId64, offset_phys);
    TRY(record_decode(bytes, check, out));
    if (out->offset_phys != offset_phys)
        return fail(ERR_CORRUPT, "the record at %" PRId64 " says it lies at %" PRId64, offset_phys, out->offset_phys);
    return ERR_OK;
}

static bool is_blank_mark(struct bytes bytes) {
    return bytes.len >= BLANK_MARK_BYTES && load_u32be(bytes.data + RECORD_AT_MAGIC) == RECORD_MAGIC_BLANK;
}

enum err chain_next_record(const struct chain *log, int64_t *offset_phys, struct record *out) {
    struct bytes bytes;
    while (is_blank_mark(bytes = chain_at(log, *offset_phys))) *offset_phys += (int64_t)bytes.len;
    if (bytes.len < BLANK_MARK_BYTES || load_u64be(bytes.data) == 0) return fail(ERR_NOT_FOUND, "end of the log");
    TRY(chain_record_at(log, *offset_phys, RECORD_CHECK_BODY_CRC, out));
    *offset_phys += out->size_bytes;
    return ERR_OK;
}

static bool goes_on_at(const struct chain *log, int64_t offset_phys) {
    struct bytes bytes = chain_at(log, offset_phys);
    struct record record;
    if (bytes.len < RECORD_FIXED_V1_IPV4) return false;
    uint32_t magic = load_u32be(bytes.data + RECORD_AT_MAGIC);
    return (magic == RECORD_MAGIC_V1 || magic == RECORD_MAGIC_V2) &&
           chain_record_at(log, offset_phys, RECORD_CHECK_BODY_CRC, &record) == ERR_OK;
}

static bool ends_file(struct bytes bytes) {
    return is_blank_mark(bytes) && load_u32be(bytes.data) == bytes.len;
}

int64_t chain_find_record(const struct chain *log, int64_t offset_phys) {
    struct bytes rest = chain_at(log, offset_phys);
    int64_t reach = MIN((int64_t)rest.len - BLANK_MARK_BYTES, SEARCH_BYTES);
    for (int64_t i = 1; i <= reach; i++) {
        /* both magics and the mark begin with a byte that is rare enough */
        unsigned char first = (unsigned char)rest.data[i + RECORD_AT_MAGIC];
        if (first != RECORD_MAGIC_V1 >> 24 && first != RECORD_MAGIC_BLANK >> 24) continue;
        struct bytes at = bytes_skip(rest, (size_t)i);
        if (goes_on_at(log, offset_phys + i) || ends_file(at)) return offset_phys + i;
    }
    int64_t next_file = offset_phys + (int64_t)rest.len;
    return goes_on_at(log, next_file) ? next_file : -1;
}
