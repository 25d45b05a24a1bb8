/* message_track.h - whether the groups of its topic have consumed a message. */
#ifndef RMQ_ADMIN_MESSAGE_TRACK_H
#define RMQ_ADMIN_MESSAGE_TRACK_H

#include "admin/admin.h"

/* A line for every group of the topic, a warning when there is none. What cannot be found out of a group is said in
 * its line. */
enum err message_track_print(struct admin *admin, const rmq_message_ext_t *message) MUST_USE;

#endif
