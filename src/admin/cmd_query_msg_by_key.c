/* cmd_query_msg_by_key.c - queryMsgByKey: a row for every message that has the key. */
#include "admin/admin.h"
#include "admin/cmd.h"
#include "admin/print.h"
#include "base/check.h"
#include "client/query.h"

enum err cmd_query_msg_by_key(struct admin *admin, const struct args_query_msg_by_key *args) {
    static const struct column columns[] = {{"#Message ID", -50, 1}, {"#QID", 4, 1}, {"#Offset", 40, 0}};
    struct hdr_query_message query = {.present = HEADER_ALL,
                                      .topic = args->topic,
                                      .key = args->key,
                                      .max_num = (int32_t)args->count,
                                      .begin_timestamp = args->begin_ms,
                                      .end_timestamp = args->end_ms,
                                      .index_type = args->key_type.data ? args->key_type : BYTES("K"),
                                      .last_key = args->last_key};
    if (!bytes_is(query.index_type, "K") && !bytes_is(query.index_type, "T"))
        return fail(ERR_BAD_PARAMETER, "-p is K for a key or T for a tag");
    struct bytes route_topic = args->cluster.data ? args->cluster : args->topic;
    rmq_message_list_t *list;
    TRY(admin_err(admin, client_query(admin->client, route_topic, &query, &list)));
    struct table table = table_begin(admin->out, columns, ARRAY_LEN(columns));
    for (size_t i = 0; i < list->count; i++) {
        table_text(&table, bytes_of(list->messages[i]->msg_id));
        table_int(&table, list->messages[i]->record.queue_id);
        table_int(&table, list->messages[i]->record.offset_queue);
    }
    rmq_message_list_destroy(list);
    return ERR_OK;
}
