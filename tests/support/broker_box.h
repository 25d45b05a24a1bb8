/* broker_box.h - a broker of our own in this process, in a folder of its own, on any free port; and peers that speak to
 * it over sockets, one step at a time. What has to work ends the process with must() when it does not. */
#ifndef TESTS_SUPPORT_BROKER_BOX_H
#define TESTS_SUPPORT_BROKER_BOX_H

#include <pthread.h>
#include <sys/types.h>
#include "broker/broker.h"
#include "message/record.h"
#include "wire/header.h"
#include "wire/request.h"
#include "wire/response.h"

enum { BROKER_BOX_SETTINGS_MAX = 16 };

struct broker_box {
    char root[64];
    const char *settings[BROKER_BOX_SETTINGS_MAX]; /* "key=value" */
    size_t setting_count;
    struct broker broker;
    pthread_t thread;
    atomic_bool booted;
};
void broker_box_init(struct broker_box *box); /* small log files; listenPort=0, brokerIP1=127.0.0.1 */
void broker_box_set(struct broker_box *box, const char *setting);
void broker_box_start(struct broker_box *box); /* returns when it has booted */
void broker_box_stop(struct broker_box *box);  /* as SIGTERM does; may be started again on the same store */
void broker_box_close(struct broker_box *box); /* stops it when it runs; removes the folder */

/* The broker in a child process instead, so that it can be killed: gives its pid and port. Before any
 * broker_box_start of this process. */
pid_t broker_box_fork(struct broker_box *box, uint16_t *port);
void broker_box_kill(pid_t child); /* SIGKILL; returns when it is gone */

/* One connection. */
struct peer {
    int fd;
    struct buf in;
    struct arena arena;
    size_t taken; /* bytes of the command that was given out last */
    int32_t opaque;
};
void peer_open(struct peer *peer, uint16_t port);
void peer_close(struct peer *peer);
/* Takes the next connection to a listening socket: the peer is a server then. */
void peer_accept(struct peer *peer, int listening_fd);
int peer_listen(uint16_t *port); /* on 127.0.0.1 */

/* Sends a command; ext fields of `layout` from `fields`, both may be NULL. Returns its opaque. flag: COMMAND_FLAG_...
 */
int32_t peer_send(struct peer *peer, int32_t code, const struct header_layout *layout, const void *fields,
                  struct bytes body, int32_t flag);
void peer_send_bytes(struct peer *peer, struct bytes bytes);
void peer_answer(struct peer *peer, const struct command *request, int32_t code);
/* The next command; valid until the next call. false: nothing came in that time, or the connection is closed. */
bool peer_next(struct peer *peer, int64_t timeout_ms, struct command *out);
bool peer_closed(struct peer *peer, int64_t timeout_ms); /* by the other side */
/* Sends a request and waits for its answer; what else comes meanwhile is passed over. */
void peer_call(struct peer *peer, int32_t code, const struct header_layout *layout, const void *fields,
               struct bytes body, struct command *out);

/* A send with queue id 0, 4 queues for a new topic, born now. */
struct hdr_send_message_v2 send_header(const char *topic, const char *properties);
/* Sends one and gives the answer's header; its code must be `code`. */
struct hdr_send_result peer_send_message(struct peer *peer, const char *topic, const char *properties, const char *body,
                                         int32_t code);
/* A pull with its own subscription. */
struct hdr_pull_message pull_header(const char *group, const char *topic, int32_t queue_id, int64_t offset);
/* The records of a pull's body; returns their number. */
size_t pull_records(struct bytes body, struct record *out, size_t max);

#endif
