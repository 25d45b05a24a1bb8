/* json_fuzz.c - tokenizer, tree and writer of base/json.h: any bytes end in a tree or in ERR_BAD_INPUT, and what is
 * written of a tree reads back as the same text. */
#include "base/check.h"
#include "base/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct arena arena = {0};
    const struct json *tree, *again;
    if (json_parse(&arena, bytes_make(data, size), &tree) == ERR_OK) {
        const struct bytes text = json_node_copy(&arena, tree);
        must(json_parse(&arena, text, &again) == ERR_OK);
        must(bytes_equal(json_node_copy(&arena, again), text));
        struct json_reader reader;
        json_reader_init(&reader, bytes_make(data, size));
        must(json_skip(&reader) == ERR_OK);
        must(json_next(&reader) == JSON_EOF);
    }
    arena_close(&arena);
    return 0;
}
