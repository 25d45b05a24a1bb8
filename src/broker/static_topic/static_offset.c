/* static_offset.c - each request: which stretch knows, what it says here, and how its broker is asked when it is not */
#include "broker/static_topic/static_offset.h"

#include <stdlib.h>
#include "base/check.h"
#include "broker/clients/offset_answer.h"
#include "broker/static_topic/forward.h"
#include "broker/static_topic/mappings.h"
#include "broker/tables/offsets.h"
#include "broker/work.h"
#include "wire/request.h"

struct question;
typedef void take_answer(struct question *question, const struct command *response);

/* A question to the broker of a stretch. What it answers goes to the client, or leads to the next stretch. */
struct question {
    struct reactor *reactor;
    struct request *request; /* the client's; the texts of the headers are its */
    struct topic *topic;
    struct place place;
    int32_t code;
    const struct header_layout *layout;
    const void *fields; /* one of these */
    struct hdr_get_max_offset max;
    struct hdr_queue queue;
    struct hdr_search_offset_by_timestamp search;
    struct hdr_query_consumer_offset query;
    struct hdr_update_consumer_offset update;
    take_answer *take;
    int64_t found; /* by a search */
};

/* --- asking ------------------------------------------------------------------------------------------------ */

static struct question *question_make(struct call *call, struct topic *topic, const struct place *place) {
    struct question *question = calloc(1, sizeof *question);
    must(question);
    *question = (struct question){
        .reactor = call->request->owner, .request = request_detach(call->request), .topic = topic, .place = *place};
    call->later = true;
    return question;
}

static void question_free(struct question *question) {
    request_free(question->request);
    free(question);
}

static void question_end(struct question *question, const struct outgoing *reply) {
    remoting_reply(&question->request->to, reply);
    question_free(question);
}

static void question_end_offset(struct question *question, int64_t offset) {
    struct hdr_offset_result result = {.present = HEADER_ALL, .offset = offset};
    question_end(question, &(struct outgoing){.layout = layout_offset_result(), .fields = &result});
}

static void question_end_error(struct question *question, enum err err) {
    remoting_reply_error(&question->request->to, err);
    question_free(question);
}

static void answered(struct reactor *reactor, enum err err, const struct command *response, void *arg) {
    struct question *question = arg;
    if (err == ERR_OK)
        question->take(question, response);
    else if (reactor)
        question_end_error(question, err);
    else
        question_free(question);
}

static void ask_now(struct reactor *reactor, void *arg) {
    struct question *question = arg;
    forward_ask(reactor, topic_name(question->topic), question->place.item->broker_name, question->code,
                question->layout, question->fields, answered, question);
}

/* `fields` are a header of the question itself. @thread any */
static void ask(struct question *question, int32_t code, const struct header_layout *layout, const void *fields,
                take_answer *take) {
    question->code = code;
    question->layout = layout;
    question->fields = fields;
    question->take = take;
    reactor_run(question->reactor, ask_now, question);
}

/* An answer with an offset; else the question has ended with what was answered. */
static bool take_offset(struct question *question, const struct command *response, int64_t *offset) {
    struct hdr_offset_result result;
    if (response->code != RESPONSE_SUCCESS) {
        question_end(question, &(struct outgoing){.code = response->code, .remark = response->remark});
        return false;
    }
    enum err err = header_decode(layout_offset_result(), response, &result);
    if (err != ERR_OK) question_end_error(question, err);
    *offset = result.offset;
    return err == ERR_OK;
}

/* --- the ends of a queue ----------------------------------------------------------------------------------- */

static bool is_here(const struct place *place) {
    return mapping_item_here(place->mapping, place->item);
}

static struct queue *queue_here(const struct call *call, struct topic *topic, const struct mapping_item *item) {
    return topic_queue(topic, call->broker->store, item->queue_id, false);
}

static void ask_max(struct question *question, take_answer *take) {
    question->max = (struct hdr_get_max_offset){.present = HEADER_ALL,
                                                .topic = topic_name(question->topic),
                                                .queue_id = question->place.item->queue_id,
                                                .committed = true};
    ask(question, REQUEST_GET_MAX_OFFSET, layout_get_max_offset(), &question->max, take);
}

static void take_max(struct question *question, const struct command *response) {
    int64_t offset;
    if (take_offset(question, response, &offset))
        question_end_offset(question, logic_from_physical(question->place.item, offset));
}

enum err static_max_offset(struct call *call, struct topic *topic, const struct queue_mapping_detail *mapping,
                           int32_t queue_id) {
    struct place place;
    TRY(place_find(mapping, queue_id, INT64_MAX, &place));
    if (is_here(&place)) {
        struct queue *queue = queue_here(call, topic, place.item);
        return offset_answer(call, logic_from_physical(place.item, queue ? queue_max(queue) : 0));
    }
    struct question *question = question_make(call, topic, &place);
    ask_max(question, take_max);
    return ERR_OK;
}

