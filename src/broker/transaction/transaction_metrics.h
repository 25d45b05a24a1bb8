/* transaction_metrics.h - how many half messages of each topic wait for the end of their transaction: the file
 * config/transactionMetrics. A statistic: a crash may leave it wrong, a damaged file is begun anew. @thread any.
 * @source shared facts: store 6 */
#ifndef RMQ_BROKER_TRANSACTION_METRICS_H
#define RMQ_BROKER_TRANSACTION_METRICS_H

#include "broker/broker.h"

struct transaction_metrics;
enum err transaction_metrics_open(struct broker *broker, struct transaction_metrics **out) MUST_USE;
void transaction_metrics_close(struct transaction_metrics *metrics); /* saves */
void transaction_metrics_save(struct transaction_metrics *metrics);  /* if something changed. Waits for the disk */

/* `change` more of that real topic; takes LOCK_STATS for the first of a topic. */
void transaction_metrics_add(struct transaction_metrics *metrics, struct bytes topic, int64_t change);
int64_t transaction_metrics_count(const struct transaction_metrics *metrics, struct bytes topic);

#endif
