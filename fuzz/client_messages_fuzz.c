/* client_messages_fuzz.c - the body of an answer to a pull as the client takes it apart in place: every text of every
 * message ends within the memory of its block. */
#include "base/check.h"
#include "base/log.h"
#include "client/message_ext.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_all(const struct rmq_message_ext *message) {
    const char *name, *value;
    size_t body_len, count = 0;
    const char *body = rmq_message_ext_body(message, &body_len);
    must(body[body_len] == '\0');
    for (size_t at = 0; (at = rmq_message_ext_next_property(message, at, &name, &value)) != 0; count++) {
        must(*name && *value);
        must(rmq_message_ext_property(message, name) != NULL);
        if (count > 64) break; /* looking each up takes the square of their number */
    }
    char text[256];
    size_t len = rmq_message_ext_print(message, text, sizeof text);
    must(strlen(text) == MIN(len, sizeof text - 1) || memchr(text, '\0', sizeof text) != NULL);
    must(strlen(rmq_message_ext_topic(message)) <= INT16_MAX && rmq_message_ext_msg_id(message)[0] != '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    log_set_level(LOG_ERROR + 1); /* one line for each damaged answer would be all that is seen */
    const struct bytes tag = BYTES("TagA");
    const struct subscription tags = {.tags = &tag, .tag_count = 1};
    for (int filtered = 0; filtered < 2; filtered++) {
        struct message_block *block = message_block_create(bytes_make(data, size), BYTES("broker-a"),
                                                           filtered ? &tags : NULL, BYTES("%RETRY%CG"));
        for (size_t i = 0; i < block->count; i++) read_all(&block->messages[i]);
        message_block_release(block);
    }
    return 0;
}
