/* mapping_clean.h - the first stretches of queues of static topics go when retention has emptied them: then who asks
 * where a queue begins needs their broker no more, which may leave the cluster.
 * @source apache/rocketmq TopicQueueMappingCleanService */
#ifndef RMQ_BROKER_MAPPING_CLEAN_H
#define RMQ_BROKER_MAPPING_CLEAN_H

enum { MAPPING_CLEAN_PERIOD_MS = 300000 };

/* Looks at all static topics, one stretch of each queue that this broker leads; asks the other brokers and changes the
 * mappings when they have answered. @thread work */
void mapping_clean(void *broker);

#endif
