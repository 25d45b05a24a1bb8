/* mqproducer.c - the producer of the quickstart: sends "Hello RocketMQ 0" and so on to TopicTest, 1000 of them, and
 * prints the results as the Java example does. The name servers are taken from NAMESRV_ADDR.
 * @source apache/rocketmq 4.2.0 example/.../quickstart/Producer.java */
#include <rocketmq/rocketmq.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char usage[] = "usage: mqproducer [--count N] [--topic TOPIC] [--group GROUP] [--trace]\n"
                            "Sends N messages (1000) to TOPIC (TopicTest); --trace tells the message trace of them.\n"
                            "NAMESRV_ADDR names the name servers: host:port;host:port\n";

struct settings {
    long count;
    const char *topic, *group;
    bool trace;
};

static int parse(int argc, char **argv, struct settings *settings) {
    static const struct option options[] = {
        {"count", required_argument, NULL, 'c'}, {"topic", required_argument, NULL, 't'},
        {"group", required_argument, NULL, 'g'}, {"trace", no_argument, NULL, 'r'},
        {"help", no_argument, NULL, 'h'},        {0}};
    for (int option; (option = getopt_long(argc, argv, "c:t:g:h", options, NULL)) != -1;) {
        char *end = NULL;
        switch (option) {
        case 'c':
            errno = 0;
            settings->count = strtol(optarg, &end, 10);
            if (*end || errno || settings->count < 0) return 2;
            break;
        case 't':
            settings->topic = optarg;
            break;
        case 'g':
            settings->group = optarg;
            break;
        case 'r':
            settings->trace = true;
            break;
        case 'h':
            fputs(usage, stdout);
            exit(0);
        default:
            return 2;
        }
    }
    return optind == argc ? 0 : 2;
}

/* Returns how many could not be sent. */
static long send_all(rmq_producer_t *producer, const struct settings *settings) {
    long failed = 0;
    for (long i = 0; i < settings->count; i++) {
        char body[64];
        int len = snprintf(body, sizeof body, "Hello RocketMQ %ld", i);
        rmq_message_t *message = rmq_message_create(settings->topic, "TagA", NULL, body, (size_t)len);
        rmq_send_result_t *result = NULL;
        if (rmq_producer_send(producer, message, &result) == RMQ_OK) {
            char line[1024];
            rmq_send_result_print(result, line, sizeof line);
            puts(line);
        } else {
            fprintf(stderr, "mqproducer: message %ld: %s\n", i, rmq_last_error());
            failed++;
            sleep(1);
        }
        rmq_send_result_destroy(result);
        rmq_message_destroy(message);
    }
    return failed;
}

int main(int argc, char **argv) {
    struct settings settings = {1000, "TopicTest", "please_rename_unique_group_name", false};
    int code = parse(argc, argv, &settings);
    if (code) {
        fputs(usage, stderr);
        return code;
    }
    setvbuf(stdout, NULL, _IOLBF, 0); /* whoever reads the file sees each line at once */
    rmq_client_options_t client_options;
    rmq_client_options_init(&client_options);
    rmq_producer_options_t options;
    rmq_producer_options_init(&options);
    options.group = settings.group;
    options.message_trace_enable = settings.trace;

    rmq_client_t *client = NULL;
    rmq_producer_t *producer = NULL;
    long failed = -1;
    if (rmq_client_create(&client_options, &client) == RMQ_OK &&
        rmq_producer_create(client, &options, &producer) == RMQ_OK)
        failed = send_all(producer, &settings);
    else
        fprintf(stderr, "mqproducer: %s\n", rmq_last_error());
    rmq_producer_destroy(producer);
    rmq_client_destroy(client);
    return failed == 0 ? 0 : 1;
}