/* 31 and 32 have the same header. */
static void ask_queue(struct call *call, struct topic *topic, const struct place *place, int32_t code,
                      take_answer *take) {
    struct question *question = question_make(call, topic, place);
    question->queue =
        (struct hdr_queue){.present = HEADER_ALL, .topic = topic_name(topic), .queue_id = place->item->queue_id};
    ask(question, code, layout_queue(), &question->queue, take);
}

static void take_min(struct question *question, const struct command *response) {
    int64_t offset;
    if (take_offset(question, response, &offset))
        question_end_offset(question, logic_from_physical_within(question->place.item, offset));
}

enum err static_min_offset(struct call *call, struct topic *topic, const struct queue_mapping_detail *mapping,
                           int32_t queue_id) {
    struct place place;
    TRY(place_find(mapping, queue_id, 0, &place));
    if (is_here(&place)) {
        struct queue *queue = queue_here(call, topic, place.item);
        return offset_answer(call, logic_from_physical_within(place.item, queue ? queue_min(queue) : 0));
    }
    ask_queue(call, topic, &place, REQUEST_GET_MIN_OFFSET, take_min);
    return ERR_OK;
}

/* The answer as it came. */
static void take_as_it_is(struct question *question, const struct command *response) {
    question_end(question, &(struct outgoing){.code = response->code,
                                              .remark = response->remark,
                                              .ext = response->ext,
                                              .ext_count = response->ext_count});
}

enum err static_earliest_time(struct call *call, struct topic *topic, const struct queue_mapping_detail *mapping,
                              int32_t queue_id) {
    struct place place;
    TRY(place_find(mapping, queue_id, 0, &place));
    if (is_here(&place)) return offset_answer_earliest_time(call, queue_here(call, topic, place.item));
    ask_queue(call, topic, &place, REQUEST_GET_EARLIEST_MSG_STORETIME, take_as_it_is);
    return ERR_OK;
}

/* --- by time: from the first stretch on, the first that has a message of then or later ------------------------ */

/* Is what a search found in a stretch that ends at `max` right for the queue, or may it be in a later stretch? */
static bool search_settled(const struct place *place, const struct hdr_search_offset_by_timestamp *header,
                           int64_t found, int64_t max) {
    return found < max - (offset_boundary(header) == BOUNDARY_UPPER ? 1 : 0) ||
           !logic_queue_next(place->queue, place->item);
}

/* From place->item on: false when it comes to a stretch that is elsewhere. May wait for the disk. */
static bool search_here(struct store *store, struct topic *topic, struct place *place,
                        const struct hdr_search_offset_by_timestamp *header, int64_t *offset) {
    for (; is_here(place); place->item = logic_queue_next(place->queue, place->item)) {
        struct queue *queue = topic_queue(topic, store, place->item->queue_id, false);
        int64_t max = queue ? queue_max(queue) : 0;
        int64_t found = queue ? store_offset_by_time(store, queue, header->timestamp, offset_boundary(header)) : 0;
        *offset = logic_from_physical(place->item, found);
        if (search_settled(place, header, found, max)) return true; /* as in the last one */
    }
    return false;
}

static void ask_search(struct question *question);

/* @thread the reactor's own, behind a search on a work thread */
static void search_end(struct reactor *reactor, void *arg) {
    (void)reactor;
    struct question *question = arg;
    question_end_offset(question, question->found);
}

static void search_on(void *arg) {
    struct question *question = arg;
    if (search_here(question->reactor->broker->store, question->topic, &question->place, &question->search,
                    &question->found))
        reactor_run(question->reactor, search_end, question);
    else
        ask_search(question);
}

static void take_end_of_stretch(struct question *question, const struct command *response) {
    const struct place *place = &question->place;
    int64_t max;
    if (!take_offset(question, response, &max)) return;
    int64_t found = logic_to_physical(place->item, question->found);
    if (search_settled(place, &question->search, found, max)) {
        question_end_offset(question, question->found);
        return;
    }
    question->place.item = logic_queue_next(place->queue, place->item);
    enum err err = work_submit(question->reactor->broker->work, search_on, question);
    if (err != ERR_OK) question_end_error(question, err);
}

static void take_search(struct question *question, const struct command *response) {
    int64_t offset;
    if (!take_offset(question, response, &offset)) return;
    question->found = logic_from_physical(question->place.item, offset);
    if (!logic_queue_next(question->place.queue, question->place.item)) {
        question_end_offset(question, question->found);
        return;
    }
    ask_max(question, take_end_of_stretch);
}

