/* message_list.h - received messages in the hands of a user, with the blocks they are in. */
#ifndef RMQ_CLIENT_MESSAGE_LIST_H
#define RMQ_CLIENT_MESSAGE_LIST_H

#include "client/message_ext.h"
#include "rocketmq/client.h"

struct message_list {
    struct rmq_message_list shown; /* first: what the user has a pointer to */
    struct message_block **blocks;
    size_t block_count;
};
struct message_list *message_list_create(void);
/* Takes the block; its messages that `wanted` says yes to are listed (NULL: all). */
void message_list_take(struct message_list *list, struct message_block *block,
                       bool (*wanted)(const struct rmq_message_ext *message, const void *arg), const void *arg);

#endif
