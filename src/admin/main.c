/* main.c - the program mqadmin: finds the command, parses its options, runs it.
 * Exit status: 0 done, 1 the command line is wrong, the command failed, or a part of it did. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "admin/admin.h"
#include "admin/args.h"
#include "admin/cmd.h"
#include "admin/usage.h"
#include "base/check.h"

static void print_and_close(FILE *out, struct buf *text) {
    fwrite(buf_bytes(text).data, 1, text->len, out);
    buf_close(text);
}

static int show_commands(void) {
    struct buf text = {0};
    usage_of_all(&text);
    print_and_close(stdout, &text);
    return EXIT_SUCCESS;
}

static void show_usage(const struct cmd *command) {
    struct buf text = {0};
    usage_of_command(command, &text);
    print_and_close(stdout, &text);
}

static int refuse_command(const char *name, const char *nearest) {
    printf("The sub command %s not exist.\n", name);
    fflush(stdout);
    if (nearest) fprintf(stderr, "mqadmin: did you mean %s?\n", nearest);
    fprintf(stderr, "mqadmin: 'mqadmin help' lists all commands\n");
    return EXIT_FAILURE;
}

static int show_help(const char *name) {
    const char *nearest;
    const struct cmd *command = cmd_find(bytes_of(name), &nearest);
    if (!command) return refuse_command(name, nearest);
    show_usage(command);
    return EXIT_SUCCESS;
}

static int tell(const struct cmd *command, enum err err) {
    fflush(stdout);
    fprintf(stderr, "mqadmin %s: %s\n", command->name, err_detail(err));
    return EXIT_FAILURE;
}

static int run(const struct cmd *command, const void *args, struct bytes name_servers) {
    struct admin admin;
    enum err err = admin_open(&admin, name_servers, stdout);
    if (err == ERR_OK) err = command->run(&admin, args);
    int status = err == ERR_OK ? EXIT_SUCCESS : tell(command, err);
    if (admin.problems > 0) status = EXIT_FAILURE;
    if (admin.client) admin_close(&admin);
    return status;
}

static int run_words(const struct cmd *command, int argc, char **argv) {
    struct common_args common;
    void *args = calloc(1, command->args_size + 1); /* some have no options */
    must(args);
    int status = EXIT_SUCCESS;
    enum err err = args_parse(command, argc, argv, args, &common);
    if (err != ERR_OK) {
        fprintf(stderr, "%s\n", err_detail(err));
        status = EXIT_FAILURE;
    }
    if (err != ERR_OK || common.help)
        show_usage(command);
    else
        status = run(command, args, common.name_servers);
    free(args);
    return status;
}

int main(int argc, char **argv) {
    int status;
    const char *nearest;
    if (argc < 2 ||
        (argc == 2 && (strcmp(argv[1], "help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "--help") == 0))) {
        status = show_commands();
    } else if (strcmp(argv[1], "help") == 0) {
        status = show_help(argv[2]);
    } else {
        const struct cmd *command = cmd_find(bytes_of(argv[1]), &nearest);
        status = command ? run_words(command, argc - 2, argv + 2) : refuse_command(argv[1], nearest);
    }
    if (fflush(stdout) != 0 || ferror(stdout)) {
        perror("mqadmin: standard output");
        return EXIT_FAILURE;
    }
    return status;
}