static void ask_search(struct question *question) {
    question->search.queue_id = question->place.item->queue_id;
    ask(question, REQUEST_SEARCH_OFFSET_BY_TIMESTAMP, layout_search_offset_by_timestamp(), &question->search,
        take_search);
}

enum err static_search_offset(struct call *call, struct topic *topic, const struct queue_mapping_detail *mapping,
                              const struct hdr_search_offset_by_timestamp *header) {
    struct place place;
    int64_t offset = 0;
    TRY(place_find(mapping, header->queue_id, 0, &place));
    if (search_here(call->broker->store, topic, &place, header, &offset)) return offset_answer(call, offset);
    struct question *question = question_make(call, topic, &place);
    must(header_decode(layout_search_offset_by_timestamp(), &question->request->command, &question->search) == ERR_OK);
    ask_search(question);
    return ERR_OK;
}

/* --- of a group: from the last stretch back, the first in which it has an offset ------------------------------ */

static enum err fail_boots_first(void) {
    return fail(ERR_QUERY_NOT_FOUND, "Not found, maybe this group consumer boot first");
}

enum walk { WALK_FOUND, WALK_NOT_FOUND, WALK_ELSEWHERE };

/* From place->item back. */
static enum walk committed_here(struct broker *broker, struct place *place, struct bytes topic, struct bytes group,
                                int64_t *offset) {
    struct progress *progress = offsets_progress(broker->offsets, topic, group, false);
    for (;; place->item--) {
        if (!is_here(place)) return WALK_ELSEWHERE;
        int64_t committed = progress ? progress_committed(progress, place->item->queue_id) : OFFSET_NONE;
        *offset = logic_from_physical(place->item, committed);
        if (committed >= 0) return WALK_FOUND;
        if (place->item == place->queue->items) return WALK_NOT_FOUND;
    }
}

static void ask_committed(struct question *question);

static void take_committed(struct question *question, const struct command *response) {
    struct place *place = &question->place;
    int64_t offset;
    if (response->code != RESPONSE_QUERY_NOT_FOUND) {
        if (take_offset(question, response, &offset))
            question_end_offset(question, logic_from_physical(place->item, offset));
        return;
    }
    enum walk walk = WALK_NOT_FOUND;
    if (place->item > place->queue->items) {
        place->item--;
        walk = committed_here(question->reactor->broker, place, topic_name(question->topic),
                              question->query.consumer_group, &offset);
    }
    if (walk == WALK_ELSEWHERE)
        ask_committed(question);
    else if (walk == WALK_FOUND)
        question_end_offset(question, offset);
    else
        question_end_error(question, fail_boots_first());
}

static void ask_committed(struct question *question) {
    question->query.queue_id = question->place.item->queue_id;
    question->query.set_zero_if_not_found = false;
    question->query.has.set_zero_if_not_found = true;
    ask(question, REQUEST_QUERY_CONSUMER_OFFSET, layout_query_consumer_offset(), &question->query, take_committed);
}

enum err static_query_offset(struct call *call, struct topic *topic, const struct queue_mapping_detail *mapping,
                             const struct hdr_query_consumer_offset *header) {
    struct place place;
    int64_t offset = 0;
    TRY(place_find(mapping, header->queue_id, INT64_MAX, &place));
    place.item = logic_queue_last(place.queue);
    enum walk walk = committed_here(call->broker, &place, header->topic, header->consumer_group, &offset);
    if (walk == WALK_FOUND) return offset_answer(call, offset);
    if (walk == WALK_NOT_FOUND) return fail_boots_first();
    struct question *question = question_make(call, topic, &place);
    must(header_decode(layout_query_consumer_offset(), &question->request->command, &question->query) == ERR_OK);
    ask_committed(question);
    return ERR_OK;
}

enum err static_update_offset(struct call *call, struct topic *topic, const struct queue_mapping_detail *mapping,
                              const struct hdr_update_consumer_offset *header) {
    struct broker *broker = call->broker;
    struct place place;
    TRY(place_find(mapping, header->queue_id, header->commit_offset, &place));
    int64_t offset = logic_to_physical(place.item, header->commit_offset);
    if (is_here(&place)) {
        struct progress *progress = offsets_progress(broker->offsets, header->topic, header->consumer_group, true);
        if (!progress) return fail(ERR_BAD_PARAMETER, "the names of topic and group are too long");
        progress_commit(broker->offsets, progress, place.item->queue_id, offset);
        return ERR_OK;
    }
    struct question *question = question_make(call, topic, &place);
    must(header_decode(layout_update_consumer_offset(), &question->request->command, &question->update) == ERR_OK);
    question->update.queue_id = place.item->queue_id;
    question->update.commit_offset = offset;
    ask(question, REQUEST_UPDATE_CONSUMER_OFFSET, layout_update_consumer_offset(), &question->update, take_as_it_is);
    return ERR_OK;
}
