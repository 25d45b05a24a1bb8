/* mqconsumer.c - the consumer of the quickstart: receives TopicTest from its first message on and prints each as the
 * Java example does. The name servers are taken from NAMESRV_ADDR.
 * @source apache/rocketmq 4.2.0 example/.../quickstart/Consumer.java */
#include <rocketmq/rocketmq.h>
#include <errno.h>
#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char usage[] =
    "usage: mqconsumer [--count N] [--idle SECONDS] [--topic TOPIC] [--group GROUP] [--trace]\n"
    "Receives TOPIC (TopicTest); --trace tells the message trace of it. Ends after N messages, or when none came for\n"
    "SECONDS; else it runs until it is stopped. NAMESRV_ADDR names the name servers: host:port;host:port\n";

struct settings {
    long count, idle_s; /* 0: without end */
    const char *topic, *group;
    bool trace;
};

static struct {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    long received;
    bool stopped;
} state = {.mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static int parse(int argc, char **argv, struct settings *settings) {
    static const struct option options[] = {{"count", required_argument, NULL, 'c'},
                                            {"idle", required_argument, NULL, 'i'},
                                            {"topic", required_argument, NULL, 't'},
                                            {"group", required_argument, NULL, 'g'},
                                            {"trace", no_argument, NULL, 'r'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    for (int option; (option = getopt_long(argc, argv, "c:i:t:g:h", options, NULL)) != -1;) {
        long *number = option == 'c' ? &settings->count : &settings->idle_s;
        char *end = NULL;
        switch (option) {
        case 'c':
        case 'i':
            errno = 0;
            *number = strtol(optarg, &end, 10);
            if (*end || errno || *number <= 0) return 2;
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

static rmq_consume_status_t print_messages(void *context, const rmq_message_ext_t *const *messages, size_t count,
                                           rmq_consume_context_t *consume) {
    (void)context;
    for (size_t i = 0; i < count; i++) {
        size_t len = rmq_message_ext_print(messages[i], NULL, 0);
        char *text = malloc(len + 1);
        if (!text) return RMQ_RECONSUME_LATER;
        rmq_message_ext_print(messages[i], text, len + 1);
        printf("ConsumeMessageThread_%d Receive New Messages: [%s] \n", (int)consume->thread_number, text);
        free(text);
    }
    pthread_mutex_lock(&state.mutex);
    state.received += (long)count;
    pthread_cond_signal(&state.changed);
    pthread_mutex_unlock(&state.mutex);
    return RMQ_CONSUME_SUCCESS;
}

/* Waits until enough came, nothing came for long enough, or somebody stops us. */
static void wait_for_end(const struct settings *settings) {
    pthread_mutex_lock(&state.mutex);
    long seen = -1;
    struct timespec until = {0};
    while (!state.stopped && (settings->count == 0 || state.received < settings->count)) {
        if (settings->idle_s == 0) {
            pthread_cond_wait(&state.changed, &state.mutex);
            continue;
        }
        if (state.received != seen) {
            seen = state.received;
            clock_gettime(CLOCK_REALTIME, &until);
            until.tv_sec += settings->idle_s;
        }
        if (pthread_cond_timedwait(&state.changed, &state.mutex, &until) == ETIMEDOUT && state.received == seen) break;
    }
    pthread_mutex_unlock(&state.mutex);
}

static void *wait_for_signal(void *signals) {
    int number;
    sigwait(signals, &number);
    pthread_mutex_lock(&state.mutex);
    state.stopped = true;
    pthread_cond_signal(&state.changed);
    pthread_mutex_unlock(&state.mutex);
    return NULL;
}

static bool consume(rmq_client_t *client, const struct settings *settings) {
    rmq_push_consumer_options_t options;
    rmq_push_consumer_options_init(&options);
    options.group = settings->group;
    options.listener = print_messages;
    options.message_trace_enable = settings->trace;
    options.consume_from_where = RMQ_CONSUME_FROM_FIRST_OFFSET;
    rmq_push_consumer_t *consumer = NULL;
    bool started = rmq_push_consumer_create(client, &options, &consumer) == RMQ_OK &&
                   rmq_push_consumer_subscribe(consumer, settings->topic, "*") == RMQ_OK &&
                   rmq_push_consumer_start(consumer) == RMQ_OK;
    if (started) {
        puts("Consumer Started.");
        fflush(stdout);
        wait_for_end(settings);
    } else {
        fprintf(stderr, "mqconsumer: %s\n", rmq_last_error());
    }
    rmq_push_consumer_destroy(consumer);
    return started;
}

int main(int argc, char **argv) {
    struct settings settings = {0, 0, "TopicTest", "please_rename_unique_group_name_4", false};
    int code = parse(argc, argv, &settings);
    if (code) {
        fputs(usage, stderr);
        return code;
    }
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, NULL); /* for all threads: one of them waits for it */
    pthread_t waiter;
    if (pthread_create(&waiter, NULL, wait_for_signal, &signals) != 0) return 1;
    pthread_detach(waiter);

    setvbuf(stdout, NULL, _IOLBF, 0); /* whoever reads the file sees each line at once */
    rmq_client_options_t client_options;
    rmq_client_options_init(&client_options);
    rmq_client_t *client = NULL;
    bool ok = rmq_client_create(&client_options, &client) == RMQ_OK;
    if (ok)
        ok = consume(client, &settings);
    else
        fprintf(stderr, "mqconsumer: %s\n", rmq_last_error());
    rmq_client_destroy(client);
    return ok ? 0 : 1;
}
