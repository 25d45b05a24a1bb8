/* message_list.c - messages picked from blocks that the list holds. */
#include "client/message_list.h"

#include <stddef.h>
#include <stdlib.h>
#include "base/check.h"

struct message_list *message_list_create(void) {
    struct message_list *list = calloc(1, sizeof *list);
    must(list);
    return list;
}

void message_list_take(struct message_list *list, struct message_block *block,
                       bool (*wanted)(const struct rmq_message_ext *message, const void *arg), const void *arg) {
    size_t count = list->shown.count + block->count;
    list->blocks = realloc(list->blocks, (list->block_count + 1) * sizeof(struct message_block *));
    must(list->blocks);
    list->blocks[list->block_count++] = block;
    if (count == 0) return;
    list->shown.messages = realloc(list->shown.messages, count * sizeof(rmq_message_ext_t *));
    must(list->shown.messages);
    for (size_t i = 0; i < block->count; i++) {
        if (!wanted || wanted(&block->messages[i], arg))
            list->shown.messages[list->shown.count++] = &block->messages[i];
    }
}

void rmq_message_list_destroy(rmq_message_list_t *shown) {
    if (!shown) return;
    struct message_list *list = CONTAINER_OF(shown, struct message_list, shown);
    for (size_t i = 0; i < list->block_count; i++) message_block_release(list->blocks[i]);
    free(list->blocks);
    free(list->shown.messages);
    free(list);
}
