/* cmd_query_msg_by_id.c - queryMsgById: a message by the place it is stored at (its offset id) or by the id its
 * producer made, with the groups that have consumed it; consumed or sent once more when asked for. */
#include "admin/admin.h"
#include "admin/cmd.h"
#include "admin/message_again.h"
#include "admin/message_find.h"
#include "admin/message_print.h"
#include "admin/message_track.h"

static enum err show(struct admin *admin, const struct args_query_msg_by_id *args, const rmq_message_ext_t *message) {
    if (args->send) return message_again_send(admin, message);
    if (args->group.data) return message_again_consume(admin, message, args->group, args->client_id);
    TRY(message_print_details(admin, message, true, 0, args->format));
    return message_track_print(admin, message);
}

static enum err query(struct admin *admin, const struct args_query_msg_by_id *args, struct bytes id) {
    struct message_search search = {
        .topic = args->topic, .id = id, .route_topic = args->cluster, .begin_ms = -1, .end_ms = INT64_MAX};
    rmq_message_list_t *list;
    TRY(message_find_any(admin, &search, &list));
    enum err err = show(admin, args, list->messages[0]);
    rmq_message_list_destroy(list);
    return err;
}

enum err cmd_query_msg_by_id(struct admin *admin, const struct args_query_msg_by_id *args) {
    struct bytes rest = args->id, id;
    if ((args->group.data != NULL) != (args->client_id.data != NULL))
        return fail(ERR_BAD_PARAMETER, "-g and -d name one consumer together: give both or none");
    while (bytes_split(&rest, ',', &id)) {
        id = bytes_trim(id);
        if (id.len > 0) TRY(query(admin, args, id));
    }
    return ERR_OK;
}
