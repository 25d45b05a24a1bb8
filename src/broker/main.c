/* mqbroker: stores messages and serves them. Options, console lines and exit codes are the Java broker's.
 * @source shared facts: behaviour 1 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/log.h"
#include "broker/broker.h"
#include "os/clock.h"
#include "os/log_file.h"

enum { EXIT_USAGE = 1, EXIT_BAD_START = 253, EXIT_BAD_FILE = 255 };

struct options {
    const char *config_file, *namesrv;
    bool help, print_all, print_important;
};

static const char usage[] =
    "usage: mqbroker [-c <arg>] [-h] [-m] [-n <arg>] [-p]\n"
    " -c,--configFile <arg>       Broker config properties file\n"
    " -h,--help                   Print help\n"
    " -m,--printImportantConfig   Print important config item\n"
    " -n,--namesrvAddr <arg>      Name server address list, eg: '192.168.0.1:9876;192.168.0.2:9876'\n"
    " -p,--printConfigItem        Print all config item\n";

static bool is_option(const char *text, const char *letter, const char *name) {
    return strcmp(text, letter) == 0 || strcmp(text, name) == 0;
}

/* 0, or the status to exit with. */
static int parse_options(int argc, char **argv, struct options *out) {
    for (int i = 1; i < argc; i++) {
        const char **value = NULL;
        if (is_option(argv[i], "-h", "--help"))
            out->help = true;
        else if (is_option(argv[i], "-m", "--printImportantConfig"))
            out->print_important = true;
        else if (is_option(argv[i], "-p", "--printConfigItem"))
            out->print_all = true;
        else if (is_option(argv[i], "-c", "--configFile"))
            value = &out->config_file;
        else if (is_option(argv[i], "-n", "--namesrvAddr"))
            value = &out->namesrv;
        else {
            fprintf(stderr, "Unrecognized option: %s\n%s", argv[i], usage);
            return EXIT_USAGE;
        }
        if (!value) continue;
        if (i + 1 == argc) {
            fprintf(stderr, "Missing argument for option: %s\n%s", argv[i], usage);
            return EXIT_USAGE;
        }
        *value = argv[++i];
    }
    return 0;
}

/* Defaults, file, command line, machine; in that order. 0, or the status to exit with. */
static int load_config(struct broker *broker, const struct options *options, struct buf *warnings) {
    broker_config_init(&broker->config);
    store_config_init(&broker->store_config);
    broker->store_config.ha_listen_port = 0; /* unless the file says so it follows listenPort */
    broker->sections[0] =
        (struct config_section){"BrokerConfig", &broker->config, broker_config_keys, broker_config_key_count};
    broker->sections[1] =
        (struct config_section){"MessageStoreConfig", &broker->store_config, store_config_keys, store_config_key_count};
    broker->section_count = 2;
    broker->config_path = options->config_file;
    enum err err = ERR_OK;
    if (options->config_file)
        err = config_load_file(broker->sections, broker->section_count, options->config_file, warnings);
    if (err != ERR_OK) {
        fprintf(stderr, "mqbroker: %s\n", err_detail(err));
        return EXIT_BAD_FILE;
    }
    if (options->namesrv) broker->config.namesrv_addr = bytes_of(options->namesrv);
    err = broker_config_finish(&broker->config);
    if (err == ERR_OK) return 0;
    printf("%s\n", err_detail(err));
    return EXIT_BAD_START;
}

static void print_config(const struct broker *broker, int flags) {
    struct buf out = {0};
    config_print(broker->sections, broker->section_count, flags, &out);
    fwrite(out.data, 1, out.len, stdout);
    buf_close(&out);
}

static void log_warnings(const struct buf *warnings) {
    struct bytes rest = buf_bytes(warnings), line;
    while (bytes_split(&rest, '\n', &line))
        if (line.len > 0) log_warn(MAIN, "configuration: %.*s", BYTES_ARG(line));
}

static void booted(struct broker *broker) {
    struct bytes namesrv = broker->config.namesrv_addr;
    char line[1024];
    snprintf(line, sizeof line, "The broker[%.*s, %s] boot success. serializeType=JSON%s%.*s",
             BYTES_ARG(broker->config.broker_name), broker->address, namesrv.len > 0 ? " and name server is " : "",
             (int)namesrv.len, namesrv.len > 0 ? namesrv.data : "");
    printf("%s\n", line);
    fflush(stdout);
    log_info(MAIN, "%s", line);
}

static int serve(struct broker *broker) {
    enum err err = broker_open(broker);
    if (err == ERR_OK) {
        err = broker_run(broker, booted);
        int64_t start_ms = clock_monotonic_ms();
        broker_close(broker);
        log_info(MAIN, "shutdown hook over, consuming total time(ms): %" PRId64, clock_monotonic_ms() - start_ms);
    }
    if (err == ERR_OK) return 0;
    log_error(MAIN, "the broker does not start: %s", err_detail(err));
    fprintf(stderr, "mqbroker: %s\n", err_detail(err));
    return EXIT_BAD_START;
}

int main(int argc, char **argv) {
    struct options options = {0};
    static struct broker broker;
    struct buf warnings = {0};
    int status = parse_options(argc, argv, &options);
    if (status != 0) return status;
    if (options.help) {
        fputs(usage, stdout);
        return 0;
    }
    status = load_config(&broker, &options, &warnings);
    if (status != 0) return status;
    if (options.print_all || options.print_important) {
        print_config(&broker, options.print_all ? 0 : CONFIG_IMPORTANT);
        buf_close(&warnings);
        return 0;
    }
    enum err err = log_open(&(struct log_file_options){.name = "broker"});
    if (err != ERR_OK) fprintf(stderr, "mqbroker: no log files: %s\n", err_detail(err));
    log_warnings(&warnings);
    buf_close(&warnings);
    status = serve(&broker);
    log_close();
    return status;
}
