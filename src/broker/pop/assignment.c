/* assignment.c - shares of queues */
#include "broker/pop/assignment.h"

#include "base/check.h"

struct shares {
    const struct assignment_input *input;
    struct message_queue *queues;
    size_t count;
};

static void add(struct shares *shares, struct message_queue queue) {
    for (size_t i = 0; i < shares->count; i++)
        if (message_queue_equal(&shares->queues[i], &queue)) return;
    shares->queues[shares->count++] = queue;
}

/* client_count when it is none of the group. */
static size_t client_index(const struct assignment_input *input) {
    size_t i = 0;
    while (i < input->client_count && !bytes_equal(input->clients[i], input->client_id)) i++;
    return i;
}

/* The first clients get one queue more when they cannot be divided evenly. */
static void add_average(struct shares *shares, size_t client) {
    const struct assignment_input *input = shares->input;
    size_t each = input->queue_count / input->client_count, more = input->queue_count % input->client_count;
    size_t first = client * each + MIN(client, more), count = each + (client < more ? 1 : 0);
    for (size_t i = first; i < first + count; i++) add(shares, input->queues[i]);
}

static void add_by_circle(struct shares *shares, size_t client) {
    const struct assignment_input *input = shares->input;
    for (size_t i = client; i < input->queue_count; i += input->client_count) add(shares, input->queues[i]);
}

static void add_share(struct shares *shares, size_t client) {
    if (bytes_is(shares->input->strategy, "AVG"))
        add_average(shares, client);
    else
        add_by_circle(shares, client);
}

/* Everybody pops from everywhere. */
static void add_brokers(struct shares *shares) {
    for (size_t i = 0; i < shares->input->queue_count; i++) {
        struct message_queue any = shares->input->queues[i];
        any.queue_id = -1;
        add(shares, any);
    }
}

/* Its own share and those of the next clients. */
static void add_pop_share(struct shares *shares, size_t client) {
    const struct assignment_input *input = shares->input;
    int64_t share = input->mode.share_queue_num;
    if (share <= 0 || share >= (int64_t)input->client_count - 1) {
        add_brokers(shares);
        return;
    }
    if (client == input->client_count || input->queue_count == 0) return;
    if (input->client_count > input->queue_count) {
        add(shares, input->queues[client % input->queue_count]);
        return;
    }
    for (int64_t i = 0; i <= share; i++) add_share(shares, (client + (size_t)i) % input->client_count);
}

bool assignment_make(const struct assignment_input *input, struct arena *arena, const struct message_queue **out,
                     size_t *count) {
    if (!bytes_is(input->strategy, "AVG") && !bytes_is(input->strategy, "AVG_BY_CIRCLE")) return false;
    struct shares shares = {.input = input};
    shares.queues = arena_calloc(arena, input->queue_count + 1, sizeof *shares.queues);
    size_t client = client_index(input);
    if (input->mode.pop)
        add_pop_share(&shares, client);
    else if (client < input->client_count)
        add_share(&shares, client);
    *out = shares.queues;
    *count = shares.count;
    return true;
}
