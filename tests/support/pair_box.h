/* pair_box.h - two brokers, called a and b, with a name server and a peer of each. What has to work ends the process
 * with must() when it does not. */
#ifndef TESTS_SUPPORT_PAIR_BOX_H
#define TESTS_SUPPORT_PAIR_BOX_H

#include "support/broker_box.h"
#include "support/namesrv_box.h"

enum { A, B, PAIR };

struct pair_box {
    struct namesrv_box namesrv;
    struct broker_box boxes[PAIR];
    struct peer peers[PAIR];
};
/* The settings, up to NULL, are those of both brokers. */
void pair_box_start(struct pair_box *pair, const char *const *settings);
void pair_box_close(struct pair_box *pair);

/* PAIR_CALL(&pair, A, GET_MAX_OFFSET, get_max_offset, BYTES("body"), &answer, .topic = ...): a request and its answer.
 */
#define PAIR_CALL(pair, on, NAME, header, body, answer, ...)                                                           \
    peer_call(&(pair)->peers[on], REQUEST_##NAME, layout_##header(),                                                   \
              &(struct hdr_##header){.present = HEADER_ALL, __VA_ARGS__}, body, answer)

#endif
