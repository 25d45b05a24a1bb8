/* broker.h - the broker as a whole: what its parts share, and the order in which they start and stop.
 *
 * Threads: main (accept, signals, name servers), net-i (reactors), work-i (what may wait), delay, timer, revive,
 * transaction, and the store's own.
 * A reactor never waits for a disk or a peer; what has to goes to a work thread (work.h) and comes back by reactor_run.
 *
 * Parts: each x.h has `enum err x_open(struct broker *, struct x **out)`, which loads the part's file, and
 * `void x_close(struct x *)` (NULL is fine), which saves what changed. They are opened in the order of the members
 * below and closed in reverse; no reactor or work thread runs any more when they are closed. */
#ifndef RMQ_BROKER_BROKER_H
#define RMQ_BROKER_BROKER_H

#include "broker/broker_config.h"
#include "message/record.h"
#include "net/loop.h"
#include "remoting/remoting.h"
#include "store/store.h"

struct broker;

/* One event loop with its channels. Also the `owner` of its remoting: request->owner. */
struct reactor {
    struct broker *broker;
    size_t index; /* also its bit in queue_watch, for pulls; pops have the one REACTORS_MAX above */
    struct loop *loop;
    struct remoting *remoting;
    struct send_turn *send_turn;       /* messages to be stored at the end of this turn */
    struct parked_sends *parked_sends; /* replies that wait for the disk */
    struct held_pulls *held_pulls;     /* pulls that wait for messages */
    struct held_pops *held_pops;       /* pops and notices that wait for messages */
    atomic_int cold_looks;             /* pulls and pops that wait for the disk */
    struct reactor_jobs *jobs;         /* see reactor_run */
    bool running;                      /* its thread; @thread main */
};

enum { CONFIG_SECTIONS_MAX = 3 };

struct broker {
    struct broker_config config;
    struct store_config store_config;
    struct config_section sections[CONFIG_SECTIONS_MAX]; /* of the two above; for requests 25 and 26 */
    size_t section_count;
    const char *config_path; /* of -c; NULL = none */

    struct host store_host;                            /* brokerIP1:listenPort as records carry it */
    char address[ADDRESS_TEXT_MAX];                    /* the same as text: what name servers hear */
    char ha_address[ADDRESS_TEXT_MAX];                 /* brokerIP2 and the port for slaves */
    int64_t boot_time_ms;                              /* wall clock */
    _Atomic int64_t config_changes, config_changed_ms; /* by request 25; the DataVersion of 26 */

    struct store *store;
    struct topics *topics;
    struct mappings *mappings;
    struct groups *groups;
    struct offsets *offsets;
    struct producers *producers;
    struct filter_data *filter_data;
    struct consumers *consumers;
    struct order_locks *order_locks;
    struct cold_control *cold_control;
    struct stats *stats;
    struct work *work;
    struct delay *delay;
    struct timer *timer; /* NULL: timerWheelEnable=false */
    struct request_modes *request_modes;
    struct order_infos *order_infos;
    struct lite *lite;
    struct topic *revive_topic; /* never deleted */
    atomic_uint pop_count;      /* chooses revive queues in turn */
    atomic_size_t held_pop_count;
    struct revive *revive;
    struct cluster_routes *cluster_routes;
    struct topic_counts *transaction_counts;
    struct half_messages *half_messages;
    struct transaction_check *transaction_check;
    struct registration *registration;

    struct loop *main_loop;
    struct remoting *main_remoting; /* calls to name servers; serves nothing */
    struct remoting_server *server, *fast_server;
    uint16_t port; /* of `server`, also when listenPort is 0 */
    struct loop_task stop_task;
    struct loop_timer stop_timer; /* clients are told to go away until it fires */
    struct reactor *reactors;
    size_t reactor_count;
    atomic_bool stopping;
};

/* Opens everything and listens; nothing is accepted before broker_run. `broker` has its config filled in and
 * finished; it is zeroed elsewhere. Undoes what it did when it fails; the detail names cause and fix. */
enum err broker_open(struct broker *broker) MUST_USE;
/* Serves until SIGTERM, SIGINT or broker_stop; unregisters then. `booted` is called once, when each name server has
 * been tried. */
enum err broker_run(struct broker *broker, void (*booted)(struct broker *broker)) MUST_USE;
void broker_stop(struct broker *broker); /* @thread any, while broker_run runs */
/* Answers what is held, saves, closes the store. */
void broker_close(struct broker *broker);

/* Runs run(reactor, arg) on the reactor's thread, in the order of the calls. Allocates; not for hot paths.
 * What is still pending when the broker stops runs before the reactor ends. @thread any */
void reactor_run(struct reactor *reactor, void (*run)(struct reactor *reactor, void *arg), void *arg);

/* Permission bits of the broker itself (brokerPermission). */
bool broker_readable(const struct broker *broker);
bool broker_writable(const struct broker *broker);

/* A number in [0, count), for choosing among queues; 0 when there are none. @thread any */
int32_t random_below(int32_t count);

/* One of the slices that a get found, for an answer. */
static inline struct slice slice_of(const struct get *get, size_t i) {
    const struct store_slice *found = &get->slices[i];
    return (struct slice){found->bytes, found->hold ? get->release : NULL, found->hold};
}

/* "<storePathRootDir>/config/<name>" in `arena`. */
const char *broker_config_file(const struct broker *broker, struct arena *arena, const char *name);

#endif
