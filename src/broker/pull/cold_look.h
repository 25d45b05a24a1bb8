/* cold_look.h - a look at messages that are not in memory: a read thread brings them in, then the look is made again.
 * Memory may be too short to keep them until then; after some tries the read thread copies them, so that every look
 * comes to an end. Pulls, pops and pops of lite topics have this one way to the disk. */
#ifndef RMQ_BROKER_COLD_LOOK_H
#define RMQ_BROKER_COLD_LOOK_H

#include "broker/broker.h"

/* Looks again. `copy` is NULL, or the get that was cold, answered; who takes its slices sets slice_count to 0, those
 * that are left are released after the call. @thread the reactor's own */
typedef void cold_again(struct reactor *reactor, void *ctx, struct get *copy, struct arena *arena);

/* The disk is waited for elsewhere; then again(ctx) is called, once. `get` is the one that was GET_COLD, what it
 * matches with lives until then; `tries`: how often this was asked for before, for the same look. ERR_BUSY: too many
 * wait, `again` is not called. @thread the reactor's own */
enum err cold_look_later(struct reactor *reactor, const struct get *get, int32_t tries, cold_again *again,
                         void *ctx) MUST_USE;

#endif
