/* show.h - the commands that print what lies in a store. They read only, take no lock and recover nothing: they also
 * serve on the folder of a running broker, where the newest entries may be half written. Each returns the exit status
 * of the program; -1 = words are missing. */
#ifndef RMQ_TOOLS_MQSTORE_SHOW_H
#define RMQ_TOOLS_MQSTORE_SHOW_H

#include "base/err.h"

struct mqstore_args {
    const char *root;
    const char *words[3]; /* NULL when not given */
};
int show_log(const struct mqstore_args *args);        /* [OFFSET [COUNT]] */
int show_record(const struct mqstore_args *args);     /* OFFSET */
int show_queue(const struct mqstore_args *args);      /* TOPIC ID [OFFSET] */
int show_index(const struct mqstore_args *args);      /* [FILE] */
int show_key(const struct mqstore_args *args);        /* TOPIC KEY */
int show_checkpoint(const struct mqstore_args *args); /* */
/* Prints the detail; status 1. */
int show_failed(enum err err);

#endif
