/* cmd_query_msg_by_unique_key.c - queryMsgByUniqueKey: the message, or all, with an id that a producer made. */
#include "admin/admin.h"
#include "admin/cmd.h"
#include "admin/message_again.h"
#include "admin/message_find.h"
#include "admin/message_print.h"
#include "admin/message_track.h"

static enum err show_all(struct admin *admin, const rmq_message_list_t *list) {
    for (size_t i = 0; i < list->count; i++) {
        TRY(message_print_details(admin, list->messages[i], false, i, (struct bytes){0}));
        TRY(message_track_print(admin, list->messages[i]));
    }
    return ERR_OK;
}

static enum err show(struct admin *admin, const struct args_query_msg_by_unique_key *args,
                     const rmq_message_list_t *list) {
    if (args->group.data) return message_again_consume(admin, list->messages[0], args->group, args->client_id);
    const rmq_message_list_t first = {1, list->messages};
    return show_all(admin, args->all ? list : &first);
}

enum err cmd_query_msg_by_unique_key(struct admin *admin, const struct args_query_msg_by_unique_key *args) {
    struct message_search search = {args->topic, args->id, args->cluster, args->begin_ms, args->end_ms};
    rmq_message_list_t *list;
    if ((args->group.data != NULL) != (args->client_id.data != NULL))
        return fail(ERR_BAD_PARAMETER, "-g and -d name one consumer together: give both or none");
    TRY(message_find_unique(admin, &search, &list));
    enum err err = show(admin, args, list);
    rmq_message_list_destroy(list);
    return err;
}
