/* takeover_driver ROOT COUNT stop|crash [KEY=VALUE]... : opens the store at ROOT with these settings, adds COUNT
 * messages to TopicA (queue 1, keys ours-0, ours-1, ...), prints "TOPIC QUEUE MIN MAX" for each queue, and closes
 * cleanly or ends as a process that is killed. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/check.h"
#include "base/log.h"
#include "message/properties.h"
#include "store/store.h"

static void die(enum err err) {
    fprintf(stderr, "takeover_driver: %s\n", err_detail(err));
    exit(1);
}

static void put(struct store *store, int number) {
    char key[32];
    struct buf properties = {0};
    snprintf(key, sizeof key, "ours-%d", number);
    properties_append(&properties, PROPERTY_KEYS, bytes_of(key));
    properties_append(&properties, PROPERTY_TAGS, BYTES("TagOurs"));
    struct record record = {
        .queue_id = 1,
        .born_time_ms = 1795479112729,
        .born_host = {.ip = {127, 0, 0, 1}, .port = 1},
        .store_host = {.ip = {127, 0, 0, 1}, .port = 10911},
        .body = bytes_of(key),
        .topic = BYTES("TopicA"),
        .properties = buf_bytes(&properties),
    };
    struct put puts = {.size_bytes = record_size(&record)};
    puts.queue = store_queue(store, record.topic, record.queue_id, true);
    puts.record = malloc(puts.size_bytes);
    must(puts.record);
    record_encode(&record, puts.record);
    int64_t end_phys;
    enum err err = store_append(store, &puts, 1, &end_phys);
    if (err != ERR_OK) die(err);
    free(puts.record);
    buf_close(&properties);
}

static void print_queue(struct queue *queue, void *arg) {
    (void)arg;
    struct bytes topic = queue_topic(queue);
    printf("%.*s %d %" PRId64 " %" PRId64 "\n", BYTES_ARG(topic), queue_id(queue), queue_min(queue), queue_next(queue));
}

int main(int argc, char **argv) {
    if (argc < 4) return 2;
    log_set_level(LOG_WARN);
    struct store_config config;
    store_config_init(&config);
    struct config_section section = {"MessageStoreConfig", &config, store_config_keys, store_config_key_count};
    for (int i = 4; i < argc; i++) {
        struct bytes value = bytes_of(argv[i]), key;
        must(bytes_split(&value, '=', &key));
        enum err err = config_set(&section, 1, key, value, NULL);
        if (err != ERR_OK) die(err);
    }
    config.store_path_root_dir = bytes_of(argv[1]);
    struct store *store;
    enum err err = store_open(&config, NULL, &store);
    if (err != ERR_OK) die(err);
    for (int i = 0; i < atoi(argv[2]); i++) put(store, i);
    store_each_queue(store, print_queue, NULL);
    fflush(stdout);
    if (strcmp(argv[3], "crash") == 0) _exit(0);
    store_close(store);
    return 0;
}
