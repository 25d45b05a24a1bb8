/* cmd_query_msg_by_offset.c - queryMsgByOffset: one message of a queue, with the groups that have consumed it. */
#include "admin/admin.h"
#include "admin/cmd.h"
#include "admin/message_print.h"
#include "admin/message_track.h"

static enum err show(struct admin *admin, const struct args_query_msg_by_offset *args,
                     const struct pull_answer *answer) {
    const rmq_message_ext_t *message = answer->block && answer->block->count > 0 ? answer->block->messages : NULL;
    if (!message || message->record.offset_queue != args->offset)
        return fail(ERR_NOT_FOUND, "there is no message at offset %lld: the queue has those from %lld to before %lld",
                    (long long)args->offset, (long long)answer->min_offset, (long long)answer->max_offset);
    TRY(message_print_details(admin, message, true, 0, args->format));
    return message_track_print(admin, message);
}

enum err cmd_query_msg_by_offset(struct admin *admin, const struct args_query_msg_by_offset *args) {
    static const struct subscription all = {.expression = BYTES("*")};
    struct queue_place place;
    struct pull_answer answer;
    TRY(admin_find_queue(admin, args->route_topic.data ? args->route_topic : args->topic, args->topic,
                         args->broker_name, (int32_t)args->queue_id, &place));
    TRY(admin_pull(admin, &place, BYTES(TOOLS_CONSUMER_GROUP), &all, args->offset, &answer));
    enum err err = show(admin, args, &answer);
    if (answer.block) message_block_release(answer.block);
    return err;
}
