/* state_file.h - a table kept in a JSON file under config/: read at start, written by a work thread when it changed.
 * The former content stays as <file>.bak, as the Java broker has it. @source shared facts: store 6 */
#ifndef RMQ_BROKER_STATE_FILE_H
#define RMQ_BROKER_STATE_FILE_H

#include <stdatomic.h>
#include "base/json.h"
#include "base/lock.h"
#include "broker/broker.h"

struct state_file {
    struct broker *broker;
    char *path;
    void *table;
    void (*write)(void *table, struct json_writer *w); /* one value; takes the table's own lock */
    /* What it says rests on messages (offsets of pops on checkpoints): it is written when the log is on disk up to
     * there, or a power cut could leave it ahead of them. */
    bool rests_on_log;
    bool spoiled; /* the file could not be read, its backup was: do not put the one over the other */
    atomic_bool changed, queued;
    struct lock saving; /* one writer at a time */
};
/* `name` is that of the file: "topics.json". */
void state_file_init(struct state_file *file, struct broker *broker, const char *name, void *table,
                     void (*write)(void *table, struct json_writer *w));
void state_file_close(struct state_file *file); /* saves what changed */
/* Parses the file, or its .bak when it is missing, empty or damaged (and says so in the log). *out is NULL when there
 * is neither. ERR_CORRUPT when both are there and neither can be read: starting would lose what they hold.
 * The tree lives in `arena`, its text in `text`. Waits for the disk. */
enum err state_file_load(struct state_file *file, struct arena *arena, struct buf *text,
                         const struct json **out) MUST_USE;
/* The table differs from the file: state_file_save writes it. @thread any */
void state_file_changed(struct state_file *file);
/* The same, and at once, on a work thread. @thread any */
void state_file_save_soon(struct state_file *file);
/* Writes it if it changed; a failure is logged and tried again by the next call. Waits for the disk. @thread work */
void state_file_save(struct state_file *file);

/* Writes a parsed value again, its members in the order they came. */
void json_write_tree(struct json_writer *w, const struct json *node);

#endif
