/* mock_broker.h - a name server and brokers in one, in this process, whose answers a test writes: every request is
 * noted and given to the function registered for its code, which answers or keeps silent. What has no function gets a
 * sensible default: routes name this broker with four queues, a send is stored nowhere and acknowledged, a heartbeat
 * succeeds, a pull stays unanswered. @thread any, unless said otherwise */
#ifndef RMQ_TESTS_MOCK_BROKER_H
#define RMQ_TESTS_MOCK_BROKER_H

#include "remoting/remoting.h"
#include "wire/body_topic_route.h"

struct mock_broker;
/* Answers with remoting_reply, now or later, or not at all. @thread the mock's */
typedef void mock_answer(struct mock_broker *mock, struct request *request, void *arg);

struct mock_broker *mock_broker_start(const char *broker_name);
void mock_broker_stop(struct mock_broker *mock);
const char *mock_broker_address(const struct mock_broker *mock); /* "127.0.0.1:port" */
/* From now on `answer` gets the requests with this code; NULL restores the default. */
void mock_broker_on(struct mock_broker *mock, int32_t code, mock_answer *answer, void *arg);
/* The default answer, for functions that only want to look. @thread the mock's */
void mock_broker_answer(struct mock_broker *mock, struct request *request);
/* No answer, ever. @thread the mock's */
mock_answer mock_broker_be_silent;
/* How many requests with this code have come. */
int mock_broker_count(struct mock_broker *mock, int32_t code);
/* Waits up to 10 s until that many have come; false if they did not. */
bool mock_broker_wait(struct mock_broker *mock, int32_t code, int count);
/* Another broker set that routes name too. Before clients ask. */
void mock_broker_add_peer(struct mock_broker *mock, const char *broker_name, const char *address);
void mock_broker_set_queues(struct mock_broker *mock, int32_t queue_count);
/* Ends the connections of all clients. */
void mock_broker_disconnect(struct mock_broker *mock);
/* Asks every connected client, oneway. */
void mock_broker_tell(struct mock_broker *mock, int32_t code, const struct header_layout *layout, const void *fields,
                      struct bytes body);
/* Asks the client that connected last; `done` runs on the mock's thread. */
void mock_broker_ask(struct mock_broker *mock, const struct outgoing *request, call_done *done, void *ctx);

#endif
