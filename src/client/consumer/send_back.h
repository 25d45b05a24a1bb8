/* send_back.h - failed messages go back to the broker, which delivers them again later or puts them to the dead
 * letters: by CONSUMER_SEND_MSG_BACK, else as a message to the retry topic. @thread the I/O thread
 * @source apache/rocketmq client/.../impl/consumer/DefaultMQPushConsumerImpl.java sendMessageBack */
#ifndef RMQ_CLIENT_SEND_BACK_H
#define RMQ_CLIENT_SEND_BACK_H

#include "client/message_ext.h"

struct rmq_push_consumer;
/* Ends with done, once; it had no success: the message must be consumed here again. The caller keeps it till then. */
typedef void send_back_done(struct rmq_message_ext *message, bool success);
void send_back(struct rmq_push_consumer *consumer, struct rmq_message_ext *message, int32_t delay_level,
               send_back_done *done);
/* Only the second way, as orderly consumers do when a message has failed too often. */
void send_back_to_retry_topic(struct rmq_push_consumer *consumer, struct rmq_message_ext *message,
                              int32_t reconsume_times, send_back_done *done);
/* After how many failures a message goes to the dead letters. */
int32_t send_back_max_reconsume_times(const struct rmq_push_consumer *consumer);

#endif
