/* broker_fuzz.c - requests that no client would make against a whole broker: any code with header fields of any value
 * and any body. Input: a request's row, a choice for each of its fields (see pick_text and pick_number), the body.
 * Each is followed by a request whose answer must come: the broker lives. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/check.h"
#include "base/endian.h"
#include "base/log.h"
#include "broker/broker.h"
#include "os/file.h"
#include "os/thread.h"
#include "wire/header.h"
#include "wire/request.h"

enum { FRAME_MAX = 1 << 20, PROBE_OPAQUE = 1 << 30 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

static const struct row {
    int32_t code;
    const struct header_layout *(*layout)(void);
} rows[] = {
#define BROKER(name, code, function, runs, header) {code, layout_##header},
#include "wire/requests.def"
};

static struct broker broker;
static char root[] = "/tmp/rmq_fuzz_XXXXXX";
static pthread_t thread;
static int fd = -1;
static int32_t opaque;

static void booted(struct broker *b) {
    (void)b;
}

static void serve(void *arg) {
    (void)arg;
    must(broker_run(&broker, booted) == ERR_OK);
}

static void end(void) {
    broker_stop(&broker);
    thread_join(thread);
    broker_close(&broker);
    must(file_remove_tree(root) == ERR_OK);
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc, (void)argv;
    must(mkdtemp(root));
    broker_config_init(&broker.config);
    store_config_init(&broker.store_config);
    broker.sections[0] =
        (struct config_section){"BrokerConfig", &broker.config, broker_config_keys, broker_config_key_count};
    broker.sections[1] =
        (struct config_section){"MessageStoreConfig", &broker.store_config, store_config_keys, store_config_key_count};
    broker.section_count = 2;
    broker.config.listen_port = 0;
    broker.config.broker_name = BYTES("broker-a");
    broker.config.bind_address = broker.config.broker_ip1 = broker.config.broker_ip2 = BYTES("127.0.0.1");
    broker.config.server_selector_threads = 1;
    broker.store_config.store_path_root_dir = bytes_of(root);
    broker.store_config.mapped_file_size_commit_log = 4 << 20;
    broker.store_config.prealloc_ahead_bytes = 64 * 1024;
    broker.store_config.max_hash_slot_num = 1000;
    broker.store_config.max_index_num = 10000;
    log_set_level(LOG_ERROR);
    must(broker_open(&broker) == ERR_OK);
    must(thread_start(&thread, "main", serve, NULL) == ERR_OK);
    return atexit(end);
}

/* --- making a request -------------------------------------------------------------------------------------- */

static uint8_t take(struct bytes *in) {
    uint8_t byte = in->len > 0 ? (uint8_t)in->data[0] : 0;
    *in = bytes_skip(*in, 1);
    return byte;
}

/* Mostly names that mean something, else bytes of the input. */
static struct bytes pick_text(struct bytes *in) {
    static const char *const names[] = {"T",
                                        "G",
                                        "TBW102",
                                        "%RETRY%G",
                                        "SCHEDULE_TOPIC_XXXX",
                                        "broker-a",
                                        "*",
                                        "TAG",
                                        "SQL92",
                                        "a > 5",
                                        "TOPIC_PUT_NUMS",
                                        "KEYS\001k\002DELAY\0013\002",
                                        "c1",
                                        "",
                                        "7F00000100002A9F0000000000000000",
                                        "+message.type=FIFO"};
    uint8_t choice = take(in);
    if (choice < 192) return bytes_of(names[choice % ARRAY_LEN(names)]);
    struct bytes text = {in->data, MIN(in->len, (size_t)(choice - 192))};
    *in = bytes_skip(*in, text.len);
    return text;
}

static int64_t pick_number(struct bytes *in) {
    static const int64_t numbers[] = {0,    1,  2,  3,         4,         6,         8,       16,    32,
                                      1000, -1, -2, INT32_MAX, INT32_MIN, INT64_MAX, 1000000, 65535, INT64_MIN};
    uint8_t choice = take(in);
    return choice < 250 ? numbers[choice % ARRAY_LEN(numbers)] : (int64_t)take(in) << (choice - 250) * 8;
}

static void fill(const struct header_layout *layout, struct bytes *in, char *fields) {
    uint32_t present = (uint32_t)take(in) << 8 | take(in);
    present = ~(present & present >> 3); /* most fields come */
    memcpy(fields, &present, sizeof present);
    for (size_t i = 0; i < layout->count; i++) {
        const struct header_field *field = &layout->fields[i];
        char *at = fields + field->offset;
        if (field->type == HEADER_STR) {
            *(struct bytes *)(void *)at = pick_text(in);
        } else if (field->type == HEADER_I32) {
            *(int32_t *)(void *)at = (int32_t)pick_number(in);
        } else if (field->type == HEADER_I64) {
            *(int64_t *)(void *)at = pick_number(in);
        } else {
            *(bool *)at = take(in) & 1;
        }
    }
}

/* --- sending it -------------------------------------------------------------------------------------------- */

static void connect_again(void) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(broker.port)};
    struct timeval limit = {.tv_sec = 20};
    if (fd >= 0) close(fd);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    fd = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    must(connect(fd, (struct sockaddr *)&to, sizeof to) == 0);
}

static bool read_all(char *out, size_t len) {
    for (size_t at = 0; at < len;) {
        ssize_t n = recv(fd, out + at, len - at, 0);
        if (n <= 0) return false;
        at += (size_t)n;
    }
    return true;
}

/* Reads answers and requests up to the answer to the probe; false when the connection ended. */
static bool wait_for_probe(void) {
    static char frame[FRAME_MAX * 20];
    for (;;) {
        struct arena arena = {0};
        struct command command;
        if (!read_all(frame, 4)) return false;
        size_t len = load_u32be(frame) + 4;
        must(len <= sizeof frame);
        if (!read_all(frame + 4, len - 4)) return false;
        must(command_decode(&arena, bytes_make(frame, len), &command) == ERR_OK);
        bool probe = (command.flag & COMMAND_FLAG_RESPONSE) && command.opaque == PROBE_OPAQUE;
        arena_close(&arena);
        if (probe) return true;
    }
}

static void append(struct buf *out, const struct command *command, const struct header_layout *layout,
                   const void *fields) {
    command_encode(out, command, layout, fields, command->body.len);
    buf_append_bytes(out, command->body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct bytes in = bytes_make(data, size);
    if (size < 3 || size > FRAME_MAX / 2) return 0;
    const struct row *row = &rows[take(&in) % ARRAY_LEN(rows)];
    const struct header_layout *layout = row->layout();
    char *fields = calloc(1, layout->size_bytes);
    struct buf out = {0};
    fill(layout, &in, fields);
    struct command request = {
        .code = row->code, .opaque = opaque++ % PROBE_OPAQUE, .version = VERSION_OURS, .body = in};
    struct command probe = {.code = REQUEST_GET_CONSUMER_LIST_BY_GROUP, .opaque = PROBE_OPAQUE};
    struct hdr_consumer_group asks = {.present = HEADER_ALL, .consumer_group = BYTES("G")};
    append(&out, &request, layout, fields);
    append(&out, &probe, layout_consumer_group(), &asks);
    if (fd < 0) connect_again();
    bool alive = send(fd, out.data, out.len, MSG_NOSIGNAL) == (ssize_t)out.len && wait_for_probe();
    if (!alive) connect_again(); /* a connection may be lost, the broker may not */
    buf_close(&out);
    free(fields);
    return 0;
}
