/* main.c - the program mqnamesrv: command line, log, run. @source shared facts: behaviour 1.1-1.3, 1.6 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/log.h"
#include "namesrv/server.h"
#include "os/clock.h"
#include "os/log_file.h"

enum { EXIT_USAGE = 1, EXIT_FAILED = 255 /* what the Java program's -1 becomes */ };

static const char usage[] =
    "usage: mqnamesrv [-c <arg>] [-h] [-n <arg>] [-p]\n"
    " -c,--configFile <arg>    Name server config properties file\n"
    " -h,--help                Print help\n"
    " -n,--namesrvAddr <arg>   Name server address list, eg: '192.168.0.1:9876;192.168.0.2:9876'\n"
    " -p,--printConfigItem     Print all config items\n";

struct arguments {
    const char *config_file;
    bool print;
};

static void parse_arguments(int argc, char **argv, struct arguments *out) {
    static const struct option longs[] = {{"configFile", required_argument, NULL, 'c'},
                                          {"help", no_argument, NULL, 'h'},
                                          {"namesrvAddr", required_argument, NULL, 'n'},
                                          {"printConfigItem", no_argument, NULL, 'p'},
                                          {NULL, 0, NULL, 0}};
    int option;
    opterr = 0;
    while ((option = getopt_long(argc, argv, ":c:hn:p", longs, NULL)) != -1) {
        const char *text = argv[optind - 1];
        switch (option) {
        case 'c':
            out->config_file = optarg;
            break;
        case 'n': /* taken for the sake of scripts: a name server needs no other */
            break;
        case 'p':
            out->print = true;
            break;
        case 'h':
            fputs(usage, stdout);
            exit(EXIT_SUCCESS);
        case ':':
            fprintf(stderr, "Missing argument for option: %s\n%s", text, usage);
            exit(EXIT_USAGE);
        default:
            fprintf(stderr, "Unrecognized option: %s\n%s", text, usage);
            exit(EXIT_USAGE);
        }
    }
}

static _Noreturn void give_up(enum err err) {
    fprintf(stderr, "mqnamesrv: %s\n", err_detail(err));
    log_error(MAIN, "cannot start: %s", err_detail(err));
    log_close();
    exit(EXIT_FAILED);
}

/* Defaults, then the file. Doubts about the file are told on stderr. */
static void load_config(const struct arguments *arguments, struct namesrv_config *config) {
    namesrv_config_init(config);
    const struct config_section section = namesrv_config_section(config);
    if (arguments->config_file != NULL) {
        struct buf warnings = {0};
        const enum err err = config_load_file(&section, 1, arguments->config_file, &warnings);
        if (err != ERR_OK) {
            fprintf(stderr, "mqnamesrv: %s; name another file with -c or start without\n", err_detail(err));
            exit(EXIT_FAILED);
        }
        printf("load config properties file OK, %s\n", arguments->config_file);
        fprintf(stderr, "%.*s", BYTES_ARG(buf_bytes(&warnings)));
        buf_close(&warnings);
    }
    namesrv_config_finish(config, arguments->config_file);
    if (arguments->print) {
        struct buf text = {0};
        config_print(&section, 1, 0, &text);
        printf("%.*s", BYTES_ARG(buf_bytes(&text)));
        buf_close(&text);
        exit(EXIT_SUCCESS);
    }
}

static void tell_boot(const struct namesrv *namesrv) {
    struct buf line = {0};
    buf_printf(&line, "The Name Server boot success. serializeType=JSON, address %.*s:%u",
               BYTES_ARG(namesrv->config.bind_address), namesrv_port(namesrv));
    printf("%.*s\n", BYTES_ARG(buf_bytes(&line)));
    fflush(stdout);
    log_info(MAIN, "%.*s", BYTES_ARG(buf_bytes(&line)));
    buf_close(&line);
}

int main(int argc, char **argv) {
    struct arguments arguments = {0};
    struct namesrv_config config;
    struct namesrv *namesrv;
    parse_arguments(argc, argv, &arguments);
    load_config(&arguments, &config);
    enum err err = log_open(&(struct log_file_options){.name = "namesrv"});
    if (err != ERR_OK) fprintf(stderr, "mqnamesrv: no log files, going on without: %s\n", err_detail(err));
    err = namesrv_open(&config, &namesrv);
    if (err != ERR_OK) give_up(err);
    tell_boot(namesrv);
    namesrv_run(namesrv);
    const int64_t stopping_ms = clock_monotonic_ms();
    namesrv_close(namesrv);
    log_info(MAIN, "Shutdown hook over, consuming total time(ms): %lld",
             (long long)(clock_monotonic_ms() - stopping_ms));
    log_close();
    return EXIT_SUCCESS;
}
