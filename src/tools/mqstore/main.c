/* main.c - mqstore: looks into the files of a store, checks that they agree, and makes again what can be made from the
 * log. Works on stores of the Java broker too. Formats: docs/disk. */
#include <stdio.h>
#include <string.h>
#include "base/check.h"
#include "tools/mqstore/repair.h"
#include "tools/mqstore/show.h"
#include "tools/mqstore/survey.h"

static int verify(const struct mqstore_args *args) {
    struct survey survey;
    enum err err = survey_run(args->root, false, &survey);
    if (err == ERR_OK) survey_print(&survey);
    int status = err == ERR_OK ? survey.faults > 0 : show_failed(err);
    survey_close(&survey);
    return status;
}

static const struct command {
    const char *name, *args, *about;
    int (*run)(const struct mqstore_args *args); /* exit status; -1 = words are missing */
} commands[] = {
    {"log", "[OFFSET [COUNT]]", "records of the commit log, a line each", show_log},
    {"record", "OFFSET", "everything of the record at a physical offset", show_record},
    {"queue", "TOPIC ID [OFFSET]", "entries of a consume queue", show_queue},
    {"index", "[FILE]", "the index files, or the entries of one", show_index},
    {"key", "TOPIC KEY", "the index entries of a key and their records, newest first", show_key},
    {"checkpoint", "", "the checkpoint, and whether the store was stopped cleanly", show_checkpoint},
    {"verify", "", "checks log, queues and index against each other; status 1 when they do not agree", verify},
    {"repair", "[BROKER.CONF]", "makes queues and index again from the log of a stopped broker", repair_run},
};

static int usage(void) {
    fprintf(stderr, "usage: mqstore STORE COMMAND ...   STORE is the folder storePathRootDir names\n");
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        fprintf(stderr, "  %-10s %-18s %s\n", commands[i].name, commands[i].args, commands[i].about);
    return 2;
}

int main(int argc, char **argv) {
    if (argc < 3 || argc > 6) return usage();
    struct mqstore_args args = {.root = argv[1]};
    for (int i = 3; i < argc; i++) args.words[i - 3] = argv[i];
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        if (strcmp(commands[i].name, argv[2]) == 0) {
            int status = commands[i].run(&args);
            arena_close(&mqstore_arena);
            return status < 0 ? usage() : status;
        }
    return usage();
}
