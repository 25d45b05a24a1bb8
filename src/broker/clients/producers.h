/* producers.h - who is connected as a producer. @thread any; LOCK_CLIENTS. @source shared facts: behaviour 7 */
#ifndef RMQ_BROKER_PRODUCERS_H
#define RMQ_BROKER_PRODUCERS_H

#include "broker/clients/client.h"

struct producers;
enum err producers_open(struct broker *broker, struct producers **out) MUST_USE;
void producers_close(struct producers *producers);

void producers_register(struct producers *producers, struct bytes group, const struct client *client);
void producers_unregister(struct producers *producers, struct bytes group, struct bytes client_id,
                          struct client_channel channel);
void producers_channel_closed(struct producers *producers, struct client_channel channel);
void producers_expire(struct producers *producers, int64_t now_ms); /* silent for 120 s */
/* The next one of the group, round robin; false if none. For checks of transactions. */
bool producers_pick(struct producers *producers, struct bytes group, struct client_channel *out);
/* The connection of the producer with that client id, whatever its group. For replies. */
bool producers_find_client(struct producers *producers, struct bytes client_id, struct client_channel *out);
/* Each producer, group by group; texts are valid during the visit. LOCK_CLIENTS is held: be short. */
void producers_each(struct producers *producers,
                    void (*visit)(struct bytes group, const struct client *client, void *arg), void *arg);

#endif
